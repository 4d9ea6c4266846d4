"""Layers refuse shapes and hyperparameters that make no sense, by name."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest

from bpapps.core import (
    Anderson,
    AveragePool2D,
    Bounded,
    Branches,
    Broyden,
    Chain,
    Conv2D,
    Damped,
    Dense,
    Dropout,
    FixedPoint,
    GroupNorm,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    MonotoneDense,
    ReLU,
    Reshape,
    Residual,
    SymmetricDense,
    Tanh,
)

WRONG_SHAPES = [
    (MonotoneDense(3), (4,), "MonotoneDense"),
    (SymmetricDense(3), (3, 1), "SymmetricDense"),
    (Bounded(Conv2D(2, 3)), (9,), "Conv2D"),
    (FixedPoint(Dense(3), Dense(4)), (4,), "FixedPoint"),
    (FixedPoint(Dense(3), Dense(3)), (2, 2), "Dense"),
    (Dense(3), (2, 2), "Dense"),
    (Dense(3), (), "Dense"),
    (Reshape((2, 3)), (5,), "Reshape"),
    (LayerNorm(), (), "LayerNorm"),
    (GroupNorm(2), (), "GroupNorm"),
    (GroupNorm(3), (2, 2, 4), "GroupNorm"),
    (Conv2D(2, 3), (9,), "Conv2D"),
    (Conv2D(2, 3), (2, 5, 1), "Conv2D"),
    (Conv2D(2, 5, padding=1), (2, 9, 1), "Conv2D"),
    (MaxPool2D(), (4,), "MaxPool2D"),
    (MaxPool2D(3), (2, 5, 1), "MaxPool2D"),
    (AveragePool2D(), (4, 4), "AveragePool2D"),
    (AveragePool2D(3), (5, 2, 1), "AveragePool2D"),
    (Branches([Dense(3), Conv2D(2, 1)]), (4, 4, 2), "Dense"),
    (Branches([Conv2D(2, 1), Conv2D(2, 3)]), (4, 4, 2), "Branches: outputs"),
    (Branches([Dense(2), Dense(3)], split=True), (5,), "Branches: cannot split"),
    (Residual(Dense(3)), (4,), "Residual"),
    (Residual(Dense(3), Dense(2)), (4,), "Residual"),
    (Residual(Conv2D(2, 3)), (4, 4, 2), "Residual"),
    (Chain(Dense(3), Conv2D(1, 1)), (4,), r"layer 1: Conv2D"),
    (Chain(Chain(Dense(3)), Chain(Dense(3), Reshape((2, 2)))), (4,), r"layer 1: layer 1: Reshape"),
]


@pytest.mark.parametrize(
    ("layer", "in_shape", "message"), WRONG_SHAPES, ids=[str(row[:2]) for row in WRONG_SHAPES]
)
def test_a_wrong_shape_is_refused_by_name(layer: Any, in_shape: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layer.init(in_shape, np.random.default_rng(0))


OUT_OF_RANGE = [
    *((Dense, {"units": value}) for value in (0, -1, 2.5, "3", True, None)),
    (Dense, {"units": 3, "initializer": "he"}),
    (Dense, {"units": 3, "initializer": None}),
    *((Conv2D, {"filters": value, "kernel_size": 3}) for value in (0, 1.5)),
    *((Conv2D, {"filters": 3, "kernel_size": value}) for value in (0, -1, (3, 3))),
    *((Conv2D, {"filters": 3, "kernel_size": 3, "stride": value}) for value in (0, -2)),
    *((Conv2D, {"filters": 3, "kernel_size": 3, "padding": v}) for v in (-1, 1.5, "valid", None)),
    (Conv2D, {"filters": 3, "kernel_size": 3, "initializer": "zeros"}),
    *((kind, {"size": value}) for kind in (MaxPool2D, AveragePool2D) for value in (0, -1, 2.0)),
    *((kind, {"stride": value}) for kind in (MaxPool2D, AveragePool2D) for value in (-1, 1.5)),
    (MaxPool2D, {"stride": 0}),
    (AveragePool2D, {"stride": 0}),
    *((Dropout, {"rate": value}) for value in (-0.1, 1.0, 1.5, nan)),
    *((LayerNorm, {"epsilon": value}) for value in (0.0, -1e-5, nan, inf)),
    *((GroupNorm, {"groups": value}) for value in (0, -1, 1.5)),
    (GroupNorm, {"groups": 2, "epsilon": -1e-5}),
    *((LeakyReLU, {"negative_slope": value}) for value in (nan, inf)),
    *((MonotoneDense, {"units": 2, "margin": value}) for value in (0.0, 1.1, nan)),
    *((MonotoneDense, {"units": value}) for value in (0, 1.5)),
    (SymmetricDense, {"units": 0}),
    (SymmetricDense, {"units": 2, "initializer": "zeros"}),
    *((Bounded, {"inner": Dense(2), "bound": value}) for value in (0.0, -1.0, nan, inf)),
    *((Bounded, {"inner": value}) for value in (Tanh(), Dense, 3, Chain(Dense(2)))),
    *(
        (FixedPoint, {"cell": Dense(2), "inject": Dense(2)} | wrong)
        for wrong in (
            {"cell": Dense},
            {"inject": 3},
            {"solver": "anderson"},
            {"backward_solver": Damped},
            {"tol": 0.0},
            {"tol": nan},
            {"backward_tol": inf},
            {"max_iter": 0},
            {"max_iter": 2.5},
            {"backward_max_iter": 0},
            {"gradient": "exact"},
            {"steps": 0},
            {"damping": 0.0},
            {"damping": 1.5},
            {"jacobian_penalty": -1.0},
            {"jacobian_penalty": nan},
        )
    ),
    *((Damped, {"damping": value}) for value in (0.0, 1.1, nan)),
    *((Anderson, wrong) for wrong in ({"memory": 0}, {"ridge": -1.0}, {"damping": 2.0})),
    (Broyden, {"memory": 0}),
    *((Reshape, {"shape": value}) for value in ((0, 2), (-1,), (1.5,))),
]


@pytest.mark.parametrize(("kind", "hyperparameters"), OUT_OF_RANGE)
def test_hyperparameters_out_of_range_are_refused(kind: type, hyperparameters: dict) -> None:
    with pytest.raises(ValueError, match=rf"{kind.__name__}|initializer"):
        kind(**hyperparameters)


@pytest.mark.parametrize("kind", [Dense, GroupNorm, Dropout, LayerNorm])
def test_numpy_numbers_are_numbers(kind: type) -> None:
    value = np.int64(2) if kind in (Dense, GroupNorm) else np.float32(0.5)
    assert kind(value).init((4,), np.random.default_rng(0))


@pytest.mark.parametrize("wrong", [Dense, "Dense", 3, [], [Dense(3)], ReLU])
@pytest.mark.parametrize("combine", [Chain, Residual, lambda part: Residual(Dense(3), part)])
def test_combinators_take_layers_only(combine: Any, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"(Chain|Residual).* not a layer"):
        combine(wrong)
