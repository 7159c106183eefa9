"""Made songs of two or three joined parts that differ in one label, with the truth where they join.

They come from the demo corpus' own plans, so each part is played as a track of the corpus is: the
parts of a song share artist, piece, instruments and tempo but for the one label that changes, and the
whole song is one recording (room, tone, loudness). Only where the genre changes is the piece another's.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfrecords_tools.demo.plan import TrackPlan
from tfrecords_tools.errors import UserError
from tfrecords_tools.files import whole_file

# Label -> fields of a plan that a part takes from another plan.
LABELS = {
    "genre": ("genre", "artist", "scores"),
    "mood": ("mood",),
    "instrument": ("families",),
    "tempo": ("tempo",),
}
LEAST_TEMPO_STEP = 20.0  # beats a minute between two parts; the demo's rule calls 5 similar
SHORTEST, LONGEST = 10.0, 18.0  # seconds of a part
SPLIT = "test"  # artists that no training has heard


@dataclasses.dataclass(frozen=True)
class MadeSong:
    """A song to be made.

    Attributes:
        name: of its file, without suffix.
        changed: the label in which its parts differ.
        parts: plans of two or three parts; `seconds` of each is its length.
    """

    name: str
    changed: str
    parts: tuple[TrackPlan, ...]

    @property
    def joins(self) -> list[float]:
        """Seconds at which a part ends and the next begins."""
        return np.cumsum([part.seconds for part in self.parts])[:-1].tolist()


def read_plans(corpus: Path) -> list[TrackPlan]:
    """The plans of the corpus' test tracks, by id.

    Raises:
        UserError: if there is none: the dataset is not the demo's, or its corpus was removed.
    """
    plans = []
    for path in sorted((corpus / "plans").glob("[!.]*.json")):
        try:
            plan = json.loads(path.read_text(encoding="utf-8"))["plan"]
            plans.append(TrackPlan(**{**plan, "families": tuple(plan["families"]), "scores": tuple(plan["scores"])}))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path}: is no plan of a track ({error}); make the corpus again with: dmml-records demo --out {corpus}"
            ) from error
    plans = [plan for plan in plans if plan.split == SPLIT]
    if not plans:
        raise UserError(
            f"{corpus / 'plans'}: no plan of a test track; the study makes its songs as the demo corpus is "
            "made: name a dataset with its corpus beside it, as `dmml demo` leaves it"
        )
    return plans


def draw_songs(plans: Sequence[TrackPlan], count: int, seed: int) -> list[MadeSong]:
    """Draws `count` songs: each label changes in as many, every second song has three parts.

    Raises:
        UserError: if no two of the plans differ in some label.
    """
    songs = []
    for number in range(count):
        rng, changed = np.random.default_rng([seed, 0x6A6F696E, number]), list(LABELS)[number % len(LABELS)]
        base = plans[rng.integers(len(plans))]
        parts = [_of_length(base, rng)]
        for _ in range(1 + number // len(LABELS) % 2):
            others = [plan for plan in plans if _differ(changed, parts[-1], plan)]
            if not others:
                raise UserError(f"all test tracks of the corpus are alike in '{changed}'; make a larger corpus")
            other = others[rng.integers(len(others))]
            taken = {field: getattr(other, field) for field in LABELS[changed]}
            parts.append(_of_length(dataclasses.replace(base, **taken), rng))
        songs.append(MadeSong(f"{number:03d}-{changed}", changed, tuple(parts)))
    return songs


def render_song(song: MadeSong, folder: Path) -> Path:
    """Plays a song into `folder/NAME.flac`, unless it is there; returns the path."""
    import soundfile

    from tfrecords_tools.demo import instruments, render
    from tfrecords_tools.demo.corpus import compose

    path = folder / f"{song.name}.flac"
    if path.exists():
        return path
    dry = []
    for part in song.parts:
        piece, _ = compose(part)
        seats = instruments.seat(part.families, np.random.default_rng([part.seed, 1]))
        dry.append(render.synthesise(render.midi_bytes(piece, seats, part.tempo, part.seconds), part.seconds))
    samples = render.record(np.concatenate(dry), np.random.default_rng([song.parts[0].seed, 2]))
    with whole_file(path) as temporary:
        soundfile.write(temporary, samples, render.SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return path


def _of_length(plan: TrackPlan, rng: np.random.Generator) -> TrackPlan:
    return dataclasses.replace(plan, seconds=float(np.round(rng.uniform(SHORTEST, LONGEST), 1)))


def _differ(label: str, one: TrackPlan, other: TrackPlan) -> bool:
    """Whether two plans may follow each other where `label` changes."""
    if label == "tempo":
        return abs(one.tempo - other.tempo) >= LEAST_TEMPO_STEP
    if label == "instrument":
        return not set(one.families) & set(other.families)
    return getattr(one, label) != getattr(other, label)
