"""The estimators: any net, and all that they can do besides scikit-learn's MLPs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from estimators.made import (
    BOTH,
    CONV,
    bits,
    blobs,
    classifier,
    data_for,
    digits,
    regressor,
    silence,
    waves,
)
from joblib import Parallel, cpu_count, delayed
from scipy import sparse
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from bpapps.core import (
    GELU,
    SCHEDULES,
    Chain,
    Dense,
    DivergenceError,
    Dropout,
    Flatten,
    Reshape,
    SquaredError,
    Tanh,
    check_network,
)
from bpapps.estimators import BackpropClassifier, BackpropRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
