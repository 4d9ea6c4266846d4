"""What the estimators refuse, by name."""

from __future__ import annotations

import numpy as np
import pytest
from estimators.made import (
    blobs,
    classifier,
    regressor,
    waves,
)

from bpapps.core import (
    Conv2D,
    Dense,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

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
