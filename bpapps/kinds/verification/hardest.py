"""The pairs that a verifier decides wrongly, or nearly, as the net sees them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from bpapps.data.splits import Part
from bpapps.kinds.verification.records import HardPair
from bpapps.kinds.verification.scored import Scored
from bpapps.kinds.verification.trials import KINDS
from bpapps.pictures.png import png_uri

HARDEST, OF_ONE_WRITER = 12, 2
"""Pairs of each kind that are shown, and how many of one writer at most."""


def hard_pairs(pipeline: Pipeline, test: Scored, part: Part) -> list[HardPair]:
    """The genuine pairs of the lowest scores, then the forgeries of the highest."""
    trials = test.trials()
    shift = pipeline[-1].threshold().value
    shown: list[HardPair] = []
    for kind, sign in (("genuine", 1), (test.against, -1)):
        rows = np.flatnonzero(trials.kind == KINDS.index(kind))
        order = rows[np.argsort(sign * trials.score[rows], kind="stable")]
        for row in _of_various(order, trials.owner):
            assert trials.reference is not None
            assert trials.questioned is not None
            pair = part.take(np.array([trials.reference[row], trials.questioned[row]]))
            uris = [png_uri(1 - picture) for picture in _seen(pipeline, pair)]
            files = [] if pair.files is None else pair.files.tolist()
            owner = trials.names[trials.owner[row]]
            shown.append(HardPair(kind, owner, float(trials.score[row] - shift), *uris, *files))
    return shown


def _of_various(order: NDArray[np.intp], owner: NDArray[np.intp]) -> Iterable[int]:
    """The first of an order, but few of one owner."""
    counts: dict[int, int] = {}
    chosen = []
    for row in order.tolist():
        count = counts.get(int(owner[row]), 0)
        if count < OF_ONE_WRITER:
            counts[int(owner[row])] = count + 1
            chosen.append(row)
        if len(chosen) == HARDEST:
            break
    return chosen


def _seen(pipeline: Pipeline, part: Part) -> NDArray[np.float32]:
    """Signatures as the net sees them, (n, height, width), ink bright."""
    rows = pipeline[0].transform(part.pictures)
    shape = (pipeline[0].height, pipeline[0].width)
    return rows.reshape(-1, *shape)
