"""Losses: the gradient is that of the value, weights repeat, and nothing overflows."""

from collections.abc import Callable
from math import log, nan
from typing import Any

import numpy as np
import pytest

from bpapps.core import Huber, SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError, check_loss

N = 7
Targets = Callable[[np.random.Generator, int], np.ndarray]


def classes(rng: np.random.Generator, k: int) -> np.ndarray:
    return rng.integers(k, size=N)


def shares(rng: np.random.Generator, k: int) -> np.ndarray:
    return rng.dirichlet(np.ones(k), N)


def answers(rng: np.random.Generator, k: int) -> np.ndarray:
    return rng.integers(2, size=(N, k))


def doubts(rng: np.random.Generator, k: int) -> np.ndarray:
    return rng.random((N, k))


def values(rng: np.random.Generator, k: int) -> np.ndarray:
    return rng.normal(size=(N, k))


def column(rng: np.random.Generator, k: int) -> np.ndarray:
    return rng.random(N)


TABLE: list[tuple[Any, int, Targets]] = [
    (SoftmaxCrossEntropy(), 2, classes),
    (SoftmaxCrossEntropy(), 5, classes),
    (SoftmaxCrossEntropy(), 5, shares),
    (SoftmaxCrossEntropy(0.1), 5, classes),
    (SoftmaxCrossEntropy(0.5), 3, shares),
    (SigmoidCrossEntropy(), 1, answers),
    (SigmoidCrossEntropy(), 1, column),
    (SigmoidCrossEntropy(), 4, answers),
    (SigmoidCrossEntropy(), 4, doubts),
    (SquaredError(), 1, column),
    (SquaredError(), 3, values),
    (Huber(), 1, column),
    (Huber(), 3, values),
    (Huber(0.2), 3, values),
    (Huber(10.0), 3, values),
]

every = pytest.mark.parametrize(
    ("loss", "k", "targets"), TABLE, ids=[f"{loss}-{k}-{t.__name__}" for loss, k, t in TABLE]
)


def make(k: int, targets: Targets, dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return rng.normal(size=(N, k)).astype(dtype), targets(rng, k)


@every
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_is_that_of_the_value(loss: Any, k: int, targets: Targets, weighted: bool) -> None:
    weights = np.random.default_rng(5).random(N) if weighted else None
    assert check_loss(loss, *make(k, targets), weights) < 1e-6


@every
def test_weights_are_repetitions(loss: Any, k: int, targets: Targets) -> None:
    logits, wanted = make(k, targets)
    times = np.array([0, 1, 2, 3, 1, 0, 2])
    rows = np.repeat(np.arange(N), times)
    weighted, dlogits = loss(logits, wanted, times / times.sum())
    repeated, parts = loss(logits[rows], wanted[rows])
    assert weighted == pytest.approx(repeated, rel=1e-12)
    summed = np.zeros_like(logits)
    np.add.at(summed, rows, parts)
    np.testing.assert_allclose(dlogits, summed, rtol=1e-12, atol=1e-15)


@every
def test_without_weights_it_is_the_mean(loss: Any, k: int, targets: Targets) -> None:
    logits, wanted = make(k, targets)
    each = [loss(logits[i : i + 1], wanted[i : i + 1])[0] for i in range(N)]
    assert loss(logits, wanted)[0] == pytest.approx(np.mean(each), rel=1e-12)


@every
@pytest.mark.parametrize(("dtype", "weighted"), [(np.float32, True), (np.float64, False)])
def test_types_shapes_and_untouched_inputs(
    loss: Any, k: int, targets: Targets, dtype: Any, weighted: bool
) -> None:
    logits, wanted = make(k, targets, dtype)
    inputs = [logits, wanted, *([np.full(N, 0.3)] if weighted else [])]
    before = [a.tobytes() for a in inputs]
    for array in inputs:
        array.flags.writeable = False
    value, dlogits = loss(*inputs)
    assert isinstance(value, float)
    assert dlogits.shape == logits.shape
    assert dlogits.dtype == dtype
    assert loss.predict(logits).dtype == dtype
    assert loss.predict(logits).shape == logits.shape
    assert [a.tobytes() for a in inputs] == before


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_logits_stay_finite(loss: Any, k: int, targets: Targets, dtype: Any) -> None:
    signs, wanted = make(k, targets, dtype)
    for logits in (1e4 * np.sign(signs), np.full_like(signs, 1e4), np.full_like(signs, -1e4)):
        value, dlogits = loss(logits, wanted)
        assert np.isfinite(value)
        assert np.isfinite(dlogits).all()
        assert np.isfinite(loss.predict(logits)).all()


@every
def test_values_are_not_negative(loss: Any, k: int, targets: Targets) -> None:
    assert loss(*make(k, targets))[0] > 0


def test_softmax_probabilities_sum_to_one() -> None:
    logits = 10 * np.random.default_rng(0).normal(size=(20, 5))
    for scale in (1, 1e3):
        p = SoftmaxCrossEntropy().predict(scale * logits)
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
        assert (p >= 0).all()


KNOWN: list[tuple[Any, list, Any, float]] = [
    (SoftmaxCrossEntropy(), [[0.0, 0.0, 0.0]], [1], log(3)),
    (SoftmaxCrossEntropy(), [[log(3.0), 0.0]], [0], log(4 / 3)),
    (SoftmaxCrossEntropy(), [[log(3.0), 0.0]], [[0.5, 0.5]], 0.5 * log(4 / 3) + 0.5 * log(4)),
    (SoftmaxCrossEntropy(0.2), [[log(3.0), 0.0]], [0], 0.9 * log(4 / 3) + 0.1 * log(4)),
    (SigmoidCrossEntropy(), [[0.0, log(3.0)]], [[1, 1]], log(2) + log(4 / 3)),
    (SquaredError(), [[1.0, 5.0]], [[2.0, 3.0]], 0.5 + 2.0),
    (Huber(), [[0.5, 3.0]], [[0.0, 0.0]], 0.125 + 2.5),
    (Huber(2.0), [[-3.0]], [0.0], 4.0),
]


@pytest.mark.parametrize(("loss", "logits", "targets", "value"), KNOWN, ids=str)
def test_known_values(loss: Any, logits: list, targets: Any, value: float) -> None:
    assert loss(np.array(logits), np.array(targets))[0] == pytest.approx(value, rel=1e-12)


def test_squared_error_is_actual_minus_desired() -> None:
    _, dlogits = SquaredError()(np.array([[1.0, 5.0]]), np.array([[2.0, 3.0]]))
    np.testing.assert_array_equal(dlogits, [[-1, 2]])


def test_predictions_are_what_the_loss_takes_logits_for() -> None:
    logits = np.array([[0.0, log(3.0)]])
    np.testing.assert_allclose(SoftmaxCrossEntropy().predict(logits), [[0.25, 0.75]])
    np.testing.assert_allclose(SigmoidCrossEntropy().predict(logits), [[0.5, 0.75]])
    np.testing.assert_array_equal(SquaredError().predict(logits), logits)
    np.testing.assert_array_equal(Huber().predict(logits), logits)


def test_a_small_weight_in_single_precision_is_not_lost() -> None:
    logits = np.zeros((100_000, 2), np.float32)
    value, _ = SoftmaxCrossEntropy()(logits, np.zeros(100_000, int), np.full(100_000, 1e-5))
    assert value == pytest.approx(log(2), rel=1e-6)


OUT_OF_RANGE = [
    *((SoftmaxCrossEntropy, value) for value in (-0.1, 1.0, nan)),
    *((Huber, value) for value in (0.0, -1.0, nan)),
]


@pytest.mark.parametrize(("kind", "value"), OUT_OF_RANGE)
def test_hyperparameters_out_of_range_are_refused(kind: Any, value: float) -> None:
    with pytest.raises(ValueError, match=r"label_smoothing|Huber: delta"):
        kind(value)
