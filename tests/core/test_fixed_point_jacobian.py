"""The Jacobian at a fixed point: its radius, and the penalty on it."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from core.settling import CONV, DENSE, clouds, normal, params_of, plan_of

from bpapps.core import (
    Chain,
    Dense,
    FixedPoint,
    NotConvergedWarning,
    Params,
    SquaredError,
    Tanh,
    evaluate,
    pack,
    recording,
    spectral_radius,
    train,
)
from bpapps.core.gradcheck import slope_error
from bpapps.core.parallel import BatchGradient
from bpapps.core.threads import team


def jacobian(layer: FixedPoint, p: Params, z: np.ndarray) -> np.ndarray:
    """∂cell/∂z of one sample, (size, size), row by row of what comes out."""
    _, back = layer.cell(p.part("cell"), np.repeat(z, z.size, axis=0))
    return back(np.eye(z.size).reshape(-1, *z.shape[1:])).reshape(z.size, z.size)


@pytest.mark.parametrize("row", [(DENSE, (4,)), (CONV, (4, 5, 2))], ids=["dense", "conv"])
def test_the_spectral_radius_is_that_of_the_jacobian(row: tuple) -> None:
    layer, in_shape = row
    p, x = params_of(layer, in_shape), normal(4, *in_shape)
    z, _ = layer(p, x)
    found = spectral_radius(layer.cell, p.part("cell"), z, 400)
    exact = [np.abs(np.linalg.eigvals(jacobian(layer, p, z[i : i + 1]))).max() for i in range(4)]
    np.testing.assert_allclose(found, exact, rtol=0.02)


def test_a_cell_of_constants_has_radius_0() -> None:
    p = pack(Dense(3).init((3,), np.random.default_rng(0))[0])
    p.W[...] = 0
    assert (spectral_radius(Dense(3), p, normal(2, 3, dtype=np.float32)) < 1e-30).all()


def penalized(strength: float, seed: int = 0) -> tuple[FixedPoint, Params, np.ndarray]:
    layer = replace(DENSE, jacobian_penalty=strength)
    return layer, params_of(layer, (4,), seed=seed), normal(5, 4)


def penalty_of(layer: FixedPoint, p: Params, x: np.ndarray, seed: int = 0) -> tuple[float, Params]:
    """Its value and gradient, with no other loss."""
    grad = p.zeros_like()
    with recording() as record:
        z, back = layer(p, x, np.random.default_rng(seed))
        back(np.zeros_like(z), grad)
    return record.penalty, grad


def test_the_jacobian_penalty_is_the_mean_square_of_the_jacobian() -> None:
    layer, p, x = penalized(2.0)
    z, _ = layer(p, x)
    squares = [np.square(jacobian(layer, p, z[i : i + 1])).sum() / z[0].size for i in range(5)]
    values = [penalty_of(layer, p, x, seed)[0] for seed in range(400)]
    assert np.mean(values) == pytest.approx(2.0 * np.mean(squares), rel=0.04)


def test_the_gradient_of_the_jacobian_penalty_is_that_of_its_value() -> None:
    """Through the weights and through the fixed point that they move."""
    layer, p, x = penalized(2.0)
    _, grad = penalty_of(layer, p, x)
    along = normal(p.size, seed=5)

    def value(t: float) -> float:
        return penalty_of(layer, Params(p.vector + t * along, p.shapes), x)[0]

    assert slope_error(value, float(grad.vector @ along)) < 1e-6
    assert grad.part("inject").W.any()


@pytest.mark.slow
def test_the_jacobian_penalty_is_in_the_loss_and_not_in_prediction() -> None:
    layer, p, x = penalized(2.0)
    y = normal(5, 6, seed=3)
    value, _ = evaluate(layer, p, x, y, SquaredError())
    means = []
    for size in (5, 2):
        of_batch = BatchGradient(layer, p, SquaredError(), size)
        with team(1) as members:
            losses = [of_batch(members, x, y, None, np.arange(5), k)[0] for k in range(150)]
        means.append(np.mean(losses) - value)
    expected = np.mean([penalty_of(layer, p, x, seed)[0] for seed in range(300)])
    np.testing.assert_allclose(means, expected, rtol=0.1)  # however the batch is cut


@pytest.mark.slow
def test_the_jacobian_penalty_lowers_the_spectral_radius() -> None:
    X, y = clouds()
    radii = []
    for strength in (0.0, 1.0):
        layer = FixedPoint(
            Chain(Tanh(), Dense(8, "glorot_uniform")), Dense(8), jacobian_penalty=strength
        )
        network = Chain(layer, Tanh(), Dense(3))
        p = params_of(network, (4,), np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConvergedWarning)  # without the penalty
            list(train(network, p, X, y, plan_of(max_epochs=20)))
        z, _ = layer(p[0], X)
        radii.append(spectral_radius(layer.cell, p[0].part("cell"), z).mean())
    assert radii[1] < 0.5 * radii[0]
