"""`dmml scan`: a library of one's own music, made, or brought up to date with its folders."""

import functools
import os
from collections.abc import Sequence

from absl import flags

from dmml_tf.library.scan import Scan, scan
from dmml_tf.library.watch import watch
from tfrecords_tools.audio.excerpts import HELP


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_string(
        "library", None, "Folder of the library; it is made if it is not there.", required=True, flag_values=fv
    )
    flags.DEFINE_multi_string(
        "root",
        [],
        "Folder of music, at any depth, to add to the library's; --root may be left out, as in dmml scan MUSIC. "
        "Without one, the folders of before are scanned.",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "run",
        None,
        "Folder of a trained run; pretrained: the model that comes with the package; default: the library's own model.",
        flag_values=fv,
    )
    flags.DEFINE_integer(
        "excerpts", None, f"{HELP} Default: as the library was made, a new one 0.", lower_bound=0, flag_values=fv
    )
    flags.DEFINE_bool(
        "reembed", False, "Embed all songs anew if the model, or --excerpts, is another now.", flag_values=fv
    )
    flags.DEFINE_bool("confirm_gone", False, "Leave out what is gone, however much that is.", flag_values=fv)
    flags.DEFINE_bool("retry", False, "Try again what could not be used before.", flag_values=fv)
    flags.DEFINE_integer("workers", 0, "Processes that read and decode; 0: one a core.", lower_bound=0, flag_values=fv)
    flags.DEFINE_bool("watch", False, "Go on looking at the folders until Ctrl-C.", flag_values=fv)
    flags.DEFINE_float("every", 60.0, "Seconds between two looks.", lower_bound=0.1, flag_values=fv)
    flags.DEFINE_integer("nice", 0, "Let others go before: as nice does.", 0, 19, flag_values=fv)


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """Folders, which need no flag, as `--root=FOLDER`."""
    out: list[str] = []
    for place, argument in enumerate(arguments):
        is_value = (
            place > 0 and arguments[place - 1].lstrip("-") in _WITH_VALUE and arguments[place - 1].startswith("-")
        )
        out.append(argument if argument.startswith("-") or is_value else f"--root={argument}")
    return out


_WITH_VALUE = ("library", "root", "run", "excerpts", "workers", "nice", "every")


def run(fv: flags.FlagValues) -> None:
    """Scans and says what was found."""
    if fv.nice:
        os.nice(fv.nice)
    asked = Scan(fv.root, fv.run, fv.reembed, fv.confirm_gone, fv.retry, fv.workers, excerpts=fv.excerpts)
    if fv.watch:
        watch(fv.library, asked, fv.every, functools.partial(print, flush=True))
    else:
        print(scan(fv.library, asked))
