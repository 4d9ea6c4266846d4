"""What of a verifier is put through corruptions, and timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from bpapps.data.splits import Part
from bpapps.experiments import Probe
from bpapps.kinds.verification.pairs import PairClassifier
from bpapps.kinds.verification.rates import measure
from bpapps.kinds.verification.records import Threshold
from bpapps.kinds.verification.trials import GENUINE, RANDOM, SKILLED, Trials
from bpapps.pictures.arrays import as_pictures
from bpapps.results import Figure

NOISE_WRITERS, NOISE_EACH = 12, 5
"""Writers in the noise sweep; references, genuine and forged pictures of each."""

TIMED = 40
"""Pairs that are timed."""


def questioned(pipeline: Pipeline, part: Part, corruptions: Sequence[str], seed: int) -> Probe:
    """Pictures of some writers, corrupted, against references that stay clean."""
    some = _few(part, seed)
    return Probe(
        "Questioned pictures",
        some.questioned,
        partial(_questioned_trials, pipeline, some),
        partial(_figures, threshold=pipeline[-1].threshold()),
        corruptions,
    )


def comparison(pipeline: Pipeline, part: Part) -> Probe:
    """Pairs of pictures, preprocessing of both included: for the clock."""
    pictures = list(as_pictures(part.take(np.arange(min(TIMED + 1, len(part)))).pictures))
    pairs = [pictures[i : i + 2] for i in range(len(pictures) - 1)]

    def compare(some: list[list[NDArray]]) -> NDArray:
        rows = pipeline[0].transform([picture for pair in some for picture in pair])
        return pipeline[-1].decision_function(rows.reshape(len(some), 2, -1))

    return Probe("Comparison", pairs, compare, corruptions=(), of="pair", repeats=3)


def _figures(trials: Trials, threshold: Threshold) -> list[Figure]:
    """EER, chosen afterwards, and the rates at the threshold that was fixed on clean pictures."""
    measured = measure(trials, [threshold])
    apart = measured.skilled or measured.random
    assert apart is not None
    rates = measured.rates[0]
    found = {"EER": apart.eer, "FRR": rates.frr, "FAR": rates.far_skilled}
    return [Figure(name, rate, True, "writer") for name, rate in found.items() if rate]


@dataclass(frozen=True)
class _Few:
    """References and questioned pictures of some writers, and whose and what they are."""

    references: list[NDArray]
    reference_owners: NDArray[np.str_]
    questioned: list[NDArray]
    questioned_owners: NDArray[np.str_]
    genuine: NDArray[np.bool_]


def _few(part: Part, seed: int) -> _Few:
    rng = np.random.default_rng(seed)
    references, questioned = [], []
    for owner in rng.permutation(np.unique(part.targets["owner"]))[:NOISE_WRITERS]:
        own, forged = (
            rng.permutation(
                np.flatnonzero((part.targets["owner"] == owner) & (part.targets["genuine"] == flag))
            )
            for flag in (True, False)
        )
        half = min(NOISE_EACH, len(own) // 2)
        references += own[:half].tolist()
        questioned += [*own[half : 2 * half].tolist(), *forged[:NOISE_EACH].tolist()]
    asked = part.take(np.array(questioned))
    known = part.take(np.array(references))
    return _Few(
        list(as_pictures(known.pictures)),
        known.targets["owner"],
        list(as_pictures(asked.pictures)),
        asked.targets["owner"],
        asked.targets["genuine"],
    )


def _questioned_trials(pipeline: Pipeline, some: _Few, pictures: list[NDArray]) -> Trials:
    """Each questioned picture against each reference of its writer.

    Where nobody forged, also of the next writer, whom it then is a random forgery of.
    """
    net: PairClassifier = pipeline[-1]
    rows = pipeline[0].transform([*some.references, *pictures])
    n = len(some.references)
    names = np.unique([*some.reference_owners, *some.questioned_owners])
    known, by = (np.searchsorted(names, o) for o in (some.reference_owners, some.questioned_owners))
    wanted = known[:, None] == by
    if some.genuine.all():
        wanted |= known[:, None] == (by + 1) % len(names)
    pairs = np.argwhere(wanted)
    scores = net.compare(net.embed(rows), pairs + np.array([0, n]))
    owner, by = known[pairs[:, 0]], by[pairs[:, 1]]
    real = np.where(owner == by, GENUINE, RANDOM)
    kind = np.where(some.genuine[pairs[:, 1]], real, SKILLED)
    return Trials(scores, kind.astype(np.int8), owner, by, names.tolist())
