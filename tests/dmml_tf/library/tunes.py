"""Made recordings: notes with harmonics and a beat, by a seed."""

import numpy as np

RATE = 22_050


def tune(seed: int, seconds: float = 10.0) -> np.ndarray:
    """float32 [samples]: chords of two notes each quarter of a second, under an envelope that differs by note."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(0.25 * RATE)) / RATE
    out = []
    for _ in range(round(seconds / 0.25)):
        note = np.zeros(len(time))
        for pitch in rng.choice(36, 2, replace=False):
            frequency = 110 * 2 ** (pitch / 12)
            note += sum(np.sin(2 * np.pi * frequency * part * time) / part for part in range(1, 6))
        out.append(rng.uniform(0.3, 1) * np.exp(-time * rng.uniform(2, 12)) * note)
    return (0.1 * np.concatenate(out)).astype(np.float32)
