"""Training data of writers made worse: fewer writers, and genuine called forged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bpapps.data.splits import Part


def fewer_writers(part: Part, share: float, rng: np.random.Generator) -> Part:
    """A share of the writers, two at least; a smaller share is part of a larger one."""
    names = rng.permutation(np.unique(part.targets["owner"]))
    kept = names[: max(2, round(share * len(names)))]
    return part.take(np.flatnonzero(np.isin(part.targets["owner"], kept)))


def wrong_flags(part: Part, share: float, rng: np.random.Generator) -> Part:
    """A share of the genuine signatures called forged, and of the forged ones genuine."""
    targets = part.targets.copy()
    targets["genuine"] ^= rng.random(len(part)) < share
    return replace(part, targets=targets)
