"""The training loop: it learns, keeps its records, stops, resumes, and repeats to the bit."""

import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import killable
import numpy as np
import pytest
from scipy import sparse

from bpapps.core import (
    SGD,
    Adam,
    AdamW,
    Chain,
    Conv2D,
    Cosine,
    Dense,
    DivergenceError,
    Dropout,
    Epoch,
    Flatten,
    GroupNorm,
    LayerNorm,
    MaxPool2D,
    Params,
    Plan,
    ReLU,
    Reshape,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredError,
    StorageError,
    Tanh,
    evaluate,
    forward,
    initial_params,
    train,
    training,
)
from bpapps.core.draws import Augmented
from bpapps.core.parallel import microbatch_size

NETWORK = Chain(Dense(16), Tanh(), Dense(3))


def blobs(n: int = 90, spread: float = 0.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds in the plane, and two features of noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    centres = np.array([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])
    X = np.hstack([centres[y] + spread * rng.normal(size=(n, 2)), rng.normal(size=(n, 2))])
    return X.astype(np.float32), y


def plan_of(**changes: Any) -> Plan:
    given = {
        "loss": SoftmaxCrossEntropy(),
        "optimizer": Adam(),
        "learning_rate": 0.01,
        "batch_size": 32,
        "max_epochs": 5,
        "microbatch": 8,
    }
    return Plan(**{**given, **changes})


def fit(
    plan: Plan, data: Any = None, network: Any = NETWORK, dtype: Any = np.float32, **options: Any
) -> tuple[Params, list[Epoch]]:
    X, y = blobs() if data is None else data
    params = options.pop("params", None) or initial_params(network, X.shape[1:], 0, dtype)
    return params, list(train(network, params, X, y, plan, **options))


def accuracy(network: Any, params: Params, X: np.ndarray, y: np.ndarray) -> float:
    return float((forward(network, params, X, 64).argmax(axis=1) == y).mean())


# --- it learns


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


# --- its records


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


# --- what it sees


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


# --- weights


def test_zero_weight_is_absence() -> None:
    X, y = blobs()
    present = np.random.default_rng(0).random(len(y)) < 0.6
    plan = plan_of(batch_size=100, shuffle=False, alpha=0.5)
    weighted, epochs = fit(plan, (X, y), dtype=np.float64, weights=present.astype(float))
    alone, alone_epochs = fit(plan, (X[present], y[present]), dtype=np.float64)
    np.testing.assert_allclose(weighted.vector, alone.vector, rtol=1e-9)
    assert epochs[-1].loss == pytest.approx(alone_epochs[-1].loss, rel=1e-9)


def test_a_whole_weight_is_repetition() -> None:
    X, y = blobs(30)
    times = np.random.default_rng(0).integers(1, 4, size=30)
    rows = np.repeat(np.arange(30), times)
    plan = plan_of(batch_size=100, shuffle=False, alpha=0.5)
    weighted, _ = fit(plan, (X, y), dtype=np.float64, weights=times.astype(float))
    repeated, _ = fit(plan, (X[rows], y[rows]), dtype=np.float64)
    np.testing.assert_allclose(weighted.vector, repeated.vector, rtol=1e-9)


def test_a_batch_of_no_weight_is_passed_over() -> None:
    weights = np.ones(90)
    weights[:40] = 0
    params, epochs = fit(plan_of(batch_size=10, shuffle=False, max_epochs=1), weights=weights)
    assert epochs[0].steps == 5
    assert np.isfinite(params.vector).all()


def test_weights_that_are_all_the_same_do_nothing() -> None:
    plain, _ = fit(plan_of(), dtype=np.float64)
    weighted, _ = fit(plan_of(), dtype=np.float64, weights=np.full(90, 3.0))
    np.testing.assert_allclose(plain.vector, weighted.vector, rtol=1e-9)


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="weight"):
        fit(plan_of(), weights=np.zeros(90))


# --- the penalty


PENALIZED = [
    (Chain(Dense(5), Tanh(), Dense(3)), (4,)),
    (Chain(Reshape((2, 2, 1)), Conv2D(4, 2, padding=1), GroupNorm(2), Flatten(), Dense(3)), (4,)),
    (Chain(LayerNorm(), Dense(3)), (4,)),
]


@pytest.mark.parametrize(("network", "in_shape"), PENALIZED, ids=["dense", "conv", "norm"])
def test_alpha_penalizes_weights_and_not_biases(network: Any, in_shape: tuple) -> None:
    data = blobs(20)
    start = initial_params(network, in_shape, 0, np.float64)
    start.vector[...] += 0.3 * np.random.default_rng(0).normal(size=start.size)

    def step(alpha: float, vector: np.ndarray) -> tuple[float, Params]:
        """The reported loss, and the gradient as the first step of plain descent shows it."""
        plan = plan_of(
            optimizer=SGD(), learning_rate=1e-3, batch_size=20, max_epochs=1, alpha=alpha
        )
        params = Params(vector.copy(), start.shapes)
        _, (epoch,) = fit(plan, data, network, params=params)
        return epoch.loss, Params((vector - params.vector) / 1e-3, start.shapes)

    loss, gradient = step(6.0, start.vector)
    plain_loss, plain_gradient = step(0.0, start.vector)
    squares = sum(float((view**2).sum()) for name, view in start.items() if name[-1] == "W")
    assert loss - plain_loss == pytest.approx(6.0 / (2 * 20) * squares, rel=1e-9)
    for (name, part), (_, plain), (_, view) in zip(
        gradient.items(), plain_gradient.items(), start.items(), strict=True
    ):
        extra = 6.0 / 20 * view if name[-1] == "W" else 0.0
        np.testing.assert_allclose(part, plain + extra, rtol=1e-7, atol=1e-9)
    for seed in range(3):
        d = np.random.default_rng(seed).normal(size=start.size)
        ahead, behind = (step(6.0, start.vector + h * d)[0] for h in (1e-5, -1e-5))
        assert (ahead - behind) / 2e-5 == pytest.approx(float(gradient.vector @ d), rel=1e-6)


def test_max_norm_bounds_the_step() -> None:
    start = initial_params(NETWORK, (4,))
    lengths = {}
    for max_norm in (None, 0.05, 1e3):
        plan = plan_of(optimizer=SGD(), learning_rate=1.0, batch_size=90, max_epochs=1)
        params, _ = fit(replace(plan, max_norm=max_norm))
        lengths[max_norm] = np.linalg.norm(params.vector - start.vector)
    assert lengths[0.05] == pytest.approx(0.05, rel=1e-4)
    assert lengths[None] == lengths[1e3] > 0.1


# --- stopping


def scripted(scores: list[float]) -> Callable[..., float]:
    values = iter(scores)
    return lambda logits, y, weights: next(values)


VALIDATION = (*blobs(60, seed=1), None)


def validation_losses(epochs: list[Epoch]) -> list[float]:
    return [e.validation_loss for e in epochs if e.validation_loss is not None]


def noisy() -> tuple[np.ndarray, np.ndarray]:
    """Few samples, some with wrong labels: learned by heart after a while."""
    X, y = blobs(60, spread=1.5)
    wrong = np.random.default_rng(0).random(60) < 0.3
    return X, np.where(wrong, (y + 1) % 3, y)


@pytest.mark.parametrize("patience", [None, 8])
@pytest.mark.parametrize("scored", [False, True])
def test_early_stopping_restores_the_best_weights(scored: bool, patience: int | None) -> None:
    X, y, _ = VALIDATION
    plan = plan_of(
        learning_rate=0.05, max_epochs=60, early_stopping=True, patience=patience, tol=0.0
    )

    def score(logits: np.ndarray, y: np.ndarray, _: Any) -> float:
        return -SoftmaxCrossEntropy()(logits, y)[0]

    params, epochs = fit(
        plan, noisy(), validation=VALIDATION, score=score if scored else None, network=NETWORK
    )
    losses = validation_losses(epochs)
    best = int(np.argmin(losses))
    assert best + 1 < len(epochs)
    assert losses[-1] > 1.1 * losses[best]
    assert evaluate(NETWORK, params, X, y, plan.loss, microbatch=8)[0] == losses[best]
    assert [e.epoch for e in epochs if e.best][-1] == best + 1
    assert len(epochs) == (60 if patience is None else best + 1 + patience + 1)
    assert bool(epochs[-1].stop) == (patience is not None)


def test_without_early_stopping_the_last_weights_stay() -> None:
    params, epochs = fit(plan_of(learning_rate=0.05, max_epochs=60), noisy(), validation=VALIDATION)
    losses = validation_losses(epochs)
    assert losses[-1] > 1.2 * min(losses)
    loss, _ = evaluate(NETWORK, params, *VALIDATION[:2], SoftmaxCrossEntropy(), microbatch=8)
    assert loss == losses[-1]


def test_ended_by_the_caller_the_best_weights_are_restored() -> None:
    params = initial_params(NETWORK, (4,))
    plan = plan_of(early_stopping=True)
    run = train(
        NETWORK, params, *blobs(), plan, validation=VALIDATION, score=scripted([0.1, 0.9, 0.2])
    )
    kept = [params.vector.copy() for _ in zip(range(3), run, strict=False)]
    run.close()
    np.testing.assert_array_equal(params.vector, kept[1])


#       scores, patience, tol -> epochs made
PATIENCE = [
    ([0.5, 0.6, 0.7, 0.8, 0.9, 1.0], 1, 0.0, 6),
    ([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], 1, 0.0, 3),
    ([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], 3, 0.0, 5),
    ([0.5, 0.4, 0.6, 0.4, 0.4, 0.4], 3, 0.0, 6),
    ([0.5, 0.4, 0.6, 0.4, 0.4, 0.9], 1, 0.0, 5),
    ([0.5, 0.51, 0.52, 0.53, 0.54, 0.55], 1, 0.1, 3),
    ([0.5, 0.51, 0.52, 0.53, 0.54, 0.55], None, 0.1, 6),
    ([0.5, 0.7, 0.75, 0.8, 0.95, 0.99], 2, 0.1, 6),
]


@pytest.mark.parametrize(("scores", "patience", "tol", "count"), PATIENCE)
def test_patience_is_how_many_epochs_may_bring_nothing(
    scores: list, patience: int | None, tol: float, count: int
) -> None:
    plan = plan_of(early_stopping=True, patience=patience, tol=tol, max_epochs=6)
    _, epochs = fit(plan, validation=VALIDATION, score=scripted(scores))
    assert len(epochs) == count
    assert [e.validation_score for e in epochs] == scores[:count]
    if count < 6:
        assert epochs[-1].stop == f"no gain in validation of {tol:g} for {patience} epochs"
    else:
        assert epochs[-1].stop == ""


def test_patience_with_the_training_loss() -> None:
    _, epochs = fit(plan_of(learning_rate=0.0, patience=2, max_epochs=50, shuffle=False))
    assert len(epochs) == 4
    assert "training loss" in epochs[-1].stop


def test_reduce_on_plateau() -> None:
    plan = plan_of(
        early_stopping=True, patience=1, reduce_on_plateau=True, learning_rate=1e-4, max_epochs=50
    )
    _, epochs = fit(plan, validation=VALIDATION, score=lambda *_: 0.5)
    rates = [e.learning_rate for e in epochs]
    np.testing.assert_allclose(rates[:7], 1e-4 / 5 ** np.array([0, 0, 0, 1, 1, 2, 2]))
    assert min(rates) == pytest.approx(1e-4 / 5**3)
    assert epochs[-1].stop


def test_early_stopping_needs_validation() -> None:
    with pytest.raises(ValueError, match="early_stopping needs validation data"):
        fit(plan_of(early_stopping=True))


# --- divergence


@pytest.mark.parametrize("optimizer", [SGD(), SGD(0.9, nesterov=True), Adam(), AdamW()], ids=str)
@pytest.mark.parametrize("validated", [False, True])
def test_divergence_says_what_to_try(optimizer: Any, validated: bool) -> None:
    plan = plan_of(loss=SquaredError(), optimizer=optimizer, learning_rate=1e25, max_epochs=9)
    data = blobs()[0], blobs()[0][:, :1]
    with pytest.raises(DivergenceError) as caught:
        fit(plan, data, Chain(Dense(9), Dense(1)), validation=(*data, None) if validated else None)
    message = str(caught.value)
    for part in ("epoch 1, step ", "learning rate below 1e+25", "max_norm=1", "inputs scaled"):
        assert part in message
    assert "\n" not in message
    with pytest.raises(DivergenceError, match="try a learning rate below 1e\\+25, or inputs"):
        fit(replace(plan, max_norm=1e30), data, Chain(Dense(9), Dense(1)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_inputs_that_are_no_numbers_diverge_at_once(value: float) -> None:
    X, y = blobs()
    X[3, 1] = value
    with pytest.raises(DivergenceError, match="epoch 1"):
        fit(plan_of(), (X, y))


@pytest.mark.parametrize(("rate", "validated"), [(1e38, False), (1e25, True)])
def test_the_last_step_may_diverge_too(rate: float, validated: bool) -> None:
    data = blobs()[0], 1e5 * blobs()[0][:, :1]
    plan = plan_of(loss=SquaredError(), optimizer=SGD(), learning_rate=rate, batch_size=90)
    validation = (*data, None) if validated else None
    with pytest.raises(DivergenceError):
        fit(replace(plan, max_epochs=1), data, Chain(Dense(2), Dense(1)), validation=validation)


@pytest.mark.parametrize("optimizer", [SGD(), Adam()], ids=str)
def test_huge_inputs_give_no_foreign_warnings(optimizer: Any) -> None:
    X, y = blobs()
    try:
        params, _ = fit(plan_of(optimizer=optimizer), (X * np.float32(1e25), y), Dense(3))
    except DivergenceError:
        return
    assert np.isfinite(params.vector).all()


# --- the same bits


LENET = Chain(
    Reshape((8, 8, 1)),
    Conv2D(8, 3, padding="same"),
    ReLU(),
    MaxPool2D(2),
    Conv2D(16, 3),
    GroupNorm(4),
    ReLU(),
    Flatten(),
    Dropout(0.3),
    Dense(10),
)
WIDE = Chain(Dense(300), ReLU(), Dropout(0.2), Dense(100), ReLU(), Dense(10))


LARGE = Chain(Dense(800), ReLU(), Dense(10))  # so that BLAS on many threads cuts its sums


def bits(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def pictures(n: int = 200, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((n, size), dtype=np.float32), rng.integers(10, size=n)


SAME_BITS: list[tuple[str, Any, dict]] = [
    ("conv", LENET, {}),
    ("wide", WIDE, {}),
    ("clipped", WIDE, {"max_norm": 0.1}),
    ("penalty", WIDE, {"alpha": 0.1}),
    ("augmented", WIDE, {"draw": Augmented(killable.Noise(0.1)), "optimizer": SGD(0.9)}),
    ("odd microbatch", WIDE, {"microbatch": 23}),
    ("large microbatch", WIDE, {"microbatch": 64}),
]


@pytest.mark.parametrize(
    ("network", "changes"), [row[1:] for row in SAME_BITS], ids=[row[0] for row in SAME_BITS]
)
def test_same_bits_on_any_number_of_threads(network: Any, changes: dict) -> None:
    plan = plan_of(**{"batch_size": 64, "microbatch": 16, "max_epochs": 2, **changes})
    options = {"data": pictures(), "network": network}
    validation = (*pictures(70), None)
    results = []
    for threads in (1, 2, 4):
        params, epochs = fit(plan, **options, validation=validation, threads=threads)
        records = [replace(epoch, seconds=0.0) for epoch in epochs]
        results.append((bits(params.vector), records))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("method", ["steps", "L-BFGS"])
def test_a_large_net_has_the_same_bits_too(method: str) -> None:
    X, y = pictures(128, 784)
    plan = plan_of(batch_size=128, microbatch=64, max_epochs=2, alpha=0.1, max_norm=0.1)
    results = []
    for threads in (1, 2):
        params = initial_params(LARGE, (784,))
        if method == "steps":
            epochs = list(train(LARGE, params, X, y, plan, threads=threads))
        else:
            epochs = training.train_lbfgs(LARGE, params, X, y, plan, threads=threads)
        y_hat = forward(LARGE, params, X, 64, threads)
        results.append((bits(params.vector), bits(y_hat), without_seconds(epochs)))
    assert results[0] == results[1]


def test_how_a_batch_is_cut_changes_only_the_rounding() -> None:
    network = Chain(Dense(20), Tanh(), LayerNorm(), Dense(3))
    vectors = [
        fit(plan_of(microbatch=size), network=network, dtype=np.float64)[0].vector
        for size in (32, 8, 5, 1)
    ]
    for vector in vectors[1:]:
        np.testing.assert_allclose(vector, vectors[0], rtol=1e-8, atol=1e-10)


def test_the_seed_decides() -> None:
    first, same, other = (fit(plan_of(seed=seed))[0].vector for seed in (1, 1, 2))
    assert first.tobytes() == same.tobytes() != other.tobytes()


def test_goes_on_with_what_the_optimizer_remembers() -> None:
    plan = plan_of(shuffle=False)
    whole, _ = fit(replace(plan, max_epochs=4))
    state: dict = {}
    params, _ = fit(replace(plan, max_epochs=2), state=state)
    assert int(state["steps"][0]) == 6
    fit(replace(plan, max_epochs=2), state=state, params=params)
    assert params.vector.tobytes() == whole.vector.tobytes()


# --- checkpoints


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after every epoch."""
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)


def without_seconds(epochs: list[Epoch]) -> list[Epoch]:
    return [replace(epoch, seconds=0.0) for epoch in epochs]


@pytest.mark.slow
def test_killed_and_resumed_it_ends_at_the_same_bits(tmp_path: Path) -> None:
    checkpoint, result = tmp_path / "checkpoint", tmp_path / "result"
    command = [sys.executable, "-W", "error", killable.__file__, str(checkpoint), str(result)]
    for kill_after, wait in ((3, 0.0), (7, 0.004), (11, 0.002)):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) == kill_after:
                    break
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert not result.exists()
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    params, epochs = killable.run(None)
    assert shown.stdout.split() == [str(epoch.epoch) for epoch in epochs]
    assert result.read_bytes() == params.vector.tobytes()
    _, resumed = killable.run(checkpoint)
    assert without_seconds(resumed) == without_seconds(epochs)


@pytest.mark.parametrize("optimizer", [SGD(), SGD(0.9), Adam(), AdamW()], ids=str)
@pytest.mark.parametrize("after", [1, 3, 5])
def test_left_and_resumed_it_ends_at_the_same_bits(
    optimizer: Any, after: int, tmp_path: Path, always: None
) -> None:
    plan = plan_of(optimizer=optimizer, early_stopping=True, tol=0.0)
    scores = [0.5, 0.6, 0.4, 0.3, 0.2]
    network = Chain(Dense(8), ReLU(), Dropout(0.3), Dense(3))
    options: dict = {"network": network, "validation": VALIDATION}
    whole, epochs = fit(plan, **options, score=scripted(scores))
    params = initial_params(network, (4,))
    data, file = blobs(), tmp_path / "c"
    first = train(
        network, params, *data, plan,
        validation=VALIDATION, score=scripted(scores), checkpoint=file,
    )  # fmt: skip
    begun = list(islice(first, after))
    first.close()
    resumed, again = fit(plan, **options, checkpoint=file, score=scripted(scores[after:]))
    assert again[:after] == begun
    assert without_seconds(again) == without_seconds(epochs)
    assert resumed.vector.tobytes() == whole.vector.tobytes()


def test_checkpoints_are_not_written_all_the_time(tmp_path: Path) -> None:
    file = tmp_path / "c"
    fit(plan_of(), checkpoint=file)
    resumed = train(NETWORK, initial_params(NETWORK, (4,)), *blobs(), plan_of(), checkpoint=file)
    assert next(resumed).seconds > 0
    assert list(tmp_path.iterdir()) == [file]


OTHER_TRAININGS = [
    ("rate", {"plan": plan_of(learning_rate=0.02)}),
    ("epochs", {"plan": plan_of(max_epochs=6)}),
    ("optimizer", {"plan": plan_of(optimizer=SGD(0.9))}),
    ("loss", {"plan": plan_of(loss=SoftmaxCrossEntropy(0.1))}),
    ("seed", {"plan": plan_of(seed=1)}),
    ("microbatch", {"plan": plan_of(microbatch=4)}),
    ("network", {"network": Chain(Dense(16), ReLU(), Dense(3))}),
    ("width", {"network": Chain(Dense(15), Tanh(), Dense(3))}),
    ("type", {"dtype": np.float64}),
    ("data", {"data": blobs(seed=5)}),
    ("less data", {"data": tuple(part[:80] for part in blobs())}),
    ("labels", {"data": (blobs()[0], (blobs()[1] + 1) % 3)}),
    ("weights", {"weights": np.linspace(0.1, 1, 90)}),
]


@pytest.mark.parametrize(("what", "other"), OTHER_TRAININGS)
def test_the_checkpoint_of_another_training_is_refused(
    what: str, other: dict, tmp_path: Path, always: None
) -> None:
    file = tmp_path / "c"
    fit(plan_of(), checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(ValueError, match="another net, plan or data; delete it") as caught:
        fit(**{"plan": plan_of(), **other}, checkpoint=file)
    assert str(file) in str(caught.value)
    assert file.read_bytes() == before


def test_a_function_as_augmentation_resumes_in_another_process(tmp_path: Path) -> None:
    program = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from bpapps.core import *\n"
        "from bpapps.core.draws import Augmented\n"
        "others = [lambda: i for i in range(int(sys.argv[2]))]\n"
        "def augment(x, rng): return x\n"
        "plan = Plan(SquaredError(), SGD(), max_epochs=2, draw=Augmented(augment))\n"
        "X = np.ones((4, 2), np.float32)\n"
        "params = initial_params(Dense(1), (2,))\n"
        "list(train(Dense(1), params, X, X[:, 0], plan, checkpoint=Path(sys.argv[1])))\n"
    )
    for others in ("1", "50000"):
        command = [sys.executable, "-c", program, str(tmp_path / "c"), others]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("damage", ["truncated", "flipped", "text", "folder", "a network"])
def test_a_damaged_checkpoint_is_refused(damage: str, tmp_path: Path, always: None) -> None:
    file = tmp_path / "c"
    fit(plan_of(), checkpoint=file)
    content = file.read_bytes()
    if damage == "folder":
        file.unlink()
        file.mkdir()
    elif damage == "a network":
        training.write_tensors(file, {"W": np.zeros(3)}, {"architecture": 0})
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        spoilt = {"truncated": content[:middle], "flipped": flipped, "text": b"epoch 1\n"}
        file.write_bytes(spoilt[damage])
    with pytest.raises(ValueError if damage == "a network" else StorageError) as caught:
        fit(plan_of(), checkpoint=file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        fit(plan_of(), checkpoint=tmp_path / "missing" / "c")


# --- L-BFGS


CONVEX = [
    (SoftmaxCrossEntropy(), blobs()),
    (SigmoidCrossEntropy(), (blobs()[0], np.eye(3)[blobs()[1]])),
    (SquaredError(), (blobs()[0], np.eye(3)[blobs()[1]])),
]


@pytest.mark.parametrize(("loss", "data"), CONVEX, ids=[str(row[0]) for row in CONVEX])
@pytest.mark.parametrize("weighted", [False, True])
def test_lbfgs_ends_where_the_gradient_is_nothing(loss: Any, data: Any, weighted: bool) -> None:
    network, (X, y) = Dense(3), data
    params = initial_params(network, (4,), dtype=np.float64)
    weights = np.random.default_rng(0).random(90) if weighted else None
    plan = plan_of(loss=loss, alpha=2.0, max_epochs=200, tol=1e-7)
    epochs = training.train_lbfgs(network, params, X, y, plan, weights=weights)
    assert [e.epoch for e in epochs] == list(range(1, len(epochs) + 1))
    losses = [e.loss for e in epochs]
    assert losses == sorted(losses, reverse=True)
    assert epochs[-1].stop == "L-BFGS converged"
    grown = 90.0 if weights is None else float(weights.sum())
    value, _ = evaluate(network, params, X, y, loss, weights)
    assert losses[-1] == pytest.approx(value + 1.0 / grown * float((params.W**2).sum()), rel=1e-9)
    descent = replace(plan, optimizer=SGD(), learning_rate=1.0, batch_size=90, max_epochs=1)
    moved = params.copy()
    list(train(network, moved, X, y, descent, weights=weights))
    np.testing.assert_allclose(moved.vector, params.vector, atol=1e-5)


def test_lbfgs_gives_the_same_bits_on_any_number_of_threads() -> None:
    vectors = []
    for threads in (1, 2, 4):
        params = initial_params(WIDE, (64,))
        plan = plan_of(microbatch=32, max_epochs=4, alpha=0.1)
        training.train_lbfgs(WIDE, params, *pictures(), plan, threads=threads)
        vectors.append(bits(params.vector))
    assert vectors[0] == vectors[1] == vectors[2]


def test_lbfgs_diverges_with_a_clear_error() -> None:
    X, y = blobs()
    X[0, 0] = np.nan
    with pytest.raises(DivergenceError, match="inputs scaled"):
        training.train_lbfgs(NETWORK, initial_params(NETWORK, (4,)), X, y, plan_of())


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
