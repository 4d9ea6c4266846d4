"""Training and test parts of a data set. What belongs together never straddles the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpapps.pictures.arrays import take

if TYPE_CHECKING:
    from bpapps.data.readers import Labelled


@dataclass(frozen=True)
class Part:
    """n pictures, and what each is to be answered with.

    Pictures are an array (n, height, width), or a list of gray arrays of any sizes. ``targets``,
    (n, …), are labels, or what else can be indexed by rows. Pictures of one of the ``groups``,
    (n,), stay on one side of a split: those of a font, a plate, a writer. ``files``, (n,), are
    the names of their files, where they lie in files.
    """

    pictures: Any
    targets: NDArray
    groups: NDArray | None = None
    files: NDArray | None = None

    def take(self, rows: NDArray) -> Part:
        """Some of them."""
        others = (None if each is None else each[rows] for each in (self.groups, self.files))
        return Part(take(self.pictures, rows), self.targets[rows], *others)

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class Split:
    """What to train on, to choose by (or None), and to test on, and where it comes from.

    No group is in two parts. ``data`` is what a report says of them: name, title, source,
    licence, sha256, split, n_train, n_test.

    Raises ValueError for a group in two parts.
    """

    train: Part
    development: Part | None
    test: Part
    data: Mapping[str, Any]

    def __post_init__(self) -> None:
        deny_straddling({name: part.groups for name, part in self.parts.items()})

    @property
    def parts(self) -> dict[str, Part]:
        """The parts by what each is for."""
        found = {"training": self.train, "development": self.development, "test": self.test}
        return {name: part for name, part in found.items() if part is not None}


@dataclass(frozen=True)
class Dataset:
    """Pictures with their targets, and what a report says of them.

    Pictures are an array (n, height, width), of bytes or of float32 in [0, 1]; or a list of such
    float32 arrays where their sizes differ. Targets that are labels, (n,), are integers where
    every label is a whole number, else strings. ``test`` is the part that the set's authors test
    on, where they made one. ``sha256`` is of pictures and targets; ``n_duplicates`` counts the
    exact duplicates that were dropped, which IDX files are not searched for.
    """

    name: str
    title: str
    source: str
    licence: str
    whole: Part
    sha256: str
    test: Part | None = None
    n_duplicates: int = 0

    @classmethod
    def of(cls, name: str, title: str, source: str, licence: str, read: Labelled) -> Dataset:
        """What was read of files."""
        whole = Part(read.images, read.labels, read.groups, read.files)
        return cls(name, title, source, licence, whole, read.sha256, n_duplicates=read.n_duplicates)


def official(dataset: Dataset) -> Split:
    """The parts that the set's authors made."""
    assert dataset.test is not None
    return _split(dataset, "as its authors split it", dataset.whole, dataset.test)


def halves(dataset: Dataset) -> Split:
    """The first half to train on, the second to test on, not shuffled."""
    rows = np.arange(len(dataset.whole))
    middle = len(rows) // 2
    return by_rows(dataset, "first half, second half, not shuffled", rows[:middle], rows[middle:])


def holdout(dataset: Dataset, seed: int, share: float = 0.2) -> Split:
    """A share of each class, at least one picture a class on average, drawn to test on.

    Groups stay whole. ValueError where a class has one picture only.
    """
    from sklearn.model_selection import train_test_split

    if dataset.whole.groups is not None:
        return _holdout_of_groups(dataset, seed, share)
    rows = np.arange(len(dataset.whole))
    values, counts = np.unique(dataset.whole.targets, return_counts=True)
    if counts.min() < 2:
        rare = values[counts.argmin()]
        raise ValueError(f"{dataset.name}: class {rare} has one picture; each needs at least two")
    size = max(round(share * len(rows)), len(values))
    train, test = train_test_split(
        rows, test_size=size, random_state=seed, stratify=dataset.whole.targets
    )
    text = f"{size / len(rows):.0%} of each class to test on, drawn by seed {seed}"
    return by_rows(dataset, text, np.sort(train), np.sort(test))


def _holdout_of_groups(dataset: Dataset, seed: int, share: float) -> Split:
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(round(1 / share), shuffle=True, random_state=seed)
    whole = dataset.whole
    train, test = next(folds.split(whole.targets, whole.targets, whole.groups))
    text = f"{share:.0%} to test on, groups kept whole, drawn by seed {seed}"
    return by_rows(dataset, text, train, test)


def all_to_test(dataset: Dataset) -> Split:
    """All of a set to test on, by a model that was trained on other data."""
    parts = [part for part in (dataset.whole, dataset.test) if part is not None]
    nothing = dataset.whole.take(np.arange(0))
    return Split(
        nothing, None, joined(parts), about(dataset, "all to test on", 0, sum(map(len, parts)))
    )


def joined(parts: Sequence[Part]) -> Part:
    """Several parts of one set as one."""
    if len(parts) == 1:
        return parts[0]
    pictures = [part.pictures for part in parts]
    whole = all(isinstance(each, np.ndarray) for each in pictures)
    return Part(
        np.concatenate(pictures) if whole else [one for each in pictures for one in each],
        np.concatenate([part.targets for part in parts]),
    )


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


def deny_straddling(parts: Mapping[str, ArrayLike | None]) -> None:
    """ValueError where a group is in two parts: name of the part -> its groups, (n,), or None."""
    seen: dict[Any, str] = {}
    for part, groups in parts.items():
        if groups is None:
            continue
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
    return _split(dataset, text, dataset.whole.take(train), dataset.whole.take(test))


def _split(dataset: Dataset, text: str, train: Part, test: Part) -> Split:
    untaught = np.setdiff1d(test.targets, train.targets)
    if len(untaught):
        raise ValueError(f"{dataset.name}: class {untaught[0]} is only among the test pictures")
    return Split(train, None, test, about(dataset, text, len(train), len(test)))
