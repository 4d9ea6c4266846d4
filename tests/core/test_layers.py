"""One table of all layers and combinators, and the contract that each of them keeps.

A new layer is a new row.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bpapps.core import (
    ACTIVATIONS,
    GELU,
    Alignment,
    Anderson,
    Average,
    AveragePool2D,
    Beside,
    Bounded,
    Branches,
    Broyden,
    Chain,
    Conv2D,
    Damped,
    Dense,
    Difference,
    Dropout,
    Each,
    FixedPoint,
    Flatten,
    GlobalPool2D,
    GroupNorm,
    Identity,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    MonotoneDense,
    Pairs,
    Params,
    ReLU,
    Reshape,
    Residual,
    Sigmoid,
    SiLU,
    Softplus,
    SymmetricDense,
    Tanh,
    check_layer,
    pack,
    pairing,
)
from bpapps.core.initializers import INITIALIZERS
from bpapps.core.layers import output
from bpapps.core.storage import LAYERS, build, describe

LENET = Chain(
    Reshape((8, 8, 1)),
    Conv2D(3, 3, padding="same"),
    GroupNorm(3),
    Tanh(),
    MaxPool2D(2),
    Residual(Chain(Conv2D(3, 3, padding=1), ReLU(), Dropout(0.2))),
    Flatten(),
    Dense(6),
    LayerNorm(),
    SiLU(),
    Dropout(0.3),
    Dense(4, "glorot_uniform"),
)
EXACT: dict[str, Any] = {"tol": 1e-14, "max_iter": 400}
SETTLING = Chain(Tanh(), Bounded(Dense(5)))
HALF = Chain(Tanh(), Bounded(Dense(5), 0.4))
PICTURE = {"inject": Conv2D(2, 3, padding="same"), **EXACT}
TABLE: list[tuple[Any, tuple[int, ...]]] = [
    (Dense(4), (3,)),
    (Dense(1), (5,)),
    (Dense(5), (1,)),
    *((Dense(3, name), (4,)) for name in INITIALIZERS),
    (Flatten(), (4,)),
    (Flatten(), (2, 3, 2)),
    (Reshape((2, 3, 1)), (6,)),
    (Reshape((6,)), (2, 3)),
    (Dropout(0.0), (6,)),
    (Dropout(0.5), (40,)),
    (Dropout(0.2), (3, 4, 2)),
    (LayerNorm(), (6,)),
    (LayerNorm(1e-3), (3, 2, 4)),
    (GroupNorm(1), (3, 2, 4)),
    (GroupNorm(2), (3, 2, 4)),
    (GroupNorm(4), (3, 2, 4)),
    (GroupNorm(2, 1e-3), (6,)),
    *((activation, (7,)) for activation in dict.fromkeys(ACTIVATIONS.values())),
    *((activation, (2, 3, 2)) for activation in (Identity(), ReLU(), GELU())),
    (LeakyReLU(0.2), (7,)),
    (Conv2D(2, 1), (3, 4, 1)),
    (Conv2D(3, 1), (3, 4, 2)),
    (Conv2D(2, 1, padding=1), (3, 2, 2)),
    (Conv2D(2, 2), (4, 5, 2)),
    (Conv2D(2, 2, padding=2), (3, 3, 2)),
    (Conv2D(2, 2, padding="same"), (3, 4, 1)),
    (Conv2D(2, 3), (3, 3, 1)),
    (Conv2D(3, 3), (5, 4, 2)),
    (Conv2D(2, 3, padding=1), (4, 5, 2)),
    (Conv2D(2, 3, padding="same"), (5, 4, 1)),
    (Conv2D(2, 3, padding=2), (2, 1, 3)),
    (Conv2D(2, 5, padding="same"), (4, 4, 2)),
    (Conv2D(2, 3, stride=2), (7, 6, 2)),
    (Conv2D(2, 3, stride=2, padding=1), (6, 5, 1)),
    (Conv2D(2, 2, stride=3, padding=1), (7, 8, 2)),
    (Conv2D(2, 1, stride=2), (5, 4, 2)),
    *(
        (pool, shape)
        for kind in (MaxPool2D, AveragePool2D)
        for pool, shape in [
            (kind(), (4, 6, 2)),
            (kind(2), (5, 7, 1)),
            (kind(1), (3, 2, 2)),
            (kind(3), (3, 3, 2)),
            (kind(3, 2), (7, 8, 2)),
            (kind(3, 1), (4, 5, 1)),
            (kind(2, 3), (8, 6, 2)),
        ]
    ),
    (GlobalPool2D(), (4, 5, 2)),
    (GlobalPool2D(), (1, 1, 3)),
    (Each(Dense(3)), (4, 5)),
    (Each(Chain(Conv2D(2, 3), GroupNorm(1), ReLU())), (3, 5, 6, 1)),
    (Each(Dropout(0.5)), (2, 20)),
    (Each(Chain(Dense(3), Dropout(0.5)), at_once=2), (5, 10)),
    (Pairs([(0, 1)]), (2, 3)),
    (Pairs([(0, 1), (0, 2), (2, 1), (3, 0)]), (4, 3, 2)),
    (Average(), (3,)),
    (Average(), (2, 3, 4)),
    (Difference(), (2, 3)),
    (Alignment(), (2, 3, 4, 3)),
    (Alignment(), (2, 1, 3, 2)),
    (Chain(Each(Dense(4)), Pairs([(0, 1), (1, 2)]), Each(Difference()), Each(Dense(1))), (3, 5)),
    (Chain(Alignment(), Each(GlobalPool2D()), Average()), (2, 2, 3, 4)),
    (Chain(), (3,)),
    (Chain(Dense(4)), (3,)),
    (Chain(Identity(), Flatten()), (2, 3)),
    (Chain(Dense(4), Sigmoid(), Dense(2)), (3,)),
    (Chain(Flatten(), Dense(4), Dropout(0.5), Softplus()), (2, 2)),
    (Chain(Dense(3), Chain(Tanh(), Chain(Dense(2))), Chain()), (4,)),
    (Beside(Dense(3), Identity(), 2), (5,)),
    (Beside(Chain(Reshape((2, 3, 1)), Conv2D(2, 2), Flatten()), Dense(2), 1), (7,)),
    (Beside(Dropout(0.5), Chain(Dense(2), Tanh()), 3), (13,)),
    (Branches([Dense(3)]), (4,)),
    (Branches([Dense(3), Chain(Dense(2), Tanh()), Identity()]), (4,)),
    (Branches([Dropout(0.5), Chain(Dense(2), Tanh())], split=True), (10,)),
    (Branches([Conv2D(2, 3), Conv2D(1, 3), MaxPool2D(3, 1)], split=True), (5, 4, 6)),
    (Branches([Identity(), Branches([Conv2D(2, 1), ReLU()])]), (2, 3, 2)),
    (Residual(Dense(5)), (5,)),
    (Residual(Identity()), (3,)),
    (Residual(Chain()), (3,)),
    (Residual(Dropout(0.5)), (20,)),
    (Residual(Dense(2), Dense(2)), (5,)),
    (Residual(Chain(Dense(4), Tanh()), Chain(Dropout(0.3), Dense(4))), (3,)),
    (Residual(Tanh(), Residual(Residual(Dense(4)), LayerNorm())), (4,)),
    (Residual(Chain(Conv2D(2, 3, 2, 1), GELU()), Conv2D(2, 1, 2)), (5, 6, 3)),
    (MonotoneDense(4), (4,)),
    (MonotoneDense(1, 1.0), (1,)),
    (SymmetricDense(4), (4,)),
    (Bounded(Dense(4), 0.3), (3,)),
    (Bounded(Dense(4), 100.0), (3,)),
    (Bounded(Conv2D(3, 3, padding="same"), 1.5), (4, 5, 2)),
    *(
        (FixedPoint(SETTLING, Dense(5), solver, **EXACT), (3,))
        for solver in (Damped(), Damped(0.7), Anderson(), Anderson(2, 1e-6, 0.8), Broyden())
    ),
    (FixedPoint(Chain(ReLU(), MonotoneDense(4, 0.5)), Dense(4), **EXACT), (6,)),
    (FixedPoint(Chain(Tanh(), SymmetricDense(3)), Identity(), Damped(0.5), **EXACT), (3,)),
    (FixedPoint(Residual(HALF, Bounded(Dense(5), 0.4)), Dense(5), **EXACT), (3,)),
    (FixedPoint(Chain(Tanh(), Dropout(0.5), Bounded(Dense(5))), Dense(5), **EXACT), (3,)),
    (FixedPoint(Chain(ReLU(), Bounded(Conv2D(2, 3, padding="same"))), **PICTURE), (4, 3, 1)),
    (
        FixedPoint(
            Chain(Tanh(), Conv2D(2, 3, padding="same"), GroupNorm(1, 30.0)),
            solver=Broyden(),
            backward_solver=Anderson(),
            backward_tol=1e-13,
            backward_max_iter=300,
            **PICTURE,
        ),
        (3, 4, 2),
    ),
    (FixedPoint(SETTLING, Dense(5), gradient="unrolled", steps=1), (3,)),
    (FixedPoint(SETTLING, Dense(5), gradient="unrolled", steps=6, damping=0.6), (3,)),
    (Chain(Dense(4), FixedPoint(SETTLING, Dense(5), **EXACT), Tanh(), Dense(2)), (3,)),
    (LENET, (64,)),
]
N = 6
KINDS = [np.float32, np.float64]


def test_the_table_is_complete() -> None:
    assert {type(layer) for layer, _ in TABLE} == set(LAYERS.values())


def every(rows: list[tuple]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=[f"{row[0]}-{row[1]}" for row in rows])


class Case:
    """A layer with parameters, a batch and a gradient, all read-only, and their bytes."""

    def __init__(self, row: tuple, dtype: Any = np.float64) -> None:
        self.layer, self.in_shape = row
        rng = np.random.default_rng(1)
        tree, self.out_shape = self.layer.init(self.in_shape, rng)
        moved = pack(tree, np.float64)
        moved.vector[...] += 0.1 * rng.normal(size=moved.size)
        self.p = Params(_locked(moved.vector.astype(dtype)), moved.shapes)
        self.x = _locked(rng.normal(size=(N, *self.in_shape)).astype(dtype))
        self.dy = _locked(rng.normal(size=(N, *self.out_shape)).astype(dtype))

    def run(self, training: bool = False, x: Any = None) -> tuple[np.ndarray, Any]:
        rng = np.random.default_rng(2) if training else None
        return self.layer(self.p, self.x if x is None else x, rng)

    def gradient(self, back: Any, dy: Any = None) -> tuple[np.ndarray, np.ndarray]:
        grad = self.p.zeros_like()
        dx = back(self.dy if dy is None else dy, grad)
        return dx, grad.vector


def assert_close(result: Any, expected: np.ndarray) -> None:
    np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-13)


def _locked(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@dataclass(frozen=True)
class Twin:
    """A layer used twice in one pass, on the halves of its input; what it gives is multiplied."""

    inner: Any

    def init(self, in_shape: tuple, rng: np.random.Generator) -> tuple:
        return self.inner.init(in_shape[1:], rng)

    def __call__(self, p: Params, x: np.ndarray, rng: Any = None) -> tuple[np.ndarray, Any]:
        left, left_back = self.inner(p, x[:, 0], rng)
        right, right_back = self.inner(p, x[:, 1], rng)

        def back(dy: np.ndarray, grad: Any = None, need_dx: bool = True) -> np.ndarray:
            halves = left_back(dy * right, grad, need_dx), right_back(dy * left, grad, need_dx)
            return np.stack(halves, axis=1)

        return left * right, back


@every(TABLE)
class TestContract:
    def test_gradients_agree_with_finite_differences(self, row: tuple) -> None:
        layer, in_shape = row
        assert check_layer(layer, in_shape, training=False) < 1e-6
        assert check_layer(layer, in_shape, training=True) < 1e-6

    def test_twice_in_one_pass(self, row: tuple) -> None:
        layer, in_shape = row
        assert check_layer(Twin(layer), (2, *in_shape), training=True) < 1e-6

    @pytest.mark.parametrize(("dtype", "training"), [(np.float32, True), (np.float64, False)])
    def test_shapes_types_and_untouched_inputs(
        self, row: tuple, dtype: Any, training: bool
    ) -> None:
        case = Case(row, dtype)
        inputs = (case.p.vector, case.x, case.dy)
        before = [a.tobytes() for a in inputs]
        y, back = case.run(training)
        dx, grad = case.gradient(back)
        assert y.shape == (N, *case.out_shape)
        assert dx.shape == case.x.shape
        assert y.dtype == dx.dtype == grad.dtype == dtype
        assert [a.tobytes() for a in inputs] == before
        assert np.isfinite(y).all()
        assert np.isfinite(dx).all()

    def test_what_it_makes_with_nothing_kept_is_the_same(self, row: tuple) -> None:
        case = Case(row, np.float32)
        np.testing.assert_array_equal(output(case.layer, case.p, case.x), case.run()[0])

    def test_back_is_pure_and_adds_only_when_asked(self, row: tuple) -> None:
        case = Case(row)
        _, back = case.run(training=True)
        plain = back(case.dy)
        kept = plain.copy()
        grad = case.p.zeros_like()
        with_grad = back(case.dy, grad)
        once = grad.vector.copy()
        np.testing.assert_array_equal(with_grad, kept)
        np.testing.assert_array_equal(back(case.dy), kept)
        np.testing.assert_array_equal(grad.vector, once)
        back(case.dy, grad)
        np.testing.assert_allclose(grad.vector, 2 * once, rtol=1e-12)
        skipped = case.p.zeros_like()
        back(case.dy, skipped, need_dx=False)
        np.testing.assert_array_equal(skipped.vector, once)
        np.testing.assert_array_equal(plain, kept)

    def test_training_is_repeated_by_its_random_numbers(self, row: tuple) -> None:
        case = Case(row)
        np.testing.assert_array_equal(case.run(training=True)[0], case.run(training=True)[0])

    def test_predicts_from_many_threads(self, row: tuple) -> None:
        case = Case(row)
        rng = np.random.default_rng(3)
        inputs = [rng.normal(size=case.x.shape) for _ in range(8)]

        def both(x: np.ndarray) -> tuple:
            y, back = case.run(x=x)
            return y, *case.gradient(back)

        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(both, inputs))
        for x, results in zip(inputs, together, strict=True):
            for result, serial in zip(results, both(x), strict=True):
                np.testing.assert_array_equal(result, serial)

    def test_a_batch_may_be_cut(self, row: tuple) -> None:
        case = Case(row)
        whole, back = case.run()
        dx, grad = case.gradient(back)
        pieces = [slice(0, 1), slice(1, N)]
        cut = [case.run(x=case.x[piece]) for piece in pieces]
        back_cut = [
            case.gradient(b, case.dy[piece]) for (_, b), piece in zip(cut, pieces, strict=True)
        ]
        assert_close(np.concatenate([y for y, _ in cut]), whole)
        assert_close(np.concatenate([d for d, _ in back_cut]), dx)
        assert_close(sum(g for _, g in back_cut), grad)

    def test_order_in_memory_does_not_matter(self, row: tuple) -> None:
        case = Case(row)
        y, back = case.run()
        dx, grad = case.gradient(back)
        y2, back2 = case.run(x=np.asfortranarray(case.x))
        dx2, grad2 = case.gradient(back2, np.asfortranarray(case.dy))
        for result, expected in ((y2, y), (dx2, dx), (grad2, grad)):
            assert_close(result, expected)

    def test_described_and_built_it_is_the_same(self, row: tuple) -> None:
        layer, _ = row
        assert build(json.loads(json.dumps(describe(layer)))) == layer


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_stand_extreme_inputs(name: str, dtype: Any) -> None:
    x = np.array([[-1e4, -100.0, -1.0, 0.0, 1.0, 100.0, 1e4]], dtype)
    y, back = ACTIVATIONS[name](pack({}), x)
    assert np.isfinite(y).all()
    assert np.isfinite(back(np.ones_like(x))).all()


KNOWN_VALUES = [
    (Identity(), [-1.0, 0.0, 2.0], [-1.0, 0.0, 2.0]),
    (Sigmoid(), [0.0, np.log(3.0)], [0.5, 0.75]),
    (Tanh(), [0.0, np.arctanh(0.5)], [0.0, 0.5]),
    (ReLU(), [-1.0, 0.0, 2.0], [0.0, 0.0, 2.0]),
    (LeakyReLU(), [-1.0, 0.0, 2.0], [-0.01, 0.0, 2.0]),
    (GELU(), [0.0, 1.0, -1.0], [0.0, 0.8413447460685429, -0.15865525393145707]),
    (SiLU(), [0.0, np.log(3.0)], [0.0, 0.75 * np.log(3.0)]),
    (Softplus(), [0.0, np.log(3.0)], [np.log(2.0), np.log(4.0)]),
    (LayerNorm(1e-12), [1.0, 3.0], [-1.0, 1.0]),
    (Dropout(0.5), [1.0, 2.0], [1.0, 2.0]),
]


@pytest.mark.parametrize(
    ("layer", "x", "y"), KNOWN_VALUES, ids=[str(row[0]) for row in KNOWN_VALUES]
)
def test_known_values(layer: Any, x: list, y: list) -> None:
    p = pack(layer.init((len(x),), np.random.default_rng(0))[0], np.float64)
    np.testing.assert_allclose(layer(p, np.array([x]))[0], [y], rtol=1e-12)


def test_dropout_keeps_its_share_and_the_mean() -> None:
    y, _ = Dropout(0.3)(pack({}), np.ones((100, 1000)), np.random.default_rng(0))
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.005)
    assert y.mean() == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(y[y != 0], 1 / 0.7)


def test_back_without_dx_stops_at_the_first_layer_that_learns() -> None:
    @dataclass(frozen=True)
    class Fragile(Identity):
        def __call__(self, p: Params, x: np.ndarray, rng: Any = None) -> tuple[np.ndarray, Any]:
            def back(dy: np.ndarray, grad: Any = None, need_dx: bool = True) -> np.ndarray:
                raise AssertionError("nothing below needs a gradient")

            return x, back

    chain = Chain(Fragile(), Dense(2))
    case = Case((chain, (3,)))
    _, back = case.run()
    assert back(case.dy, case.p.zeros_like(), need_dx=False) is None


def test_no_weight_of_an_alignment_is_subnormal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such numbers would make each comparison of large maps several times as slow."""
    seen, across = [], pairing._across

    def watched(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
        seen.append(weight)
        return across(weight, values)

    monkeypatch.setattr(pairing, "_across", watched)
    case = Case((Alignment(), (2, 2, 48, 3)), np.float32)
    case.run()
    assert seen[0].min() > np.finfo(np.float32).tiny
