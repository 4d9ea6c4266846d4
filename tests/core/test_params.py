"""Parameters: one flat vector, and names that are views into it."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from bpapps.core import Chain, Conv2D, Dense, Params, ReLU, Residual, initial_params, pack

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
