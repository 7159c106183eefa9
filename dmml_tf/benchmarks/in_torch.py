"""The paper's network and one training step of it in PyTorch: a peer to time, imported by `training_step` alone.

The same layers, widths and loss in channels-last memory, which on a CPU takes half the time of PyTorch's own order.
Padding is the same on both sides, where TensorFlow adds the odd place behind: as much work, not the same numbers.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from dmml_tf.benchmarks.timing import Times, times_of
from tfrecords_tools.features import PAPER_CHAIN

_EPSILON = 1e-3  # Keras's, of a normalisation


def build_network(widths: Sequence[int], size: int = 256) -> nn.Module:
    """Stem, six Inception blocks, dense, normalisation: float32 [batch, 1, 129, 128] -> [batch, size]."""
    blocks, channels = [], widths[0]
    for width in widths[1:]:
        blocks += [_Naive(channels, width), _Reduced(3 * width + channels, width)]
        channels = 4 * width
    stem = [nn.Conv2d(1, widths[0], 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
    head = [nn.Flatten(), nn.Linear(channels, size, bias=False), nn.BatchNorm1d(size, eps=_EPSILON)]
    return nn.Sequential(*stem, *blocks, *head).to(memory_format=torch.channels_last)


def training_step(
    widths: Sequence[int], windows: int, masks: np.ndarray, triplets: int, margin: float
) -> Callable[[], float]:
    """A function that takes one step of Adam on made windows and triplets and gives the loss; see `build_network`."""
    torch.manual_seed(0)
    rng, network = np.random.default_rng(0), build_network(widths, masks.shape[1])
    x = torch.tensor(rng.random((windows, 1, PAPER_CHAIN.window_frames, PAPER_CHAIN.n_mels), np.float32))
    x = x.to(memory_format=torch.channels_last)
    chosen = torch.tensor(rng.integers(windows, size=(triplets, 3)))
    mask = torch.tensor(masks[rng.integers(len(masks), size=triplets)], dtype=torch.float32)[:, None]
    optimizer = torch.optim.Adam(network.parameters(), 0.01, fused=True)

    def step() -> float:
        embeddings = network((x - PAPER_CHAIN.mean) / PAPER_CHAIN.deviation)
        anchor, positive, negative = nn.functional.normalize(embeddings[chosen] * mask, dim=2).unbind(1)
        apart = (anchor - positive).norm(dim=1) - (anchor - negative).norm(dim=1)
        optimizer.zero_grad()
        loss = torch.relu(apart + margin).mean()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def time_torch(
    steps: int, widths: Sequence[int], windows: int, masks: np.ndarray, triplets: int, margin: float
) -> Times:
    """Times so many steps; the other arguments as of `training_step`."""
    return times_of(training_step(widths, windows, masks, triplets, margin), steps)


def _unit(channels: int, filters: int, kernel: int, stride: int = 1) -> nn.Module:
    # As in `dmml_tf.models.blocks`: of a strided kernel of one place oneDNN's gradient dies here too.
    first = [nn.MaxPool2d(1, stride)] if kernel == 1 and stride > 1 else []
    stride = 1 if first else stride
    convolution = nn.Conv2d(channels, filters, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(*first, convolution, nn.BatchNorm2d(filters, eps=_EPSILON), nn.ReLU())


class _Naive(nn.Module):
    """The naive module with stride 2: [B, C, H, W] -> [B, 3 width + C, H/2, W/2]."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.branches = nn.ModuleList(_unit(channels, width, kernel, 2) for kernel in (1, 3, 5))
        self.pool = nn.MaxPool2d(3, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([*(branch(x) for branch in self.branches), self.pool(x)], 1)


class _Reduced(nn.Module):
    """The module with dimension reduction: [B, C, H, W] -> [B, 4 width, H, W]."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.branches = nn.ModuleList(
            [
                _unit(channels, width, 1),
                nn.Sequential(_unit(channels, width, 1), _unit(width, width, 3)),
                nn.Sequential(_unit(channels, width, 1), _unit(width, width, 5)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), _unit(channels, width, 1)),
            ]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)
