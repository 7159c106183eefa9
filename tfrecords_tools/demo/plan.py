"""What each track of the demo corpus will be: labels crossed by design, artists kept in one split."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tfrecords_tools.check.mutual_information import mutual_information
from tfrecords_tools.demo import bands, instruments, moods, scores
from tfrecords_tools.errors import UserError

GENRES = (*scores.GENRES, *bands.GENRES)
SLOWEST, FASTEST = 60.0, 180.0
# Ten artists a genre: seven to learn from, one to validate on, two that nothing is tuned on.
ARTISTS = {"train": (0, 1, 2, 3, 4, 5, 6), "valid": (7,), "test": (8, 9)}
SHARES = {"train": 0.70, "valid": 0.12, "test": 0.18}
_TRIALS = 100


@dataclasses.dataclass(frozen=True)
class TrackPlan:
    """Everything that decides a track's sound.

    Attributes:
        track_id: unique, sortable.
        seed: decides all that is drawn for this track alone.
        corpus_seed: decides what an artist's tracks have in common.
        seconds: length.
        split: train, valid or test.
        genre: one of `GENRES`.
        artist: index of the artist within the genre.
        mood: a key of `moods.MOODS`.
        families: instrument tags.
        tempo: beats a minute, two decimals.
        scores: files to try in order, for a genre of scores; empty for a band.
        programs: of `families`, in their order; empty is the one of `instruments.FAMILIES` for each.
        soundfont: a file in the corpus's folder; empty is TimGM6mb.
        claves: whether they are struck on every beat.
    """

    track_id: str
    seed: int
    corpus_seed: int
    seconds: float
    split: str
    genre: str
    artist: int
    mood: str
    families: tuple[str, ...]
    tempo: float
    scores: tuple[str, ...] = ()
    programs: tuple[instruments.Program, ...] = ()
    soundfont: str = ""
    claves: bool = True

    @property
    def artist_name(self) -> str:
        """Name for people, unique over the corpus."""
        return f"{self.genre} {'source' if self.genre in scores.GENRES else 'band'} {self.artist}"


def plan_corpus(tracks: int, seed: int, seconds: float, shares: Mapping[str, float] = SHARES) -> list[TrackPlan]:
    """Draws the corpus.

    Args:
        tracks: number of tracks; each genre needs one for each split, so fewer than 30 hold fewer genres.
        seed: all depends on it.
        seconds: length of each track.
        shares: split -> share of its tracks.

    Raises:
        UserError: on fewer than 6 tracks (two genres).
    """
    if tracks < 6:
        raise UserError(f"--tracks={tracks}: two genres in three splits need at least 6 tracks")
    if seconds < 3:
        raise UserError(f"--seconds={seconds:g}: an excerpt has 3 s, a track cannot be shorter")
    plans = []
    for k, (split, genres) in enumerate(_genres_by_split(tracks, shares).items()):
        plans += _plan_split(split, genres, np.random.default_rng([seed, 1, k]), seed, seconds)
    plans = [
        dataclasses.replace(plan, track_id=f"demo-{k:04d}", seed=seed * 1_000_003 + k)
        for k, plan in enumerate(sorted(plans, key=lambda plan: (GENRES.index(plan.genre), plan.artist)))
    ]
    return _with_scores(plans)


def label_columns(plans: Sequence[TrackPlan]) -> dict[str, np.ndarray]:
    """Label columns as `mutual_information` reads them: tags int [N, M] padded with -1, tempo float [N]."""
    names = list(instruments.FAMILIES)
    return {
        "genre": np.array([[GENRES.index(plan.genre)] for plan in plans]),
        "mood": np.array([[list(moods.MOODS).index(plan.mood)] for plan in plans]),
        "instrument": _tag_ids([plan.families for plan in plans], names),
        "tempo": np.array([plan.tempo for plan in plans]),
    }


def _genres_by_split(tracks: int, shares: Mapping[str, float]) -> dict[str, list[str]]:
    """Each split's genres, one entry a track."""
    genres = GENRES if tracks >= 3 * len(GENRES) else _spread(GENRES, tracks // 3)
    result: dict[str, list[str]] = {split: [] for split in SHARES}
    for k, genre in enumerate(genres):
        count = tracks // len(genres) + (k < tracks % len(genres))
        valid, test = (max(1, round(count * shares[split])) for split in ("valid", "test"))
        for split, size in (("train", count - valid - test), ("valid", valid), ("test", test)):
            result[split] += [genre] * size
    return result


def _spread(items: Sequence[str], count: int) -> list[str]:
    return [items[k * len(items) // count] for k in range(count)]


def _plan_split(split: str, genres: list[str], rng: np.random.Generator, seed: int, seconds: float) -> list[TrackPlan]:
    """Assigns mood, instruments and tempo one after another, each nearly independent of those before."""
    count = len(genres)
    columns = {"genre": np.array([[GENRES.index(genre)] for genre in genres])}
    mood_names = list(moods.MOODS)

    def draw_moods() -> np.ndarray:
        # Within a genre every mood is as frequent as its tracks allow.
        order = np.empty(count, int)
        for genre in dict.fromkeys(genres):  # A set's order would differ from one process to the next.
            places = [k for k, other in enumerate(genres) if other == genre]
            order[places] = rng.permutation((rng.integers(4) + np.arange(len(places))) % 4)
        return order[:, None]

    columns["mood"] = _most_independent(draw_moods, columns)
    families = instruments.draw_families(count, rng)
    ids = _tag_ids(families, list(instruments.FAMILIES))
    columns["instrument"] = _most_independent(lambda: ids[rng.permutation(count)], columns)
    steps = (np.arange(count) + rng.random(count)) / count
    tempos = np.round(SLOWEST + (FASTEST - SLOWEST) * steps, 2)
    columns["tempo"] = _most_independent(lambda: tempos[rng.permutation(count)], columns)

    family_names = list(instruments.FAMILIES)
    artists = {genre: iter(_artists(split, genres.count(genre))) for genre in dict.fromkeys(genres)}
    return [
        TrackPlan(
            track_id="",
            seed=0,
            corpus_seed=seed,
            seconds=seconds,
            split=split,
            genre=genre,
            artist=next(artists[genre]),
            mood=mood_names[columns["mood"][k, 0]],
            families=tuple(family_names[tag] for tag in columns["instrument"][k] if tag >= 0),
            tempo=float(columns["tempo"][k]),
        )
        for k, genre in enumerate(genres)
    ]


def _artists(split: str, count: int) -> list[int]:
    return [ARTISTS[split][k % len(ARTISTS[split])] for k in range(count)]


def _most_independent(draw: Callable[[], np.ndarray], columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns the one of many draws that tells least about the columns that are already there."""
    candidates = [draw() for _ in range(_TRIALS)]
    bits = np.array([[mutual_information(other, column) for other in columns.values()] for column in candidates])
    # Relative to the pair's mean: in bits, pairs of many states would outweigh mood and tempo.
    return candidates[int((bits / np.maximum(bits.mean(axis=0), 1e-9)).max(axis=1).argmin())]


def _tag_ids(tags: Sequence[Sequence[str]], vocabulary: list[str]) -> np.ndarray:
    ids = np.full((len(tags), max(map(len, tags))), -1)
    for row, names in zip(ids, tags):
        row[: len(names)] = sorted(vocabulary.index(name) for name in names)
    return ids


def _with_scores(plans: list[TrackPlan]) -> list[TrackPlan]:
    """Gives each track of a score genre works of its artist, a different first one to each track."""
    taken: dict[tuple[str, int], int] = {}
    result = []
    for plan in plans:
        if plan.genre in scores.GENRES:
            number = sum(map(len, ARTISTS.values()))
            works = scores.files_of_artist(plan.genre, plan.artist, number)
            # Works far apart in the range; those behind them step in where a work does not fit its genre.
            k = taken[plan.genre, plan.artist] = taken.get((plan.genre, plan.artist), -1) + 1
            first = (plan.corpus_seed + k * 7) % len(works)
            plan = dataclasses.replace(plan, scores=(works[first:] + works[:first])[:6])
        result.append(plan)
    return result
