"""Solvers: each finds the fixed point of every sample, by itself, or says that it did not."""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from bpapps.core import (
    Anderson,
    Broyden,
    Chain,
    Damped,
    Dense,
    FixedPoint,
    NotConvergedWarning,
    SolverInfo,
    Tanh,
    forward,
    initial_params,
    recording,
)
from bpapps.core.solvers import LARGEST, Solver, Tally, listener

SOLVERS = [
    Damped(),
    Damped(0.5),
    Anderson(),
    Anderson(1),
    Anderson(8, 0.0, 0.7),
    Broyden(),
    Broyden(3),
]
each = pytest.mark.parametrize("solver", SOLVERS, ids=str)
N, SIZE = 6, 20


def affine(radius: float, n: int = N, dtype: Any = np.float64, seed: int = 0) -> tuple[Any, Any]:
    """z ↦ z W + c with a known spectral radius, and its fixed points."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(SIZE, SIZE))
    W *= radius / np.abs(np.linalg.eigvals(W)).max()
    c = rng.normal(size=(n, SIZE))
    z = np.linalg.solve((np.eye(SIZE) - W).T, c.T).T
    W, c = W.astype(dtype), c.astype(dtype)
    return lambda z: z @ W + c, z


def zeros(f: Callable, dtype: Any = np.float64) -> np.ndarray:
    return np.zeros((N, SIZE), dtype)


@each
@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_finds_the_fixed_point(solver: Solver, dtype: Any, tol: float) -> None:
    f, exact = affine(0.8, dtype=dtype)
    z, info = solver(f, np.zeros((N, SIZE), dtype), tol, 400)
    assert z.dtype == dtype
    assert info.converged.all()
    assert (info.residuals <= tol).all()
    np.testing.assert_allclose(z, exact, rtol=0, atol=100 * tol)


@each
def test_shapes_of_any_kind(solver: Solver) -> None:
    c = np.random.default_rng(0).normal(size=(3, 4, 5, 2))
    z, info = solver(lambda z: 0.4 * np.sin(z[:, ::-1]).transpose(0, 1, 2, 3) + c, 0 * c, 1e-10)
    np.testing.assert_allclose(z, 0.4 * np.sin(z[:, ::-1]) + c, atol=1e-9)
    assert info.iterations.shape == info.residuals.shape == info.converged.shape == (3,)


@each
def test_inputs_are_not_written_to(solver: Solver) -> None:
    f, _ = affine(0.5)
    seen: list[tuple[np.ndarray, bytes]] = []

    def spy(z: np.ndarray) -> np.ndarray:
        y = f(z)
        seen.extend([(z, z.tobytes()), (y, y.tobytes())])
        y.flags.writeable = False
        return y

    z0 = np.zeros((N, SIZE))
    z0.flags.writeable = False
    z, _ = solver(spy, z0, 1e-8)
    assert all(array.tobytes() == before for array, before in seen)
    assert z is seen[-2][0]  # the very array that f saw last


def test_acceleration_needs_fewer_evaluations() -> None:
    W = np.diag(np.linspace(0, 0.97, SIZE))
    c = np.random.default_rng(0).normal(size=(N, SIZE))
    counts = [
        solver(lambda z: z @ W + c, 0 * c, 1e-8, 1000)[1].iterations.mean()
        for solver in (Damped(), Anderson(), Broyden())
    ]
    assert max(counts[1:]) < counts[0] / 5


def test_anderson_with_memory_for_all_of_a_linear_map_ends_as_krylov_methods_do() -> None:
    """In as many steps as there are values, and one to see it (Walker & Ni 2011, theorem 2.2)."""
    rng = np.random.default_rng(0)
    W, c = rng.normal(size=(4, 4)), rng.normal(size=(N, 4))  # not a contraction at all
    _, info = Anderson(4, 0.0)(lambda z: z @ W + c, 0 * c, 1e-8)
    assert info.converged.all()
    assert info.iterations.max() <= 4 + 2


def test_damping_is_euler_s_method() -> None:
    f, _ = affine(0.5)
    seen = []
    Damped(0.25)(lambda z: seen.append(z) or f(z), np.zeros((N, SIZE)), 1e-12, 5)
    for z, following in pairwise(seen):
        np.testing.assert_allclose(following, z + 0.25 * (f(z) - z), rtol=1e-12)


# --- each sample by itself


@each
def test_a_hard_sample_does_not_spoil_the_rest(solver: Solver) -> None:
    """Each by itself ends as in a batch with one that never settles: same bits, same count."""
    f, _ = affine(0.6)
    alone, info = solver(f, np.zeros((N, SIZE)), 1e-6, 100)

    def with_a_hard_one(z: np.ndarray) -> np.ndarray:
        y = f(z)
        y[2] = z[2] + np.sqrt(1 + z[2] ** 2)  # has no fixed point
        return y

    together, hard = solver(with_a_hard_one, np.zeros((N, SIZE)), 1e-6, 100)
    rest = np.arange(N) != 2
    assert not hard.converged[2]
    assert hard.converged[rest].all()
    assert together[rest].tobytes() == alone[rest].tobytes()
    np.testing.assert_array_equal(hard.iterations[rest], info.iterations[rest])
    assert hard.trajectory.shape[0] > info.iterations[rest].max()


@each
def test_what_does_not_converge_is_its_best_iterate(solver: Solver) -> None:
    f, _ = affine(0.99)
    seen, residuals = [], []

    def spy(z: np.ndarray) -> np.ndarray:
        y = f(z) + 3 * np.sin(5 * z)
        seen.append(z)
        residuals.append(np.linalg.norm(y - z, axis=1) / np.linalg.norm(y, axis=1))
        return y

    z, info = solver(spy, np.zeros((N, SIZE)), 1e-9, 12)
    assert not info.converged.any()
    best = np.argmin(residuals, axis=0)
    np.testing.assert_array_equal(z, np.array(seen)[best, np.arange(N)])
    np.testing.assert_allclose(info.residuals, np.min(residuals, axis=0), rtol=1e-10)
    np.testing.assert_allclose(info.trajectory, residuals, rtol=1e-10)
    assert (info.iterations == 12).all()


@each
def test_max_iter_is_how_often_f_is_called(solver: Solver) -> None:
    f, _ = affine(0.99)
    for limit in (1, 2, 7):
        calls: list[int] = []
        _, info = solver(lambda z, calls=calls: calls.append(1) or f(z), zeros(f), 1e-9, limit)
        assert len(calls) == limit == len(info.trajectory)


@each
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_stays_none_and_is_told(solver: Solver, value: float) -> None:
    f, exact = affine(0.5)

    def broken(z: np.ndarray) -> np.ndarray:
        y = f(z)
        y[1] = value
        return y

    z, info = solver(broken, np.zeros((N, SIZE)), 1e-8, 100)
    assert not np.isfinite(z[1]).any()
    assert not info.converged[1]
    assert info.residuals[1] == np.inf
    assert info.iterations[1] == 1
    rest = np.arange(N) != 1
    np.testing.assert_allclose(z[rest], exact[rest], atol=1e-6)


@each
def test_overflow_gives_the_best_iterate_and_is_told(solver: Solver) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        z, info = solver(lambda z: (z + 3) ** 9, np.zeros((2, 3), np.float32), 1e-4, 300)
    assert not info.converged.any()
    assert np.isfinite(z).all()


@each
def test_a_start_at_the_fixed_point_ends_at_once(solver: Solver) -> None:
    f, exact = affine(0.5)
    z, info = solver(f, exact, 1e-8)
    assert z is exact
    assert (info.iterations == 1).all()


@each
def test_zero_is_a_fixed_point(solver: Solver) -> None:
    z, info = solver(lambda z: 0 * z, np.zeros((2, 3)))
    assert info.converged.all()
    assert not z.any()


@each
def test_a_tolerance_below_rounding_is_raised(solver: Solver) -> None:
    f, _ = affine(0.5, dtype=np.float32)
    _, info = solver(f, np.zeros((N, SIZE), np.float32), 1e-15, 200)
    assert info.converged.all()
    assert info.residuals.max() < 1.2e-6


# --- what is told


def test_the_batch_s_residuals_by_iteration() -> None:
    f, _ = affine(0.5)
    _, info = Damped()(f, zeros(f), 1e-8)
    np.testing.assert_array_equal(info.largest, info.trajectory.max(axis=1))
    np.testing.assert_array_equal(info.mean, info.trajectory.mean(axis=1))
    assert len(info.largest) == info.iterations.max()
    assert (np.diff(np.log(info.mean[:10])) < 0).all()


LAYER = FixedPoint(Chain(Tanh(), Dense(4)), Dense(4), max_iter=1)
X = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)


def test_the_innermost_recording_hears() -> None:
    p = initial_params(LAYER, (3,))
    with recording() as outer:
        with recording() as inner:
            _, back = LAYER(p, X)
        back(np.ones((10, 4), np.float32))
    assert (len(inner.forward), len(inner.backward)) == (1, 0)
    assert (len(outer.forward), len(outer.backward)) == (0, 1)
    assert listener() is None


def test_each_thread_hears_its_own() -> None:
    p = initial_params(LAYER, (3,))
    all_at_once = Barrier(4)

    def sizes(n: int) -> list[int]:
        with recording() as record:
            all_at_once.wait(10)
            LAYER(p, X[:n])
            all_at_once.wait(10)
        return [len(info.converged) for info in record.forward]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(sizes, [1, 2, 3, 4])) == [[1], [2], [3], [4]]


def test_a_recording_ends_when_something_fails() -> None:
    with pytest.raises(ZeroDivisionError), recording():
        _ = 1 / 0
    assert listener() is None


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("n", [1, 10])
def test_prediction_warns_once_or_tells_who_listens(n: int, threads: int) -> None:
    p = initial_params(LAYER, (3,))
    with pytest.warns(NotConvergedWarning, match=f"{n} of {n} samples") as caught:
        forward(LAYER, p, X[:n], 4, threads)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings(), recording() as record:
        warnings.simplefilter("error")
        forward(LAYER, p, X[:n], 4, threads)
    assert [len(info.converged) for info in record.forward] == ([1] if n == 1 else [4, 4, 2])


def test_a_tally_is_plain_numbers() -> None:
    ok, no = np.array([True, True]), np.array([False, True])
    infos = [
        SolverInfo(np.array([2, 4]), np.array([1e-5, 1e-6], np.float32), ok, np.zeros((4, 2))),
        SolverInfo(np.array([9, 1]), np.array([np.inf, 1e-7]), no, np.zeros((9, 2))),
    ]
    tally = Tally()
    assert tally.fields("forward") == {}
    tally.add(infos)
    assert tally.fields("forward") == {
        "forward_iterations": 4.0,
        "forward_residual": LARGEST,
        "forward_unconverged": 1,
    }
    assert all(type(value) in (int, float) for value in tally.fields("x").values())
