"""Optimisers: each walks down a bowl in place, by the very steps of its formula."""

from math import nan, sqrt
from typing import Any

import numpy as np
import pytest

from bpapps.core import SGD, Adam, AdamW, lbfgs
from bpapps.core.optimizers import CHUNK, clip_norm

TABLE: list[tuple[Any, float, set[str]]] = [
    (SGD(), 0.1, set()),
    (SGD(0.9), 0.02, {"velocity"}),
    (SGD(0.9, nesterov=True), 0.02, {"velocity"}),
    (Adam(), 0.1, {"mean", "square", "steps"}),
    (Adam(0.5, 0.9, 1e-6), 0.1, {"mean", "square", "steps"}),
    (AdamW(), 0.1, {"mean", "square", "steps"}),
]
every = pytest.mark.parametrize(
    ("optimizer", "rate", "names"), TABLE, ids=[str(row[0]) for row in TABLE]
)


@every
def test_walks_to_the_bottom_of_a_bowl(optimizer: Any, rate: float, names: set) -> None:
    curvature, bottom = np.array([1.0, 5.0, 0.5]), np.array([1.0, -2.0, 0.0])
    vector = np.array([3.0, 3.0, 3.0])
    state = optimizer.init(vector)
    for step in range(2000):
        optimizer.step(vector, curvature * (vector - bottom), state, rate * 0.995**step)
    drawn_to_zero = getattr(optimizer, "weight_decay", 0) > 0
    np.testing.assert_allclose(vector, bottom, atol=0.1 if drawn_to_zero else 1e-3)


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_place_and_of_one_type(optimizer: Any, rate: float, names: set, dtype: Any) -> None:
    whole = np.ones(10, dtype)
    vector = whole[2:8]
    gradient = np.full(6, 0.5, dtype)
    gradient.flags.writeable = False
    state = optimizer.init(vector)
    assert set(state) == names
    before = dict(state)
    for _ in range(2):
        assert optimizer.step(vector, gradient, state, rate) is None
    assert (whole[2:8] < 1).all()
    assert (whole[[0, 1, 8, 9]] == 1).all()
    assert all(state[name] is before[name] for name in names)
    assert all(state[name].dtype == dtype for name in names - {"steps"})
    assert optimizer.init(vector).keys() == names
    assert not any(array.any() for array in optimizer.init(vector).values())


@every
def test_a_long_vector_moves_as_its_parts_do(optimizer: Any, rate: float, names: set) -> None:
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=2 * CHUNK + 5), rng.normal(size=(2, 2 * CHUNK + 5))
    whole, parts = start.copy(), start.copy()
    cuts = [slice(0, 3), slice(3, CHUNK + 7), slice(CHUNK + 7, None)]
    states = [optimizer.init(start[part]) for part in cuts]
    whole_state = optimizer.init(start)
    for gradient in gradients:
        optimizer.step(whole, gradient, whole_state, rate)
        for part, state in zip(cuts, states, strict=True):
            optimizer.step(parts[part], gradient[part], state, rate)
    np.testing.assert_array_equal(whole, parts)


def sgd_by_hand(w: float, gradients: list, rate: float, momentum: float, nesterov: bool) -> list:
    path, velocity = [], 0.0
    for g in gradients:
        velocity = momentum * velocity + g
        w -= rate * (g + momentum * velocity if nesterov else velocity)
        path.append(w)
    return path


def adam_by_hand(w: float, gradients: list, rate: float, decay: float) -> list:
    path, mean, square = [], 0.0, 0.0
    for t, g in enumerate(gradients, start=1):
        mean = 0.9 * mean + 0.1 * g
        square = 0.999 * square + 0.001 * g * g
        w -= rate * decay * w
        w -= rate * (mean / (1 - 0.9**t)) / (sqrt(square / (1 - 0.999**t)) + 1e-8)
        path.append(w)
    return path


GRADIENTS = [0.3, -1.2, 2.0]
BY_HAND = [
    (SGD(), sgd_by_hand(2.0, GRADIENTS, 0.1, 0.0, False)),
    (SGD(0.9), sgd_by_hand(2.0, GRADIENTS, 0.1, 0.9, False)),
    (SGD(0.9, nesterov=True), sgd_by_hand(2.0, GRADIENTS, 0.1, 0.9, True)),
    (Adam(), adam_by_hand(2.0, GRADIENTS, 0.1, 0.0)),
    (AdamW(weight_decay=0.2), adam_by_hand(2.0, GRADIENTS, 0.1, 0.2)),
    (AdamW(), adam_by_hand(2.0, GRADIENTS, 0.1, 0.01)),
]


@pytest.mark.parametrize(("optimizer", "path"), BY_HAND, ids=[str(row[0]) for row in BY_HAND])
def test_three_steps_by_hand(optimizer: Any, path: list) -> None:
    vector = np.array([2.0])
    state = optimizer.init(vector)
    for gradient, expected in zip(GRADIENTS, path, strict=True):
        optimizer.step(vector, np.array([gradient]), state, 0.1)
        assert vector[0] == pytest.approx(expected, rel=1e-12)


OUT_OF_RANGE = [
    *((SGD, {"momentum": value}) for value in (-0.1, 1.0, nan)),
    *((Adam, {"beta_1": value}) for value in (-0.1, 1.0, nan)),
    *((Adam, {"beta_2": value}) for value in (-0.1, 1.0, nan)),
    *((Adam, {"epsilon": value}) for value in (0.0, -1.0, nan)),
    *((Adam, {"weight_decay": value}) for value in (-0.1, nan)),
    (AdamW, {"weight_decay": -0.1}),
]


@pytest.mark.parametrize(("kind", "hyperparameters"), OUT_OF_RANGE)
def test_hyperparameters_out_of_range_are_refused(kind: Any, hyperparameters: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(hyperparameters))):
        kind(**hyperparameters)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e25])
def test_clip_norm(scale: float, dtype: Any) -> None:
    gradient = (scale * np.array([3.0, 4.0])).astype(dtype)
    assert clip_norm(gradient, 10 * scale) == pytest.approx(5 * scale, rel=1e-6)
    np.testing.assert_allclose(gradient, [3 * scale, 4 * scale], rtol=1e-6)
    assert clip_norm(gradient, scale) == pytest.approx(5 * scale, rel=1e-6)
    np.testing.assert_allclose(gradient, [0.6 * scale, 0.8 * scale], rtol=1e-6)
    assert gradient.dtype == dtype


def test_clip_norm_of_nothing_and_of_much() -> None:
    assert clip_norm(np.zeros(3), 1.0) == 0
    much = np.ones(3 * CHUNK, np.float32)
    assert clip_norm(much, 1.0) == pytest.approx((3 * CHUNK) ** 0.5, rel=1e-6)
    assert np.linalg.norm(much) == pytest.approx(1, rel=1e-4)


def rosenbrock(w: np.ndarray) -> tuple[float, np.ndarray]:
    x, y = w
    slope = [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]
    return float((1 - x) ** 2 + 100 * (y - x * x) ** 2), np.array(slope, w.dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-5), (np.float32, 2e-2)])
def test_lbfgs_finds_the_valley_of_rosenbrock(dtype: Any, tolerance: float) -> None:
    vector = np.array([-1.2, 1.0], dtype)
    seen: list[tuple[np.ndarray, float]] = []
    types = set()

    def objective(w: np.ndarray) -> tuple[float, np.ndarray]:
        types.add(w.dtype.type)
        return rosenbrock(w)

    value, iterations, converged = lbfgs(
        objective, vector, tol=1e-6, callback=lambda w, f: seen.append((w.copy(), f))
    )
    np.testing.assert_allclose(vector, 1, atol=tolerance)
    assert types == {dtype}
    assert vector.dtype == dtype
    assert value < tolerance
    assert len(seen) == iterations > 5
    assert seen[-1][1] == value
    assert [f for _, f in seen] == sorted((f for _, f in seen), reverse=True)
    if dtype is np.float64:
        assert converged


def test_lbfgs_says_that_it_was_stopped() -> None:
    vector = np.array([-1.2, 1.0])
    value, iterations, converged = lbfgs(rosenbrock, vector, max_iter=2)
    assert (iterations, converged) == (2, False)
    assert value == rosenbrock(vector)[0] < rosenbrock(np.array([-1.2, 1.0]))[0]
