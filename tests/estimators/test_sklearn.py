"""The estimators among scikit-learn's: its own checks, its MLPs, and its tools.

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
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from estimators.made import (
    BOTH,
    CONV,
    PAIRS,
    QUICK,
    bits,
    blobs,
    classifier,
    data_for,
    regressor,
    waves,
)
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.estimator_checks import parametrize_with_checks

from bpapps.core import (
    Dense,
    Tanh,
)
from bpapps.estimators import AssociativeMemory, BackpropClassifier, BackpropRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
