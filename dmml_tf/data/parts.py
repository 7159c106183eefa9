"""A split divided into parts, so that replicas that train together read different tracks."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from dmml_tf.data.shards import ChosenRecords, Shard


@dataclasses.dataclass(frozen=True)
class Part:
    """What one replica reads: whole shards where there are as many as replicas, else records of every shard.

    Each `key` deals them out anew, so that over the epochs every two tracks come together.

    Attributes:
        number: of the part, from 0.
        of: parts in all; 1 is the whole split.
        key: what the division is drawn from, the same for all parts.
    """

    number: int = 0
    of: int = 1
    key: tuple[int, ...] = ()

    def choose(self, shards: Sequence[Shard]) -> Sequence[Shard | ChosenRecords]:
        """What is this part's of a split's shards."""
        if self.of == 1:
            return shards
        rng = np.random.default_rng([self.of, *self.key])
        if len(shards) >= self.of:
            return [shards[place] for place in sorted(rng.permutation(len(shards))[self.number :: self.of])]
        counts = [shard.records for shard in shards]
        mine = np.split(rng.permutation(sum(counts)) % self.of == self.number, np.cumsum(counts)[:-1])
        chosen = [ChosenRecords(shard, np.flatnonzero(of_shard)) for shard, of_shard in zip(shards, mine)]
        return [shard for shard in chosen if shard.records]


WHOLE_SPLIT = Part()
