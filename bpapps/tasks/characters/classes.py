"""The 62 characters, and the groups that people sort these characters into.

A grouping maps a character to the label of its group. It may merge, as ``caseless`` does with
``a`` and ``A``, and it may leave out: characters that are not in the map are not in the grouping.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.names import nearest

CHARACTERS = tuple(string.digits + string.ascii_uppercase + string.ascii_lowercase)
"""The labels: 0-9, A-Z, a-z, in the order of EMNIST ByClass."""

SAME_IN_BOTH_CASES = "cijklmopsuvwxyz"
"""Small letters that EMNIST merges with their capitals, for they are written alike."""


def _grouping(characters: Sequence[str], merged: str = string.ascii_lowercase) -> Mapping[str, str]:
    """Characters -> their groups, small letters of ``merged`` with their capitals."""
    return MappingProxyType({c: c.upper() if c in merged else c for c in characters})


_LETTERS = tuple(string.ascii_letters)

GROUPINGS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "all": _grouping(CHARACTERS, merged=""),
        "balanced": _grouping(CHARACTERS, merged=SAME_IN_BOTH_CASES),
        "caseless": _grouping(CHARACTERS),
        "letters": _grouping(_LETTERS),
        "upper": _grouping(tuple(string.ascii_uppercase)),
        "digits": _grouping(tuple(string.digits)),
    }
)


def grouping(name: str) -> Mapping[str, str]:
    """The grouping of a name; UnknownNameError suggests the nearest for one that is unknown."""
    return GROUPINGS[nearest(name, GROUPINGS, "grouping")]


def group_labels(labels: Any, name: str) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
    """Which labels are in a grouping, a mask (n,), and the groups of these labels.

    Raises:
        UnknownNameError: no such grouping; the nearest is suggested.
    """
    groups = grouping(name)
    found = [groups.get(str(label)) for label in labels]
    kept = np.array([group is not None for group in found], dtype=bool)
    return kept, np.array([group for group in found if group is not None], dtype="<U1")


def merge(
    probabilities: NDArray[Any], classes: Sequence[str] | NDArray[Any], name: str
) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Probabilities of groups, (n, groups), from probabilities of characters, (n, classes).

    Classes that are not in the grouping are left out and the rest is scaled to a sum of 1. Also
    returns the groups' labels, sorted, one a column.

    Raises:
        UnknownNameError: no such grouping; the nearest is suggested.
        ValueError: none of the classes is in the grouping.
    """
    kept, found = group_labels(classes, name)
    if not kept.any():
        raise ValueError(f"none of the classes is in the grouping {name!r}")
    labels, column = np.unique(found, return_inverse=True)
    belongs = np.eye(len(labels))[column]
    merged = np.asarray(probabilities, dtype=np.float64)[:, kept] @ belongs
    total = merged.sum(axis=1, keepdims=True)
    # Where all that is left is improbable to the last bit, every group is as likely.
    even = np.full_like(merged, 1 / len(labels))
    return np.divide(merged, total, out=even, where=total > 0), labels
