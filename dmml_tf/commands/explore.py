"""`dmml explore`: a local web page to search a run by ear and eye."""

import os
import re
import secrets
import sys
import webbrowser
from pathlib import Path

from absl import flags

from dmml_tf.commands.run_flag import chosen_run, define_run_or_library_flags
from dmml_tf.explore.songs import Songs
from dmml_tf.search.weights import parse_weights, weight_vector
from tfrecords_tools.errors import UserError, require_extra

_LEAST_SIDE, _MOST_SIDE = 320, 4096  # pixels of a picture


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_or_library_flags(fv)
    flags.DEFINE_string(
        "data",
        None,
        "Folder of the records, whose table says where each song's audio is; default: those the run was trained on.",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "host",
        "127.0.0.1",
        "Where to listen. Another than this machine's own lets who has the address that is printed, with its token, "
        "search, hear the audio and send files.",
        flag_values=fv,
    )
    flags.DEFINE_integer("port", 8765, "Port; 0 takes a free one.", lower_bound=0, upper_bound=65535, flag_values=fv)
    flags.DEFINE_bool("open", True, "Open the page in the desktop's browser, if there is one.", flag_values=fv)
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
        "picture", None, "PNG to write of the page, as a headless Chromium shows it; then end.", flag_values=fv
    )
    flags.DEFINE_string("size", "1280x800", "Pixels of the picture.", flag_values=fv)
    flags.DEFINE_bool("dark", False, "Take the picture in dark colours.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Serves the page until Ctrl-C, or writes a picture of it."""
    require_extra("explore", "dmml explore", "fastapi", "uvicorn")
    # Imported here, so that --help works without the extra.
    from dmml_tf.explore.guard import is_loopback
    from dmml_tf.explore.picture import write_picture
    from dmml_tf.explore.serve import listening, serve

    size = parse_size(fv.size)
    songs = Songs.of_library(fv.library) if fv.library else Songs.of_run(chosen_run(fv), fv.data)
    chosen = _chosen(fv, songs)
    if fv.picture:
        write_picture(songs, Path(fv.picture), chosen, size, fv.dark)
        print(f"{fv.picture}: written")
        return
    token = "" if is_loopback(fv.host) else secrets.token_urlsafe(24)
    with listening(fv.host, fv.port) as (opened, address):
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
            serve(songs, opened, fv.host, token)
        except KeyboardInterrupt:
            pass  # the way to end it
        print("ended")


def parse_size(text: str) -> tuple[int, int]:
    """`"1280x800"` -> `(1280, 800)`; `UserError` if it is not of that form, or out of reason."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    width, height = map(int, found.groups()) if found else (0, 0)
    if not all(_LEAST_SIDE <= side <= _MOST_SIDE for side in (width, height)):
        raise UserError(
            f"--size: '{text}' is not of the form WIDTHxHEIGHT, as in 1280x800, of {_LEAST_SIDE} to "
            f"{_MOST_SIDE} pixels a side"
        )
    return width, height


def has_desktop() -> bool:
    """Whether a browser would open in a window: without, Python would start one in the terminal."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


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
