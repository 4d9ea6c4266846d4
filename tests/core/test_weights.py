"""Weights of samples, and what keeps a net's own weights small."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from core.trainings import NETWORK, blobs, fit, plan_of

from bpapps.core import (
    SGD,
    Chain,
    Conv2D,
    Dense,
    Flatten,
    GroupNorm,
    LayerNorm,
    Params,
    Reshape,
    Tanh,
    initial_params,
)


def test_zero_weight_is_absence() -> None:
    X, y = blobs()
    present = np.random.default_rng(0).random(len(y)) < 0.6
    plan = plan_of(batch_size=100, shuffle=False, alpha=0.5)
    weighted, epochs = fit(plan, (X, y), dtype=np.float64, weights=present.astype(float))
    alone, alone_epochs = fit(plan, (X[present], y[present]), dtype=np.float64)
    np.testing.assert_allclose(weighted.vector, alone.vector, rtol=1e-9)
    assert epochs[-1].loss == pytest.approx(alone_epochs[-1].loss, rel=1e-9)


def test_a_whole_weight_is_repetition() -> None:
    X, y = blobs(30)
    times = np.random.default_rng(0).integers(1, 4, size=30)
    rows = np.repeat(np.arange(30), times)
    plan = plan_of(batch_size=100, shuffle=False, alpha=0.5)
    weighted, _ = fit(plan, (X, y), dtype=np.float64, weights=times.astype(float))
    repeated, _ = fit(plan, (X[rows], y[rows]), dtype=np.float64)
    np.testing.assert_allclose(weighted.vector, repeated.vector, rtol=1e-9)


def test_a_batch_of_no_weight_is_passed_over() -> None:
    weights = np.ones(90)
    weights[:40] = 0
    params, epochs = fit(plan_of(batch_size=10, shuffle=False, max_epochs=1), weights=weights)
    assert epochs[0].steps == 5
    assert np.isfinite(params.vector).all()


def test_weights_that_are_all_the_same_do_nothing() -> None:
    plain, _ = fit(plan_of(), dtype=np.float64)
    weighted, _ = fit(plan_of(), dtype=np.float64, weights=np.full(90, 3.0))
    np.testing.assert_allclose(plain.vector, weighted.vector, rtol=1e-9)


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="weight"):
        fit(plan_of(), weights=np.zeros(90))


PENALIZED = [
    (Chain(Dense(5), Tanh(), Dense(3)), (4,)),
    (Chain(Reshape((2, 2, 1)), Conv2D(4, 2, padding=1), GroupNorm(2), Flatten(), Dense(3)), (4,)),
    (Chain(LayerNorm(), Dense(3)), (4,)),
]


@pytest.mark.parametrize(("network", "in_shape"), PENALIZED, ids=["dense", "conv", "norm"])
def test_alpha_penalizes_weights_and_not_biases(network: Any, in_shape: tuple) -> None:
    data = blobs(20)
    start = initial_params(network, in_shape, 0, np.float64)
    start.vector[...] += 0.3 * np.random.default_rng(0).normal(size=start.size)

    def step(alpha: float, vector: np.ndarray) -> tuple[float, Params]:
        """The reported loss, and the gradient as the first step of plain descent shows it."""
        plan = plan_of(
            optimizer=SGD(), learning_rate=1e-3, batch_size=20, max_epochs=1, alpha=alpha
        )
        params = Params(vector.copy(), start.shapes)
        _, (epoch,) = fit(plan, data, network, params=params)
        return epoch.loss, Params((vector - params.vector) / 1e-3, start.shapes)

    loss, gradient = step(6.0, start.vector)
    plain_loss, plain_gradient = step(0.0, start.vector)
    squares = sum(float((view**2).sum()) for name, view in start.items() if name[-1] == "W")
    assert loss - plain_loss == pytest.approx(6.0 / (2 * 20) * squares, rel=1e-9)
    for (name, part), (_, plain), (_, view) in zip(
        gradient.items(), plain_gradient.items(), start.items(), strict=True
    ):
        extra = 6.0 / 20 * view if name[-1] == "W" else 0.0
        np.testing.assert_allclose(part, plain + extra, rtol=1e-7, atol=1e-9)
    for seed in range(3):
        d = np.random.default_rng(seed).normal(size=start.size)
        ahead, behind = (step(6.0, start.vector + h * d)[0] for h in (1e-5, -1e-5))
        assert (ahead - behind) / 2e-5 == pytest.approx(float(gradient.vector @ d), rel=1e-6)


def test_max_norm_bounds_the_step() -> None:
    start = initial_params(NETWORK, (4,))
    lengths = {}
    for max_norm in (None, 0.05, 1e3):
        plan = plan_of(optimizer=SGD(), learning_rate=1.0, batch_size=90, max_epochs=1)
        params, _ = fit(replace(plan, max_norm=max_norm))
        lengths[max_norm] = np.linalg.norm(params.vector - start.vector)
    assert lengths[0.05] == pytest.approx(0.05, rel=1e-4)
    assert lengths[None] == lengths[1e3] > 0.1
