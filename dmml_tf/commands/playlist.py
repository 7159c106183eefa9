"""`dmml playlist`: songs like some and unlike others, and not too like each other."""

import json
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from dmml_tf.commands.rule_flags import chosen_rules, define_rule_flags
from dmml_tf.commands.song_flags import Songs, define_song_flags
from dmml_tf.library.playlist import MOST_SONGS, SONGS, VARIETY, Listed, Taste, make_playlist
from dmml_tf.search import show
from dmml_tf.search.weights import parse_weights


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_song_flags(fv)
    flags.DEFINE_multi_string(
        "track",
        [],
        "Id of a song, or an audio file, that the playlist begins with; may be given often.",
        flag_values=fv,
    )
    flags.DEFINE_multi_string("like", [], "A song that counts as one of --track, but is not in it.", flag_values=fv)
    flags.DEFINE_multi_string("dislike", [], "A song to be unlike; counts half of what is to be alike.", flag_values=fv)
    flags.DEFINE_integer(
        "songs",
        None,
        f"Length in songs, those of --track included; default: {SONGS}.",
        lower_bound=1,
        upper_bound=MOST_SONGS,
        flag_values=fv,
    )
    flags.DEFINE_float("minutes", None, "Length in minutes, in place of songs.", flag_values=fv)
    flags.DEFINE_string(
        "weights", None, "How much each condition counts, as in mood=1,tempo=0.5; default: each 1.", flag_values=fv
    )
    flags.DEFINE_float(
        "variety", VARIETY, "0: only what is most alike; 1: only what differs from the songs before.", flag_values=fv
    )
    define_rule_flags(fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the playlist."""
    weights, rules = None if fv.weights is None else parse_weights(fv.weights), chosen_rules(fv)
    songs = Songs.chosen(fv)
    taste = Taste(*([songs.query(name) for name in names] for names in (fv.track, fv.like, fv.dislike)))
    listed = make_playlist(songs.index, taste, fv.songs, fv.minutes, weights, fv.variety, rules)
    written = None
    if fv.m3u:
        written = songs.write_m3u(fv.m3u, [song.track or Path(name) for song, name in _named(listed, fv.track)])
    if fv.format == "json":
        rows = [
            {
                "rank": rank,
                **(show.track_json(song.track, songs.sound) if song.track else {"path": name}),
                "likeness": song.likeness,
                "nearest": song.nearest,
            }
            for rank, (song, name) in enumerate(_named(listed, fv.track), 1)
        ]
        asked = {"tracks": fv.track, "likes": fv.like, "dislikes": fv.dislike, "weights": weights}
        print(json.dumps({"query": {**asked, "filters": fv.filter}, "songs": rows}, indent=1, ensure_ascii=False))
        return
    table = []
    for rank, (song, name) in enumerate(_named(listed, fv.track), 1):
        track = song.track or {"id": name}
        texts = [show.printable(track["id"]), *(show.fit(track.get(column, "")) for column in ("title", "artist"))]
        table.append([str(rank), *texts, f"{song.likeness:.3f}", f"{song.nearest:.3f}"])
    print(show.text_table(["#", "id", "title", "artist", "likeness", "nearest"], table, 4))
    if written:
        print(written)


def _named(listed: Sequence[Listed], seeds: Sequence[str]) -> list[tuple[Listed, str]]:
    """Each song with what it was named as, of the seeds, which come first."""
    return [(song, seeds[place] if place < len(seeds) else "") for place, song in enumerate(listed)]
