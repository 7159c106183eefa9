"""Songs of two or three joined parts that differ in one label, and which label holds when.

They come from the demo corpus' own plans, so each part is played as a track of that corpus is: the parts of a song
share artist, piece, instruments and tempo but for the one label that changes, and the whole song is one recording
(room, tone, loudness). Only where the genre changes is the piece another's. All parts of a song are of one split, and
no artist is in two.
"""

import contextlib
import csv
import dataclasses
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from tfrecords_tools.demo import instruments, render
from tfrecords_tools.demo.corpus import compose, write_corpus_manifest
from tfrecords_tools.demo.plan import TrackPlan, plan_corpus
from tfrecords_tools.demo.rendered import render_all, render_unless_kept, require_renderer
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file
from tfrecords_tools.program import progress

SEGMENTS_FILE = "segments.csv"
SEGMENT_COLUMNS = ("track_id", "start", "end", "genre", "mood", "instrument", "tempo")
# Label -> fields of a plan that a part takes from another plan.
LABELS = {
    "genre": ("genre", "artist", "scores"),
    "mood": ("mood",),
    "instrument": ("families",),
    "tempo": ("tempo",),
}
LEAST_TEMPO_STEP = 20.0  # beats a minute between two parts; the demo's rule calls 5 similar
PART_SECONDS = (10.0, 18.0)  # shortest and longest
# The demo corpus whose plans are taken: its size as `dmml-records demo` makes it, so that a network which has heard
# its train split knows no artist of the test songs.
_TRACKS, _SECONDS = 400, 30.0
_SPLITS = ("test", "valid", "train")


@dataclasses.dataclass(frozen=True)
class JoinedSong:
    """A song to be made.

    Attributes:
        track_id: split, number and the label that changes.
        changed: the label in which its parts differ, a key of `LABELS`.
        parts: plans of two or three parts; `seconds` of each is its length.
    """

    track_id: str
    changed: str
    parts: tuple[TrackPlan, ...]

    @property
    def edges(self) -> list[float]:
        """Seconds at which the parts begin, and the song's end."""
        return [0.0, *np.cumsum([part.seconds for part in self.parts]).tolist()]

    @property
    def as_catalogued(self) -> TrackPlan:
        """What a catalogue with one label a song would say of it: the longest part's plan, under the song's id."""
        longest = max(self.parts, key=lambda part: part.seconds)
        return dataclasses.replace(longest, track_id=self.track_id)


def build_joined(
    folder: str | os.PathLike, train: int = 240, valid: int = 48, test: int = 64, seed: int = 0, workers: int = 0
) -> pathlib.Path:
    """Plans and renders the songs; what is already there from the same plan and code is kept.

    Args:
        folder: receives `audio/*.flac` (22,050 Hz, stereo), `plans/*.json`, `manifest.csv` with one label a song
            (see `JoinedSong.as_catalogued`) and `segments.csv` with the labels of each part.
        train, valid, test: songs of each split; each label changes in as many.
        seed: of the songs and of the demo corpus whose plans they take; the same seed gives the same bytes.
        workers: processes; 0 is one a core, 1 stays in this process.

    Returns:
        Path of `manifest.csv`.

    Raises:
        UserError: on missing packages.
    """
    require_renderer("songs of joined parts")
    plans, counts = plan_corpus(_TRACKS, seed, _SECONDS), {"train": train, "valid": valid, "test": test}
    songs = [song for split, count in counts.items() for song in draw_songs(plans, split, count, seed)]
    return render_joined(pathlib.Path(folder), songs, workers)


def render_joined(folder: pathlib.Path, songs: Sequence[JoinedSong], workers: int = 0) -> pathlib.Path:
    """Renders the songs of a plan; arguments, files and result are those of `build_joined`."""
    folder.mkdir(parents=True, exist_ok=True)
    # While songs are replaced, the labels of an earlier seed or version must not pass for theirs.
    for name in ("manifest.csv", SEGMENTS_FILE):
        (folder / name).unlink(missing_ok=True)
    with contextlib.closing(render_all(render_song, songs, folder, workers)) as results:
        titles = dict(progress(results, total=len(songs), label="render"))
    _write_segments(folder / SEGMENTS_FILE, songs)
    write_corpus_manifest(folder, [song.as_catalogued for song in songs], titles)
    return folder / "manifest.csv"


def draw_songs(
    plans: Sequence[TrackPlan],
    split: str,
    count: int,
    seed: int,
    seconds: tuple[float, float] = PART_SECONDS,
) -> list[JoinedSong]:
    """Draws `count` songs from the plans of a split: each label changes in as many, every second four have three parts.

    Args:
        plans: of the demo corpus; those of other splits are passed over.
        split: train, valid or test.
        count: number of songs.
        seed: all depends on it.
        seconds: shortest and longest part.

    Raises:
        UserError: if no two of the plans differ in some label.
    """
    plans, songs = [plan for plan in plans if plan.split == split], []
    for number in range(count):
        rng = np.random.default_rng([seed, 0x6A6F696E + _SPLITS.index(split), number])
        changed = list(LABELS)[number % len(LABELS)]
        base = plans[rng.integers(len(plans))]
        parts = [_of_length(base, rng, seconds)]
        for _ in range(1 + number // len(LABELS) % 2):
            others = [plan for plan in plans if _differ(changed, parts[-1], plan)]
            if not others:
                raise UserError(f"all {split} tracks of the corpus are alike in '{changed}'; make a larger corpus")
            other = others[rng.integers(len(others))]
            taken = {field: getattr(other, field) for field in LABELS[changed]}
            parts.append(_of_length(dataclasses.replace(base, **taken), rng, seconds))
        songs.append(JoinedSong(f"{split}-{number:03d}-{changed}", changed, tuple(parts)))
    return songs


def render_song(song: JoinedSong, folder: pathlib.Path) -> tuple[str, str]:
    """Writes `audio/<track_id>.flac` unless it is there from this very plan and code; returns id and title."""

    def play() -> tuple[np.ndarray, str]:
        dry = []
        for part in song.parts:
            piece, _ = compose(part)
            seats = instruments.seat(part.families, np.random.default_rng([part.seed, 1]))
            dry.append(render.synthesise(render.midi_bytes(piece, seats, part.tempo, part.seconds), part.seconds))
        samples = render.record(np.concatenate(dry), np.random.default_rng([song.parts[0].seed, 2]))
        place = SEGMENT_COLUMNS.index(song.changed) - SEGMENT_COLUMNS.index("genre")
        return samples, ", ".join(_labels(part)[place] for part in song.parts)

    return render_unless_kept(song, folder, play)


def _write_segments(path: pathlib.Path, songs: Sequence[JoinedSong]) -> None:
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SEGMENT_COLUMNS)
        for song in songs:
            for start, end, part in zip(song.edges, song.edges[1:], song.parts):
                writer.writerow([song.track_id, f"{start:.1f}", f"{end:.1f}", *_labels(part)])


def _labels(part: TrackPlan) -> tuple[str, str, str, str]:
    """Cells of genre, mood, instrument and tempo, as in the manifest."""
    return part.genre, part.mood, "|".join(part.families), f"{part.tempo:.2f}"


def _of_length(plan: TrackPlan, rng: np.random.Generator, seconds: tuple[float, float]) -> TrackPlan:
    return dataclasses.replace(plan, seconds=float(np.round(rng.uniform(*seconds), 1)))


def _differ(label: str, one: TrackPlan, other: TrackPlan) -> bool:
    """Whether two plans may follow each other where `label` changes."""
    if label == "tempo":
        return abs(one.tempo - other.tempo) >= LEAST_TEMPO_STEP
    if label == "instrument":
        return not set(one.families) & set(other.families)
    return getattr(one, label) != getattr(other, label)
