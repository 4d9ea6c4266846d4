"""The 62 characters, their groupings, and what is made of probabilities."""

from __future__ import annotations

import string

import numpy as np
import pytest

from bpapps.names import UnknownNameError
from bpapps.tasks.characters import classes
from bpapps.tasks.characters.classes import CHARACTERS, GROUPINGS

MERGED = dict(zip("cijklmopsuvwxyz", "CIJKLMOPSUVWXYZ", strict=True))
WANTED = {
    "all": (62, {"a": "a", "A": "A", "7": "7"}),
    "balanced": (47, {"a": "a", "A": "A", "7": "7", "r": "r", **MERGED}),
    "caseless": (36, {"a": "A", "A": "A", "7": "7", "r": "R"}),
    "letters": (26, {"a": "A", "A": "A", "7": None}),
    "upper": (26, {"a": None, "A": "A", "7": None}),
    "digits": (10, {"a": None, "A": None, "7": "7"}),
}


@pytest.mark.parametrize("name", GROUPINGS)
def test_groupings(name: str) -> None:
    size, some_of_them = WANTED[name]
    assert len(set(GROUPINGS[name].values())) == size
    assert set(GROUPINGS[name]) <= set(CHARACTERS)
    for character, group in some_of_them.items():
        assert GROUPINGS[name].get(character) == group
    kept, labels = classes.group_labels(list(some_of_them), name)
    assert kept.tolist() == [group is not None for group in some_of_them.values()]
    assert labels.tolist() == [group for group in some_of_them.values() if group is not None]


def test_there_are_62_characters_in_emnists_order() -> None:
    assert "".join(CHARACTERS) == string.digits + string.ascii_uppercase + string.ascii_lowercase


@pytest.mark.parametrize("name", GROUPINGS)
def test_merged_probabilities(name: str) -> None:
    rng = np.random.default_rng(0)
    order = rng.permutation(CHARACTERS)
    probabilities = rng.dirichlet(np.ones(62), 20)
    merged, labels = classes.merge(probabilities, order, name)
    assert labels.tolist() == sorted(set(GROUPINGS[name].values()))
    assert merged.sum(axis=1) == pytest.approx(1)
    belongs = [GROUPINGS[name].get(str(c)) == labels[3] for c in order]
    kept = [str(c) in GROUPINGS[name] for c in order]
    expected = probabilities[:, belongs].sum(axis=1) / probabilities[:, kept].sum(axis=1)
    np.testing.assert_allclose(merged[:, 3], expected)


def test_what_is_improbable_in_a_grouping_is_even() -> None:
    merged, labels = classes.merge(np.array([[1.0, 0, 0]]), ["A", "1", "2"], "digits")
    assert labels.tolist() == ["1", "2"]
    assert merged.tolist() == [[0.5, 0.5]]


def test_unknown_groupings() -> None:
    with pytest.raises(UnknownNameError, match="grouping 'caseles'; did you mean 'caseless'"):
        classes.group_labels(["a"], "caseles")
    with pytest.raises(UnknownNameError, match="did you mean 'digits'"):
        classes.merge(np.ones((1, 1)), ["1"], "digit")
    with pytest.raises(ValueError, match="none of the classes is in the grouping 'digits'"):
        classes.merge(np.ones((1, 1)), ["A"], "digits")
