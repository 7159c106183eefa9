"""`dmml bench serve`: latency and throughput of a run's exported model, by batch size."""

from absl import flags

from dmml_tf.benchmarks.machine import machine_line
from dmml_tf.benchmarks.serving import bench, table
from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.run import Run
from dmml_tf.serving.export import EXPORT_FOLDER, VERSION
from tfrecords_tools.errors import UserError


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv, "Folder of a trained and exported run")
    flags.DEFINE_list("batches", ["1", "8", "64"], "Excerpts of 3 s in a call.", flag_values=fv)
    flags.DEFINE_integer("calls", 100, "Calls measured for each batch size.", lower_bound=1, flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Prints p50, p95, p99 and windows a second."""
    print(machine_line())
    trained = Run.load(chosen_run(fv))
    saved_model = trained.folder / EXPORT_FOLDER / VERSION
    if not saved_model.is_dir():
        raise UserError(f"{saved_model}: not found; write it first: dmml export --run {trained.folder}")
    if not all(text.isdecimal() and int(text) for text in fv.batches):
        raise UserError(f"--batches={','.join(fv.batches)}: give whole numbers from 1 on, such as 1,8,64")
    print(table(bench(saved_model, trained.features, [int(text) for text in fv.batches], fv.calls)))
