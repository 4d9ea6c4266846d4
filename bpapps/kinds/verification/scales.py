"""What a verifier's score is worth: where the scores of development writers lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpapps.kinds.verification.records import Threshold
from bpapps.kinds.verification.roc import choose_threshold
from bpapps.kinds.verification.trials import Trials

_LEAST = 1e-6  # slope: a higher score is never less sure


@dataclass(frozen=True)
class Scale:
    """What a score with some number of references is worth: where development writers' lie.

    ``threshold`` was chosen on them; ``genuine`` and ``forged`` are the quantiles 0, 1, … 100% of
    their scores. ``slope`` and ``offset`` make a probability of a score; a net's scores are logits
    of what it was trained on, too sure of writers that are new to it. As they are by default,
    scores are taken for such logits.
    """

    threshold: Threshold
    genuine: list[float]
    forged: list[float]
    slope: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not (self.slope > 0 and isfinite(self.slope) and isfinite(self.offset)):
            raise ValueError(f"no scale has the slope {self.slope} and the offset {self.offset}")

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Scale:
        """The scale that a model's file holds; KeyError or TypeError where it is damaged."""
        return cls(**{**plain, "threshold": Threshold(**plain["threshold"])})

    @classmethod
    def of(cls, trials: Trials, against: str, far: float | None = None) -> Scale:
        """The scale that trials of development writers make.

        Args:
            against: the kind of forgery that counts.
            far: the false acceptance rate that is wanted; None for balance.
        """
        rule = choose_threshold(trials, far=far, against=against)
        genuine, forged = trials.scores("genuine"), trials.scores(against)
        slope, offset = platt(genuine, forged)
        return cls(rule, _percents(genuine), _percents(forged), slope, offset)

    def probability(self, scores: ArrayLike) -> NDArray[np.float64]:
        """How probable it is that a score is a genuine one, where every other is a forgery's."""
        from scipy.special import expit

        return expit(self.slope * np.asarray(scores, dtype=np.float64) + self.offset)

    def genuine_below(self, score: float) -> float:
        """The share of genuine scores that are lower, to the percent."""
        return _share_below(self.genuine, score)

    def forged_above(self, score: float) -> float:
        """The share of forgeries' scores that are as high or higher, to the percent."""
        return 1 - _share_below(self.forged, score)


def platt(genuine: NDArray, forged: NDArray) -> tuple[float, float]:
    """Slope, above 0, and offset of the logit of being genuine, fitted to scores of both kinds.

    Both kinds weigh the same, however many they are. The targets lie inside (0, 1), by the number
    of scores, lest scores that never overlap be taken for certainty: Platt, "Probabilistic outputs
    for support vector machines", 1999.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    scores = np.concatenate([genuine, forged])
    counts = np.array([len(genuine), len(forged)])
    weights = np.repeat(0.5 / counts, counts)
    targets = np.repeat([1 - 1 / (counts[0] + 2), 1 / (counts[1] + 2)], counts)

    def loss(line: NDArray) -> tuple[float, NDArray]:
        logits = line[0] * scores + line[1]
        off = weights * (expit(logits) - targets)
        value = weights @ (np.logaddexp(0, logits) - targets * logits)
        return value, np.array([off @ scores, off.sum()])

    found = minimize(loss, [1.0, 0.0], jac=True, bounds=[(_LEAST, None), (None, None)])
    return float(found.x[0]), float(found.x[1])


def _percents(scores: NDArray) -> list[float]:
    return np.quantile(scores, np.linspace(0, 1, 101)).tolist()


def _share_below(quantiles: list[float], score: float) -> float:
    if score > quantiles[-1]:
        return 1.0
    return max(0, int(np.searchsorted(quantiles, score)) - 1) / 100
