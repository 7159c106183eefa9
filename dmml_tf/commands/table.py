"""`dmml table`: every system of a paper trained and scored alike, in the paper's own tables."""

import functools
from pathlib import Path

from absl import flags

from dmml_tf.commands.configuration import config_name, define_config_flag, read_config
from dmml_tf.commands.judged_flags import define_judged_flags
from dmml_tf.papers.build import build_table
from dmml_tf.papers.files import write_table
from dmml_tf.papers.held_out_side import HumanTriplets
from tfrecords_tools.errors import UserError


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of the command."""
    define_config_flag(fv)
    flags.DEFINE_string("data", None, "Folder of a built dataset.", required=True, flag_values=fv)
    flags.DEFINE_string(
        "out",
        None,
        "Folder of the table; default: runs/tables/NAME, after the configuration's file. "
        "Trained networks go beside it into 'trained', which all tables share.",
        flag_values=fv,
    )
    define_judged_flags(fv)


def run(fv: flags.FlagValues) -> None:
    """Makes the table and prints it; its files are rewritten after each row.

    Raises:
        UserError: on bad input, and at the end if a row failed: the others are in the table by then.
    """
    table = read_config(fv)
    if bool(fv.dim_sim) != bool(fv.clips):
        raise UserError("--dim_sim and --clips go together: the judgements, and the folder where their clips are")
    judged = HumanTriplets.read(fv.dim_sim, fv.clips, fv.agreement) if fv.dim_sim else None
    out = Path(fv.out or Path("runs/tables") / config_name(fv))
    outcomes = build_table(table, fv.data, out, functools.partial(write_table, out, {}), judged)
    print((out / "table.md").read_text(encoding="utf-8"))
    print(f"written: {', '.join(str(out / f'table.{form}') for form in ('md', 'csv', 'json', 'png'))}")
    failed = [outcome.row.name for outcome in outcomes if outcome.failed]
    if failed:
        raise UserError(
            f"{len(failed)} of {len(outcomes)} rows failed: {', '.join(failed)}; the reasons are in "
            f"{out / 'table.md'}, mend them and run the same command again, which tries these alone"
        )
