"""The training loop: it learns, keeps its records, and sees what it should."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from core.trainings import NETWORK, accuracy, blobs, fit, plan_of
from scipy import sparse

from bpapps.core import (
    SGD,
    Adam,
    AdamW,
    Chain,
    Conv2D,
    Cosine,
    Dense,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
    evaluate,
    forward,
    initial_params,
)
from bpapps.core.draws import Augmented
from bpapps.core.parallel import microbatch_size


@pytest.mark.parametrize("optimizer", [SGD(0.9), Adam(), AdamW()], ids=str)
def test_learns_xor(optimizer: Any) -> None:
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array([0, 1, 1, 0])
    rate = 0.3 if isinstance(optimizer, SGD) else 0.05
    plan = plan_of(optimizer=optimizer, learning_rate=rate, max_epochs=200)
    network = Chain(Dense(8), Tanh(), Dense(2))
    params, epochs = fit(plan, (X, y), network)
    assert accuracy(network, params, X, y) == 1
    assert epochs[-1].loss < 0.1 < epochs[0].loss


def test_learns_blobs_it_has_not_seen() -> None:
    params, _ = fit(plan_of(max_epochs=30))
    assert accuracy(NETWORK, params, *blobs(seed=1)) > 0.95


def test_learns_values() -> None:
    X = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    y = X @ np.array([1.0, -2.0, 0.5], np.float32) + 3
    plan = plan_of(loss=SquaredError(), optimizer=SGD(0.9), max_epochs=30)
    params, _ = fit(plan, (X, y), Dense(1))
    np.testing.assert_allclose(params.W[:, 0], [1, -2, 0.5], atol=1e-3)
    np.testing.assert_allclose(params.b, [3], atol=1e-3)


def test_records() -> None:
    plan = plan_of(schedule=Cosine(), max_epochs=6)
    validation = (*blobs(50, seed=1), None)
    params, epochs = fit(plan, validation=validation, score=lambda *_: 0.25)
    assert [e.epoch for e in epochs] == [1, 2, 3, 4, 5, 6]
    assert [e.steps for e in epochs] == [3, 6, 9, 12, 15, 18]
    last_of_epoch = [plan.schedule(e.steps - 1, 18) * 0.01 for e in epochs]
    np.testing.assert_allclose([e.learning_rate for e in epochs], last_of_epoch)
    assert {e.validation_score for e in epochs} == {0.25}
    assert epochs[-1].validation_loss == evaluate(NETWORK, params, *validation[:2], plan.loss)[0]
    assert all(e.seconds > 0 and e.stop == "" for e in epochs)
    losses = [e.loss for e in epochs]
    assert [e.best for e in epochs] == [
        loss == min(losses[: i + 1]) for i, loss in enumerate(losses)
    ]


def test_without_validation_there_are_no_figures_of_it() -> None:
    _, epochs = fit(plan_of())
    assert {(e.validation_loss, e.validation_score) for e in epochs} == {(None, None)}


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_of_an_epoch_is_the_mean_over_the_data(weighted: bool) -> None:
    X, y = blobs(90)
    weights = np.random.default_rng(0).random(90) if weighted else None
    params, epochs = fit(plan_of(learning_rate=0.0, max_epochs=1), weights=weights)
    expected, logits = evaluate(NETWORK, params, X, y, SoftmaxCrossEntropy(), weights)
    assert epochs[0].loss == pytest.approx(expected, rel=1e-6)
    np.testing.assert_array_equal(logits, forward(NETWORK, params, X, 128))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("microbatch", [1, 7, 90, 200])
def test_forward_in_parts(microbatch: int, threads: int) -> None:
    X, _ = blobs(90)
    params = initial_params(NETWORK, (4,))
    y = forward(NETWORK, params, X, microbatch, threads)
    np.testing.assert_allclose(y, NETWORK(params, X)[0], rtol=1e-5, atol=1e-6)


class Spy:
    """An augmentation that notes the rows it is given and their random numbers."""

    def __init__(self, change: float = 0.0) -> None:
        self.rows: list[list[int]] = []
        self.draws: list[float] = []
        self.change = change

    def __call__(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        assert isinstance(rng, np.random.Generator)
        self.rows.append(x[:, 0].astype(int).tolist())
        self.draws.append(rng.random())
        return x + np.float32(self.change)


def numbered(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(n, dtype=np.float32)[:, None], np.zeros(n, np.float32)


def watch(spy: Spy, n: int = 20, **changes: Any) -> Spy:
    plan = plan_of(loss=SquaredError(), learning_rate=0.0, draw=Augmented(spy), **changes)
    fit(plan, numbered(n), Dense(1))
    return spy


def test_without_shuffling_rows_come_in_order() -> None:
    spy = watch(Spy(), shuffle=False, batch_size=8, microbatch=3, max_epochs=2)
    epoch = [[0, 1, 2], [3, 4, 5], [6, 7], [8, 9, 10], [11, 12, 13], [14, 15], [16, 17, 18], [19]]
    assert spy.rows == 2 * epoch


def test_shuffled_rows_come_once_each_epoch_in_a_new_order() -> None:
    spy = watch(Spy(), batch_size=8, microbatch=8, max_epochs=2)
    first, second = sum(spy.rows[:3], []), sum(spy.rows[3:], [])  # noqa: RUF017
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second != list(range(20)) != first
    assert watch(Spy(), batch_size=8, microbatch=8, max_epochs=2).rows == spy.rows
    assert watch(Spy(), batch_size=8, microbatch=8, max_epochs=2, seed=1).rows != spy.rows


def test_augmentation_has_random_numbers_of_its_own_each_time() -> None:
    spy = watch(Spy(), batch_size=8, microbatch=4, max_epochs=3)
    assert len(set(spy.draws)) == len(spy.draws) == 15
    assert watch(Spy(), batch_size=8, microbatch=4, max_epochs=3).draws == spy.draws


def test_augmentation_changes_what_is_learned_from_and_not_the_data() -> None:
    X, y = numbered(20)
    before = X.copy()
    plain = fit(plan_of(loss=SquaredError(), max_epochs=1), (X, y), Dense(1))[1][0].loss
    moved_plan = plan_of(loss=SquaredError(), max_epochs=1, draw=Augmented(Spy(50.0)))
    moved = fit(moved_plan, (X, y), Dense(1))[1][0].loss
    assert moved > 2 * plain
    np.testing.assert_array_equal(X, before)


@dataclass(frozen=True)
class Crops:
    """A draw of windows out of large pictures, and of the same windows out of their masks."""

    side: int

    def __call__(
        self, X: np.ndarray, y: np.ndarray, rows: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        corners = rng.integers(X.shape[1] - self.side + 1, size=(len(rows), 2))
        windows = [
            (slice(None), slice(i, i + self.side), slice(j, j + self.side)) for i, j in corners
        ]
        x, wanted = (
            np.concatenate([a[[row]][at] for row, at in zip(rows, windows, strict=True)])
            for a in (X, y)
        )
        return x, wanted


class PixelError(SquaredError):
    """Targets and outputs are pictures, and a mask that was not cropped with its picture shows."""

    def __call__(self, logits: Any, targets: Any, weights: Any = None) -> Any:
        assert logits.shape == targets.shape
        n = len(logits)
        value, gradient = super().__call__(logits.reshape(n, -1), targets.reshape(n, -1), weights)
        return value, gradient.reshape(logits.shape)


@pytest.mark.parametrize("threads", [1, 2])
def test_crops_and_their_masks_are_drawn_together(threads: int) -> None:
    X = np.random.default_rng(0).random((12, 9, 9, 1), np.float32)
    plan = plan_of(
        loss=PixelError(), draw=Crops(4), learning_rate=0.1, batch_size=12, max_epochs=400
    )
    network = Conv2D(1, 1)
    runs = [
        fit(plan, (X, 3 * X + 1), network, params=initial_params(network, (4, 4, 1)), **options)
        for options in ({}, {"threads": threads})
    ]
    params, epochs = runs[0]
    np.testing.assert_allclose([params.W.item(), params.b.item()], [3, 1], atol=1e-2)
    assert epochs[-1].loss < 1e-3
    assert len({params.vector.tobytes() for params, _ in runs}) == 1


@pytest.mark.parametrize("shuffle", [False, True])
def test_there_may_be_more_draws_than_rows(shuffle: bool) -> None:
    numbers: list[int] = []

    def pairs(X: Any, y: Any, rows: Any, rng: Any) -> tuple[np.ndarray, np.ndarray]:
        numbers.extend(rows)
        one, other = X[rows % len(X)], X[rng.integers(len(X), size=len(rows))]
        return np.hstack([one, other]), (one == other).astype(np.float32)

    X, y = numbered(5)
    plan = plan_of(loss=SquaredError(), draw=pairs, draws=37, batch_size=8, shuffle=shuffle)
    params = initial_params(Dense(1), (2,))
    _, epochs = fit(plan, (X, y), Dense(1), params=params)
    assert [epoch.steps for epoch in epochs] == [5, 10, 15, 20, 25]
    epoch = numbers[:37]
    assert sorted(epoch) == list(range(37))
    assert (epoch == list(range(37))) != shuffle


def test_a_sparse_matrix_trains_to_the_same_bits() -> None:
    X, y = blobs()
    X[np.abs(X) < 0.5] = 0
    dense, _ = fit(plan_of(), (X, y))
    sparse_, _ = fit(plan_of(), (sparse.csr_matrix(X), y))
    assert dense.vector.tobytes() == sparse_.vector.tobytes()


CUTS = [
    (Dense(10), (784,), 32, False, 32),
    (Dense(10), (784,), 128, False, 128),
    (Dense(10), (784,), 128, True, 64),
    (Dense(10), (784,), 64, True, 64),
    (Dense(800), (784,), 128, False, 64),
    (Dense(800), (784,), 1024, False, 128),
    (Chain(Conv2D(2, 3)), (28, 28, 1), 128, False, 64),
    (Chain(Conv2D(2, 3)), (28, 28, 1), 512, True, 64),
    (Chain(Conv2D(2, 3)), (8, 8, 1), 61, False, 31),
]


@pytest.mark.parametrize(("network", "in_shape", "batch", "augmented", "size"), CUTS)
def test_how_a_batch_is_cut(
    network: Any, in_shape: tuple, batch: int, augmented: bool, size: int
) -> None:
    params = initial_params(network, in_shape)
    assert microbatch_size(network, params, in_shape, batch, augmented) == size
