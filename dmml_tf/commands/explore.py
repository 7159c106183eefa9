"""`dmml explore`: a local web page to search a run by ear and eye."""

import contextlib
import secrets
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from dmml_tf.commands.page_flags import define_page_flags, has_desktop, parse_size
from dmml_tf.commands.run_flag import chosen_run, define_run_or_library_flags
from dmml_tf.explore.songs import Songs
from dmml_tf.search.weights import parse_weights, weight_vector
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError, require_extra

if TYPE_CHECKING:
    from fastapi import FastAPI


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_or_library_flags(fv)
    flags.DEFINE_string(
        "data",
        None,
        "Folder of the records, whose table says where each song's audio is; default: those the run was trained on.",
        flag_values=fv,
    )
    flags.DEFINE_string("a", None, "Id of the song to begin with.", flag_values=fv)
    flags.DEFINE_string("b", None, "Id of a second song, for mix and match.", flag_values=fv)
    flags.DEFINE_list("from_b", [], "Conditions whose part is the second song's, as in tempo,genre.", flag_values=fv)
    flags.DEFINE_string(
        "weights", None, "Where the sliders stand, each from 0 to 1, as in tempo=1,genre=0.2.", flag_values=fv
    )
    flags.DEFINE_string("map", None, "Sub-space that the map shows; default: the first.", flag_values=fv)
    flags.DEFINE_enum(
        "view",
        None,
        ["search", "path", "playlist"],
        "What is made: similar songs, or a path or playlist.",
        flag_values=fv,
    )
    flags.DEFINE_multi_string("like", [], "Id of a song to make a playlist from; may be repeated.", flag_values=fv)
    flags.DEFINE_string(
        "votes",
        None,
        "CSV that votes are added to: the page then has another, on which people judge a hundred random triplets of "
        "the run's test songs (dmml judge asks otherwise).",
        flag_values=fv,
    )
    define_page_flags(fv, "search, hear the audio and send files")


def run(fv: flags.FlagValues) -> None:
    """Serves the page until Ctrl-C, or writes a picture of it."""
    require_extra("explore", "dmml explore", "fastapi", "uvicorn")
    # Imported here, so that --help works without the extra.
    from dmml_tf.explore.app import create_app
    from dmml_tf.explore.guard import is_loopback
    from dmml_tf.explore.picture import write_picture
    from dmml_tf.explore.serve import listening, serve

    size = parse_size(fv.size)
    if fv.votes and fv.library:
        raise UserError("--votes goes with --run: what is judged is cut from the records of a dataset")
    songs = Songs.of_library(fv.library) if fv.library else Songs.of_run(chosen_run(fv), fv.data)
    chosen = _chosen(fv, songs)
    if fv.picture:
        write_picture(songs, Path(fv.picture), chosen, size, fv.dark)
        print(f"{fv.picture}: written")
        return
    token = "" if is_loopback(fv.host) else secrets.token_urlsafe(24)
    app = create_app(songs, fv.host, token)
    with listening(fv.host, fv.port) as (opened, address), _judged(fv, songs, app):
        # After the `#`, since that part of an address is never sent, nor written into any server's log.
        state = "&".join(filter(None, [f"token={token}" if token else "", chosen]))
        address += f"#{state}" if state else ""
        heard = sum(songs.sound(row) is not None for row in range(min(len(songs.index.tracks), 1000)))
        if not heard:
            print(f"no song has a player: no audio found by way of {songs.audio.folder}; name the records with --data")
        print(f"{address} shows {len(songs.index.tracks)} songs of {songs.folder}; Ctrl-C ends it", flush=True)
        if fv.open and has_desktop():
            webbrowser.open(address)
        try:
            serve(app, opened)
        except KeyboardInterrupt:
            pass  # the way to end it
        print("ended")


@contextlib.contextmanager
def _judged(fv: flags.FlagValues, songs: Songs, app: "FastAPI") -> Iterator[None]:
    """Adds the page on which people judge, if it is asked for; its file of votes is open while the block lasts."""
    if not fv.votes:
        yield
        return
    from dmml_tf.judge.app import add_page
    from dmml_tf.judge.asking import Options, asking

    dataset = Dataset.load(songs.run.records(fv.data), songs.run.features)
    with asking([songs.run], dataset, Path(fv.votes), Options()) as sessions:
        add_page(app, sessions)
        yield


def _chosen(fv: flags.FlagValues, songs: Songs) -> str:
    index, weights = songs.index, None if fv.weights is None else parse_weights(fv.weights)
    weight_vector(weights, index.names)
    for name, weight in (weights or {}).items():
        if not 0 <= weight <= 1:
            raise UserError(f"--weights: the weight of '{name}' is {weight:g}; a slider goes from 0 to 1")
    for track in filter(None, (fv.a, fv.b, *fv.like)):
        index.position(track)
    for name in (*fv.from_b, *filter(None, [fv.map])):
        if name not in index.names:
            raise UserError(f"no condition '{name}' to take or to show; this index has: {', '.join(index.names)}")
    if fv.from_b and not fv.b:
        raise UserError("--from_b needs a second song; name it with --b ID")
    from dmml_tf.explore.picture import state

    return state(fv.a, fv.b, fv.from_b, weights, fv.map, fv.view, fv.like)
