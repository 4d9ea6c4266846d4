"""Recurrent backpropagation: exact where it says so, and cheap in memory."""

import tracemalloc
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from core.settling import (
    CONV,
    DENSE,
    EXACT,
    SOLVERS,
    clouds,
    gradient_of,
    normal,
    params_of,
    plan_of,
)

from bpapps.core import (
    Bounded,
    Chain,
    Damped,
    Dense,
    Dropout,
    FixedPoint,
    NotConvergedWarning,
    Params,
    SquaredError,
    Tanh,
    check_layer,
    forward,
    recording,
    train,
)
from bpapps.core.gradcheck import slope_error
from bpapps.core.parallel import BatchGradient
from bpapps.core.threads import team


@pytest.mark.parametrize("solver", SOLVERS, ids=str)
@pytest.mark.parametrize(
    ("layer", "in_shape"), [(DENSE, (4,)), (CONV, (4, 5, 2))], ids=["dense", "conv"]
)
def test_each_gradient_is_that_of_finite_differences(
    layer: FixedPoint, in_shape: tuple, solver: Any
) -> None:
    """W, U, b and x, each alone: no large one can hide a small one's error."""
    layer = replace(layer, solver=solver)
    p = params_of(layer, in_shape)
    p.vector[...] += 0.1 * normal(p.size)
    x, v = normal(3, *in_shape), normal(*layer(p, normal(3, *in_shape))[0].shape, seed=2)
    grad, dx = gradient_of(layer, p, x, v)

    def output(q: Params, inputs: np.ndarray) -> float:
        return float((layer(q, inputs)[0] * v).sum())

    along = normal(*x.shape, seed=3)
    assert slope_error(lambda t: output(p, x + t * along), float((dx * along).sum())) < 1e-6
    names = dict(p.items())
    assert set(names) == {"inject.W", "inject.b", "cell.1.W", "cell.1.b"}
    for name, slope in grad.items():
        along = normal(*slope.shape, seed=4)

        def moved(t: float, name: str = name, along: np.ndarray = along) -> float:
            q = p.copy()
            dict(q.items())[name][...] += t * along
            return output(q, x)

        assert slope_error(moved, float((slope * along).sum())) < 1e-6, name


@pytest.mark.parametrize("forwards", SOLVERS, ids=str)
@pytest.mark.parametrize("backwards", SOLVERS, ids=str)
def test_forward_and_backward_solvers_do_not_depend_on_each_other(
    forwards: Any, backwards: Any
) -> None:
    layer = replace(DENSE, solver=forwards, backward_solver=backwards)
    assert check_layer(layer, (4,)) < 1e-6


def test_the_output_is_the_fixed_point_of_its_equation() -> None:
    layer = FixedPoint(Chain(Tanh(), Dense(6, "glorot_uniform")), Dense(6), **EXACT)
    p, x = params_of(layer, (4,)), normal(5, 4)
    z, _ = layer(p, x)
    cell, inject = p.part("cell")[1], p.part("inject")
    np.testing.assert_allclose(z, np.tanh(z) @ cell.W + cell.b + x @ inject.W + inject.b)


def test_unrolled_becomes_implicit_as_the_steps_grow() -> None:
    p, x, dz = params_of(DENSE, (4,)), normal(5, 4), normal(5, 6, seed=2)
    exact, exact_dx = gradient_of(DENSE, p, x, dz)
    errors = []
    for steps in (2, 4, 8, 16, 32, 64):
        layer = replace(DENSE, gradient="unrolled", steps=steps)
        grad, dx = gradient_of(layer, p, x, dz)
        errors.append(np.linalg.norm(grad.vector - exact.vector) + np.linalg.norm(dx - exact_dx))
    assert (np.diff(errors) < 0).all()
    np.testing.assert_array_less(errors[3:], 0.3 * np.array(errors[2:-1]))
    assert errors[0] > 1e-2
    assert errors[-1] < 1e-12


def test_phantom_lies_between_jacobian_free_and_implicit() -> None:
    p, x, dz = params_of(DENSE, (4,)), normal(5, 4), normal(5, 6, seed=2)
    exact, _ = gradient_of(DENSE, p, x, dz)
    free, free_dx = gradient_of(replace(DENSE, gradient="jacobian-free"), p, x, dz)
    np.testing.assert_array_equal(free_dx, dz @ p.part("inject").W.T)  # u = dz
    errors = [np.linalg.norm(free.vector - exact.vector)]
    for steps in (1, 2, 4, 8, 16, 32, 64):
        layer = replace(DENSE, gradient="phantom", steps=steps)
        phantom, _ = gradient_of(layer, p, x, dz)
        errors.append(np.linalg.norm(phantom.vector - exact.vector))
    assert errors[0] == errors[1]  # one undamped step is Jacobian-free
    assert (np.diff(errors[1:]) < 0).all()
    assert errors[-1] < 1e-10


def test_damped_phantom_steps_are_the_sum_of_their_paper() -> None:
    """λ Σ (λ J + (1 - λ) I)ⁱ of the first k powers (Geng et al. 2021, equation 10)."""
    share, steps = 0.4, 4
    layer = FixedPoint(Dense(3, "glorot_uniform"), Dense(3), gradient="phantom", damping=share,
                       steps=steps, **EXACT)  # fmt: skip
    p = params_of(layer, (2,))
    p.part("cell").W[...] *= 0.4
    dz = normal(5, 3)
    _, dx = gradient_of(layer, p, normal(5, 2), dz)
    step = share * p.part("cell").W.T + (1 - share) * np.eye(3)
    powers = sum(np.linalg.matrix_power(step, i) for i in range(steps))
    np.testing.assert_allclose(dx, share * dz @ powers @ p.part("inject").W.T)


@pytest.mark.parametrize("gradient", ["jacobian-free", "phantom"])
def test_the_cheaper_gradients_leave_the_output_alone(gradient: str) -> None:
    p, x = params_of(DENSE, (4,)), normal(5, 4)
    np.testing.assert_array_equal(replace(DENSE, gradient=gradient)(p, x)[0], DENSE(p, x)[0])


@pytest.mark.parametrize("gradient", ["implicit", "jacobian-free", "phantom", "unrolled"])
def test_each_gradient_learns(gradient: str) -> None:
    X, y = clouds()
    layer = FixedPoint(Chain(Tanh(), Bounded(Dense(8), 0.9)), Dense(8), gradient=gradient, steps=8)
    network = Chain(layer, Tanh(), Dense(3))
    p = params_of(network, (4,), np.float32)
    plan = plan_of(max_epochs=15)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)  # of eight plain steps
        epochs = list(train(network, p, X, y, plan))
        logits = forward(network, p, X, 100)
    assert epochs[-1].loss < 0.5 * epochs[0].loss
    assert (logits.argmax(axis=1) == y).mean() > 0.9


def peak(layer: FixedPoint, p: Params, x: np.ndarray) -> int:
    """The most bytes held during a forward and backward pass."""
    tracemalloc.start()
    z, back = layer(p, x)
    back(np.ones_like(z), p.zeros_like())
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.slow
def test_memory_of_the_implicit_gradient_does_not_grow_with_the_iterations() -> None:
    base = FixedPoint(Chain(Tanh(), Bounded(Dense(256), 0.999)), Dense(256), Damped(), tol=1e-15)
    p, x = params_of(base, (4,)), normal(100, 4)
    implicit = [peak(replace(base, max_iter=n), p, x) for n in (5, 80)]
    unrolled = [peak(replace(base, gradient="unrolled", steps=n), p, x) for n in (5, 80)]
    state = 100 * 256 * 8
    assert implicit[1] - implicit[0] < state  # its trajectory of residuals, a few kilobytes
    assert unrolled[1] - unrolled[0] > 75 * state


def test_one_mask_for_the_whole_solve() -> None:
    """With a mask that changed, plain iteration would not settle; nor would the adjoint."""
    layer = FixedPoint(Chain(Tanh(), Dropout(0.5), Bounded(Dense(6), 0.8)), Dense(6), **EXACT)
    p, x = params_of(layer, (4,)), normal(5, 4)
    with recording() as record:
        z, back = layer(p, x, np.random.default_rng(0))
        back(np.ones_like(z))
    assert all(info.converged.all() for info in record.forward + record.backward)
    other, _ = layer(p, x, np.random.default_rng(1))
    assert not np.allclose(z, other)


def test_a_start_of_the_caller_s_saves_iterations_and_changes_nothing_else() -> None:
    p, x = params_of(DENSE, (4,)), normal(5, 4)
    with recording() as record:
        z, back = DENSE(p, x)
        near, near_back = DENSE(p, x, z0=z + 1e-9)
        same, _ = DENSE(p, x, z0=z)
    counts = [info.iterations.mean() for info in record.forward]
    assert counts[2] == 1 < counts[1] < counts[0]
    np.testing.assert_array_equal(same, z)
    np.testing.assert_allclose(near, z, rtol=1e-12)
    np.testing.assert_allclose(near_back(z), back(z), rtol=1e-10)


def test_a_warm_start_learns_to_be_near_the_fixed_points() -> None:
    layer = FixedPoint(
        Chain(Tanh(), Bounded(Dense(8), 0.8)), Dense(8), Damped(), warm_start=True, tol=1e-6
    )
    network = Chain(layer, Tanh(), Dense(3))
    p = params_of(network, (4,), np.float32)
    p[0].part("inject").b[...] = 2.0
    X, y = clouds()
    epochs = list(train(network, p, X, y, plan_of(max_epochs=60)))
    assert epochs[-1].forward_iterations is not None
    z, _ = layer(p[0], X)
    np.testing.assert_allclose(p[0].start, z.mean(axis=0), atol=0.3)
    cold = p.copy()
    cold[0].start[...] = 0
    with recording() as record:
        layer(p[0], X)
        layer(cold[0], X)
    assert record.forward[0].iterations.mean() < record.forward[1].iterations.mean()


def test_the_gradient_of_the_start_and_no_other() -> None:
    """start - mean z* over the batch, however it is cut; the start has no part in the rest."""
    layer = replace(DENSE, warm_start=True)
    p, X = params_of(layer, (4,)), normal(30, 4)
    p.start[...] = 0.3
    y = normal(30, 6)
    wanted = p.start - layer(p, X)[0].mean(axis=0)
    vectors = []
    for size in (30, 7):
        of_batch = BatchGradient(layer, p, SquaredError(), size)
        with team(1) as members:
            _, gradients = of_batch(members, X, y, None, np.arange(30), 0)
        total = Params(np.sum(gradients, axis=0), p.shapes)
        np.testing.assert_allclose(total.start, wanted, rtol=1e-10)
        vectors.append(total.vector)
    np.testing.assert_allclose(*vectors, rtol=1e-9, atol=1e-12)
    grad = p.zeros_like()
    _, back = layer(p, X)  # prediction: nothing is learned
    back(y, grad)
    assert not grad.start.any()
