"""A Mahalanobis metric from triplets: ||x - y||_W^2 = (x - y)' W (x - y), W positive semidefinite.

Source: the large-margin hinge of Weinberger and Saul (JMLR 2009) on relative judgements, as Slaney et al.
(ISMIR 2008) and Wolff and Weyde (ISMIR 2012) use it for music; projected gradient descent.
"""

import numpy as np

_CHUNK = 8192  # triplets whose differences are in memory at a time


def hinge(
    metric: np.ndarray, vectors: np.ndarray, triplets: np.ndarray, margin: float = 1.0
) -> tuple[float, np.ndarray]:
    """Mean of max(0, margin + d(a, p) - d(a, n)) over the triplets, d squared distances under `metric`.

    Args:
        metric: float64 [D, D], W.
        vectors: float [N, D].
        triplets: int [n >= 1, 3] rows of `vectors`: anchor, positive, negative.
        margin: in the unit of squared distances.

    Returns:
        The loss, and its gradient by W, float64 [D, D].
    """
    loss, gradient = 0.0, np.zeros_like(metric)
    for begin in range(0, len(triplets), _CHUNK):
        anchor, positive, negative = (vectors[triplets[begin : begin + _CHUNK, k]].astype(np.float64) for k in range(3))
        near, far = anchor - positive, anchor - negative
        short = margin + ((near @ metric) * near).sum(axis=1) - ((far @ metric) * far).sum(axis=1)
        active = short > 0
        loss += short[active].sum()
        gradient += near[active].T @ near[active] - far[active].T @ far[active]
    return loss / len(triplets), gradient / len(triplets)


def positive_semidefinite(matrix: np.ndarray) -> np.ndarray:
    """The nearest positive semidefinite matrix (Frobenius) to a symmetric one: negative eigenvalues become 0."""
    values, directions = np.linalg.eigh((matrix + matrix.T) / 2.0)
    return (directions * np.maximum(values, 0.0)) @ directions.T


def fit_mahalanobis(
    vectors: np.ndarray, triplets: np.ndarray, steps: int = 150, pull: float = 1e-3, step_size: float = 1.0
) -> np.ndarray:
    """Learns W by projected gradient descent from the Euclidean metric, W = I.

    Minimises the hinge with margin 1 plus `pull` / 2 ||W - I||^2, a convex problem. Vectors are first scaled
    to a mean squared length of 1, so that the margin means the same for any features. A step that does
    not lower the objective is taken back and halved.

    Args:
        vectors: float [N, D].
        triplets: int [n >= 1, 3].
        steps: gradients taken, at most.
        pull: towards the Euclidean metric: what no triplet speaks of stays as it is.
        step_size: of the first step.

    Returns:
        float64 [D, D] L with W = L L', for vectors as they are handed in: distances of `vectors @ L` are those of W.
    """
    scale = 1.0 / np.sqrt(max(np.square(vectors, dtype=np.float64).sum(axis=1).mean(), 1e-12))
    scaled, identity = vectors * scale, np.eye(vectors.shape[1])

    def objective(metric: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = hinge(metric, scaled, triplets)
        away = metric - identity
        return loss + 0.5 * pull * np.square(away).sum(), gradient + pull * away

    metric = identity
    loss, gradient = objective(metric)
    for _ in range(steps):
        candidate = positive_semidefinite(metric - step_size * gradient)
        lower, next_gradient = objective(candidate)
        if lower < loss:
            metric, loss, gradient = candidate, lower, next_gradient
            step_size *= 1.2
        else:
            step_size *= 0.5
    values, directions = np.linalg.eigh(metric)
    return directions * np.sqrt(np.maximum(values, 0.0)) * scale
