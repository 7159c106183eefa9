"""`dmml judge`: a local page on which people say which of two clips is more like a third."""

import contextlib
import secrets
import tempfile
import webbrowser
from pathlib import Path

from absl import flags

from dmml_tf.commands.page_flags import define_page_flags, has_desktop, parse_size
from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.pretrained.unpack import run_folder
from dmml_tf.run import Run
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError, require_extra


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv, "Folder of the trained run whose songs people compare")
    flags.DEFINE_string(
        "data",
        None,
        "Folder of the records, whose table says where each song's audio is; default: those the run was trained on.",
        flag_values=fv,
    )
    flags.DEFINE_string("out", None, "CSV of the votes, which is added to.", flag_values=fv)
    flags.DEFINE_enum("split", "test", ["train", "valid", "test"], "Split of the songs.", flag_values=fv)
    flags.DEFINE_integer("triplets", 100, "Questions, which every listener gets.", lower_bound=1, flag_values=fv)
    flags.DEFINE_float(
        "disagreeing",
        0.0,
        "Share of the questions that are about what the run's sub-spaces disagree about; the others are at random.",
        lower_bound=0.0,
        upper_bound=0.9,
        flag_values=fv,
    )
    flags.DEFINE_multi_string("beside", [], "Another run whose spaces may disagree; may be repeated.", flag_values=fv)
    flags.DEFINE_float(
        "repeats", 0.1, "Share of the questions that come twice.", lower_bound=0.0, upper_bound=1.0, flag_values=fv
    )
    flags.DEFINE_integer("seed", 0, "Seed of the triplets: the same one asks the same.", lower_bound=0, flag_values=fv)
    define_page_flags(fv, "listen and vote")


def run(fv: flags.FlagValues) -> None:
    """Serves the page until Ctrl-C, or writes a picture of it.

    Raises:
        UserError: as `dmml_tf.judge.asking.asking`, or if the run does not fit the records.
    """
    require_extra("explore", "dmml judge", "fastapi", "uvicorn")
    # Imported here, so that --help works without the extra.
    from dmml_tf.explore.guard import is_loopback
    from dmml_tf.explore.serve import listening, serve
    from dmml_tf.judge.app import create_app
    from dmml_tf.judge.asking import Options, asking
    from dmml_tf.judge.picture import write_picture

    size = parse_size(fv.size)
    if not fv.out and not fv.picture:
        raise UserError("give --out FILE.csv, which the votes are added to")
    runs = [Run.load(chosen_run(fv)), *(Run.load(run_folder(name)) for name in fv.beside)]
    dataset = Dataset.load(runs[0].records(fv.data), runs[0].features)
    options = Options(fv.split, fv.triplets, fv.disagreeing, fv.repeats, fv.seed)
    if fv.picture:
        # Nobody votes in a picture.
        with tempfile.TemporaryDirectory() as nowhere, asking(runs, dataset, Path(nowhere, "v"), options) as sessions:
            write_picture(sessions, Path(fv.picture), size, fv.dark)
        print(f"{fv.picture}: written")
        return
    token = "" if is_loopback(fv.host) else secrets.token_urlsafe(24)
    with (
        listening(fv.host, fv.port) as (opened, address),
        asking(runs, dataset, Path(fv.out), options) as sessions,
        contextlib.suppress(KeyboardInterrupt),  # the way to end it
    ):
        # After the `#`, since that part of an address is never sent, nor written into any server's log.
        address += f"#token={token}" if token else ""
        print(f"{address} asks; votes go to {fv.out}; Ctrl-C ends it", flush=True)
        if fv.open and has_desktop():
            webbrowser.open(address)
        serve(create_app(sessions, fv.host, token), opened)
    print("ended")
