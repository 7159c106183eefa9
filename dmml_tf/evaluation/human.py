"""How often a system agrees with people: triplet accuracy on judged clips.

Source: Lee et al., ICASSP 2020, section 4.3 (dim-sim, whole space).
"""

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras

from dmml_tf.data.judgements.read import Clip, Judgements
from dmml_tf.data.signal import cut_window
from dmml_tf.embed.split import windows_of
from dmml_tf.evaluation.accuracy import Score, triplet_accuracy
from dmml_tf.evaluation.clips import ClipError, clip_log_mel
from tfrecords_tools.features import LogMel
from tfrecords_tools.progress import progress

Embed = Callable[[np.ndarray], np.ndarray]  # log-mel float32 [frames, bands] -> vector float [E]


@dataclasses.dataclass(frozen=True)
class JudgedClips:
    """Judged clips under one system.

    Attributes:
        vectors: float32 [N, E], the clips that could be used, not normalised.
        songs: int [N], numbers of the clips' songs.
        triplets: int32 [n, 3] rows of `vectors`, those judgements whose three clips could be used.
        missing: clip ("song" or "song @ start s") -> why it could not be used.
        without_clips: judgements left out for a missing clip.
    """

    vectors: np.ndarray
    songs: np.ndarray
    triplets: np.ndarray
    missing: Mapping[str, str]
    without_clips: int


def embed_clips(
    judgements: Judgements, folder: str | os.PathLike, embed: Embed, features: LogMel, track_progress: bool = True
) -> JudgedClips:
    """Embeds every clip that takes part in a judgement, one in memory at a time.

    Args:
        judgements: from `dmml_tf.data.judgements.read`.
        folder: of audio files or mel arrays, see `dmml_tf.evaluation.clips.clip_log_mel`.
        embed: the system: `network_embed(model, features)`, or a baseline's `embed`.
        features: the signal chain of the system.
        track_progress: whether to report on standard error.
    """
    clips = list(dict.fromkeys(clip for triplet in judgements.triplets for clip in triplet))
    vectors, rows, missing = [], {}, {}
    for clip in progress(clips, len(clips), "clips") if track_progress else clips:
        try:
            log_mel = clip_log_mel(clip, Path(folder), features)
        except ClipError as error:
            missing[_name(clip)] = str(error)
            continue
        rows[clip] = len(vectors)
        vectors.append(np.asarray(embed(log_mel), np.float32))
    whole = [[rows[clip] for clip in triplet] for triplet in judgements.triplets if all(c in rows for c in triplet)]
    names = {song: number for number, song in enumerate(sorted({clip.song for clip in rows}))}
    return JudgedClips(
        np.stack(vectors) if vectors else np.zeros((0, 0), np.float32),
        np.array([names[clip.song] for clip in rows], np.int64),
        np.array(whole, np.int32).reshape(-1, 3),
        missing,
        len(judgements.triplets) - len(whole),
    )


def agreement_with_people(judged: JudgedClips, space: np.ndarray, seed: int = 0, rounds: int = 1000) -> Score | None:
    """Share of the judgements that `space` orders as people did, with its interval over songs.

    Args:
        judged: from `embed_clips`.
        space: float [N, D]: `judged.vectors`, seen as `dmml_tf.spaces.project` gives it.
        seed, rounds: of the bootstrap.

    Returns:
        `Score`, or None when no judgement has all its clips.
    """
    return triplet_accuracy(space, judged.triplets, judged.songs, seed, rounds)


def network_embed(embedding: keras.Model, features: LogMel) -> Embed:
    """A network as a function of one log-mel: the mean over its windows, as for whole songs."""
    signature = [tf.TensorSpec([None, features.window_frames, features.n_mels], tf.float32)]
    call = tf.function(lambda batch: embedding(batch, training=False), input_signature=signature)

    def embed(log_mel: np.ndarray) -> np.ndarray:
        starts = windows_of(log_mel, features.window_frames, features.window_frames)
        return call(tf.constant(np.stack([cut_window(log_mel, start) for start in starts]))).numpy().mean(axis=0)

    return embed


def _name(clip: Clip) -> str:
    return f"{clip.song} @ {clip.start:g} s" if clip.start else clip.song
