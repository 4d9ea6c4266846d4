"""Groups of pictures that pairs are made of while a pair classifier is trained.

A group is about one writer: some genuine pictures, some skilled forgeries of them, and genuine
ones of other writers. All pairs within it that are worth learning from are made of pictures that
are embedded once.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpapps.core.draws import Augment

GENUINE, SKILLED, RANDOM = range(3)
"""Kinds of pairs: both by one writer, one of them a forgery of that writer's, by two writers."""


class GroupPairs(NamedTuple):
    """The pairs within a group: items (pairs, 2), their kinds and targets, (pairs,)."""

    items: tuple[tuple[int, int], ...]
    kinds: tuple[int, ...]
    targets: NDArray[np.float32]


@cache
def pairs_within(n_genuine: int, n_forged: int, n_others: int) -> GroupPairs:
    """All pairs of genuine pictures, and each of them with each forgery and each other's."""
    genuine, forged, others = (
        range(start, start + count)
        for start, count in (
            (0, n_genuine), (n_genuine, n_forged), (n_genuine + n_forged, n_others),
        )
    )  # fmt: skip
    found = [
        *((GENUINE, pair) for pair in itertools.combinations(genuine, 2)),
        *((SKILLED, pair) for pair in itertools.product(genuine, forged)),
        *((RANDOM, pair) for pair in itertools.product(genuine, others)),
    ]
    kinds = tuple(kind for kind, _ in found)
    targets = (np.array(kinds) == GENUINE).astype(np.float32)
    return GroupPairs(tuple(pair for _, pair in found), kinds, targets)


@dataclass(frozen=True)
class GroupSampler:
    """The draw of groups, see :data:`bpapps.core.draws.Draw`: pictures, chosen anew each time.

    Args:
        counts: genuine, forged and others' pictures in a group.
        augment: distorts pictures, or None.
    """

    counts: tuple[int, int, int]
    augment: Augment | None = None

    def __call__(
        self, X: NDArray, y: NDArray[np.intp], rows: NDArray, rng: np.random.Generator
    ) -> tuple[NDArray, NDArray]:
        """Pictures (groups, items, …), and the targets of the pairs in each group.

        Args:
            X: pictures, (n, …).
            y: (n, 2), the number of the writer of each, from 0 on, and whether it is genuine.
            rows: numbers of groups, which take turns in being about a writer.
        """
        owners, genuine = y[:, 0], y[:, 1].astype(bool)
        about = rows % (owners.max() + 1)
        chosen = np.array([self._group(owners == one, genuine, rng) for one in about])
        pictures = X[chosen.ravel()]
        if self.augment is not None:
            pictures = self.augment(pictures, rng)
        targets = pairs_within(*self.counts).targets
        x = pictures.reshape(*chosen.shape, *X.shape[1:])
        return x, np.broadcast_to(targets, (len(rows), len(targets)))

    def _group(
        self, mine: NDArray[np.bool_], genuine: NDArray[np.bool_], rng: np.random.Generator
    ) -> NDArray[np.intp]:
        """Places of a group's pictures, where ``mine`` are those about its writer."""
        own, forged, others = (
            np.flatnonzero(kind) for kind in (genuine & mine, ~genuine & mine, genuine & ~mine)
        )
        pools = (own, forged if len(forged) else others, others)
        return np.concatenate(
            [
                rng.choice(pool, count, replace=count > len(pool))
                for pool, count in zip(pools, self.counts, strict=True)
            ]
        )
