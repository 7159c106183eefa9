"""What every row of a table is scored on: one split, one draw of triplets, one file of judgements."""

import dataclasses
import hashlib
import json
import os
from pathlib import Path

import numpy as np

from dmml_tf.conditions import Conditions, Labels
from dmml_tf.data.judgements.read import Judgements, read_dim_sim
from dmml_tf.data.records import label_arrays, read_tracks
from dmml_tf.data.signal import LogMelSignal
from dmml_tf.evaluation.by_condition import tagged
from dmml_tf.evaluation.held_out import HeldOut, hold_out
from tfrecords_tools.dataset import FILE_NAME, Dataset
from tfrecords_tools.errors import UserError

SPLIT = "test"


@dataclasses.dataclass(frozen=True)
class HumanTriplets:
    """People's judgements, and where their clips are.

    Attributes:
        judgements: those with enough agreement.
        clips: folder of audio or mel arrays.
        digest: of the judgements' file, the clips' paths, sizes and times of change, and the agreement asked for.
    """

    judgements: Judgements
    clips: Path
    digest: str

    @classmethod
    def read(cls, dim_sim: str | os.PathLike, clips: str | os.PathLike, agreement: float) -> "HumanTriplets":
        """From a file of dim-sim and the folder of its clips.

        Raises:
            UserError: as `read_dim_sim`, or if `clips` is no folder.
        """
        judgements, folder = read_dim_sim(dim_sim, agreement), Path(clips)
        if not folder.is_dir():
            raise UserError(f"{folder}: is no folder; name the one that holds the judged clips with --clips")
        asked = json.dumps([_files_below(folder), agreement]).encode()
        return cls(judgements, folder, hashlib.sha256(Path(dim_sim).read_bytes() + asked).hexdigest())


@dataclasses.dataclass(frozen=True)
class HeldOutSide:
    """The held-out side of a table.

    Attributes:
        dataset: whose test split is scored and whose train split the baselines are fitted on.
        data_sha256: of its `dataset.json`, which holds every shard's checksum.
        held_out: the triplets.
        labels: label columns of the tracks.
        rounds: of the bootstrap.
        tagging: whether tags are scored too, for which every system embeds the train split as well.
        judged: people's judgements, where given.
    """

    dataset: Dataset
    data_sha256: str
    held_out: HeldOut
    labels: Labels
    rounds: int
    tagging: bool
    judged: HumanTriplets | None

    @classmethod
    def read(
        cls,
        dataset: Dataset,
        conditions: Conditions,
        triplets: int,
        seed: int,
        rounds: int,
        tagging: bool,
        judged: HumanTriplets | None = None,
    ) -> "HeldOutSide":
        """Reads the test split once, without embedding it, and draws the triplets.

        Args:
            dataset: what the table is about.
            conditions: what rows are scored under, whatever each was trained on.
            triplets, seed: see `hold_out`.
            rounds, tagging, judged: as the attributes.

        Raises:
            UserError: as `read_tracks` and `hold_out`.
        """
        signal = LogMelSignal(dataset.features)
        rows: list[dict] = []
        starts: list[np.ndarray] = []
        for row in read_tracks(dataset, SPLIT):
            starts.append(signal.starts(row))
            del row[signal.field]
            rows.append(row)
        labels = label_arrays(dataset.schema, rows)
        tracks = np.repeat(np.arange(len(rows), dtype=np.int32), [len(firsts) for firsts in starts])
        held_out = hold_out(conditions, labels, tracks, np.concatenate(starts), triplets, seed, dataset.features)
        digest = hashlib.sha256((dataset.folder / FILE_NAME).read_bytes()).hexdigest()
        return cls(dataset, digest, held_out, labels, rounds, tagging, judged)

    @property
    def conditions(self) -> Conditions:
        """What rows are scored under, track triplets among them."""
        return self.held_out.conditions

    @property
    def compared(self) -> list[str]:
        """Names of the conditions whose mean is "overall": those between tracks that have a triplet."""
        return [c.name for c in self.conditions if not c.of_one_track and len(self.held_out.triplets[c.name])]

    @property
    def tagged(self) -> list[str]:
        """Names of the conditions whose tags can be scored."""
        return [condition.name for condition in tagged(self.conditions, self.dataset.schema.vocabularies)]


def _files_below(folder: Path) -> list[tuple[str, int, int]]:
    """(path inside the folder, bytes, nanoseconds of its last change), sorted: a clip that is added changes figures."""
    files = ((path.relative_to(folder).as_posix(), path.stat()) for path in folder.rglob("*") if path.is_file())
    return sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in files)
