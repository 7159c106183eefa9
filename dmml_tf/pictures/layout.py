"""Where songs lie on a 2-D map of vectors, and which of its tags each is coloured by."""

import numpy as np

MAX_POINTS = 2000  # t-SNE of more takes minutes and shows no more
MAX_COLOURS = 10


def map_2d(vectors: np.ndarray, seed: int = 0) -> np.ndarray:
    """[N, D] -> float [N, 2] by t-SNE from a PCA start; PCA alone under ten points; zeros where all coincide."""
    # Imported here: whoever shows a map that was kept does not wait for them.
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    centred = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0)
    distinct = len(np.unique(np.round(centred, 9), axis=0))
    if distinct < 2:
        return np.zeros((len(vectors), 2))
    if distinct < 10:
        flat = PCA(min(2, *centred.shape), random_state=seed).fit_transform(centred)
        return np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))
    perplexity = min(30.0, (len(centred) - 1) / 3.0)
    start = PCA(2, random_state=seed).fit_transform(centred) if centred.shape[1] > 1 else np.repeat(centred, 2, axis=1)
    start = start / start[:, 0].std() * 1e-4
    # Its threads wait for each other actively: on a busy machine one is faster than two, by 8 times and more.
    with threadpool_limits(1):
        return TSNE(2, perplexity=perplexity, init=start, random_state=seed).fit_transform(centred)


def shown_tag(ids: np.ndarray) -> np.ndarray:
    """int [N] of [N, M] padded ids: each track's rarest tag among all tracks, -1 for an unlabelled one."""
    frequency = np.bincount(ids[ids >= 0], minlength=1)
    rarity = np.where(ids >= 0, frequency[np.maximum(ids, 0)], np.iinfo(np.int64).max)
    return ids[np.arange(len(ids)), rarity.argmin(axis=1)]
