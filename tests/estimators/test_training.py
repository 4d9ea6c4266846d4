"""The estimators' trainings: weights, validation, stopping, parts and resuming."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from estimators.made import (
    BOTH,
    bits,
    blobs,
    classifier,
    data_for,
    regressor,
    silence,
    waves,
)
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_sample_weight

from bpapps.core import (
    checkpoints,
)
from bpapps.estimators import BackpropClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_weight_zero_is_absent_and_two_is_twice(make: Callable, solver: str) -> None:
    X, y = data_for(type(make()))
    weights = np.random.default_rng(1).integers(0, 3, len(y))
    net = make(solver=solver, batch_size=len(y) * 2)
    weighted = clone(net).fit(X, y, sample_weight=weights)
    repeated = clone(net).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.params_.vector, repeated.params_.vector, rtol=1e-6)
    zero_or_one = clone(net).fit(X, y, sample_weight=weights > 0)
    assert bits(zero_or_one) == bits(clone(net).fit(X[weights > 0], y[weights > 0]))


def test_class_weights_are_sample_weights() -> None:
    X, y = blobs()
    y = np.array(["a", "b", "c"])[np.where(y == 2, y, 0)]
    by_label = {"a": 1.0, "c": 5.0}
    by_sample = np.array([by_label[label] for label in y])
    assert bits(classifier(class_weight=by_label).fit(X, y)) == bits(
        classifier().fit(X, y, sample_weight=by_sample)
    )
    balanced = classifier(class_weight="balanced").fit(X, y)
    by_hand = classifier().fit(X, y, sample_weight=compute_sample_weight("balanced", y))
    np.testing.assert_allclose(balanced.params_.vector, by_hand.params_.vector, rtol=1e-9)


def test_balance_counts_sample_weights() -> None:
    X, y = blobs()
    weights = np.random.default_rng(1).integers(0, 3, len(y))
    net = classifier(class_weight="balanced", batch_size=400)
    weighted = clone(net).fit(X, y, sample_weight=weights)
    repeated = clone(net).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.params_.vector, repeated.params_.vector, rtol=1e-6)


def test_class_weights_favour_the_rare_class() -> None:
    X, y = blobs(300, spread=2.0)
    rare = np.flatnonzero(y == 0)[10:]
    X, y = np.delete(X, rare, axis=0), np.delete(y, rare)
    settings = {"max_iter": 60, "learning_rate_init": 0.02}
    found = [
        (classifier(class_weight=way, **settings).fit(X, y).predict(X) == 0).sum()
        for way in (None, "balanced")
    ]
    assert found[1] > found[0]


@BOTH
def test_validation_curves_measure_the_data_given(make: Callable) -> None:
    X, y = data_for(type(make()))
    net = make().fit(X[:80], y[:80], validation_data=(X[80:], y[80:]))
    assert len(net.validation_loss_curve_) == len(net.validation_scores_) == net.n_iter_ == 5
    assert net.validation_scores_[-1] == pytest.approx(net.score(X[80:], y[80:]))
    assert net.best_validation_score_ == max(net.validation_scores_)
    if make is classifier:
        loss = log_loss(y[80:], net.predict_proba(X[80:]))
    else:
        loss = 0.5 * np.mean((net.predict(X[80:]) - y[80:]) ** 2)
    assert net.validation_loss_curve_[-1] == pytest.approx(loss)
    assert bits(net) == bits(make().fit(X[:80], y[:80]))  # looking changes nothing


def test_validation_data_may_be_weighted() -> None:
    X, y = blobs()
    weights = np.linspace(0, 2, 40)
    net = classifier().fit(X[:80], y[:80], validation_data=(X[80:], y[80:], weights))
    assert net.validation_scores_[-1] == pytest.approx(net.score(X[80:], y[80:], weights))


@BOTH
def test_early_stopping_restores_the_best_epoch(make: Callable) -> None:
    X, y = data_for(type(make()))
    rng = np.random.default_rng(0)
    y[:80] = rng.permutation(y[:80])  # what it learns is wrong for the rest
    seen = []
    net = make(
        early_stopping=True,
        n_iter_no_change=4,
        max_iter=100,
        hidden_layer_sizes=(50,),
        learning_rate_init=0.05,
        callbacks=[lambda epoch, net: seen.append((epoch.validation_score, bits(net)))],
    ).fit(X[:80], y[:80], validation_data=(X[80:], y[80:]))
    scores = [score for score, _ in seen]
    best = int(np.argmax(scores))
    assert scores[-1] < scores[best]
    assert bits(net) == seen[best][1] != seen[-1][1]
    assert net.score(X[80:], y[80:]) == pytest.approx(net.best_validation_score_)
    assert net.n_iter_ < 100
    assert "validation" in net.history_[-1].stop


@BOTH
def test_early_stopping_holds_a_part_out(make: Callable) -> None:
    X, y = data_for(type(make()))
    full = {"early_stopping": True, "batch_size": 1000, "max_iter": 2}
    for share, kept in ((0.25, 90), (0.001, 118)):
        net = make(validation_fraction=share, **full).fit(X, y)
        assert net.t_ == 2 * kept
        assert len(net.validation_scores_) == 2


def test_held_out_part_has_each_class_where_it_can() -> None:
    X, y = blobs(100)
    y[0] = 3  # alone: there are no strata then
    classifier(early_stopping=True).fit(X, y)
    X, y = np.zeros((100, 1)), np.repeat([0, 1], [90, 10])
    net = classifier(early_stopping=True, validation_fraction=0.2, max_iter=1).fit(X, y)
    assert net.validation_scores_ == [0.9]


def test_training_that_stands_still_ends_and_one_cut_short_warns() -> None:
    X, y = blobs()
    with pytest.warns(ConvergenceWarning, match="after 5 epochs; raise max_iter"):
        classifier().fit(X, y)
    with pytest.warns(ConvergenceWarning, match="max_fun"):
        classifier(solver="lbfgs").fit(X, y)
    still = classifier(tol=10.0, n_iter_no_change=2, max_iter=50)
    with silence():
        still.fit(X, y)
    assert still.n_iter_ == 4


def test_callbacks_see_each_epoch_and_may_end_the_training() -> None:
    X, y = blobs()
    seen: list[tuple[int, int]] = []

    def watch(epoch: Any, net: BackpropClassifier) -> int:
        seen.append((epoch.epoch, len(net.loss_curve_)))
        assert net.predict(X).shape == y.shape
        return len(seen)  # a number is no answer

    with silence():
        classifier(callbacks=[watch, lambda e, net: e.epoch == 3]).fit(X, y)
    assert seen == [(1, 1), (2, 2), (3, 3)]
    numpys = classifier(callbacks=(lambda e, net: np.mean([e.epoch]) > 1,)).fit(X, y)
    assert numpys.n_iter_ == 2


SCRIPT = """
import numpy as np
from bpapps.estimators import BackpropClassifier
X = np.random.default_rng(0).normal(size=(40, 3))
net = BackpropClassifier(max_iter=3, learning_rate="step", random_state=0, verbose=True)
net.fit(X, X[:, 0] > 0)
"""


@pytest.mark.slow
def test_progress_is_shown_on_a_terminal_only() -> None:
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    command = [sys.executable, "-W", "error", "-c", SCRIPT]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    main, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 120))
    shown = subprocess.Popen(command, env=environment, stderr=terminal, stdout=subprocess.PIPE)
    hidden = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (hidden.stdout, hidden.stderr) == ("", "")
    assert shown.communicate()[0] == b""
    os.close(terminal)
    text = os.read(main, 100_000).decode()
    os.close(main)
    assert "training: 100%" in text
    assert re.search(r"loss \d\.\d{4}", text)


def test_partial_fit_improves_and_keeps_to_its_classes() -> None:
    X, y = blobs(150, spread=0.5)
    net = classifier(learning_rate_init=0.02)
    scores = []
    for _ in range(8):
        for rows in np.split(np.arange(150), 3):
            net.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        scores.append(net.score(X, y))
    assert scores[-1] > max(0.9, scores[0])
    net.partial_fit(X[y == 0], y[y == 0])
    with pytest.raises(ValueError, match=r"not among the classes: \[7\]"):
        net.partial_fit(X[:2], [0, 7])
    with pytest.raises(ValueError, match="not the ones of the first call"):
        net.partial_fit(X, y, classes=[0, 1, 2, 3])
    with pytest.raises(ValueError, match="first call of partial_fit needs classes"):
        classifier().partial_fit(X, y)
    with pytest.raises(ValueError, match="give class_weight as a dict"):
        classifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
    classifier(class_weight={2: 3.0}).partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_parts_of_the_whole_are_its_epochs(make: Callable, solver: str, tmp_path: Path) -> None:
    X, y = data_for(type(make()))
    net = make(solver=solver, shuffle=False, learning_rate="invscaling", batch_size=40)
    parts = clone(net).set_params(checkpoint=tmp_path / "unused")
    for _ in range(5):
        parts.partial_fit(X, y, **{"classes": [0, 1, 2]} if make is classifier else {})
    assert bits(parts) == bits(net.fit(X, y))
    assert parts.loss_curve_ == net.loss_curve_
    assert not (tmp_path / "unused").exists()


def test_partial_fit_keeps_to_the_full_rate_of_a_schedule() -> None:
    X, y = waves()
    net = regressor(learning_rate="cosine", learning_rate_init=0.01, batch_size=10)
    assert net.partial_fit(X, y).history_[-1].learning_rate == 0.01


@BOTH
def test_no_partial_fit_where_it_makes_no_sense(make: Callable) -> None:
    assert hasattr(make(), "partial_fit")
    assert not hasattr(make(solver="lbfgs"), "partial_fit")
    assert not hasattr(make(early_stopping=True), "partial_fit")


def test_parts_may_change_their_type() -> None:
    X, y = blobs()
    net = classifier().partial_fit(X.astype(np.float32), y, classes=[0, 1, 2]).partial_fit(X, y)
    assert net.predict_proba(X).dtype == np.float32


@BOTH
def test_warm_start_goes_on_from_the_weights(make: Callable) -> None:
    X, y = data_for(type(make()))
    plain = {"solver": "sgd", "momentum": 0.0, "shuffle": False, "warm_start": True}
    twice = make(max_iter=3, **plain).fit(X, y).fit(X, y)
    once = make(max_iter=6, **plain).fit(X, y)
    assert bits(twice) == bits(once)
    assert twice.loss_curve_ == once.loss_curve_
    assert twice.set_params(solver="adam").fit(X, y).loss_ < once.loss_
    assert bits(make(max_iter=3).fit(X, y).fit(X, y)) == bits(make(max_iter=3).fit(X, y))


def test_warm_start_refuses_other_data() -> None:
    X, y = blobs()
    net = classifier(warm_start=True).fit(X, y)
    for X_new, y_new, message in (
        (X[:, :3], y, "expecting 4 features"),
        (X, y + 1, "not among the classes"),
        (X, np.eye(3, dtype=int)[y], "another form"),
    ):
        with pytest.raises(ValueError, match=message):
            net.fit(X_new, y_new)
    net.predict(X)


def test_resumes_from_its_checkpoint_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    X, y = blobs()
    settings: dict[str, Any] = {"max_iter": 8, "dropout": 0.2, "early_stopping": True}
    straight = classifier(**settings).fit(X, y)

    def interrupt(epoch: Any, net: BackpropClassifier) -> None:
        if epoch.epoch == 4:
            raise KeyboardInterrupt

    net = classifier(checkpoint=tmp_path / "checkpoint", **settings)
    with pytest.raises(KeyboardInterrupt):
        clone(net).set_params(callbacks=[interrupt]).fit(X, y)
    fresh: list[int] = []
    net.set_params(callbacks=[lambda e, net: fresh.append(e.epoch)]).fit(X, y)
    assert bits(net) == bits(straight)
    assert net.loss_curve_ == straight.loss_curve_
    assert (net.n_iter_, net.t_) == (straight.n_iter_, straight.t_)
    with pytest.raises(ValueError, match="another net, plan or data"):
        net.fit(X + 1, y)
    with pytest.raises(ValueError, match="a checkpoint needs random_state"):
        clone(net).set_params(random_state=None).fit(X, y)
