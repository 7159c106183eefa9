"""Copies of a recording as people have them: encoded again, quieter, cut, in mono."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soundfile

from tfrecords_tools.audio.decode import AudioError

_MP3 = {  # bits a second
    "mp3 96": 96_000,
    "mp3 192": 192_000,
}
_OGG = "ogg"
# Samples, float [samples, channels], and their rate -> those of the copy, which is written as FLAC.
_CHANGES: Mapping[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "-6 dB": lambda samples, rate: samples / 2,
    "0.5 s cut": lambda samples, rate: samples[rate // 2 :],
    "mono": lambda samples, rate: samples.mean(axis=1),
}
COPIES = (*_MP3, _OGG, *_CHANGES)


def write_copy(path: str | Path, stem: Path, change: str) -> Path:
    """Writes one copy of a file.

    Args:
        path: what libsndfile, for MP3 FFmpeg, reads.
        stem: of the copy's path; the end of its name is added.
        change: one of `COPIES`.

    Returns:
        The copy's path.

    Raises:
        AudioError: if the file cannot be read.
    """
    if change in _MP3:
        out = stem.with_name(f"{stem.name}.mp3")
        encode_mp3(str(path), out, _MP3[change])
        return out
    try:
        samples, rate = soundfile.read(path, always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"libsndfile cannot read it ({error})") from error
    if change == _OGG:
        out = stem.with_name(f"{stem.name}.ogg")
        with soundfile.SoundFile(out, "w", rate, samples.shape[1], format="OGG", subtype="VORBIS") as file:
            for start in range(0, len(samples), rate):  # the encoder's stack does not hold a whole song
                file.write(samples[start : start + rate])
        return out
    out = stem.with_name(f"{stem.name}.flac")
    soundfile.write(out, _CHANGES[change](samples, rate), rate, subtype="PCM_16")
    return out


def can_encode() -> bool:
    """Whether PyAV is installed and writes MP3."""
    try:
        import av.codec

        av.codec.Codec("libmp3lame", "w")
    except (ImportError, ValueError):
        return False
    return True


def encode_mp3(path: str, out: Path, bit_rate: int) -> None:
    """Writes a file's sound as MP3 in stereo at 44.1 kHz.

    Raises:
        AudioError: if FFmpeg cannot read it.
    """
    import av

    try:
        with av.open(path, metadata_errors="replace") as source, av.open(str(out), "w") as target:
            stream = target.add_stream("libmp3lame", rate=44_100, layout="stereo")
            stream.bit_rate = bit_rate
            resampler = av.AudioResampler("fltp", "stereo", 44_100)
            for frame in source.decode(audio=0):
                for part in resampler.resample(frame):
                    target.mux(stream.encode(part))
            for part in resampler.resample(None):
                target.mux(stream.encode(part))
            target.mux(stream.encode(None))
    except (av.error.FFmpegError, IndexError) as error:
        raise AudioError(f"FFmpeg cannot make an MP3 of it ({error})") from error
