"""Parameters: one flat vector, and names that are views into it."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from bpapps.core import Chain, Conv2D, Dense, Params, ReLU, Residual, initial_params, pack
from bpapps.core.params import Gradient

NETWORK = Chain(Dense(4), ReLU(), Residual(Dense(4), Dense(4)), Chain(Dense(2)))


@pytest.fixture
def params() -> Params:
    return initial_params(NETWORK, (3,), seed=0)


def test_names_shapes_and_order(params: Params) -> None:
    assert params.shapes == {
        "0.W": (3, 4),
        "0.b": (4,),
        "2.inner.W": (4, 4),
        "2.inner.b": (4,),
        "2.shortcut.W": (4, 4),
        "2.shortcut.b": (4,),
        "3.0.W": (4, 2),
        "3.0.b": (2,),
    }
    assert params.size == params.vector.size == 16 + 20 + 20 + 10
    assert params.vector.dtype == np.float32
    laid_out = np.concatenate([view.ravel() for _, view in params.items()])
    np.testing.assert_array_equal(laid_out, params.vector)


def test_names_are_views(params: Params) -> None:
    for name, view in params.items():
        inner: Any = params
        for step in name.split("."):
            inner = inner.part(step)
        assert np.shares_memory(inner, view)
        assert inner.shape == view.shape
    params[2].inner.W[1, 2] = 7
    assert params.vector[16 + 6] == 7
    params.vector[...] = 0
    assert not params[3][0].W.any()


def test_a_layer_without_parameters_has_an_empty_part(params: Params) -> None:
    assert params[1].size == 0
    assert params[99].size == 0
    assert params.part("no such").size == 0


def test_a_wrong_name_is_told_with_the_right_ones(params: Params) -> None:
    with pytest.raises(AttributeError, match=r"'V'.*'W', 'b'"):
        _ = params[0].V


def test_copies_are_apart(params: Params) -> None:
    before = params.vector.copy()
    for other in (params.copy(), copy.copy(params).copy(), copy.deepcopy(params)):
        np.testing.assert_array_equal(other.vector, before)
        other[0].W[...] = 5
        np.testing.assert_array_equal(params.vector, before)
    zeros = params.zeros_like()
    assert zeros.shapes == params.shapes
    assert zeros.vector.dtype == params.vector.dtype
    assert not zeros.vector.any()


def test_pickle_keeps_the_bits_and_the_views(params: Params) -> None:
    again = pickle.loads(pickle.dumps(params))
    assert again.shapes == params.shapes
    assert again.vector.tobytes() == params.vector.tobytes()
    again[0].W[...] = 5
    assert again.vector[0] == 5


def test_astype(params: Params) -> None:
    double = params.astype(np.float64)
    assert double.vector.dtype == double[0].W.dtype == np.float64
    np.testing.assert_array_equal(double.vector, params.vector)
    assert not np.shares_memory(params.astype(np.float32).vector, params.vector)


def test_read_only_vector_gives_read_only_views(params: Params) -> None:
    params.vector.flags.writeable = False
    locked = Params(params.vector, params.shapes)
    with pytest.raises(ValueError, match="read-only"):
        locked[0].W[...] = 1


@pytest.mark.parametrize("size", [0, 5, 7])
def test_a_wrong_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=r"need a vector of 6, not of shape"):
        Params(np.zeros(size), {"W": (2, 2), "b": (2,)})


def test_a_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match="need a vector"):
        Params(np.zeros((2, 3)), {"W": (2, 3)})


TREES: list[tuple[dict, dict]] = [
    ({}, {}),
    ({"a": np.ones(2)}, {"a": (2,)}),
    ({"a": 3.0}, {"a": ()}),
    ({"a": {"b": {"c": np.zeros((0, 2))}}, "d": np.ones((1, 2))}, {"a.b.c": (0, 2), "d": (1, 2)}),
]


@pytest.mark.parametrize(("tree", "shapes"), TREES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pack(tree: dict, shapes: dict, dtype: Any) -> None:
    packed = pack(tree, dtype)
    assert packed.shapes == shapes
    assert packed.vector.dtype == dtype


def test_a_network_that_does_not_fit_says_where() -> None:
    with pytest.raises(ValueError, match="layer 1: Conv2D"):
        initial_params(Chain(Dense(4), Conv2D(2, 3)), (3,))


def test_a_gradient_is_zero_after_each_restart_whoever_adds_to_it() -> None:
    shapes = {"0.W": (300, 200), "0.b": (200,), "inner.W": (2, 3)}
    params = Params(np.zeros(60_206, np.float32), shapes)
    gradient = Gradient.like(params)
    assert isinstance(gradient, Gradient)
    rng = np.random.default_rng(0)
    a, b = rng.random((300, 4), np.float32), rng.random((4, 200), np.float32)
    W, inner = rng.random((300, 200), np.float32), rng.random((2, 3), np.float32)
    additions: list[Any] = [
        lambda: gradient[0].add_product("W", a, b),
        lambda: gradient[0].__dict__.update(W=np.add(gradient[0].W, W, out=gradient[0].W)),
        lambda: gradient.inner.add_product("W", inner, np.eye(3, dtype=np.float32)),
    ]
    for chosen in [(0, 2), (), (1,), (0, 1, 0), (1, 0), (2,), (0,), (2, 2, 1), ()]:
        gradient.restart()
        plain = params.zeros_like()
        for i in chosen:
            additions[i]()
            plain[0].W[...] += [a @ b, W, 0][i]
            plain.inner.W[...] += [0, 0, inner][i]
        gradient.settle()
        np.testing.assert_allclose(gradient.vector, plain.vector, rtol=1e-6)
        assert np.shares_memory(gradient[0].W, gradient.vector)


def test_a_small_gradient_is_plain() -> None:
    gradient = Gradient.like(Params(np.zeros(6), {"W": (2, 3)}))
    gradient.add_product("W", np.ones((2, 1)), np.ones((1, 3)))
    gradient.settle()
    assert gradient.vector.tolist() == [1.0] * 6
    gradient.restart()
    assert not gradient.vector.any()
