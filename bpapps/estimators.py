"""scikit-learn estimators over the core: drop-ins for its MLPs, for any net of layers.

Parameter names and meanings are those of ``MLPClassifier`` and ``MLPRegressor`` where they
have them. As there, ``__init__`` only stores, and what was learned ends in an underscore.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from bpapps.core import (
    ACTIVATIONS,
    SCHEDULES,
    SGD,
    Adam,
    AdamW,
    Chain,
    Dense,
    Dropout,
    Epoch,
    Flatten,
    Huber,
    InverseScaling,
    Layer,
    Loss,
    Params,
    Plan,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredError,
    forward,
    initial_params,
    train,
)
from bpapps.core.optimizers import Optimizer
from bpapps.core.parallel import Augment, default_threads, microbatch_size
from bpapps.core.schedules import Constant, Schedule
from bpapps.core.training import train_lbfgs

Callback = Callable[[Epoch, Any], Any]
SOLVERS = ("adam", "adamw", "sgd", "lbfgs")


def _stochastic(estimator: _Backprop) -> bool:
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit needs a stochastic solver: adam, adamw or sgd")
    return True


@dataclass(eq=False, repr=False)
class _Backprop(BaseEstimator):
    """What the classifier and the regressor share: the net, and how it is trained."""

    hidden_layer_sizes: int | Sequence[int] = (100,)
    activation: str | Sequence[str] = "relu"
    _: KW_ONLY
    layers: Sequence[Layer] | None = None
    dropout: float = 0.0
    solver: str = "adam"
    alpha: float = 0.0001
    batch_size: int | str = "auto"
    learning_rate: str | Schedule = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float = 1e-4
    verbose: bool = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    n_iter_no_change: int = 10
    max_fun: int = 15000
    max_norm: float | None = None
    augment: Augment | None = None
    callbacks: Sequence[Callback] = ()
    checkpoint: str | Path | None = None
    n_jobs: int | None = None

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation_data: tuple | None = None,
    ) -> Any:
        """Train on X of shape (n_samples, n_features), or (n_samples, height, width, channels).

        Args:
            y: targets, n_samples of them.
            sample_weight: weight of each sample; one of weight 0 is as if it were not there.
            validation_data: (X, y) or (X, y, sample_weight) to measure after each epoch, and to
                stop early on instead of a part of X.

        Raises:
            ValueError: bad input or parameters; ``DivergenceError`` (a ValueError) when the
                loss becomes infinite or not a number.
        """
        X, y = self._validate(X, y, reset=True)
        targets = self._encode(y, reset=not (self.warm_start and hasattr(self, "params_")))
        return self._fit(X, y, targets, sample_weight, validation_data, self.max_iter, anew=True)

    @available_if(_stochastic)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: Any = None,
    ) -> Any:
        """One more epoch, on this data; the net starts at the first call.

        Args:
            classes: all labels there will be; needed at a classifier's first call, ignored by
                a regressor.
        """
        first = not hasattr(self, "params_")
        X, y = self._validate(X, y, reset=first)
        targets = self._encode(y, reset=first, classes=classes)
        return self._fit(X, y, targets, sample_weight, None, 1, anew=False)

    def _fit(
        self,
        X: NDArray,
        y: NDArray,
        targets: NDArray,
        sample_weight: Any,
        validation_data: tuple | None,
        epochs: int,
        anew: bool,
    ) -> Any:
        weights = self._weights(X, y, sample_weight)
        if weights is not None:
            present = weights > 0
            X, y, targets, weights = X[present], y[present], targets[present], weights[present]
        random = self._prepare(X, anew and not self.warm_start)
        validation = None
        if validation_data is not None:
            validation = self._given_validation(validation_data)
        elif self.early_stopping and anew and self.solver != "lbfgs":
            X, targets, weights, validation = self._split(X, y, targets, weights, random)
        plan = self._plan(X, epochs, early_stopping=self.early_stopping and validation is not None)
        plan = replace(plan, seed=int(random.randint(2**31 - 1)))
        if self.solver == "lbfgs":
            epochs_made = train_lbfgs(
                self.network_, self.params_, X, targets, plan,
                weights=weights, max_fun=self.max_fun, threads=self._threads(),
            )  # fmt: skip
            self._record(epochs_made, anew)
        else:
            self._train(X, targets, weights, validation, plan, anew)
        if anew and not self.history_[-1].stop and plan.patience is not None:
            warn(
                f"the loss had not settled after max_iter={self.max_iter} epochs",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def _train(
        self,
        X: NDArray,
        targets: NDArray,
        weights: NDArray | None,
        validation: tuple | None,
        plan: Plan,
        anew: bool,
    ) -> None:
        from tqdm import tqdm

        epochs = train(
            self.network_,
            self.params_,
            X,
            targets,
            plan,
            weights=weights,
            validation=validation,
            score=self._score,
            state=self._optimizer_state,
            checkpoint=None if self.checkpoint is None else Path(self.checkpoint),
            threads=self._threads(),
        )
        history = []
        bar = tqdm(
            epochs,
            total=plan.max_epochs,
            desc="training",
            unit="epoch",
            disable=None if self.verbose else True,  # None: silent when not a terminal
        )
        with bar:
            for epoch in bar:
                history.append(epoch)
                self._record(history if anew else [epoch], anew)
                bar.set_postfix_str(_in_short(epoch))
                if self._call_back(epoch):
                    break
        epochs.close()

    def _call_back(self, epoch: Epoch) -> bool:
        """Call every callback; whether one of them ends the training."""
        answers = [callback(epoch, self) for callback in self.callbacks]
        return any(answer is True for answer in answers)

    def _record(self, epochs: Sequence[Epoch], anew: bool) -> None:
        """Set what scikit-learn's MLPs report of their training."""
        before = [] if anew else getattr(self, "history_", [])
        self.history_ = [*before, *epochs]
        self.n_iter_ = len(self.history_)
        self.loss_curve_ = [epoch.loss for epoch in self.history_]
        self.loss_ = self.loss_curve_[-1]
        self.best_loss_ = min(self.loss_curve_)
        self.validation_loss_curve_ = [epoch.validation_loss for epoch in self.history_]
        self.validation_scores_ = [epoch.validation_score for epoch in self.history_]
        scores = [score for score in self.validation_scores_ if score is not None]
        self.best_validation_score_ = max(scores) if scores else None
        self.t_ = self.history_[-1].steps

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[NDArray, NDArray]:
        X, y = validate_data(
            self, X, y, reset=reset, accept_sparse="csr", allow_nd=True, multi_output=True,
            dtype=(np.float64, np.float32), y_numeric=isinstance(self, RegressorMixin),
        )  # fmt: skip
        return X, y

    def _prepare(self, X: NDArray, anew: bool) -> np.random.RandomState:
        """Make the net where there is none, or a new one is wanted; the source of randomness."""
        if not anew and hasattr(self, "params_"):
            self._check_input_shape(X)
            return self._random
        random: np.random.RandomState = check_random_state(self.random_state)
        self._random: np.random.RandomState = random
        self.network_ = self._network(X.shape[1:])
        self.input_shape_ = X.shape[1:]
        seed = int(random.randint(2**31 - 1))
        self.params_ = initial_params(self.network_, self.input_shape_, seed, X.dtype)
        self._optimizer_state: dict[str, NDArray] = {}
        self.history_ = []
        self.n_layers_ = sum(isinstance(layer, Dense) for layer in self.network_) + 1
        self.out_activation_ = {
            SoftmaxCrossEntropy: "softmax",
            SigmoidCrossEntropy: "logistic",
        }.get(type(self._loss()), "identity")
        return random

    def _network(self, in_shape: tuple[int, ...]) -> Chain:
        flat = [Flatten()] if len(in_shape) > 1 else []
        out = Dense(self.n_outputs_, "glorot_uniform")
        if self.layers is not None:
            return _closed(Chain(*self.layers), in_shape, out)
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=int)).tolist()
        if min(sizes, default=1) < 1:
            raise ValueError(f"hidden_layer_sizes must be above 0, not {self.hidden_layer_sizes}")
        names = (
            [self.activation] * len(sizes) if isinstance(self.activation, str) else self.activation
        )
        if len(names) != len(sizes):
            raise ValueError(
                f"{len(sizes)} hidden layers need as many activations, not {len(names)}"
            )
        hidden: list[Layer] = []
        for size, name in zip(sizes, names, strict=True):
            rectifier = name not in ("tanh", "logistic", "sigmoid", "identity")
            start = "he_normal" if rectifier else "glorot_uniform"
            hidden += [Dense(size, start), _choice("activation", name, ACTIVATIONS)]
            hidden += [Dropout(self.dropout)] if self.dropout else []
        return Chain(*flat, *hidden, out)

    def _plan(self, X: NDArray, epochs: int, early_stopping: bool) -> Plan:
        """The training plan that the parameters ask for."""
        if self.max_iter < 1:
            raise ValueError(f"max_iter must be above 0, not {self.max_iter}")
        n = X.shape[0]
        batch_size = min(200, n) if self.batch_size == "auto" else int(self.batch_size)
        if batch_size < 1:
            raise ValueError(f"batch_size must be above 0, not {self.batch_size}")
        batch_size = min(batch_size, n)
        schedule, whole = self._schedule()
        return Plan(
            loss=self._loss(),
            optimizer=self._optimizer(),
            learning_rate=self.learning_rate_init,
            schedule=schedule,
            batch_size=batch_size,
            max_epochs=epochs,
            alpha=self.alpha,
            max_norm=self.max_norm,
            shuffle=self.shuffle,
            augment=self.augment,
            microbatch=microbatch_size(self.network_, batch_size),
            early_stopping=early_stopping,
            patience=None if whole else self.n_iter_no_change,
            tol=self.tol,
            reduce_on_plateau=self.learning_rate == "adaptive",
        )

    def _schedule(self) -> tuple[Schedule, bool]:
        """The schedule, and whether it means the training to run to its end."""
        if callable(self.learning_rate):
            return self.learning_rate, True
        if self.learning_rate == "invscaling":
            return InverseScaling(self.power_t), False
        if self.learning_rate in ("constant", "adaptive"):
            return Constant(), False
        return _choice("learning_rate", self.learning_rate, SCHEDULES), True

    def _optimizer(self) -> Optimizer:
        adam = (self.beta_1, self.beta_2, self.epsilon)
        known: dict[str, Callable[[], Optimizer]] = {
            "adam": lambda: Adam(*adam),
            "adamw": lambda: AdamW(*adam, self.weight_decay),
            "sgd": lambda: SGD(self.momentum, self.nesterovs_momentum and self.momentum > 0),
            "lbfgs": lambda: SGD(),  # never stepped: scipy does the work
        }
        return _choice("solver", self.solver, known)()

    def _threads(self) -> int:
        return default_threads() if self.n_jobs is None else effective_n_jobs(self.n_jobs)

    def _split(
        self, X: NDArray, y: NDArray, targets: NDArray, weights: NDArray | None, random: Any
    ) -> tuple[NDArray, NDArray, NDArray | None, tuple]:
        rows = np.arange(X.shape[0])
        kept, held = train_test_split(
            rows,
            test_size=self.validation_fraction,
            random_state=random,
            stratify=self._strata(targets),
        )
        part = None if weights is None else weights[held]
        validation = (_dense(X[held]), targets[held], part)
        return X[kept], targets[kept], None if weights is None else weights[kept], validation

    def _strata(self, targets: NDArray) -> NDArray | None:
        return None

    def _given_validation(self, data: tuple) -> tuple:
        X, y = self._validate(data[0], data[1], reset=False)
        weights = _check_sample_weight(data[2], X) if len(data) > 2 else None
        return _dense(X), self._encode(y, reset=False), weights

    def _logits(self, X: Any) -> NDArray:
        check_is_fitted(self)
        X = validate_data(
            self, X, reset=False, accept_sparse="csr", allow_nd=True,
            dtype=(np.float64, np.float32),
        )  # fmt: skip
        self._check_input_shape(X)
        X = X.astype(self.params_.vector.dtype, copy=False)
        size = microbatch_size(self.network_, 1024)
        return forward(self.network_, self.params_, X, size, self._threads())

    def _check_input_shape(self, X: NDArray) -> None:
        if X.shape[1:] != self.input_shape_:
            raise ValueError(
                f"X has samples of shape {X.shape[1:]}, but {type(self).__name__} was trained on "
                f"samples of shape {self.input_shape_}"
            )

    @property
    def coefs_(self) -> list[NDArray]:
        """The weights of each layer that has any, from input to output."""
        return self._arrays("W")

    @property
    def intercepts_(self) -> list[NDArray]:
        """The biases of each layer that has any, from input to output."""
        return self._arrays("b")

    def _arrays(self, kind: str) -> list[NDArray]:
        if not hasattr(self, "params_"):
            raise AttributeError("not fitted yet")
        return [a for name, a in self.params_.items() if name.rpartition(".")[2] == kind]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _loss(self) -> Loss:
        raise NotImplementedError

    def _encode(self, y: NDArray, reset: bool, classes: ArrayLike | None = None) -> NDArray:
        raise NotImplementedError

    def _weights(self, X: NDArray, y: NDArray, sample_weight: Any) -> NDArray | None:
        if sample_weight is None:
            return None
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if not weights.any():
            raise ValueError("sample_weight is zero for every sample")
        return weights

    def _score(self, logits: NDArray, targets: NDArray, weights: NDArray | None) -> float:
        raise NotImplementedError


@dataclass(eq=False, repr=False)
class BackpropClassifier(ClassifierMixin, _Backprop):
    """A classifier trained by backpropagation: ``MLPClassifier``'s drop-in, for any layers.

    Classes exclude each other (softmax cross-entropy), or with y of shape (n_samples, n_labels)
    of 0 and 1 are answered one by one (sigmoid cross-entropy).

    Args:
        hidden_layer_sizes: units of each hidden layer; an int means one layer.
        activation: ``identity``, ``logistic``, ``tanh``, ``relu``, ``leaky_relu``, ``gelu``,
            ``silu`` or ``softplus``; or one of these for each hidden layer.
        layers: any other net: core layers up to the output layer, which is added (after a
            ``Flatten`` where it is needed); then the two parameters above and ``dropout`` are
            not used.
        dropout: share of each hidden layer's outputs that is dropped while training.
        solver: ``adam``, ``adamw``, ``sgd`` or ``lbfgs`` (full batch, through scipy).
        alpha: strength of the L2 penalty on the weights.
        batch_size: samples a step; ``auto`` is min(200, n_samples).
        learning_rate: ``constant``, ``invscaling`` (by ``power_t``), ``adaptive`` (divided by
            5 whenever the loss stands still); or a schedule over all of ``max_iter``, which
            then is not cut short: ``step``, ``cosine``, ``warmup``, ``warmup-cosine``,
            ``one-cycle``, or a callable (step, total_steps) -> factor.
        learning_rate_init: the rate, or the peak of the schedule.
        max_iter: epochs; for ``lbfgs`` iterations.
        shuffle: whether each epoch takes the samples in a new order.
        random_state: seed, generator or None; the same seed gives the same weights.
        tol, n_iter_no_change: training ends after so many epochs that gain less than ``tol``.
        verbose: show a progress bar (on stderr, and only on a terminal).
        warm_start: a further ``fit`` goes on from the weights there are.
        momentum, nesterovs_momentum: for ``sgd``.
        early_stopping: hold ``validation_fraction`` of the data out (or use the
            ``validation_data`` given to ``fit``), stop when its score no longer rises, and
            restore the best epoch's weights.
        beta_1, beta_2, epsilon: for ``adam`` and ``adamw``; ``weight_decay`` for ``adamw``.
        max_fun: most evaluations for ``lbfgs``.
        max_norm: a longer gradient is scaled down to this norm.
        augment: ``augment(x, rng)`` changes the inputs of a microbatch while training.
        callbacks: each is called as ``callback(epoch, estimator)``; True ends the training.
        checkpoint: file to resume from where it exists and to write while training.
        n_jobs: threads; None takes as many as BLAS would.
        class_weight: weights by label, or ``balanced``.
        label_smoothing: share of each target spread evenly over the classes, in [0, 1).

    Attributes:
        classes_: the labels, sorted.
        network_, params_: the net and its parameters, as the core knows them.
        history_: an ``Epoch`` record an epoch; ``loss_curve_``, ``validation_loss_curve_`` and
            ``validation_scores_`` are columns of it.
        coefs_, intercepts_: weights and biases of each layer.
    """

    _: KW_ONLY
    class_weight: dict | str | None = None
    label_smoothing: float = 0.0

    @classmethod
    def from_trained(
        cls, network: Chain, params: Params, classes: ArrayLike, input_shape: tuple[int, ...]
    ) -> BackpropClassifier:
        """A fitted classifier around a network that is already trained, such as a stored one."""
        estimator = cls(layers=list(network)[:-1])
        estimator.network_, estimator.params_ = network, params
        estimator.classes_ = np.asarray(classes)
        estimator.n_outputs_ = len(estimator.classes_)
        estimator.input_shape_ = tuple(input_shape)
        estimator.n_features_in_ = estimator.input_shape_[0]
        estimator._multilabel = False
        return estimator

    def predict(self, X: ArrayLike) -> NDArray:
        """Labels, shape (n_samples,); or 0 and 1 for each label, (n_samples, n_labels)."""
        logits = self._logits(X)
        if self._multilabel:
            return (logits > 0).astype(int)
        return self.classes_[logits.argmax(axis=1)]

    def predict_proba(self, X: ArrayLike) -> NDArray:
        """Probabilities, shape (n_samples, n_classes), in the order of ``classes_``."""
        logits = self._logits(X)
        return self._loss().predict(logits)

    def predict_log_proba(self, X: ArrayLike) -> NDArray:
        """Logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _loss(self) -> Loss:
        if self._multilabel:
            return SigmoidCrossEntropy()
        return SoftmaxCrossEntropy(self.label_smoothing)

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[NDArray, NDArray]:
        X, y = super()._validate(X, y, reset)
        is_column = y.ndim == 2 and y.shape[1] == 1
        return X, column_or_1d(y, warn=True) if is_column else y

    def _encode(self, y: NDArray, reset: bool, classes: ArrayLike | None = None) -> NDArray:
        check_classification_targets(y)
        multilabel = type_of_target(y).startswith("multilabel")
        if reset:
            found = np.arange(y.shape[1]) if multilabel else np.unique(y)
            self._multilabel = multilabel
            self.classes_ = found if classes is None else np.unique(np.asarray(classes))
            self.n_outputs_ = len(self.classes_)
            if self.n_outputs_ < 2 and not multilabel:
                raise ValueError(f"only one class in the data ({self.classes_[0]!r}); need two")
        if multilabel != self._multilabel:
            raise ValueError("y has another form than at the first fit")
        if multilabel:
            return y
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y has labels that are not among the classes: {unknown.tolist()}")
        return np.searchsorted(self.classes_, y)

    def _strata(self, targets: NDArray) -> NDArray | None:
        return None if self._multilabel else targets

    def _weights(self, X: NDArray, y: NDArray, sample_weight: Any) -> NDArray | None:
        weights = super()._weights(X, y, sample_weight)
        if self.class_weight is None:
            return weights
        if self._multilabel:
            raise ValueError("class_weight is not defined for several labels a sample")
        present = np.unique(y)
        by_class = compute_class_weight(self.class_weight, classes=present, y=y)
        factor = by_class[np.searchsorted(present, y)]
        return factor if weights is None else weights * factor

    def _score(self, logits: NDArray, targets: NDArray, weights: NDArray | None) -> float:
        answer = (logits > 0).astype(int) if self._multilabel else logits.argmax(axis=1)
        return float(accuracy_score(targets, answer, sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@dataclass(eq=False, repr=False)
class BackpropRegressor(RegressorMixin, _Backprop):
    """A regressor trained by backpropagation: ``MLPRegressor``'s drop-in, for any layers.

    Args:
        loss: ``squared_error`` or ``huber`` (linear beyond 1).

    All other parameters and attributes are those of :class:`BackpropClassifier`. y has the
    shape (n_samples,) or (n_samples, n_outputs).
    """

    _: KW_ONLY
    loss: str = "squared_error"

    def predict(self, X: ArrayLike) -> NDArray:
        """Values, of the shape that y had."""
        values = self._logits(X)
        return values[:, 0] if self._flat else values

    def _loss(self) -> Loss:
        known: dict[str, Loss] = {"squared_error": SquaredError(), "huber": Huber()}
        return _choice("loss", self.loss, known)

    def _encode(self, y: NDArray, reset: bool, classes: ArrayLike | None = None) -> NDArray:
        if reset:
            self._flat = y.ndim == 1
            self.n_outputs_ = 1 if self._flat else y.shape[1]
        targets = y.reshape(len(y), -1)
        if targets.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {targets.shape[1]} outputs, at the first fit {self.n_outputs_}"
            )
        return targets.astype(np.float64, copy=False)

    def _score(self, logits: NDArray, targets: NDArray, weights: NDArray | None) -> float:
        return float(r2_score(targets, logits, sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _closed(body: Chain, in_shape: tuple[int, ...], out: Dense) -> Chain:
    """The given layers and the output layer, with a Flatten between where it is needed."""
    _, shape = body.init(in_shape, np.random.default_rng(0))
    return Chain(*body, *([Flatten()] if len(shape) > 1 else []), out)


def _dense(X: Any) -> NDArray:
    return X.toarray() if hasattr(X, "toarray") else X


def _choice(parameter: str, name: Any, known: Any) -> Any:
    try:
        return known[name]
    except (KeyError, TypeError):
        raise ValueError(f"{parameter} must be one of {', '.join(known)}, not {name!r}") from None


def _in_short(epoch: Epoch) -> str:
    score = "" if epoch.validation_score is None else f", validation {epoch.validation_score:.2%}"
    return f"loss {epoch.loss:.4f}{score}"
