"""A verifier trained on writers, and the scores of all pairs that its figures are taken of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from bpapps.data.splits import Part, Split
from bpapps.kinds.verification.scored import Scored

IMPOSTORS = 60
"""Genuine pictures of others that a writer is tried with at most, drawn by the seed."""


def score(pipeline: Pipeline, part: Part, seed: int = 0, *, others: bool = True) -> Scored:
    """Score all pairs that trials are made of; ``others``: also some with others' signatures."""
    rows = pipeline[0].transform(part.pictures)
    return score_rows(pipeline[-1], replace(part, pictures=rows), seed, others=others)


def score_rows(net: Any, part: Part, seed: int = 0, *, others: bool = True) -> Scored:
    """The same of pictures that are preprocessed."""
    scores = net.score_matrix(part.pictures, _wanted(part, seed, others))
    return Scored(scores, part.targets["owner"], part.targets["genuine"])


@dataclass(frozen=True)
class ScoredSplit:
    """The scored pairs of a split's test part and of its development part.

    The latter is None of data that the net was not trained on: nothing is chosen on them.
    ``equal`` are the pairs of strokes made equal, None where preprocessing has no such way.
    """

    test: Scored
    development: Scored | None = None
    equal: ScoredSplit | None = None


def score_split(pipeline: Pipeline, split: Split, *, seed: int = 0) -> ScoredSplit:
    """Score what figures are taken of; a split without development part chooses no threshold."""
    chosen_on = split.development
    if chosen_on is None:
        return ScoredSplit(score(pipeline, split.test, seed))

    def scored(net: Pipeline, equal: ScoredSplit | None = None) -> ScoredSplit:
        # Thresholds are chosen against forgeries, where there are any.
        others = bool(chosen_on.targets["genuine"].all())
        development = score(net, chosen_on, seed, others=others)
        return ScoredSplit(score(net, split.test, seed), development, equal)

    if "strokes" not in pipeline[0].get_params():
        return scored(pipeline)
    return scored(pipeline, scored(_with_equal_strokes(pipeline)))


def _with_equal_strokes(pipeline: Pipeline) -> Pipeline:
    """The same net behind preprocessing that makes all strokes equal."""
    step = clone(pipeline[0]).set_params(strokes="equal")
    return Pipeline([("preprocessing", step), ("net", pipeline[-1])])


def _wanted(part: Part, seed: int, others: bool) -> NDArray[np.bool_]:
    """Which pairs (n, n) are worth a score."""
    same = part.targets["owner"][:, None] == part.targets["owner"]
    real = part.targets["genuine"]
    wanted = same & (real[:, None] | real)
    if not others:
        return wanted
    for number, owner in enumerate(np.unique(part.targets["owner"])):
        strangers = np.flatnonzero(real & (part.targets["owner"] != owner))
        some = np.random.default_rng([seed, number]).permutation(strangers)[:IMPOSTORS]
        own = np.flatnonzero(real & (part.targets["owner"] == owner))
        wanted[np.ix_(own, some)] = True
    return wanted
