"""Training and test parts of a data set. What belongs together never straddles the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bpapps.datasets import Dataset


@dataclass(frozen=True)
class Split:
    """Pictures and labels to train on and to test on, and where they come from.

    Pictures are an array (n, height, width), or a list of gray arrays of any sizes. ``data`` is
    what a report says of them: name, title, source, licence, sha256, split, n_train, n_test.
    ``test_groups``, (n_test,), are what accuracy can be told by: fonts, plates.
    """

    train_images: Any
    train_labels: NDArray
    test_images: Any
    test_labels: NDArray
    data: Mapping[str, Any]
    test_groups: NDArray | None = None


def official(dataset: Dataset) -> Split:
    """The parts that the set's authors made."""
    parts = (dataset.images, dataset.labels, dataset.test_images, dataset.test_labels)
    return _split(dataset, "as its authors split it", *parts)


def halves(dataset: Dataset) -> Split:
    """The first half to train on, the second to test on, not shuffled."""
    middle = len(dataset.labels) // 2
    rows = np.arange(len(dataset.labels))
    return _by_rows(dataset, "first half, second half, not shuffled", rows[:middle], rows[middle:])


def holdout(dataset: Dataset, seed: int, share: float = 0.2) -> Split:
    """A share of each class, at least one picture a class on average, drawn to test on.

    ValueError where a class has one picture only.
    """
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(dataset.labels))
    values, counts = np.unique(dataset.labels, return_counts=True)
    if counts.min() < 2:
        rare = values[counts.argmin()]
        raise ValueError(f"{dataset.name}: class {rare} has one picture; each needs at least two")
    size = max(round(share * len(rows)), len(values))
    train, test = train_test_split(rows, test_size=size, random_state=seed, stratify=dataset.labels)
    text = f"{size / len(rows):.0%} of each class to test on, drawn by seed {seed}"
    return _by_rows(dataset, text, np.sort(train), np.sort(test))


def _by_rows(dataset: Dataset, text: str, train: NDArray, test: NDArray) -> Split:
    labels = dataset.labels
    pictures = (_take(dataset.images, train), _take(dataset.images, test))
    return _split(dataset, text, pictures[0], labels[train], pictures[1], labels[test])


def _take(images: Any, rows: NDArray) -> Any:
    return images[rows] if isinstance(images, np.ndarray) else [images[row] for row in rows]


def _split(
    dataset: Dataset, text: str, train: Any, train_labels: Any, test: Any, test_labels: Any
) -> Split:
    untaught = np.setdiff1d(test_labels, train_labels)
    if len(untaught):
        raise ValueError(f"{dataset.name}: class {untaught[0]} is only among the test pictures")
    data = {
        "name": dataset.name,
        "title": dataset.title,
        "source": dataset.source,
        "licence": dataset.licence,
        "sha256": dataset.sha256,
        "split": text,
        "n_train": len(train_labels),
        "n_test": len(test_labels),
        "n_duplicates": dataset.n_duplicates,
    }
    return Split(train, train_labels, test, test_labels, data)
