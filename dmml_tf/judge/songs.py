"""The songs that people can be asked about: those of a split whose audio can be played."""

import dataclasses
from pathlib import Path

from dmml_tf.data.track_table import track_table
from dmml_tf.explore.audio_files import DatasetAudio
from tfrecords_tools.audio.decode import file_problem
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError

SECONDS = 3.0  # of a clip, as dim-sim's
_LEAST = 3  # songs: an anchor and two others


@dataclasses.dataclass(frozen=True)
class Song:
    """A song of the data.

    Attributes:
        track_id: its id.
        seconds: its length.
        file: its audio.
    """

    track_id: str
    seconds: float
    file: Path


def songs_to_play(dataset: Dataset, split: str) -> list[Song]:
    """The songs of a split that last for a clip at least and whose audio files are there, in the table's order.

    Raises:
        UserError: if the table of the data cannot be read, or there are fewer than three such songs.
    """
    audio = DatasetAudio.open(dataset.folder, needed=True)
    rows = [row for row in track_table(dataset, [split]) if row.duration >= SECONDS]
    files = [(row, audio.file(row.track_id)) for row in rows]
    songs = [Song(row.track_id, row.duration, file) for row, file in files if file and file_problem(file) is None]
    if len(songs) < _LEAST:
        raise UserError(
            f"{dataset.folder}: {len(songs)} songs of split '{split}' have audio to play, and a question takes "
            f"{_LEAST}; name the records with --data whose table says where the audio is, or another --split"
        )
    return songs
