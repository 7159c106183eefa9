"""A pipeline of Apache Beam by the arguments of a command line, and its end: what can go wrong is one line.

The DirectRunner runs here as Beam's FnApiRunner, because a plain DirectRunner first tries to download another program.
"""

import contextlib
import shlex

import apache_beam as beam
import grpc
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from tfrecords_tools.errors import UserError

_HERE = (None, "DirectRunner")
# Their job servers have options of their own, which are known only when one is asked.
_WITH_JOB_SERVER = ("FlinkRunner", "SparkRunner", "PortableRunner")


def pipeline_of(arguments: str = "") -> beam.Pipeline:
    """An empty pipeline.

    Args:
        arguments: what Beam takes on a command line, such as `--runner=FlinkRunner --flink_master=HOST:8081`;
            empty takes the DirectRunner.

    Raises:
        UserError: if they cannot be read, hold an option that Beam does not know, or lack one.
    """
    options = _options(arguments)
    runner = options.view_as(StandardOptions).runner
    if str(runner).endswith("DaskRunner"):
        raise UserError("--beam_args: Beam's DaskRunner gives a step's outputs mixed; give --runner=dask in its place")
    try:
        return beam.Pipeline("FnApiRunner" if runner in _HERE else runner, options)
    except (ValueError, ImportError) as error:
        raise UserError(f"--beam_args: {error}") from error


def _options(arguments: str) -> PipelineOptions:
    try:
        words = shlex.split(arguments)
    except ValueError as error:
        raise UserError(f"--beam_args={arguments}: cannot be read ({error})") from error
    options = PipelineOptions(words)

    def refuse(message: str) -> None:
        raise UserError(f"--beam_args: {message}; see --beam_args=--help")

    def check(parser) -> None:
        # Beam itself would print its usage on a wrong value, and pass over an unknown option.
        parser.error = refuse
        known, unknown = parser.parse_known_args(words)
        if unknown and known.runner not in _WITH_JOB_SERVER:
            refuse(f"'{unknown[0]}' is not an option of Apache Beam {beam.__version__}")

    options.get_all_options(add_extra_args_fn=check)
    return options


def wait_for(pipeline: beam.Pipeline, go_on: str) -> None:
    """Runs a pipeline to its end; Ctrl-C ends it.

    Args:
        pipeline: with all its steps.
        go_on: says how the work goes on after a failure.

    Raises:
        UserError: if it fails.
    """
    result = None
    try:
        result = pipeline.run()
        result.wait_until_finish()
    except (RuntimeError, grpc.RpcError, grpc.FutureTimeoutError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(
            f"the Beam pipeline failed ({lines[-1][:300]}); Beam's own messages say more; {go_on}"
        ) from error
    except KeyboardInterrupt:
        # A job that runs on would write into the folder of the work that goes on.
        if result is not None:
            with contextlib.suppress(NotImplementedError):
                result.cancel()
        raise
