"""The estimators: drop-ins for scikit-learn's MLPs, and all that they can do besides.

Where they differ from ``MLPClassifier`` and ``MLPRegressor``, and why:

- two classes are two softmax outputs, not one logistic output, so ``n_outputs_`` is 2;
- the loss of several outputs is summed, not averaged: what its gradient is the gradient of;
- Adam's ``epsilon`` is added to the corrected root, as in its paper's algorithm; with a small
  one the two agree to rounding;
- momentum carries gradients, not steps, so a new rate acts at once;
- weights start by He's rule for rectifiers, and biases at 0;
- early stopping does without strata where a class is too rare for them;
- what is a ``ValueError`` there at ``partial_fit`` with early stopping is an ``AttributeError``.
"""

from __future__ import annotations

import inspect
import os
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from joblib import Parallel, cpu_count, delayed
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from bpapps.core import (
    GELU,
    SCHEDULES,
    Chain,
    Conv2D,
    Dense,
    DivergenceError,
    Dropout,
    Flatten,
    MaxPool2D,
    ReLU,
    Reshape,
    SquaredError,
    Tanh,
    check_network,
    training,
)
from bpapps.estimators import AssociativeMemory, BackpropClassifier, BackpropRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

Estimator = BackpropClassifier | BackpropRegressor
QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}
CONV = [Conv2D(4, 3, padding=1), ReLU(), MaxPool2D(), Conv2D(8, 3), ReLU()]


def blobs(n: int = 120, spread: float = 0.7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds in the plane, and two features of noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    centres = np.array([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])
    return np.hstack([centres[y] + spread * rng.normal(size=(n, 2)), rng.normal(size=(n, 2))]), y


def waves(n: int = 120, outputs: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A smooth function of two variables, for each output another."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, (n, 2))
    y = np.column_stack([np.sin(X[:, 0] + i) + 0.5 * X[:, 1] for i in range(outputs)])
    return X, y[:, 0] if outputs == 1 else y


def digits(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return (X[:n] / 16).astype(np.float32), y[:n]


def data_for(estimator: type) -> tuple[np.ndarray, np.ndarray]:
    return blobs() if issubclass(estimator, BackpropClassifier | MLPClassifier) else waves()


def bits(estimator: Estimator) -> bytes:
    return estimator.params_.vector.tobytes()


def classifier(**settings: Any) -> BackpropClassifier:
    return BackpropClassifier(**QUICK | settings)


def regressor(**settings: Any) -> BackpropRegressor:
    return BackpropRegressor(**QUICK | settings)


@contextmanager
def silence() -> Iterator[None]:
    """No warning, not even of a training that was cut short."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


BOTH = pytest.mark.parametrize("make", [classifier, regressor])
PAIRS = pytest.mark.parametrize(
    ("ours", "theirs"), [(BackpropClassifier, MLPClassifier), (BackpropRegressor, MLPRegressor)]
)


# --- scikit-learn's own checks


@pytest.mark.slow
@parametrize_with_checks(
    [
        BackpropClassifier(),
        BackpropRegressor(),
        BackpropRegressor(solver="sgd", learning_rate_init=0.01, max_norm=10.0, max_iter=40),
        BackpropClassifier(solver="lbfgs", max_iter=20),
        BackpropRegressor(solver="adamw", learning_rate_init=0.02, max_iter=20, loss="huber"),
        AssociativeMemory(16, max_iter=5),
    ],
)
def test_scikit_learn_checks(estimator: BaseEstimator, check: Callable[[Any], None]) -> None:
    check(estimator)


# --- a drop-in for scikit-learn's MLPs

KEYWORD_ONLY = {"loss"}  # not in every scikit-learn, and then hidden_layer_sizes comes first
NOT_OFFERED = {("loss", "poisson")}  # no such loss in the core
WEIGHTED = "sample_weight" in inspect.signature(MLPClassifier.fit).parameters  # from 1.7 on


@PAIRS
def test_signature_holds_all_of_theirs(ours: type, theirs: type) -> None:
    mine = inspect.signature(ours).parameters
    for name, parameter in inspect.signature(theirs).parameters.items():
        assert mine[name].default == parameter.default, name
        if name not in KEYWORD_ONLY:
            assert mine[name].kind == parameter.kind, name


@PAIRS
@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "score"])
def test_methods_take_what_theirs_take(ours: type, theirs: type, method: str) -> None:
    mine = list(inspect.signature(getattr(ours(), method)).parameters)
    wanted = list(inspect.signature(getattr(theirs(), method)).parameters)
    mine = [name for name in mine if name in wanted or name != "sample_weight" or WEIGHTED]
    assert mine[: len(wanted)] == wanted


@PAIRS
def test_each_of_their_choices_is_known(ours: type, theirs: type) -> None:
    for name, constraints in theirs._parameter_constraints.items():
        chosen = {o for c in constraints if isinstance(c, StrOptions) for o in c.options}
        for option in chosen:
            if (name, option) not in NOT_OFFERED and name in ours().get_params():
                ours(**{"max_iter": 2, name: option}).fit(*data_for(ours))


FITTED = ("n_iter_", "t_", "n_layers_", "out_activation_", "n_features_in_")


@PAIRS
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_attributes_are_theirs(ours: type, theirs: type, solver: str, early_stopping: bool) -> None:
    settings = QUICK | {"solver": solver, "early_stopping": early_stopping, "max_iter": 3}
    X, y = data_for(ours)
    mine, other = ours(**settings).fit(X, y), theirs(**settings).fit(X, y)
    public = [name for name in vars(other) if name.endswith("_") and name[0] != "_"]
    assert all(hasattr(mine, name) for name in public)
    for name in FITTED + (("n_outputs_", "classes_") if ours is BackpropClassifier else ()):
        if not (solver == "lbfgs" and name == "t_"):  # theirs stays 0
            assert np.array_equal(getattr(mine, name), getattr(other, name)), name
    assert [w.shape for w in mine.coefs_] == [w.shape for w in other.coefs_]
    assert [b.shape for b in mine.intercepts_] == [b.shape for b in other.intercepts_]
    assert np.isfinite(mine.loss_)
    if solver != "lbfgs":
        assert len(mine.loss_curve_) == len(other.loss_curve_)
        for name in ("best_loss_", "validation_scores_", "best_validation_score_"):
            assert (getattr(mine, name) is None) == (getattr(other, name) is None), name
        assert len(mine.validation_scores_ or ()) == len(other.validation_scores_ or ())


@PAIRS
def test_counts_of_several_calls_are_theirs(ours: type, theirs: type) -> None:
    X, y = data_for(ours)
    classes = {"classes": np.unique(y)} if ours is BackpropClassifier else {}
    for calls in (("fit", "fit"), ("partial_fit", "partial_fit"), ("fit", "partial_fit")):
        counts = []
        for kind in (ours, theirs):
            estimator = kind(warm_start=True, **QUICK | {"max_iter": 3})
            for call in calls:
                getattr(estimator, call)(X, y, **classes if call == "partial_fit" else {})
            counts.append((estimator.n_iter_, estimator.t_, len(estimator.loss_curve_)))
        assert counts[0] == counts[1], calls


def test_no_fitted_attribute_before_fit() -> None:
    for name in ("coefs_", "intercepts_", "loss_curve_", "best_loss_", "validation_scores_"):
        assert not hasattr(BackpropClassifier(), name)
    with pytest.raises(NotFittedError):
        BackpropClassifier().predict([[1.0]])


def from_the_same_start(
    ours: type, theirs: type, X: np.ndarray, y: np.ndarray, settings: dict, **fit: Any
) -> tuple[Any, Any]:
    """Both fitted with the same settings, from the same weights, in the order of the samples."""
    same = {"hidden_layer_sizes": (8,), "random_state": 0, "shuffle": False, "warm_start": True}
    settings = same | settings
    still = {"learning_rate_init": 1e-300, "max_iter": 1, "solver": "sgd"}
    start = ours(**settings | still).fit(X, y)
    other = theirs(**settings | still).fit(X, y)
    other.coefs_ = [w.copy() for w in start.coefs_]
    other.intercepts_ = [b.copy() for b in start.intercepts_]
    other.t_, other.loss_curve_, other.best_loss_ = 0, [], np.inf
    other.set_params(**{"learning_rate_init": 0.001} | settings).fit(X, y, **fit)
    return ours(**settings).fit(X, y, **fit), other


PLAIN_SGD = {"solver": "sgd", "learning_rate_init": 0.2, "momentum": 0.0}


@PAIRS
@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "adam", "epsilon": 1e-16, "learning_rate_init": 0.01},
        {"solver": "adam", "epsilon": 1e-16, "beta_1": 0.8, "beta_2": 0.99, "batch_size": 32},
        {"solver": "adam", "epsilon": 1e-16, "learning_rate": "invscaling"},
        {"solver": "adam", "epsilon": 1e-16, "learning_rate": "adaptive", "tol": 1.0},
        {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0.9, "batch_size": 50},
        {"solver": "sgd", "learning_rate_init": 0.1, "nesterovs_momentum": False},
        PLAIN_SGD | {"alpha": 10.0},
        PLAIN_SGD | {"activation": "logistic", "hidden_layer_sizes": (6, 5)},
        PLAIN_SGD | {"activation": "relu", "hidden_layer_sizes": []},
        PLAIN_SGD | {"learning_rate": "invscaling", "batch_size": 32},
        PLAIN_SGD | {"learning_rate": "invscaling", "power_t": 0.1},
        PLAIN_SGD | {"learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 2},
        PLAIN_SGD | {"tol": 0.02, "n_iter_no_change": 3, "max_iter": 200},
    ],
    ids=str,
)
def test_loss_curve_is_theirs(ours: type, theirs: type, settings: dict) -> None:
    settings = {"activation": "tanh", "max_iter": 20, "tol": 0.0, "batch_size": 120} | settings
    X, y = data_for(ours)
    mine, other = from_the_same_start(ours, theirs, X, y, settings)
    assert mine.n_iter_ == other.n_iter_
    np.testing.assert_allclose(mine.loss_curve_, other.loss_curve_, rtol=1e-9)
    for a, b in zip(mine.coefs_ + mine.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


@PAIRS
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_second_warm_fit_is_theirs(ours: type, theirs: type, solver: str) -> None:
    X, y = data_for(ours)
    settings = {"solver": solver, "activation": "tanh", "epsilon": 1e-16, "max_iter": 5}
    mine, other = from_the_same_start(ours, theirs, X, y, settings)
    mine.fit(X, y)
    other.fit(X, y)
    assert len(mine.loss_curve_) == 10
    np.testing.assert_allclose(mine.loss_curve_, other.loss_curve_, rtol=1e-9)


@PAIRS
@pytest.mark.skipif(not WEIGHTED, reason="this scikit-learn's MLPs take no weights of samples")
def test_loss_curve_with_weights_is_theirs(ours: type, theirs: type) -> None:
    X, y = data_for(ours)
    weights = np.linspace(0.1, 3, len(y))
    settings = PLAIN_SGD | {"batch_size": len(y), "alpha": 1.0, "max_iter": 10}
    mine, other = from_the_same_start(ours, theirs, X, y, settings, sample_weight=weights)
    np.testing.assert_allclose(mine.loss_curve_, other.loss_curve_, rtol=1e-9)


@PAIRS
def test_lbfgs_goes_as_far_as_theirs(ours: type, theirs: type) -> None:
    X, y = data_for(ours)
    settings = {"solver": "lbfgs", "max_iter": 10, "activation": "tanh", "tol": 0.0}
    mine, other = from_the_same_start(ours, theirs, X, y, settings)
    assert mine.n_iter_ == other.n_iter_
    assert mine.loss_ == pytest.approx(other.loss_, rel=1e-6)


def test_two_classes_and_a_label_matrix_answer_in_their_shapes() -> None:
    X, y = blobs()
    for targets in (y == 1, np.where(y == 1, "yes", "no"), np.eye(3, dtype=int)[y]):
        mine, other = classifier().fit(X, targets), MLPClassifier(**QUICK).fit(X, targets)
        assert np.array_equal(mine.classes_, other.classes_)
        assert mine.predict_proba(X).shape == other.predict_proba(X).shape
        assert mine.predict(X).shape == other.predict(X).shape
        assert mine.predict(X).dtype == other.predict(X).dtype


def test_a_column_of_targets_is_flattened_with_a_warning() -> None:
    X, y = waves()
    with pytest.warns(match="column-vector"):
        estimator = regressor().fit(X, y[:, np.newaxis])
    assert estimator.predict(X).shape == (len(X),)


# --- any net


def test_layers_on_pictures_and_on_flat_rows() -> None:
    X, y = digits()
    settings = {"learning_rate_init": 0.01, "max_iter": 12, "batch_size": 50, "random_state": 0}
    pictures = X.reshape(-1, 8, 8, 1)
    whole = BackpropClassifier(layers=CONV, **settings).fit(pictures, y)
    flat = BackpropClassifier(layers=[Reshape((8, 8, 1)), *CONV], **settings).fit(X, y)
    assert whole.score(pictures, y) > 0.9
    assert bits(whole) == bits(flat)
    assert np.array_equal(whole.predict_proba(pictures), flat.predict_proba(X))
    assert whole.network_ == Chain(*CONV, Flatten(), Dense(10, "glorot_uniform"))
    assert whole.n_layers_ == 4
    with pytest.raises(ValueError, match=r"\(64,\), but .* \(8, 8, 1\)"):
        whole.predict(X)


def test_pictures_into_hidden_layers_are_flattened() -> None:
    X, y = digits()
    pictures = X.reshape(-1, 8, 8, 1)
    assert np.array_equal(
        classifier().fit(pictures, y).predict_proba(pictures),
        classifier().fit(X, y).predict_proba(X),
    )


def test_each_hidden_layer_has_its_activation_and_dropout() -> None:
    X, y = blobs()
    net = classifier(hidden_layer_sizes=(6, 5), activation=["tanh", "gelu"], dropout=0.25)
    assert net.fit(X, y).network_ == Chain(
        *(Dense(6, "glorot_uniform"), Tanh(), Dropout(0.25)),
        *(Dense(5, "he_normal"), GELU(), Dropout(0.25)),
        Dense(3, "glorot_uniform"),
    )
    assert np.array_equal(net.predict_proba(X), net.predict_proba(X))
    undropped = clone(net).set_params(dropout=0.0).fit(X, y)
    assert not np.allclose(net.loss_curve_, undropped.loss_curve_)


def test_hidden_layers_may_be_a_number_an_array_or_none() -> None:
    X, y = blobs()
    assert bits(classifier(hidden_layer_sizes=7).fit(X, y)) == bits(
        classifier(hidden_layer_sizes=np.array([7])).fit(X, y)
    )
    assert classifier(hidden_layer_sizes=()).fit(X, y).n_layers_ == 2


# --- weights of samples and classes


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


# --- validation and stopping


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


# --- training in parts


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
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
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


# --- what else it takes


def test_max_norm_tames_a_training_that_diverges() -> None:
    X, y = waves()
    wild = regressor(solver="sgd", learning_rate_init=0.5, max_iter=50)
    with pytest.raises(DivergenceError, match=r"diverged in epoch .*learning rate below 0.5"):
        wild.fit(X, 1000 * y)
    assert np.isfinite(wild.set_params(max_norm=1.0).fit(X, 1000 * y).loss_)


def test_divergence_under_early_stopping_says_so() -> None:
    X, y = waves()
    with pytest.raises(DivergenceError, match="training diverged"):
        regressor(solver="sgd", learning_rate_init=1e200, early_stopping=True).fit(X, y)


class Shifted:
    """Adds the same to every input."""

    def __call__(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return x + rng.normal(size=x.shape)

    def alike(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return x + rng.normal(size=(1, x.shape[1]))


def test_distorted_copies_have_votes() -> None:
    X, y = blobs()
    net = classifier(augment=Shifted(), max_iter=5).fit(X, y)
    alone = net.predict_proba(X)
    copies = [Shifted().alike(X, np.random.default_rng(vote)) for vote in range(3)]
    mean = alone / 3 + sum(net.predict_proba(copy) for copy in copies) * 2 / 9
    net.set_params(votes=3)
    assert np.allclose(net.predict_proba(X), mean)
    assert np.array_equal(net.predict(X), net.classes_[mean.argmax(axis=1)])
    assert np.allclose(net.predict_proba(X[:1]), mean[:1])  # whatever else is asked with it
    with pytest.raises(ValueError, match="votes need an augment"):
        net.set_params(augment=lambda x, rng: x).predict_proba(X)


def frame(X: np.ndarray) -> Any:
    return pytest.importorskip("pandas").DataFrame(X, columns=list("abcd"))


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csc_array, frame])
def test_votes_on_whatever_holds_the_data(kind: Callable) -> None:
    X, y = blobs()
    net = classifier(augment=Shifted(), max_iter=2, votes=2)
    assert np.allclose(
        net.fit(kind(X), y).predict_proba(kind(X)), net.fit(X, y).predict_proba(X), atol=1e-6
    )


@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
@pytest.mark.parametrize("augment", [None, lambda x, rng: x])
def test_votes_without_what_distorts_are_refused_before_training(fit: str, augment: Any) -> None:
    X, y = blobs()
    net = classifier(augment=augment, votes=2)
    further = {"classes": [0, 1, 2]} if fit == "partial_fit" else {}
    with pytest.raises(ValueError, match="votes need an augment"):
        getattr(net, fit)(X, y, **further)
    assert not hasattr(net, "params_")


def test_label_smoothing_makes_it_less_sure() -> None:
    X, y = blobs(spread=0.3)
    sure, smooth = (
        classifier(label_smoothing=share, max_iter=100, learning_rate_init=0.05).fit(X, y)
        for share in (0.0, 0.3)
    )
    assert sure.score(X, y) == smooth.score(X, y) == 1.0
    assert sure.predict_proba(X).max(axis=1).mean() > 0.97
    assert smooth.predict_proba(X).max(axis=1).mean() == pytest.approx(0.8, abs=0.03)


def test_several_labels_a_sample() -> None:
    X, y = blobs(200)
    labels = np.column_stack([y == 0, y == 1, X[:, 2] > 0]).astype(int)
    net = classifier(max_iter=100, learning_rate_init=0.05, early_stopping=True).fit(X, labels)
    assert net.score(X, labels) > 0.85
    probabilities = net.predict_proba(X)
    assert np.array_equal(net.predict(X), probabilities > 0.5)
    assert np.ptp(probabilities.sum(axis=1)) > 0.5
    assert net.out_activation_ == "logistic"
    sparse_labels = classifier().fit(X, sparse.csr_matrix(labels))
    assert bits(sparse_labels) == bits(classifier().fit(X, labels))


@BOTH
def test_sparse_input_is_as_dense(make: Callable) -> None:
    X, y = data_for(type(make()))
    X[np.abs(X) < 0.5] = 0
    net = make(early_stopping=True, batch_size=32).fit(X, y)
    for kind in (sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array):
        other = make(early_stopping=True, batch_size=32).fit(kind(X), y)
        assert bits(other) == bits(net)
        assert np.array_equal(other.predict(kind(X)), net.predict(X))
    given = make().fit(kind(X), y, validation_data=(kind(X), y))
    assert given.validation_scores_ == make().fit(X, y, validation_data=(X, y)).validation_scores_


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_type_is_kept(solver: str, dtype: type) -> None:
    X, y = blobs()
    net = classifier(solver=solver, dropout=0.1).fit(X.astype(dtype), y)
    assert net.params_.vector.dtype == dtype
    assert all(w.dtype == dtype for w in net.coefs_ + net.intercepts_)
    assert net.predict_proba(X.astype(dtype)).dtype == dtype
    X, y = waves()
    assert regressor(solver=solver).fit(X.astype(dtype), y).predict(X).dtype == dtype


@pytest.mark.parametrize("name", [*SCHEDULES, lambda step, total: 1 - step / total])
def test_schedule_by_name_runs_to_its_end(name: Any) -> None:
    X, y = waves(100)
    net = regressor(
        learning_rate=name, learning_rate_init=0.1, batch_size=25, tol=10.0, max_iter=30
    )
    if name == "constant":
        assert net.fit(X, y).n_iter_ == 12  # stands still by so large a tol
        return
    with silence():
        net.fit(X, y)
    schedule = SCHEDULES[name] if isinstance(name, str) else name
    expected = [0.1 * schedule(4 * epoch + 3, 120) for epoch in range(30)]
    assert [epoch.learning_rate for epoch in net.history_] == pytest.approx(expected)


def test_augment_changes_what_is_trained_on() -> None:
    X, y = blobs()
    ones = classifier(augment=lambda x, rng: np.ones_like(x)).fit(X, y)
    np.testing.assert_allclose(
        ones.params_.vector, classifier().fit(np.ones_like(X), y).params_.vector
    )


@BOTH
def test_random_state_gives_the_same_bits(make: Callable) -> None:
    X, y = data_for(type(make()))
    settings: dict[str, Any] = {"dropout": 0.3, "batch_size": 16, "early_stopping": True}
    same = {bits(make(**settings).fit(X, y)) for _ in range(2)}
    same |= {
        bits(make(**settings | {"random_state": np.random.RandomState(0)}).fit(X, y))
        for _ in range(2)
    }
    assert len(same) == 1
    others = {bits(make(**settings | {"random_state": s}).fit(X, y)) for s in (1, 2, None, None)}
    assert len(others | same) == 5


@pytest.mark.parametrize(
    "settings",
    [
        {"layers": [Reshape((8, 8, 1)), *CONV, Flatten(), Dropout(0.3)]},
        {"hidden_layer_sizes": (500,), "solver": "lbfgs"},
        {"hidden_layer_sizes": (500,), "batch_size": 150},
    ],
    ids=["convolutions", "lbfgs", "dense"],
)
def test_number_of_threads_does_not_change_a_bit(settings: dict) -> None:
    X, y = digits()
    nets = [
        classifier(**settings | {"max_iter": 2, "n_jobs": n_jobs}).fit(X, y) for n_jobs in (1, 2)
    ]
    assert bits(nets[0]) == bits(nets[1])
    assert np.array_equal(nets[0].predict_proba(X), nets[1].predict_proba(X))


def test_predicts_from_many_threads_at_once() -> None:
    X, y = digits()
    net = classifier(layers=[Reshape((8, 8, 1)), *CONV], max_iter=1, n_jobs=2).fit(X, y)
    parts = [X[i : i + 70] for i in range(0, 130, 10)]
    alone = [net.predict_proba(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(net.predict_proba, parts))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_threads_by_default(backend: str) -> None:
    with threadpool_limits(2, user_api="blas"):
        assert classifier()._threads() == 2
    counts = Parallel(2, backend=backend)(delayed(threads_of)(n_jobs) for n_jobs in (None, 1, 3))
    assert counts == [1, 1, 3]
    assert classifier(n_jobs=-1)._threads() == cpu_count()


def threads_of(n_jobs: int | None) -> int:
    return classifier(n_jobs=n_jobs)._threads()


def test_one_sample_is_answered_as_among_others() -> None:
    X, y = digits()
    net = classifier(hidden_layer_sizes=(20,), max_iter=2).fit(X, y)
    together = net.predict_proba(X[:5])
    for wanted in (X[2:3], X[2:3].tolist(), X[2:3].astype(np.float64), X[:5][2:3]):
        assert net.predict_proba(wanted) == pytest.approx(together[2:3], rel=1e-5)
    for wrong, match in [(X[:1, 1:], "features|shape"), (X[:0], "sample"), (X[:1] * np.nan, "NaN")]:
        with pytest.raises(ValueError, match=match):
            net.predict(wrong)
    huge = np.full((1, 64), 1e38, np.float32)  # finite, though its sum is not
    assert net.predict(huge).shape == (1,)


def test_trained_network_becomes_an_estimator_that_can_go_on() -> None:
    X, y = blobs()
    net = classifier().fit(X, np.array(["a", "b", "c"])[y])
    stored = BackpropClassifier.from_trained(net.network_, net.params_.copy(), net.classes_, (4,))
    assert np.array_equal(stored.predict(X), net.predict(X))
    assert (stored.n_layers_, stored.n_outputs_) == (3, 3)
    assert stored.best_loss_ is None
    before = stored.params_.vector.copy()
    stored.partial_fit(X, np.array(["a", "b", "c"])[y])
    assert not np.array_equal(stored.params_.vector, before)
    assert stored.fit(X, y).network_ == net.network_


# --- among scikit-learn's tools


@pytest.mark.slow
def test_works_in_a_search_over_a_pipeline_with_two_jobs() -> None:
    X, y = blobs()
    pipeline = make_pipeline(
        StandardScaler(), BackpropClassifier(max_iter=10, learning_rate="one-cycle", random_state=0)
    )
    grid = {
        "backpropclassifier__layers": [None, [Dense(5), Tanh()]],
        "backpropclassifier__learning_rate_init": [1e-5, 0.05],
    }
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    assert search.best_params_["backpropclassifier__learning_rate_init"] == 0.05
    assert search.score(X, y) > 0.9
    alone, together = (
        cross_val_score(search.best_estimator_, X, y, cv=2, n_jobs=jobs) for jobs in (1, 2)
    )
    assert np.array_equal(alone, together)


@BOTH
def test_clone_and_set_params_keep_every_parameter(make: Callable) -> None:
    net = make(layers=CONV, callbacks=(print,), learning_rate="cosine").set_params(max_iter=7)
    copy = clone(net)
    assert repr(copy) == repr(net)
    assert copy.get_params() == net.get_params()
    assert copy.get_params()["max_iter"] == 7
    with pytest.raises(ValueError, match="Invalid parameter 'units'"):
        net.set_params(units=3)


@pytest.mark.parametrize("way", ["pickle", "joblib"])
@BOTH
def test_a_stored_estimator_goes_on_with_the_same_bits(
    make: Callable, way: str, tmp_path: Path
) -> None:
    X, y = data_for(type(make()))
    net = make(dropout=0.2).fit(X, y)
    if way == "pickle":
        copy = pickle.loads(pickle.dumps(net))
    else:
        joblib.dump(net, tmp_path / "net")
        copy = joblib.load(tmp_path / "net")
    assert np.array_equal(copy.predict(X), net.predict(X))
    assert copy.loss_curve_ == net.loss_curve_
    assert bits(copy.partial_fit(X, y)) == bits(net.partial_fit(X, y))


def test_frames_give_feature_names() -> None:
    pandas = pytest.importorskip("pandas")
    X, y = blobs()
    frame = pandas.DataFrame(X, columns=list("abcd"))
    net = classifier().fit(frame, pandas.Series(y), validation_data=(frame, y))
    assert net.feature_names_in_.tolist() == list("abcd")
    assert bits(net) == bits(classifier().fit(X, y))
    with pytest.raises(ValueError, match="feature names"):
        net.predict(frame[list("bacd")])


# --- the regressor


@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd", "lbfgs"])
def test_regressor_learns_a_function(solver: str) -> None:
    rate = 0.05 if solver == "sgd" else 0.02
    net = BackpropRegressor(
        (30,), "tanh", solver=solver, learning_rate_init=rate, batch_size=30, max_iter=60,
        random_state=0,
    )  # fmt: skip
    net.fit(*waves(200))
    assert net.score(*waves(200, seed=1)) > 0.97
    net.fit(*waves(200, outputs=3))
    assert net.predict(waves()[0]).shape == (120, 3)
    assert net.score(*waves(200, outputs=3, seed=1)) > 0.95


def test_huber_resists_outliers() -> None:
    X, y = waves(200)
    dirty = y.copy()
    dirty[::10] += 50
    settings = {"solver": "lbfgs", "max_iter": 300, "hidden_layer_sizes": (5,)}
    scores = {
        loss: regressor(loss=loss, **settings).fit(X, dirty).score(X, y)
        for loss in ("squared_error", "huber")
    }
    assert scores["huber"] > 0.9
    assert scores["squared_error"] < 0


def test_lbfgs_of_many_outputs_follows_its_gradient() -> None:
    X, y = waves(outputs=6)
    y *= [1, 10, 0.1, 5, 1, 2]
    net = regressor(solver="lbfgs", hidden_layer_sizes=(), alpha=0.0, tol=1e-9, max_iter=500)
    with silence():  # it converged
        net.fit(X, y)
    with_ones = np.column_stack([X, np.ones(len(X))])
    exact = np.linalg.lstsq(with_ones, y, rcond=None)[0]
    np.testing.assert_allclose(np.vstack([*net.coefs_, *net.intercepts_]), exact, atol=1e-5)
    hidden = regressor(solver="lbfgs", activation="tanh").fit(X, y)
    assert all(np.diff(hidden.loss_curve_) < 0)
    assert check_network(hidden.network_, SquaredError(), X, y) < 1e-6
    mean = 0.5 * np.square(hidden.predict(X) - y).sum(axis=1).mean()
    penalty = hidden.alpha / 2 / len(X) * sum(np.square(w).sum() for w in hidden.coefs_)
    assert hidden.loss_ == pytest.approx(mean + penalty)


# --- bad input

NAN = np.array([[np.nan, 0, 0, 0]] * 6)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"solver": "newton"}, "'solver'.*'newton'"),
        ({"activation": "step"}, "'activation'.*'step'"),
        ({"activation": ["step"]}, "activation must be one of .*'step'"),
        ({"activation": ["relu", "relu"]}, "1 hidden layers need as many, not 2"),
        ({"learning_rate": "fast"}, "'learning_rate'.*'fast'"),
        ({"learning_rate_init": 0}, "'learning_rate_init'"),
        ({"hidden_layer_sizes": -3}, "'hidden_layer_sizes'.*-3"),
        ({"hidden_layer_sizes": (5, 0)}, r"hidden_layer_sizes must be whole.*\(5, 0\)"),
        ({"hidden_layer_sizes": (2.5,)}, "hidden_layer_sizes must be whole"),
        ({"hidden_layer_sizes": "100"}, "'hidden_layer_sizes'"),
        ({"layers": Dense(3)}, "'layers'"),
        ({"layers": [Dense]}, "not a layer"),
        ({"layers": [Conv2D(3, 3)]}, "layer 0: Conv2D needs"),
        ({"batch_size": 0}, "'batch_size'.*0"),
        ({"batch_size": "all"}, "'batch_size'.*'all'"),
        ({"max_iter": 0}, "'max_iter'.*0"),
        ({"max_iter": 2.5}, "'max_iter'.*2.5"),
        ({"alpha": -1}, "'alpha'.*-1"),
        ({"dropout": 1.0}, "'dropout'.*1.0"),
        ({"momentum": 1.5}, "'momentum'"),
        ({"beta_1": 1.0}, "'beta_1'"),
        ({"epsilon": 0.0}, "'epsilon'"),
        ({"weight_decay": -1}, "'weight_decay'"),
        ({"tol": -1}, "'tol'"),
        ({"power_t": -1}, "'power_t'"),
        ({"validation_fraction": 1.0}, "'validation_fraction'"),
        ({"n_iter_no_change": 0}, "'n_iter_no_change'"),
        ({"max_fun": 0}, "'max_fun'"),
        ({"max_norm": 0}, "'max_norm'"),
        ({"random_state": "dice"}, "'random_state'"),
        ({"callbacks": print}, "'callbacks'"),
        ({"augment": 3}, "'augment'"),
        ({"label_smoothing": 1.0}, "'label_smoothing'"),
        ({"class_weight": "even"}, "'class_weight'"),
        ({"class_weight": {"zebra": 2.0}}, "not in class_weight"),
        ({"class_weight": {0: -1.0, 1: 1.0, 2: 1.0}}, "negative"),
        ({"class_weight": {0: 0.0, 1: 0.0, 2: 0.0}}, "all zero"),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value),
)
def test_wrong_parameters_are_named(settings: dict, part: str) -> None:
    with pytest.raises(ValueError, match=part) as error:
        classifier(**settings).fit(*blobs())
    assert "\n" not in str(error.value)


def test_wrong_loss_is_named() -> None:
    with pytest.raises(ValueError, match=r"'loss'.*'absolute'"):
        regressor(loss="absolute").fit(*waves())


X6, Y6 = np.eye(6, 4), np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    ("fit", "part"),
    [
        ({"X": NAN}, "contains NaN"),
        ({"X": X6[0]}, "Expected 2D array"),
        ({"X": X6[:5]}, "inconsistent numbers of samples"),
        ({"X": X6[:, :0]}, r"0 feature\(s\)"),
        ({"y": np.zeros(6)}, "only one class"),
        ({"y": np.linspace(0, 1, 6)}, "continuous"),
        ({"y": np.array([[0, 1]] * 5 + [[0, 2]])}, "several columns must hold 0 and 1"),
        ({"y": [0, 1, 2, np.nan, 0, 1]}, "NaN"),
        ({"sample_weight": [-1, 1, 1, 1, 1, 1]}, "[Nn]egative"),
        ({"sample_weight": np.ones(5)}, r"\(5,\), expected \(6,\)"),
        ({"sample_weight": np.zeros(6)}, "zero"),
        ({"sample_weight": [np.nan] * 6}, "NaN"),
        ({"validation_data": (X6,)}, r"validation_data must be \(X, y\)"),
        ({"validation_data": X6}, r"validation_data must be \(X, y\)"),
        ({"validation_data": (X6[:1], Y6[:1])}, "validation_data needs two samples"),
        ({"validation_data": (X6, Y6 + 1)}, r"not among the classes: \[3\]"),
        ({"validation_data": (X6[:, :3], Y6)}, "expecting 4 features"),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(list(value)),
)
def test_wrong_data_is_refused(fit: dict, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        classifier().fit(**{"X": X6, "y": Y6} | fit)


def test_wrong_data_at_predict_is_refused() -> None:
    net = classifier().fit(X6, Y6)
    for X, part in (
        (X6[:, :3], "3 features, but BackpropClassifier is expecting 4"),
        (X6[0], "Expected 2D array"),
        (NAN, "NaN"),
        (np.ones((2, 4, 3)), r"shape \(4, 3\), but BackpropClassifier was trained on .*\(4,\)"),
        ([["a"] * 4], "could not convert"),
    ):
        with pytest.raises(ValueError, match=part):
            net.predict(X)


def test_outputs_may_not_change_in_number() -> None:
    X, y = waves(outputs=2)
    net = regressor().partial_fit(X, y)
    with pytest.raises(ValueError, match="y has 3 outputs, at the first fit 2"):
        net.partial_fit(X, np.column_stack([y, y[:, 0]]))
    labels = classifier().partial_fit(X, y > 0, classes=[0, 1])
    with pytest.raises(ValueError, match="another form"):
        labels.partial_fit(X, np.column_stack([y, y[:, 0]]) > 0)


def test_class_weights_need_classes_that_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="class_weight is not defined for several labels"):
        classifier(class_weight="balanced").fit(X6, np.eye(3, dtype=int)[Y6])


def test_early_stopping_needs_something_to_hold_out() -> None:
    with pytest.raises(ValueError, match="n_samples=2"):
        regressor(early_stopping=True).fit(X6[:2], [0.0, 1.0])
