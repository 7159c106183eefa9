"""The sound of judged clips: audio files, or mel arrays as the authors' tutorial distributes them."""

from collections.abc import Iterator
from pathlib import Path, PurePath

import numpy as np

from dmml_tf.data.judgements.read import Clip
from tfrecords_tools.audio.decode import AudioError, load_mono, seconds_of
from tfrecords_tools.errors import UserError
from tfrecords_tools.features import LogMel

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")


class ClipError(UserError):
    """One clip that cannot be used; the message is the reason, without the clip's name."""


def clip_log_mel(clip: Clip, folder: Path, features: LogMel) -> np.ndarray:
    """Log-mel of one clip, float32 [frames, bands], not standardised: what a record of it would hold.

    Looked for in `folder`, in this order: `<song>.npy`, a mel array of shape (130, 128) of the whole clip
    that is already standardised (its last frame, which the network's input does not have, is dropped);
    the audio file the judgements name; `<song>.wav`, `.flac`, `.ogg` or `.mp3`. Audio no longer than the
    clip is the clip; longer audio is the song, and is cut at the clip's start.

    Raises:
        ClipError: if there is no such file, or it cannot be used.
    """
    for path in _candidates(clip, folder):
        if path.is_file():
            return _from_array(path, features) if path.suffix == ".npy" else _from_audio(path, clip, features)
    raise ClipError(f"not found in {folder}, neither as .npy nor as {', '.join(AUDIO_SUFFIXES)}")


def _candidates(clip: Clip, folder: Path) -> Iterator[Path]:
    names = [f"{clip.song}.npy", clip.file, *(clip.song + suffix for suffix in AUDIO_SUFFIXES)]
    for name in filter(None, names):
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
    length = seconds_of(path)
    is_song = clip.seconds is not None and length is not None and length > clip.seconds + 0.5
    try:
        samples = load_mono(path, features.sample_rate, clip.seconds, clip.start if is_song else 0.0)
    except AudioError as error:
        raise ClipError(f"{path.name} {error}") from error
    log_mel = features.extract(samples)
    if not len(log_mel):
        raise ClipError(f"{path.name} holds no sound at {clip.start:g} s")
    return log_mel
