"""Training and test parts: nothing is in both, and each seed draws its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tools

from bpapps import tasks
from bpapps.data import splits
from bpapps.data.registry import Dataset
from bpapps.data.splits import Part, Split


def dataset(labels: Any, as_list: bool = False, test: Part | None = None) -> Dataset:
    """Pictures that tell their own number, so that a part tells whom it took."""
    labels = np.asarray(labels)
    images = np.arange(len(labels), dtype=np.float32)[:, None, None] * np.ones((1, 2, 3))
    kept = list(images) if as_list else images
    return Dataset("some", "Some pictures", "here", "none", Part(kept, labels), "ab12", test)


def numbers(images: Any) -> list[int]:
    return [int(picture[0, 0]) for picture in images]


MANY = np.arange(90) % 3
SPLITS: dict[str, Callable[[bool], Split]] = {
    "halves": lambda as_list: splits.halves(dataset(MANY, as_list)),
    "holdout": lambda as_list: splits.holdout(dataset(MANY, as_list), seed=1),
    "official": lambda as_list: splits.official(
        dataset(
            MANY,
            as_list,
            Part(90 + np.arange(9)[:, None, None] * np.ones((1, 2, 3)), MANY[:9]),
        )
    ),
}


@pytest.mark.parametrize("as_list", [False, True], ids=["array", "list"])
@pytest.mark.parametrize("name", SPLITS)
def test_the_parts_share_nothing_and_keep_their_labels(name: str, as_list: bool) -> None:
    split = SPLITS[name](as_list)
    train, test = numbers(split.train.pictures), numbers(split.test.pictures)
    assert not set(train) & set(test)
    assert len({*train, *test}) == (99 if name == "official" else 90)
    every = np.concatenate([MANY, MANY[:9]])
    assert (every[train] == split.train.targets).all()
    assert (every[test] == split.test.targets).all()
    assert isinstance(split.train.pictures, list) == as_list
    assert (split.data["n_train"], split.data["n_test"]) == (len(train), len(test))
    told = {key: split.data[key] for key in ("name", "title", "source", "licence", "sha256")}
    assert told == {
        **{"name": "some", "title": "Some pictures", "source": "here"},
        **{"licence": "none", "sha256": "ab12"},
    }
    assert split.data["split"]


def test_halves_are_not_shuffled() -> None:
    split = splits.halves(dataset(np.arange(7) % 2))
    assert numbers(split.train.pictures) == [0, 1, 2]
    assert numbers(split.test.pictures) == [3, 4, 5, 6]


def test_what_is_held_out_follows_from_the_seed() -> None:
    drawn = [numbers(splits.holdout(dataset(MANY), seed).test.pictures) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] == sorted(drawn[0])


@pytest.mark.parametrize("counts", [(2, 2), (2, 200), (5, 7, 2, 40), (2,) * 30, (3,) * 26], ids=str)
def test_holdout_leaves_every_class_something_to_learn_from(counts: tuple[int, ...]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    for seed in range(5):
        split = splits.holdout(dataset(labels), seed)
        assert set(split.train.targets) == set(labels)
        assert len(split.test.targets) == max(round(0.2 * len(labels)), len(counts))
        share = f"{len(split.test.targets) / len(labels):.0%} of each class"
        assert split.data["split"] == f"{share} to test on, drawn by seed {seed}"


def test_a_class_of_one_picture_is_refused() -> None:
    with pytest.raises(ValueError, match=r"some: class 4 has one picture; each needs at least two"):
        splits.holdout(dataset([1, 1, 1, 4, 7, 7]), seed=0)


@pytest.mark.parametrize("labels", [[0, 1, 1, 0, 1, 5], ["a", "b", "b", "a", "b", "x"]])
def test_a_class_that_is_only_tested_is_refused(labels: list) -> None:
    with pytest.raises(ValueError, match=f"class {labels[-1]} is only among the test pictures"):
        splits.halves(dataset(labels))


# ------------------------------------------------------------------ by group

WRITERS = np.random.default_rng(0).permutation(np.repeat([f"w{i}" for i in range(13)], 4))


@pytest.mark.parametrize("folds", [2, 5, 13])
def test_every_group_is_tested_once_and_straddles_nothing(folds: int) -> None:
    found = splits.by_group(WRITERS, folds, seed=3)
    assert len(found) == folds
    assert sorted(np.concatenate([fold.test for fold in found])) == list(range(len(WRITERS)))
    for fold in found:
        parts = [fold.train, fold.development, fold.test]
        assert sorted(np.concatenate(parts)) == list(range(len(WRITERS)))
        groups = [set(WRITERS[rows]) for rows in parts]
        assert all(groups)
        assert not groups[0] & groups[1]
        assert not groups[2] & (groups[0] | groups[1])
        assert len(groups[1]) == max(round(0.2 * (13 - len(groups[2]))), 1)
        assert len(groups[2]) in (13 // folds, -(-13 // folds))


def test_folds_follow_from_the_seed_and_the_groups_alone() -> None:
    def tested(groups: Any, seed: int) -> list[set]:
        return [set(np.asarray(groups)[fold.test]) for fold in splits.by_group(groups, seed=seed)]

    assert tested(WRITERS, 1) == tested(WRITERS, 1) == tested(np.sort(WRITERS), 1)
    assert tested(WRITERS, 1) != tested(WRITERS, 2)
    chosen = [set(WRITERS[fold.development]) for fold in splits.by_group(WRITERS, 5, 0.5)]
    assert len({frozenset(groups) for groups in chosen}) == 5


@pytest.mark.parametrize(
    ("groups", "folds", "share", "message"),
    [
        (["a", "b"], 2, 0.2, "2 folds of 2 groups"),
        (["a", "b", "c"], 4, 0.2, "4 folds of 3 groups"),
        (["a", "b", "c"], 1, 0.2, "1 folds of 3"),
        (["a", "b", "c"], 2, 0.2, "nothing of 1 groups"),
        (["a", "b", "c"], 3, 1.0, "a share of 1 "),
        (["a", "b", "c"], 3, 0.0, "a share of 0 "),
    ],
)
def test_groups_that_cannot_be_split(groups: list, folds: int, share: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        splits.by_group(groups, folds, share)


def test_a_group_in_two_parts_is_named() -> None:
    splits.deny_straddling({"training": ["a", "a", "b"], "test": np.array(["c"]), "none": []})
    with pytest.raises(ValueError, match=r"^b is in both training and test"):
        splits.deny_straddling({"training": ["a", "b"], "development": ["c"], "test": ["d", "b"]})


# ------------------------------------------------------------------ of real data


def picture_bytes(images: Any) -> set[bytes]:
    return {np.asarray(picture).tobytes() for picture in images}


def test_no_digit_of_the_second_half_is_in_the_first() -> None:
    split = tasks.get("digits").load_data("digits")
    assert (split.data["n_train"], split.data["n_test"]) == (898, 899)
    assert not picture_bytes(split.train.pictures) & picture_bytes(split.test.pictures)


def test_duplicates_in_a_folder_never_straddle(tmp_path: Path) -> None:
    folder = tools.write_classes(tmp_path / "data", [2, 5], each=10)
    for i in range(10):
        for label in (2, 5):
            original = folder / str(label) / f"{i}.png"
            (folder / str(label) / f"copy of {i}.png").write_bytes(original.read_bytes())
    for seed in range(5):
        split = tasks.get("digits").load_data(str(folder), seed=seed)
        assert split.data["n_duplicates"] == 20
        assert (split.data["n_train"], split.data["n_test"]) == (16, 4)
        assert not picture_bytes(split.train.pictures) & picture_bytes(split.test.pictures)
