"""Training data of classes made worse: fewer pictures, and wrong labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.data.splits import Part


def fewer_pictures(part: Part, share: float, rng: np.random.Generator) -> Part:
    """A share of the pictures, in the same proportions, at least one of each class.

    A smaller share is part of every larger one.
    """
    labels = part.targets
    fewest = len(np.unique(labels))
    order = _stratified_order(labels, rng)
    return part.take(np.sort(order[: max(round(share * len(labels)), fewest)]))


def wrong_labels(part: Part, share: float, rng: np.random.Generator) -> Part:
    """A share of the labels made wrong, drawn uniformly from the other classes.

    Those wrong at a smaller share are wrong, in the same way, at a larger one. Raises ValueError
    for fewer than two classes.
    """
    labels = part.targets
    classes, index = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError("labels can be made wrong only where there are two classes or more")
    order = rng.permutation(len(labels))
    wrong = classes[(index + rng.integers(1, len(classes), len(labels))) % len(classes)]
    changed = order[: round(share * len(labels))]
    given = labels.copy()
    given[changed] = wrong[changed]
    return replace(part, targets=given)


def _stratified_order(labels: NDArray[Any], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return a random order whose every beginning has the classes in proportion.

    An example stands where its rank within its class says: the first of each class come before
    all others.
    """
    shuffled = rng.permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        place[members] = np.arange(len(members)) / len(members)
    return shuffled[np.argsort(place[shuffled], kind="stable")]
