"""Probabilities of classes and true labels, checked against each other.

Labels are compared as text, as results.json holds them: 3 and "3" are one class.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def checked_answers(
    probabilities: ArrayLike, truth: ArrayLike, classes: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.intp], list[str]]:
    """Check that the arrays fit together; return float64 (n, k), true indices (n,), names."""
    names = class_names(classes)
    p = np.asarray(probabilities, dtype=np.float64)
    t = _indices(truth, names)
    if p.shape != (len(t), len(names)) or not len(t):
        raise ValueError(
            f"probabilities of the shape {p.shape} do not fit {len(t)} labels of "
            f"{len(names)} classes"
        )
    if not (p.min() >= 0 and p.max() <= 1 + 1e-6):  # NaN fails this too
        raise ValueError("probabilities must lie in [0, 1]")
    return np.minimum(p, 1.0), t, names


def class_names(classes: ArrayLike) -> list[str]:
    """The names of classes as text; ValueError where two are alike, or there is none."""
    names = [str(label) for label in np.asarray(classes).ravel()]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"classes must be distinct labels, not {names}")
    return names


def _indices(truth: ArrayLike, names: list[str]) -> NDArray[np.intp]:
    index = {name: i for i, name in enumerate(names)}
    texts = [str(label) for label in np.asarray(truth).ravel()]
    unknown = sorted(set(texts) - set(names))
    if unknown:
        raise ValueError(f"truth has the label {unknown[0]!r}, which is not among the classes")
    return np.array([index[text] for text in texts], dtype=np.intp)
