"""How accuracy hangs on the training data: on less of them, and on wrong labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpapps.evaluation import DependencePoint
from bpapps.experiments.common import Progress, share_right, silent
from bpapps.pictures.arrays import take


def learning_curve(
    make: Callable[[], Any],
    X: Any,
    y: ArrayLike,
    X_test: Any,
    y_test: ArrayLike,
    shares: Sequence[float] = (0.1, 0.25, 0.5, 1.0),
    seed: int = 0,
    progress: Progress | None = None,
) -> list[DependencePoint]:
    """Train anew on growing shares of the training data and measure each time on all test data.

    ``make()`` returns an estimator that has not been fitted; ``X`` and ``X_test`` are arrays, or
    lists of pictures of any size. A smaller subset is part of every larger one, has the classes
    in the same proportions, and at least one example of each. Seconds are those of ``fit``.
    Raises ValueError for shares outside (0, 1].
    """
    labels = _checked(X, y, "training")
    if not all(0 < share <= 1 for share in shares):
        raise ValueError(f"shares must lie above 0 and up to 1, not {tuple(shares)}")
    order = _stratified_order(labels, np.random.default_rng(seed))
    fewest = len(np.unique(labels))
    points = []
    for share in shares:
        subset = np.sort(order[: max(round(share * len(labels)), fewest)])
        points.append(_train(make, take(X, subset), labels[subset], X_test, y_test, share=share))
        (progress or silent)(len(points), len(shares), f"{share:.0%} of the training data")
    return points


def label_noise(
    make: Callable[[], Any],
    X: Any,
    y: ArrayLike,
    X_test: Any,
    y_test: ArrayLike,
    shares: Sequence[float] = (0.0, 0.1, 0.2, 0.4),
    seed: int = 0,
    progress: Progress | None = None,
) -> list[DependencePoint]:
    """Train anew with a share of the training labels made wrong; test labels never are.

    A wrong label is drawn uniformly from the other classes, and those wrong at a smaller share
    are wrong, in the same way, at a larger one. Arguments as in :func:`learning_curve`. Raises
    ValueError for shares outside [0, 1] and for fewer than two classes.
    """
    labels = _checked(X, y, "training")
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"shares must lie between 0 and 1, not {tuple(shares)}")
    classes, index = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError("labels can be made wrong only where there are two classes or more")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    wrong = classes[(index + rng.integers(1, len(classes), len(labels))) % len(classes)]
    points = []
    for share in shares:
        changed = order[: round(share * len(labels))]
        given = labels.copy()
        given[changed] = wrong[changed]
        points.append(_train(make, X, given, X_test, y_test, share=share))
        (progress or silent)(len(points), len(shares), f"{share:.0%} of the labels wrong")
    return points


def _train(
    make: Callable[[], Any],
    X: Any,
    y: NDArray[Any],
    X_test: Any,
    y_test: ArrayLike,
    *,
    share: float,
) -> DependencePoint:
    truth = _checked(X_test, y_test, "test")
    estimator = make()
    start = time.perf_counter()
    estimator.fit(X, y)
    seconds = time.perf_counter() - start
    accuracy = share_right(estimator.predict(X_test), truth)
    return DependencePoint(float(share), len(y), accuracy, seconds)


def _checked(X: Any, y: ArrayLike, which: str) -> NDArray[Any]:
    labels = np.asarray(y)
    if labels.ndim != 1 or len(X) != len(labels) or not len(labels):
        raise ValueError(
            f"{which} data: {len(X)} examples and labels of the shape {labels.shape}; "
            "there must be one label for each, and at least one"
        )
    return labels


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
