"""What a verifier's score is worth: probabilities that hold for writers it has not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from bpapps.kinds.verification.records import Threshold
from bpapps.kinds.verification.scales import Scale, platt
from bpapps.kinds.verification.trials import GENUINE, SKILLED, Trials
from bpapps.measures.calibration import calibration

PLAIN = Scale(Threshold(0.0, "", "skilled", 0.1, 0.1, 2), [0.0] * 101, [0.0] * 101)


def logits(seed: int, count: int) -> tuple[NDArray, NDArray]:
    """Of genuine pairs and of a third as many forgeries: true ones, where both weigh the same."""
    rng = np.random.default_rng(seed)
    return rng.normal(1, np.sqrt(2), count), rng.normal(-1, np.sqrt(2), count // 3)


def trials(genuine: NDArray, forged: NDArray) -> Trials:
    kind = np.repeat(np.array([GENUINE, SKILLED], np.int8), [len(genuine), len(forged)])
    owner = np.arange(len(kind)) % 20
    return Trials(
        np.concatenate([genuine, forged]), kind, owner, owner, [f"{i}" for i in range(20)]
    )


def error(scale: Scale, genuine: NDArray, forged: NDArray) -> float:
    """The expected calibration error on as many of both kinds."""
    count = len(forged)
    same = scale.probability(np.concatenate([genuine[:count], forged]))
    truth = np.repeat([True, False], count)
    return calibration(np.stack([1 - same, same], axis=1), truth, [False, True]).ece


@pytest.mark.slow
@pytest.mark.parametrize("shift", [-4.0, 0.0, 3.0])
@pytest.mark.parametrize("factor", [0.02, 1.0, 3.0, 50.0])
def test_scores_too_sure_or_not_sure_enough_become_probabilities(
    factor: float, shift: float
) -> None:
    development, others = (
        [factor * (some + shift) for some in logits(seed, 9000)] for seed in (0, 1)
    )
    scale = Scale.of(trials(*development), "skilled")
    assert scale.slope == pytest.approx(1 / factor, rel=0.1)
    assert scale.offset == pytest.approx(-shift, abs=0.25)
    assert error(scale, *others) < 0.025
    if factor > 1:
        assert error(PLAIN, *others) > 3 * error(scale, *others)


@pytest.mark.parametrize(
    ("genuine", "forged"),
    [([3.0, 4.0], [1.0, 2.0]), ([1.0, 2.0], [3.0, 4.0]), ([0.0], [0.0]), ([1e3] * 99, [-1e3])],
    ids=["apart", "worse than chance", "equal", "far apart"],
)
def test_a_higher_score_is_never_less_sure(genuine: list[float], forged: list[float]) -> None:
    slope, offset = platt(np.array(genuine), np.array(forged))
    scale = replace(PLAIN, slope=slope, offset=offset)
    assert scale.slope > 0
    same = scale.probability(np.array([*forged, *genuine]))
    assert (same > 0).all()
    assert (same < 1).all()
    assert (np.diff(scale.probability(np.linspace(-5, 5, 99))) > 0).all()


def test_as_they_are_scores_are_logits() -> None:
    assert PLAIN.probability([0.0, 2.0]) == pytest.approx([0.5, expit(2.0)])


@pytest.mark.parametrize("wrong", [{"slope": 0.0}, {"slope": np.nan}, {"offset": np.inf}])
def test_what_is_no_scale(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no scale has"):
        replace(PLAIN, **wrong)
