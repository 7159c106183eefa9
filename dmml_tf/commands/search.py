"""`dmml search`: the tracks most similar to a track of the index, to several, or to an audio file."""

import json
from pathlib import Path

from absl import flags

from dmml_tf.search import show
from dmml_tf.search.index import INDEX_FOLDER, Index, Query
from dmml_tf.search.query import by_embedding, by_tracks
from dmml_tf.search.weights import parse_weights
from tfrecords_tools.errors import UserError


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_string("run", None, "Folder of a trained run with an index.", flag_values=fv, required=True)
    flags.DEFINE_multi_string("track", [], "Id of a track in the index; given several times, what they have in common.",
                              flag_values=fv)
    flags.DEFINE_string("audio", None, "Audio file to search by: wav, flac, ogg or mp3 of at least 3 s.",
                        flag_values=fv)
    flags.DEFINE_string("weights", None, "How much each condition counts, as in tempo=1,genre=0.2; those left out "
                        "count 0; default: each counts 1.", flag_values=fv)
    flags.DEFINE_integer("k", 5, "Number of results.", flag_values=fv)
    flags.DEFINE_bool("json", False, "Print JSON in place of a table.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the results."""
    if bool(fv.track) == bool(fv.audio):
        raise UserError("give either --track ID (one or more) or --audio FILE")
    weights = None if fv.weights is None else parse_weights(fv.weights)
    index = Index.load(Path(fv.run) / INDEX_FOLDER)
    query = by_tracks(index, fv.track) if fv.track else _by_audio(fv.audio, fv.run, index)
    hits = index.search(query, weights, fv.k)
    if fv.json:
        asked = {"tracks": list(query.sources), "audio": fv.audio, "weights": weights}
        print(json.dumps({"query": asked, "results": show.as_json(hits)}, indent=1, ensure_ascii=False))
        return
    names = [show.describe(index.tracks[index.position(track)]) for track in query.sources] or [fv.audio]
    print("\n".join([*(f"query {name}" for name in names), show.table(hits)]))


def _by_audio(path: str, folder: str, index: Index) -> Query:
    # Imported here, so that a search by id does not wait for TensorFlow.
    from dmml_tf.run import Run
    from dmml_tf.search.audio_query import embed_audio
    from dmml_tf.search.build import weights_sha256

    trained = Run.load(folder)
    embedding = trained.embedding()
    if index.model != weights_sha256(trained):
        raise UserError(f"{folder}: the index was made by other weights than the run now has; make it again with: "
                        f"dmml index --run {folder}")
    return by_embedding(embed_audio(path, embedding, trained.features), index.conditions)
