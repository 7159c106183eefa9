"""`dmml export`: writes a run's SavedModel, from audio samples to the embedding and its sub-spaces."""

from pathlib import Path

from absl import flags

from dmml_tf.run import Run
from dmml_tf.serving.export import export_saved_model

EXPORT_FOLDER = Path("export", "dmml")


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    flags.DEFINE_string("run", None, "Folder of a trained run.", flag_values=fv, required=True)
    flags.DEFINE_string("out", None, "Folder of the model, which gets a folder for the version; "
                        f"default: RUN/{EXPORT_FOLDER}.", flag_values=fv)


def run(fv: flags.FlagValues) -> None:
    """Writes the SavedModel and says what it takes and gives."""
    trained = Run.load(fv.run)
    folder = Path(fv.out) if fv.out else Path(fv.run) / EXPORT_FOLDER
    path = export_saved_model(trained.embedding(), trained.conditions, trained.features, folder)
    features, outputs = trained.features, ", ".join(["embedding", *trained.conditions.subspaces])
    print(f"{path}: audio [batch, {features.excerpt_samples}] at {features.sample_rate} Hz -> {outputs}")
