"""A recurrent layer of long short-term memory with peepholes, all its time steps in one compiled loop.

Source: Gers, Schraudolph and Schmidhuber, 2002, "Learning precise timing with LSTM recurrent networks". madmom's
`LSTMLayer` is the same layer, a frame at a time in Python.
"""

import numba
import numpy as np

# Where tanh is 1 to the last bit of a float32.
_SATURATED = 9.0


def run_lstm(given: np.ndarray, recurrent: np.ndarray, peepholes: np.ndarray, backwards: bool) -> np.ndarray:
    """float32 [T, H]: what the layer gives at each time step, beginning from zeros.

    Args:
        given: float32 [T, 4 H], what input and bias add to each of input gate, forget gate, cell and output gate.
        recurrent: float32 [H, 4 H], in the same order.
        peepholes: float32 [3, H], of input, forget and output gate.
        backwards: whether the last time step comes first.
    """
    out = np.empty((len(given), recurrent.shape[0]), np.float32)
    _steps(given, recurrent, peepholes, backwards, out)
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _tanh(x):
    """tanh, with an error below 1e-6: Lambert's continued fraction near zero, and twice the double angle."""
    y = min(max(x, np.float32(-_SATURATED)), np.float32(_SATURATED)) * np.float32(0.25)
    s = y * y
    above = np.float32(135135) + s * (np.float32(17325) + s * (np.float32(378) + s))
    below = np.float32(135135) + s * (np.float32(62370) + s * (np.float32(3150) + s * np.float32(28)))
    t = y * above / below
    t = np.float32(2) * t / (np.float32(1) + t * t)
    return np.float32(2) * t / (np.float32(1) + t * t)


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _sigmoid(x):
    return np.float32(0.5) * (np.float32(1) + _tanh(np.float32(0.5) * x))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _steps(given, recurrent, peepholes, backwards, out):
    steps, size = out.shape
    state = np.zeros(size, np.float32)
    held = np.zeros(size, np.float32)
    z = np.empty(4 * size, np.float32)
    for step in range(steps):
        now = steps - 1 - step if backwards else step
        z[:] = given[now]
        # Row after row of the matrix: each adds to all gates side by side, which the compiler turns into vectors.
        for i in range(size):
            share = held[i]
            row = recurrent[i]
            for k in range(4 * size):
                z[k] += share * row[k]
        for j in range(size):
            z[j] = _sigmoid(z[j] + state[j] * peepholes[0, j])
        for j in range(size):
            z[size + j] = _sigmoid(z[size + j] + state[j] * peepholes[1, j])
        for j in range(size):
            state[j] = _tanh(z[2 * size + j]) * z[j] + state[j] * z[size + j]
        for j in range(size):
            held[j] = _tanh(state[j]) * _sigmoid(z[3 * size + j] + state[j] * peepholes[2, j])
        out[now] = held
