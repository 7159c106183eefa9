"""The flags that say which machines work, which `dmml-records build` and `dmml embed` share."""

from absl import flags

from tfrecords_tools.errors import UserError, require_extra

LOCAL, DASK, BEAM = "local", "dask", "beam"
_PACKAGES = {DASK: ("distributed",), BEAM: ("apache_beam", "threadpoolctl")}


def define_runner_flags(fv: flags.FlagValues, seen: str) -> None:
    """Defines `--runner`, `--scheduler ADDRESS` and `--beam_args ARGUMENTS`.

    Args:
        fv: to define them in.
        seen: what all workers must see, for the help.
    """
    flags.DEFINE_enum(
        "runner",
        LOCAL,
        (LOCAL, DASK, BEAM),
        "local: processes on this machine. dask: a cluster of dask.distributed, see --scheduler; extra [dask]. beam: "
        f"an Apache Beam pipeline, see --beam_args; extra [beam]. All workers must see {seen} under the same paths.",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "scheduler", None, "Address of the scheduler for --runner=dask, such as tcp://HOST:8786.", flag_values=fv
    )
    flags.DEFINE_string(
        "beam_args",
        "",
        'Arguments of Apache Beam in one string, such as "--runner=FlinkRunner --flink_master=HOST:8081"; default: its '
        "DirectRunner on this machine.",
        flag_values=fv,
    )


def check_runner(fv: flags.FlagValues) -> None:
    """Checks that the flags fit each other, and that what the runner needs is installed.

    Raises:
        UserError: if not.
    """
    for flag, runner in (("beam_args", BEAM), ("scheduler", DASK)):
        if fv[flag].value and fv.runner != runner:
            raise UserError(f"--{flag} is for --runner={runner}; give both or neither")
    if fv.runner != LOCAL:
        require_extra(fv.runner, f"--runner={fv.runner}", *_PACKAGES[fv.runner])
    if fv.runner == DASK and not fv.scheduler:
        raise UserError("--runner=dask needs --scheduler, such as --scheduler=tcp://HOST:8786")
