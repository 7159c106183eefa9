"""Clips that people judged, cut from the records and drawn into the batches beside the other windows.

Source: training on people's votes (Lu et al., ISMIR 2017; Lee et al., ICASSP 2020, section 4.3 has the votes).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from absl import logging

from dmml_tf.conditions import ROLES, Conditions, Judged
from dmml_tf.conditions.labels import Array
from dmml_tf.data.forms import Form
from dmml_tf.data.join import join_windows, number_tracks
from dmml_tf.data.judgements.divide import VALID, divide
from dmml_tf.data.judgements.read import Judgements, read_dim_sim, read_odd_one_out
from dmml_tf.data.judgements.votes import Clip
from dmml_tf.data.pipeline import BatchPlan
from dmml_tf.data.records import pad_ids, read_tracks
from dmml_tf.data.signal import LOG_MEL, Signal
from dmml_tf.data.track_table import track_table
from dmml_tf.data.windows import Sound, Windows, draw_gains
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.program import progress

# A batch gets one judgement, of three windows, for every so many windows it has.
WINDOWS_A_JUDGEMENT = 8
_NAMED = 10  # missing clips that the log names

Triplet = tuple[Clip, Clip, Clip]


@dataclasses.dataclass(frozen=True)
class JudgedClips:
    """One split's judgements under one condition, with the sound of their clips.

    Attributes:
        column: label column of the codes.
        signal: what a window is made of.
        clips: the clips, each once.
        sound: of each clip what the record holds of it, as it holds it: half the memory of a window.
        starts: int32 [clips], first frame of each in its track.
        triplets: int32 [judgements, 3], rows of `clips`: anchor, the closer one, the other.
        missing: clip -> why no judgement with it can be used.
    """

    column: str
    signal: Signal
    clips: tuple[Clip, ...]
    sound: tuple[Array, ...]
    starts: Array
    triplets: Array
    missing: Mapping[Clip, str]

    @classmethod
    def read(
        cls, dataset: Dataset, split: str, condition: Judged, signal: Signal = LOG_MEL, seed: int = 0
    ) -> "JudgedClips":
        """Reads the condition's file and cuts its clips out of the records, in one pass over them.

        Which judgements are the split's: `dmml_tf.data.judgements.divide.divide`. The memory is that of the judged
        clips, however many tracks there are. Clips that are not in the data are counted and named in the log, and
        their judgements left out. A clip without a length (MagnaTagATune's) is a whole song: 3 s from its middle.

        Raises:
            UserError: if the file cannot be read, or leaves no judgement for `train`.
        """
        if not condition.file:
            raise UserError(
                f"condition '{condition.name}' has no file of judgements: name one, as "
                "--config.judgements=FILE does for configs/judged.py"
            )
        given = read_judgements(condition.file).triplets
        songs = {clip.song for triplet in given for clip in triplet}
        split_of = {row.track_id: row.split for row in track_table(dataset, [*dataset.splits]) if row.track_id in songs}
        mine = divide(given, split_of, seed)[split]
        missing = {clip: "no such track" for triplet in given for clip in triplet if clip.song not in split_of}
        cut, short = cut_clips(dataset, {c for triplet in mine for c in triplet}, split_of, signal)
        whole = [triplet for triplet in mine if all(clip in cut for clip in triplet)]
        judged = cls._of(condition, signal, cut, whole, {**missing, **short})
        judged._report(condition, split, len(given), short if split == VALID else judged.missing)
        return judged

    @classmethod
    def _of(
        cls,
        condition: Judged,
        signal: Signal,
        cut: Mapping[Clip, Any],
        whole: Sequence[Triplet],
        missing: Mapping[Clip, str],
    ) -> Self:
        clips = tuple(dict.fromkeys(clip for triplet in whole for clip in triplet))
        row = {clip: number for number, clip in enumerate(clips)}
        return cls(
            condition.column,
            signal,
            clips,
            tuple(cut[clip][0] for clip in clips),
            np.array([cut[clip][1] for clip in clips], np.int32),
            np.array([[row[clip] for clip in triplet] for triplet in whole], np.int32).reshape(-1, ROLES),
            missing,
        )

    def _report(self, condition: Judged, split: str, given: int, missing: Mapping[Clip, str]) -> None:
        print(
            f"condition '{condition.name}', split '{split}': {len(self.triplets)} of the {given} judgements of "
            f"{condition.file}, {len(self.clips)} clips"
        )
        # Both splits are read from one file; tracks that it names and the data lack are said once.
        if missing:
            named = [f"{clip.song} @ {clip.start:g} s ({reason})" for clip, reason in missing.items()]
            more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
            logging.warning(
                "condition '%s': %d clips of %s are not in the data, their judgements are left out: %s%s",
                condition.name,
                len(named),
                condition.file,
                ", ".join(named[:_NAMED]),
                more,
            )
        if not len(self.triplets) and split != VALID:
            raise UserError(
                f"{condition.file}: none of its {given} judgements has all three clips in split '{split}' "
                f"({len(self.missing)} clips are not in the data at all); put the judged tracks into one "
                "split by the manifest's split column"
            )

    def draw(self, count: int, rng: np.random.Generator) -> Windows:
        """The windows of at most `count` judgements, drawn without replacement.

        Returns:
            Each clip once, without gains, labelled with its codes and its place in its track. Tags are left out:
            these clips are here for the judgements.
        """
        chosen = self.triplets[rng.permutation(len(self.triplets))[:count]]
        rows, place = np.unique(chosen, return_inverse=True)
        codes: list[list[int]] = [[] for _ in rows]
        for code, row in enumerate(place.reshape(-1)):
            codes[row].append(code)  # 3 t + role is the place in the flat table
        sounds = [{self.signal.field: self.sound[row]} for row in rows]
        sound = Sound(self.signal.cut_all(sounds, [0] * len(rows)), np.zeros((len(rows), 2), np.float32))
        ids = [self.clips[row].song for row in rows]
        labels = {self.column: pad_ids(codes), "track": number_tracks(ids), "start": self.starts[rows]}
        return Windows(sound, labels, ids)


def with_judgements(
    form: Form, dataset: Dataset, split: str, conditions: Conditions, plan: BatchPlan, seed: int = 0
) -> Form:
    """The same form of batches to which every `judged` condition adds clips; `form` itself where there is none.

    The clips are read here, once; they get gains as the other windows do.

    Raises:
        UserError: as `JudgedClips.read`.
    """
    judged = [JudgedClips.read(dataset, split, c, form.signal, seed) for c in conditions if isinstance(c, Judged)]
    judged = [clips for clips in judged if len(clips.triplets)]
    count = max(1, plan.tracks * plan.windows // WINDOWS_A_JUDGEMENT)

    def make(windows: Windows, rng: np.random.Generator) -> tuple[Any, ...] | None:
        for clips in judged:
            drawn = clips.draw(count, rng)
            gains = draw_gains(len(drawn.track_ids), plan.equaliser_db, plan.gain_db, rng)
            windows = join_windows(windows, dataclasses.replace(drawn, sound=drawn.sound._replace(gains=gains)))
        return form.make(windows, rng)

    return dataclasses.replace(form, make=make) if judged else form


def read_judgements(path: str) -> Judgements:
    """MagnaTagATune's odd-one-out votes, or dim-sim's with the paper's agreement, as the file's own columns say.

    Raises:
        UserError: as the readers of `dmml_tf.data.judgements.read`.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            header = file.readline()
    except OSError:
        header = ""  # which the reader says better
    return read_odd_one_out(path) if "clip1_numvotes" in header else read_dim_sim(path)


def cut_clips(
    dataset: Dataset, clips: set[Clip], split_of: Mapping[str, str], signal: Signal
) -> tuple[dict[Clip, tuple[Array, int]], dict[Clip, str]]:
    """Cuts clips out of the records, in one pass over those of their splits.

    Args:
        dataset: the records.
        clips: all of them of tracks in `split_of`.
        split_of: track id -> split.
        signal: what is cut.

    Returns:
        Clip -> its sound as the record holds it and its first frame; clip -> why it has none.

    Raises:
        UserError: if the records do not hold the signal, or cannot be read.
    """
    signal.require(dataset)
    by_song: dict[str, list[Clip]] = {}
    for clip in clips:
        by_song.setdefault(clip.song, []).append(clip)
    cut, short = {}, {}
    for split in sorted({split_of[song] for song in by_song}):
        stream = read_tracks(dataset, split, optional=signal.optional)
        for row in progress(stream, dataset.tracks(split), f"judged clips of {split}"):
            for clip in by_song.get(row["track_id"], ()):
                start, frames = _first_frame(clip, row, signal), signal.features.window_frames
                if 2 * (signal.frames(row) - start) < frames:
                    short[clip] = "its track ends before"
                else:
                    cut[clip] = signal.stretch(row, start, frames), start
    return cut, short


def _first_frame(clip: Clip, row: Mapping[str, Any], signal: Signal) -> int:
    if clip.seconds is None and not clip.start:
        return max(0, (signal.frames(row) - signal.features.window_frames) // 2)
    return round(clip.start * signal.features.frames_per_second)
