"""Training and test parts of a data set. What belongs together never straddles the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpapps.data.readers import OF_WRITERS
from bpapps.pictures.arrays import take

if TYPE_CHECKING:
    from bpapps.data.registry import Dataset


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
    return by_rows(dataset, "first half, second half, not shuffled", rows[:middle], rows[middle:])


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
    return by_rows(dataset, text, np.sort(train), np.sort(test))


@dataclass(frozen=True)
class Fold:
    """Rows to train on, to choose thresholds and settings on, and to test on; rising."""

    train: NDArray[np.intp]
    development: NDArray[np.intp]
    test: NDArray[np.intp]


def by_group(
    groups: ArrayLike, folds: int = 5, development: float = 0.2, seed: int = 0
) -> list[Fold]:
    """Folds that keep a group whole: each group is tested once, as writers are of signatures.

    Args:
        groups: (n,), the group of each row.
        folds: how many; their tests differ by one group at most.
        development: the share of the groups that are not tested, at least one of them, which a
            fold leaves to choosing.
        seed: draws which groups; the same groups in another order of rows give the same folds.

    Raises ValueError for fewer than three groups, for fewer folds than two or more than groups,
    and for a share that leaves nothing to train on.
    """
    of = np.asarray(groups)
    names = np.unique(of)
    if not 2 <= folds <= len(names) or len(names) < 3:
        raise ValueError(
            f"{folds} folds of {len(names)} groups; give three groups, two folds, and no more "
            "folds than groups"
        )
    shuffled = np.random.default_rng(seed).permutation(names)
    found = []
    for fold, tested in enumerate(np.array_split(shuffled, folds)):
        others = np.random.default_rng([seed, fold]).permutation(np.setdiff1d(names, tested))
        n_chosen = max(round(development * len(others)), 1)
        if not 0 < development < 1 or n_chosen == len(others):
            raise ValueError(
                f"a share of {development:g} for development leaves nothing of {len(others)} "
                "groups to train on or to choose by"
            )
        parts = {
            "training": others[n_chosen:], "development": others[:n_chosen], "test": tested
        }  # fmt: skip
        deny_straddling(parts)
        found.append(Fold(*(np.flatnonzero(np.isin(of, part)) for part in parts.values())))
    return found


def deny_straddling(parts: Mapping[str, ArrayLike]) -> None:
    """ValueError where a group is in two parts, by their names; each part is groups, (n,)."""
    seen: dict[Any, str] = {}
    for part, groups in parts.items():
        for group in np.unique(np.asarray(groups)).tolist():
            if group in seen:
                raise ValueError(
                    f"{group} is in both {seen[group]} and {part}; each belongs in one part"
                )
            seen[group] = part


def about(dataset: Dataset, text: str, n_train: int, n_test: int) -> dict[str, Any]:
    """What a report says of a set and of how it was split, in words and in numbers."""
    return {
        "name": dataset.name,
        "title": dataset.title,
        "source": dataset.source,
        "licence": dataset.licence,
        "sha256": dataset.sha256,
        "split": text,
        "n_train": n_train,
        "n_test": n_test,
        "n_duplicates": dataset.n_duplicates,
    }


def by_rows(dataset: Dataset, text: str, train: NDArray, test: NDArray) -> Split:
    """These rows to train on and those to test on; ``text`` says which they are.

    ValueError where a class is only among the rows to test on.
    """
    labels = dataset.labels
    pictures = (take(dataset.images, train), take(dataset.images, test))
    return _split(dataset, text, pictures[0], labels[train], pictures[1], labels[test])


def _split(
    dataset: Dataset, text: str, train: Any, train_labels: Any, test: Any, test_labels: Any
) -> Split:
    untaught = np.setdiff1d(test_labels, train_labels)
    if len(untaught):
        raise ValueError(f"{dataset.name}: class {untaught[0]} is only among the test pictures")
    data = about(dataset, text, len(train_labels), len(test_labels))
    return Split(train, train_labels, test, test_labels, data)


@dataclass(frozen=True)
class Signed:
    """Pictures that somebody wrote, or pretended to: n of them.

    ``images`` as in :class:`Split`; ``owners``, (n,), whose each is or pretends to be, strings;
    ``genuine``, (n,), false for a skilled forgery; ``files``, (n,), the names of their files, where
    they lie in files.
    """

    images: Any
    owners: NDArray[np.str_]
    genuine: NDArray[np.bool_]
    files: NDArray[np.str_] | None = None

    def take(self, rows: NDArray) -> Signed:
        """Some of them."""
        files = None if self.files is None else self.files[rows]
        return Signed(take(self.images, rows), self.owners[rows], self.genuine[rows], files)

    def __len__(self) -> int:
        return len(self.owners)


@dataclass(frozen=True)
class OwnerSplit:
    """What writers wrote, to train on, to choose thresholds on, and to test on.

    No writer is in two parts. ``data`` is what a report says of them, as in :class:`Split`.

    Raises ValueError for a writer in two parts.
    """

    train: Signed
    development: Signed
    test: Signed
    data: Mapping[str, Any]

    def __post_init__(self) -> None:
        parts = {"training": self.train, "development": self.development, "test": self.test}
        deny_straddling({name: part.owners for name, part in parts.items()})


def by_owner(dataset: Dataset, fold: Fold, text: str, synthetic: bool = False) -> OwnerSplit:
    """A fold of a set whose labels are writers; ``text`` says which fold it is.

    synthetic: whether no human wrote them, which reports must say.

    ValueError where the set does not say which pictures are genuine.
    """
    if dataset.genuine is None:
        raise ValueError(f"{dataset.name}: does not say which signatures are genuine; {OF_WRITERS}")
    owners = dataset.labels.astype(np.str_)
    whole = Signed(dataset.images, owners, dataset.genuine, dataset.files)
    train, development, test = (
        whole.take(rows) for rows in (fold.train, fold.development, fold.test)
    )
    counts = [len(np.unique(part.owners)) for part in (train, development, test)]
    text += (
        f"; {counts[0]} writers to train on, {counts[1]} to choose thresholds on, "
        f"{counts[2]} others to test on"
    )
    data = about(dataset, text, len(train), len(test))
    return OwnerSplit(train, development, test, {**data, "synthetic": synthetic})
