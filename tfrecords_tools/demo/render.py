"""Piece -> MIDI -> sound: seats, SoundFont, room, tone, loudness."""

import functools
import io
import pathlib
from collections.abc import Mapping

import numpy as np

from tfrecords_tools.demo.instruments import FAMILIES, Seat
from tfrecords_tools.demo.piece import ROLES, Piece

SAMPLE_RATE = 22_050
_SYNTH_RATE = 48_000
_DRUM_VOLUME = 88  # A band's drums are as loud as its tune; without them neither beat nor genre is heard.
_LEAST_DRUM = 0.06  # s before the end; a later stroke would be cut off.


def midi_bytes(piece: Piece, seats: Mapping[str, Seat], tempo: float, seconds: float, start: float = 0.0) -> bytes:
    """Standard MIDI file of the piece.

    Args:
        piece: in beats.
        seats: who plays each role.
        tempo: beats a minute.
        seconds: nothing starts later than that.
        start: seconds of the first beat.
    """
    import pretty_midi

    beat = 60.0 / tempo
    midi = pretty_midi.PrettyMIDI(initial_tempo=tempo)
    for role in ROLES:
        seat = seats[role]
        instrument = pretty_midi.Instrument(seat.program, name=seat.family)
        instrument.control_changes = [
            pretty_midi.ControlChange(7, seat.volume, 0.0),
            pretty_midi.ControlChange(10, seat.pan, 0.0),
        ]
        least = FAMILIES[seat.family].least_note
        for note in piece.notes:
            onset = start + note.start * beat
            if note.role == role and onset < seconds - least:
                end = min(onset + max(note.length * beat, least), seconds)
                instrument.notes.append(pretty_midi.Note(int(127 * note.velocity), note.pitch, onset, end))
        midi.instruments.append(instrument)
    kit = pretty_midi.Instrument(0, is_drum=True, name="kit")
    kit.control_changes = [pretty_midi.ControlChange(7, _DRUM_VOLUME, 0.0)]
    kit.notes = [
        pretty_midi.Note(
            max(1, int(127 * drum.velocity)), drum.key, start + drum.start * beat, start + drum.start * beat + 0.1
        )
        for drum in piece.drums
        if start + drum.start * beat < seconds - _LEAST_DRUM
    ]
    midi.instruments.append(kit)
    file = io.BytesIO()
    midi.write(file)
    return file.getvalue()


def synthesise(midi: bytes, seconds: float, soundfont: pathlib.Path | None = None) -> np.ndarray:
    """Plays a MIDI file: float32 [seconds * 22050, 2], the same bytes every time.

    Args:
        midi: the file's content.
        seconds: length of the result.
        soundfont: an SF2 file; None is pretty_midi's TimGM6mb.
    """
    import midirenderer
    import soundfile
    import soxr

    samples, _ = soundfile.read(io.BytesIO(midirenderer.render_wave_from(_soundfont(soundfont), midi)), dtype="float32")
    samples = samples[: int(seconds * _SYNTH_RATE)]
    samples = soxr.resample(samples, _SYNTH_RATE, SAMPLE_RATE, quality="HQ")
    return np.pad(samples, ((0, max(0, int(seconds * SAMPLE_RATE) - len(samples))), (0, 0)))


def record(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What differs from one recording to the next and says nothing of the music.

    A room (decaying noise, 0.2 to 0.9 s, -26 to -12 dB), a tilt of the tone (-3 to 3 dB below and above
    800 Hz) and a loudness (-24 to -14 dB RMS), all drawn from `rng`; the peak stays below -0.3 dB.

    Args:
        samples: float32 [n, 2] at 22,050 Hz.
    """
    from scipy import signal

    decay, wet = rng.uniform(0.2, 0.9), 10 ** (rng.uniform(-26, -12) / 20)
    tilt, loudness = rng.uniform(-3, 3), rng.uniform(-24, -14)
    time = np.arange(int(decay * SAMPLE_RATE)) / SAMPLE_RATE
    room = rng.standard_normal((len(time), 2)) * 10 ** (-3 * time / decay)[:, None]
    room *= wet / np.sqrt((room**2).sum(axis=0))
    room[0] += 1.0
    heard = signal.oaconvolve(samples, room.astype(np.float32), axes=0)[: len(samples)]
    low = signal.sosfilt(signal.butter(1, 800, fs=SAMPLE_RATE, output="sos").astype(np.float32), heard, axis=0)
    heard = low * 10 ** (tilt / 20) + (heard - low) * 10 ** (-tilt / 20)
    heard *= 10 ** (loudness / 20) / max(float(np.sqrt((heard**2).mean())), 1e-6)
    return (heard * min(1.0, 0.966 / max(float(np.abs(heard).max()), 1e-6))).astype(np.float32)


@functools.cache
def _soundfont(path: pathlib.Path | None) -> bytes:
    import pretty_midi

    return (path or pathlib.Path(pretty_midi.__file__).parent / "TimGM6mb.sf2").read_bytes()
