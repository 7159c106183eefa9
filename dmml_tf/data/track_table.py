"""What is known of a dataset's tracks without their sound: `tracks.csv`, or the records where it is missing."""

from collections.abc import Iterator, Sequence

from dmml_tf.data.records import read_tracks
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.tables.tracks import TRACKS_FILE, TrackRow, track_rows


def track_table(dataset: Dataset, splits: Sequence[str]) -> Iterator[TrackRow]:
    """Yields the rows of some splits' tracks, one in memory at a time.

    A million rows of `tracks.csv` take seconds. Shards that were copied without it are read whole instead.

    Raises:
        UserError: as `tfrecords_tools.tables.tracks.track_rows` and `dmml_tf.data.records.read_tracks`.
    """
    if (dataset.folder / TRACKS_FILE).exists():
        yield from (row for row in track_rows(dataset.folder, dataset.schema) if row.split in splits)
        return
    for split in splits:
        # A split that is not there has no tracks; only who trains on it must have some.
        yield from _record_rows(dataset, split) if dataset.tracks(split) else ()


def _record_rows(dataset: Dataset, split: str) -> Iterator[TrackRow]:
    for number, row in enumerate(read_tracks(dataset, split), 1):
        tags = {
            name: tuple(vocabulary[tag] for tag in row[f"tags/{name}"])
            for name, vocabulary in dataset.schema.vocabularies.items()
        }
        values = {name: float(row[f"values/{name}"]) for name in dataset.schema.values}
        names = (row["track_id"], row["title"], row["artist"])
        yield TrackRow(number, *names, split, float(row["duration"]), tags, values)
