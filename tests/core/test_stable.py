"""Stable layers: the fixed point that they promise is there, alone, and found."""

from typing import Any

import numpy as np
import pytest

from bpapps.core import (
    Anderson,
    Bounded,
    Chain,
    Conv2D,
    Damped,
    Dense,
    FixedPoint,
    Identity,
    MonotoneDense,
    Params,
    ReLU,
    Residual,
    Sigmoid,
    SymmetricDense,
    Tanh,
    initial_params,
    recording,
)
from bpapps.core.layers import prepare

SIZE = 12


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def params_of(layer: Any, in_shape: tuple, factor: float = 1.0) -> Params:
    """Initial parameters, and some noise, made so many times larger."""
    p = initial_params(layer, in_shape, 0, np.float64)
    p.vector[...] += 0.3 * normal(p.size)
    p.vector[...] *= factor
    return p


def from_random_starts(layer: FixedPoint, p: Params, x: np.ndarray) -> tuple[np.ndarray, Any]:
    """The fixed points of one input from 40 starts, and how they were found."""
    starts = 10 * normal(40, *layer.init(x.shape, np.random.default_rng(0))[1], seed=1)
    with recording() as record:
        z, _ = layer(p, np.tile(x, (40, *(1 for _ in x.shape))), z0=starts)
    return z, record.forward[0]


@pytest.mark.parametrize("margin", [0.05, 0.5, 1.0])
@pytest.mark.parametrize("factor", [1.0, 5.0])
def test_monotone_weights_keep_their_margin(margin: float, factor: float) -> None:
    layer = MonotoneDense(SIZE, margin)
    W = layer.weights(params_of(layer, (SIZE,), factor))
    smallest = np.linalg.eigvalsh(np.eye(SIZE) - (W + W.T) / 2).min()
    assert smallest >= margin - 1e-12
    assert np.abs(W - W.T).max() > 0.1


@pytest.mark.parametrize("activation", [ReLU(), Tanh(), Sigmoid()], ids=str)
def test_a_monotone_cell_has_one_fixed_point(activation: Any) -> None:
    """Also where plain iteration would run away."""
    cell = Chain(activation, MonotoneDense(SIZE, 0.2))
    layer = FixedPoint(cell, Identity(), Damped(0.03), tol=1e-10, max_iter=4000)
    p = params_of(layer, (SIZE,), 1.5)
    W = MonotoneDense(SIZE, 0.2).weights(p.part("cell")[1])
    assert np.linalg.norm(W, 2) > 3
    z, info = from_random_starts(layer, p, normal(SIZE, seed=2))
    assert info.converged.all()
    np.testing.assert_allclose(z, np.tile(z[:1], (40, 1)), atol=1e-7)


def test_damping_below_the_stated_bound_settles() -> None:
    margin = 0.5
    monotone = MonotoneDense(3, margin)
    p = params_of(Chain(ReLU(), monotone), (3,), 0.5)
    norm = np.linalg.norm(monotone.weights(p[1]), 2)
    damping = margin / ((margin + norm**2) * (1 + norm) ** 2)
    layer = FixedPoint(Chain(ReLU(), monotone), Identity(), Damped(damping), 1e-8, 5000)
    q = Params(p.vector, {f"cell.{name}": shape for name, shape in p.shapes.items()})
    z, info = from_random_starts(layer, q, normal(3))
    assert info.converged.all()
    np.testing.assert_allclose(z, np.tile(z[:1], (40, 1)), atol=1e-4)


def test_the_equilibrium_is_that_of_forward_backward_splitting() -> None:
    """s ← relu(s - α ((I - W) s - u)), as Winston & Kolter (2020) find what the neurons send."""
    monotone = MonotoneDense(SIZE, 0.3)
    layer = FixedPoint(Chain(ReLU(), monotone), Identity(), Anderson(), 1e-12, 500)
    p = params_of(layer, (SIZE,))
    W, u = monotone.weights(p.part("cell")[1]), normal(5, SIZE)
    s = np.zeros_like(u)
    for _ in range(3000):
        s = np.maximum(s - 0.02 * (s - s @ W - u), 0)
    z, _ = layer(p, u)
    np.testing.assert_allclose(np.maximum(z, 0), s, atol=1e-9)
    np.testing.assert_allclose(z, s @ W + u, atol=1e-9)


@pytest.mark.parametrize(
    ("inner", "shape"),
    [(Dense(SIZE), (SIZE,)), (Conv2D(3, 3, padding="same"), (5, 6, 3))],
    ids=["dense", "conv"],
)
@pytest.mark.parametrize("bound", [0.5, 0.9])
def test_a_bounded_cell_is_a_contraction_at_its_rate(
    inner: Any, shape: tuple, bound: float
) -> None:
    cell = Chain(ReLU(), Bounded(inner, bound))
    p = params_of(cell, shape, 20.0)
    a, b = normal(30, *shape), normal(30, *shape, seed=1)
    before, after = np.abs(a - b), np.abs(cell(p, a)[0] - cell(p, b)[0])
    ratio = after.reshape(30, -1).max(axis=1) / before.reshape(30, -1).max(axis=1)
    assert (ratio <= bound).all()
    layer = FixedPoint(cell, Identity(), Damped(), tol=1e-10, max_iter=300)
    q = Params(p.vector, {f"cell.{name}": shape for name, shape in p.shapes.items()})
    z, info = from_random_starts(layer, q, normal(*shape, seed=2))
    assert info.converged.all()
    np.testing.assert_allclose(z, np.broadcast_to(z[:1], z.shape), atol=1e-7)


@pytest.mark.parametrize("inner", [Dense(4), Conv2D(4, 3)], ids=["dense", "conv"])
def test_the_bound_is_on_incoming_weights_and_only_where_they_have_more(inner: Any) -> None:
    shape = (5,) if isinstance(inner, Dense) else (4, 4, 2)
    p = params_of(inner, shape)
    p.W[..., 0] *= 1e-3
    x = normal(3, *shape)
    y, plain = Bounded(inner, 0.7)(p, x)[0], inner(p, x)[0]
    np.testing.assert_array_equal(y[..., 0], plain[..., 0])
    total = np.abs(p.W).reshape(-1, 4).sum(axis=0)
    scaled = (plain - p.b) * (0.7 / total) + p.b
    np.testing.assert_allclose(y[..., 1:], scaled[..., 1:])


def test_a_symmetric_net_settles_and_may_remember_several_things() -> None:
    """Of two units that excite each other: both on or both off (Hopfield 1984)."""
    layer = FixedPoint(
        Chain(Tanh(), SymmetricDense(2)), Identity(), Damped(0.2), tol=1e-9, max_iter=500
    )
    p = Params(np.array([0.0, 3.0, 1.0, 0.0]), {"cell.1.W": (2, 2)})
    z, info = from_random_starts(layer, p, np.zeros(2))
    assert info.converged.all()
    ends = np.unique(np.sign(z), axis=0)
    np.testing.assert_array_equal(ends, [[-1, -1], [1, 1]])


@pytest.mark.parametrize(
    "layer",
    [
        MonotoneDense(4),
        SymmetricDense(4),
        Bounded(Dense(4)),
        Chain(Tanh(), Chain(MonotoneDense(4)), Dense(4)),
        Residual(Bounded(Dense(4)), Chain(Tanh(), MonotoneDense(4))),
        Residual(SymmetricDense(4)),
        Tanh(),
    ],
    ids=str,
)
def test_prepared_it_gives_the_same(layer: Any) -> None:
    p, x = params_of(layer, (4,)), normal(3, 4)
    results = []
    for form in (layer, prepare(layer, p)):
        grad = p.zeros_like()
        y, back = form(p, x)
        results.append((y.tobytes(), back(x, grad).tobytes(), grad.vector.tobytes()))
    assert results[0] == results[1]
