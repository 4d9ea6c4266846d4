"""Groups of pictures that pairs are made of while a pair classifier is trained.

A group is about one writer: some genuine pictures, some skilled forgeries of them, and genuine
ones of other writers. All pairs within it that are worth learning from are made of pictures that
are embedded once.
"""

from __future__ import annotations

import itertools
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpapps.core.parallel import Augment

GENUINE, SKILLED, RANDOM = range(3)
"""Kinds of pairs: both by one writer, one of them a forgery of that writer's, by two writers."""


class GroupPairs(NamedTuple):
    """The pairs within a group: items (pairs, 2), their kinds and targets, (pairs,)."""

    items: tuple[tuple[int, int], ...]
    kinds: tuple[int, ...]
    targets: NDArray[np.float32]


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
    """``sampler(groups, rng)``: the pictures of groups, drawn anew at each call, and distorted.

    Args:
        X: pictures, (n, …).
        owners: number of the writer of each, (n,), from 0 on.
        genuine: which are the writer's own, (n,), the others being forged.
        counts: genuine, forged and others' pictures in a group.
        augment: distorts pictures, or None.
    """

    X: NDArray
    owners: NDArray[np.intp]
    genuine: NDArray[np.bool_]
    counts: tuple[int, int, int]
    augment: Augment | None = None

    def __call__(self, groups: NDArray, rng: np.random.Generator) -> NDArray:
        """Pictures (n, items, …) of the writers whose numbers are given, (n, 1)."""
        rows = np.array([self._rows(int(owner), rng) for owner in groups.ravel()])
        pictures = self.X[rows.ravel()]
        if self.augment is not None:
            pictures = self.augment(pictures, rng)
        return pictures.reshape(*rows.shape, *self.X.shape[1:])

    def _rows(self, owner: int, rng: np.random.Generator) -> NDArray[np.intp]:
        own, forged = self._own[owner], self._forged[owner]
        others = np.flatnonzero(self.genuine & (self.owners != owner))
        pools = (own, forged if len(forged) else others, others)
        return np.concatenate(
            [
                rng.choice(pool, count, replace=count > len(pool))
                for pool, count in zip(pools, self.counts, strict=True)
            ]
        )

    @cached_property
    def _own(self) -> list[NDArray[np.intp]]:
        return self._of_each(self.genuine)

    @cached_property
    def _forged(self) -> list[NDArray[np.intp]]:
        return self._of_each(~self.genuine)

    def _of_each(self, mask: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
        return [np.flatnonzero(mask & (self.owners == owner)) for owner in range(self.n_owners)]

    @property
    def n_owners(self) -> int:
        """How many writers there are."""
        return int(self.owners.max()) + 1

    def __repr__(self) -> str:
        """What tells one from another, by which a training is known again when it resumes."""
        data = (self.X[:: max(1, len(self.X) // 64)], self.owners, self.genuine)
        checksum = 0
        for array in data:
            checksum = zlib.crc32(np.ascontiguousarray(array).tobytes(), checksum)
        return f"GroupSampler({self.X.shape}, {checksum}, {self.counts}, {self.augment})"
