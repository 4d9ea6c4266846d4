"""Fewer pictures keep the classes' proportions; wrong labels are spread over the other classes."""

import itertools

import numpy as np
import pytest

from bpapps.data.splits import Part
from bpapps.kinds.classification.spoils import fewer_pictures, wrong_labels


def spoilt(spoil, part, share, seed=0):
    return spoil(part, share, np.random.default_rng(seed))


def test_fewer_pictures_are_nested_stratified_and_seeded():
    y = np.repeat(["a", "b", "c"], (700, 299, 1))
    part = Part(np.arange(1000), y, groups=y)
    shares = (0.1, 0.25, 0.5, 1.0)
    parts = [spoilt(fewer_pictures, part, share) for share in shares]
    subsets = [set(each.pictures.tolist()) for each in parts]
    for smaller, larger in itertools.pairwise(subsets):
        assert smaller < larger
    for each, share in zip(parts, shares, strict=True):
        assert np.array_equal(each.targets, y[each.pictures]), "examples lost their labels"
        assert np.array_equal(each.groups, each.targets), "examples lost their groups"
        assert np.all(np.diff(each.pictures) > 0), "the order of the data is kept"
        counts = [np.count_nonzero(each.targets == label) for label in "abc"]
        np.testing.assert_allclose(counts[:2], (700 * share, 299 * share), atol=1.5)
        assert counts[2] == 1
    assert list(map(len, parts)) == [100, 250, 500, 1000]
    again, other = (spoilt(fewer_pictures, part, 0.1, seed) for seed in (0, 1))
    assert set(again.pictures.tolist()) == subsets[0]
    assert set(other.pictures.tolist()) != subsets[0]


@pytest.mark.parametrize("share", [0.0, 0.001])
def test_a_tiny_share_still_has_every_class(share):
    y = np.repeat(np.arange(10), 30)
    assert sorted(spoilt(fewer_pictures, Part(y, y), share).targets) == list(range(10))


def test_wrong_labels_are_a_share_and_each_other_class_as_often():
    y = np.random.default_rng(0).integers(0, 4, 1000)
    before = y.copy()
    parts = [spoilt(wrong_labels, Part(y, y), share) for share in (0.0, 0.1, 0.2, 0.4)]
    assert np.array_equal(y, before)
    assert all(np.array_equal(part.pictures, y) for part in parts)
    wrong = [part.targets != y for part in parts]
    assert [int(w.sum()) for w in wrong] == [0, 100, 200, 400]
    for less, more in itertools.pairwise(parts[1:]):
        rows = less.targets != y
        assert np.array_equal(less.targets[rows], more.targets[rows])
    given = parts[3].targets
    assert set(given) == set(y)
    away = (given - y)[wrong[3]] % 4  # each other class as often
    np.testing.assert_allclose(np.bincount(away, minlength=4)[1:] / 400, 1 / 3, atol=0.07)


@pytest.mark.parametrize("spoil", [fewer_pictures, wrong_labels])
def test_pictures_of_different_sizes_come_as_lists(spoil):
    pictures = [np.zeros((5 + i % 3, 4)) for i in range(40)]
    part = spoilt(spoil, Part(pictures, np.arange(40) % 2), 0.5)
    assert isinstance(part.pictures, list)
    assert len(part.pictures) == len(part.targets)


def test_one_class_cannot_be_labelled_wrongly():
    with pytest.raises(ValueError, match="two classes"):
        spoilt(wrong_labels, Part(np.zeros(10), np.zeros(10)), 0.1)
