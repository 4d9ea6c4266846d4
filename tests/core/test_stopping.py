"""A training that stops: early, at the caller's word, or because it diverged."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from core.trainings import NETWORK, VALIDATION, blobs, fit, plan_of, scripted

from bpapps.core import (
    SGD,
    Adam,
    AdamW,
    Chain,
    Dense,
    DivergenceError,
    Epoch,
    SoftmaxCrossEntropy,
    SquaredError,
    evaluate,
    initial_params,
    train,
)


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
