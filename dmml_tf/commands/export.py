"""`dmml export`: writes a run's model for TensorFlow Serving, TensorFlow Lite or ONNX Runtime."""

from pathlib import Path

from absl import flags

from dmml_tf.commands.run_flag import chosen_run, define_run_flag
from dmml_tf.run import Run
from dmml_tf.serving import warmup
from dmml_tf.serving.export import EXPORT_FOLDER, export_served
from dmml_tf.serving.portable import export_onnx, export_tflite
from dmml_tf.serving.server_files import docker_line

PORTABLE = {"tflite": export_tflite, "onnx": export_onnx}


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_run_flag(fv)
    flags.DEFINE_enum(
        "format",
        "saved_model",
        ["saved_model", *PORTABLE],
        "saved_model: from audio, for TensorFlow Serving; tflite, onnx: from log-mel windows.",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "out",
        None,
        "Folder of the model, which gets a folder for the version; "
        f"default: RUN/{EXPORT_FOLDER}. Or the file: RUN/{EXPORT_FOLDER}.tflite, .onnx.",
        flag_values=fv,
    )


def run(fv: flags.FlagValues) -> None:
    """Writes the model and says what it takes and gives."""
    trained = Run.load(chosen_run(fv))
    trained.require_slices()
    outputs = ", ".join(["embedding", *trained.conditions.subspaces])
    if fv.format in PORTABLE:
        path = Path(fv.out) if fv.out else trained.folder / EXPORT_FOLDER.with_suffix(f".{fv.format}")
        difference = PORTABLE[fv.format](trained.embedding(), trained.conditions, trained.features, path)
        print(
            f"{path}: log_mel [batch, {trained.features.window_frames}, {trained.features.n_mels}] -> {outputs}; "
            f"differs from the Keras model by {difference:.1g} at most"
        )
        return
    folder = Path(fv.out) if fv.out else trained.folder / EXPORT_FOLDER
    path = export_served(trained, folder)
    print(f"{path}: audio [batch, samples] at {trained.features.sample_rate} Hz, at least 3 s -> {outputs}")
    if not warmup.can_write():
        print("no warm-up records: tensorflow-serving-api is not installed (pip install 'dmml[serving]')")
    print(f"serve it: {docker_line(folder)}")
