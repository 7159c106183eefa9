"""How often a system agrees with people: triplet accuracy on judged clips, and where the clips' sound comes from.

Source: Lee et al., ICASSP 2020, section 4.3 (dim-sim, whole space). The clips are audio files, or mel arrays as the
authors' tutorial distributes them.
"""

import dataclasses
import itertools
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePath

import numpy as np

from dmml_tf.data.judgements.clips import cut_clips
from dmml_tf.data.judgements.read import Judgements
from dmml_tf.data.judgements.votes import Clip
from dmml_tf.data.signal import Signal
from dmml_tf.data.track_table import track_table
from dmml_tf.embed.embedder import Embedder
from dmml_tf.evaluation.accuracy import Score, triplet_accuracy
from tfrecords_tools.audio.decode import AudioError, load_mono, mono_blocks, seconds_of
from tfrecords_tools.audio.suffixes import AUDIO_SUFFIXES
from tfrecords_tools.dataset import Dataset
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel
from tfrecords_tools.names import spellings
from tfrecords_tools.program import progress

Embed = Callable[[np.ndarray], np.ndarray]  # log-mel float32 [frames, bands] -> vector float [E]
SoundOf = Callable[[Clip], np.ndarray]  # a clip -> its sound as `Embed` takes it


class ClipError(UserError):
    """One clip that cannot be used; the message is the reason, without the clip's name."""


@dataclasses.dataclass(frozen=True)
class EmbeddedClips:
    """Judged clips as vectors, by any system.

    Attributes:
        vectors: float32 [N, E], the clips that could be used, not normalised.
        songs: int [N], numbers of the clips' songs.
        triplets: int32 [n, 3] rows of `vectors`, those judgements whose three clips could be used.
        missing: clip ("song" or "song @ start s") -> why it could not be used.
        without_clips: judgements left out for a missing clip.
        kept: int [n], which of the judgements given `triplets` are.
    """

    vectors: np.ndarray
    songs: np.ndarray
    triplets: np.ndarray
    missing: Mapping[str, str]
    without_clips: int
    kept: np.ndarray


def embed_clips(judgements: Judgements, folder: str | os.PathLike, embed: Embed, features: LogMel) -> EmbeddedClips:
    """Embeds every clip that takes part in a judgement, one in memory at a time.

    Args:
        judgements: from `dmml_tf.data.judgements.read`.
        folder: of audio files or mel arrays, see `clip_log_mel`.
        embed: the system: `network_embed(embedder)`, or a baseline's `embed`.
        features: the signal chain of the system.
    """
    below = Path(folder)
    return embed_judged(judgements.triplets, lambda clip: clip_log_mel(clip, below, features), embed)


def embed_judged(triplets: Sequence[tuple[Clip, Clip, Clip]], sound_of: SoundOf, embed: Embed) -> EmbeddedClips:
    """Embeds every clip of some triplets, each once.

    Args:
        triplets: of clips.
        sound_of: clip -> its sound in the form that `embed` takes; `ClipError` where there is none.
        embed: the system.
    """
    clips = list(dict.fromkeys(clip for triplet in triplets for clip in triplet))
    vectors: list[np.ndarray] = []
    rows: dict[Clip, int] = {}
    missing: dict[str, str] = {}
    for clip in progress(clips, len(clips), "clips"):
        try:
            sound = sound_of(clip)
        except ClipError as error:
            missing[_name(clip)] = str(error)
            continue
        rows[clip] = len(vectors)
        vectors.append(np.asarray(embed(sound), np.float32))
    kept = [number for number, triplet in enumerate(triplets) if all(clip in rows for clip in triplet)]
    names = {song: number for number, song in enumerate(sorted({clip.song for clip in rows}))}
    return EmbeddedClips(
        np.stack(vectors) if vectors else np.zeros((0, 0), np.float32),
        np.array([names[clip.song] for clip in rows], np.int64),
        np.array([[rows[clip] for clip in triplets[number]] for number in kept], np.int32).reshape(-1, 3),
        missing,
        len(triplets) - len(kept),
        np.array(kept, np.int64),
    )


def sound_of_records(dataset: Dataset, clips: Collection[Clip], signal: Signal) -> SoundOf:
    """Where clips are cut from the records by track id and start, in one pass over them.

    Args:
        dataset: the records.
        clips: all that will be asked for; they are held in memory.
        signal: the form of the sound.

    Raises:
        UserError: if a clip's song is not in the data, or the records do not hold the signal.
    """
    songs = {clip.song for clip in clips}
    split_of = {row.track_id: row.split for row in track_table(dataset, [*dataset.splits]) if row.track_id in songs}
    unknown = sorted(songs - {*split_of})
    if unknown:
        raise UserError(
            f"{dataset.folder}: has no track '{unknown[0]}', which was judged ({len(unknown)} of {len(songs)} judged "
            "songs are unknown); name the records that were judged with --data, or a folder of the clips with --clips"
        )
    cut, short = cut_clips(dataset, {*clips}, split_of, signal)

    def sound_of(clip: Clip) -> np.ndarray:
        if clip in short:
            raise ClipError(short[clip])
        return cut[clip][0]

    return sound_of


def agreement_with_people(judged: EmbeddedClips, space: np.ndarray, seed: int = 0, rounds: int = 1000) -> Score | None:
    """Share of the judgements that `space` orders as people did, with its interval over songs.

    Args:
        judged: from `embed_clips`.
        space: float [N, D]: `judged.vectors`, as `Views.space` gives it.
        seed, rounds: of the bootstrap.

    Returns:
        `Score`, or None when no judgement has all its clips.
    """
    return triplet_accuracy(space, judged.triplets, judged.songs, seed, rounds)


def network_embed(embedder: Embedder) -> Embed:
    """A network of log-mels as a function of one: the mean over its windows, as for whole songs."""
    return lambda log_mel: embedder.song({embedder.signal.field: log_mel})


def clip_log_mel(clip: Clip, folder: Path, features: LogMel) -> np.ndarray:
    """Log-mel of one clip, float32 [frames, bands], not standardised: what a record of it would hold.

    Looked for in `folder`, in this order: `<song>.npy`, a mel array of shape (130, 128) of the whole clip
    that is already standardised (its last frame, which the network's input does not have, is dropped);
    the audio file the judgements name; `<song>` with one of `AUDIO_SUFFIXES`; accents may be encoded
    either way. Audio no longer than the clip is the clip; longer audio is the song, and is cut at the clip's start.

    Raises:
        ClipError: if there is no such file, or it cannot be used.
    """
    for path in _candidates(clip, folder):
        if path.is_file():
            return _from_array(path, features) if path.suffix == ".npy" else _from_audio(path, clip, features)
    raise ClipError(f"not found in {folder}, neither as .npy nor as audio")


def _candidates(clip: Clip, folder: Path) -> Iterator[Path]:
    names = [f"{clip.song}.npy", clip.file, *(clip.song + suffix for suffix in AUDIO_SUFFIXES)]
    for name in itertools.chain.from_iterable(map(spellings, filter(None, names))):
        # The judgements are somebody else's file: they must not lead out of the folder.
        if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
            raise ClipError(f"'{name}' leads out of the folder of clips")
        yield folder / name


def _from_array(path: Path, features: LogMel) -> np.ndarray:
    try:
        mel = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ClipError(f"{path.name} is no array that can be read ({str(error).splitlines()[0]})") from error
    wanted = (features.window_frames + 1, features.n_mels)
    if not isinstance(mel, np.ndarray) or mel.shape != wanted or mel.dtype.kind not in "fiu":
        raise ClipError(
            f"{path.name} must be numbers of shape {wanted}, is "
            f"{getattr(mel, 'dtype', type(mel).__name__)} of shape {getattr(mel, 'shape', None)}"
        )
    if not np.isfinite(mel).all():
        raise ClipError(f"{path.name} holds values that are NaN or infinite")
    # The network's first layer standardises: hand it what it expects.
    return mel[:-1].astype(np.float32) * np.float32(features.deviation) + np.float32(features.mean)


def _from_audio(path: Path, clip: Clip, features: LogMel) -> np.ndarray:
    rate = features.sample_rate
    try:
        is_song = clip.seconds is not None and _is_longer(path, clip.seconds + 0.5, rate)
        samples = load_mono(path, rate, clip.seconds, clip.start if is_song else 0.0)
        if is_song and features.loudness is not None:
            # The clip is as loud as it is in its song, not as loud as the song.
            samples = samples * features.gain_of(features.measure_loudness(mono_blocks(path, rate)))
            features = dataclasses.replace(features, loudness=None)
    except AudioError as error:
        raise ClipError(f"{path.name} {error}") from error
    log_mel = features.extract(samples)
    if not len(log_mel):
        raise ClipError(f"{path.name} holds no sound at {clip.start:g} s")
    return log_mel


def _is_longer(path: Path, seconds: float, rate: int) -> bool:
    """Whether a file holds more than `seconds`; decodes that much of it where its length is not known otherwise."""
    length = seconds_of(path)
    return (len(load_mono(path, rate, seconds + 0.1)) / rate if length is None else length) > seconds


def _name(clip: Clip) -> str:
    return f"{clip.song} @ {clip.start:g} s" if clip.start else clip.song
