"""The classifier: one of several classes, or yes and no to each of several labels."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from bpapps.core import Chain, Loss, Params, SigmoidCrossEntropy, SoftmaxCrossEntropy
from bpapps.core.draws import take
from bpapps.estimators.base import Backprop
from bpapps.estimators.settings import SHARE, takes_parts
from bpapps.estimators.votes import distorted_looks

OWN_SAY = 1 / 3
"""Weight of the input itself beside its distorted copies."""


@dataclass(eq=False, repr=False)
class BackpropClassifier(ClassifierMixin, Backprop):
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
        solver: ``adam``, ``adamw``, ``sgd``; or ``lbfgs`` (full batch, through scipy), which
            has no use for rates, validation, callbacks and checkpoints.
        alpha: strength of the L2 penalty on the weights.
        batch_size: samples a step; ``auto`` is min(200, n_samples).
        learning_rate: ``constant``; for ``sgd`` also ``invscaling`` (in each epoch divided by
            (samples seen before it + 1) to the power ``power_t``) and ``adaptive`` (divided by
            5 whenever the loss stands still), which other solvers take for ``constant``; or a
            schedule over all of ``max_iter``, which then is not cut short: ``step``,
            ``cosine``, ``warmup``, ``warmup-cosine``, ``one-cycle``, or a callable
            (step, total_steps) -> factor.
        learning_rate_init: the rate, or the peak of the schedule.
        max_iter: epochs; for ``lbfgs`` iterations.
        shuffle: whether each epoch takes the samples in a new order.
        random_state: seed, generator or None; the same seed gives the same weights.
        tol, n_iter_no_change: training ends after so many epochs that gain less than ``tol``.
        verbose: show a progress bar (on stderr, and only on a terminal).
        warm_start: a further ``fit`` starts from the weights there are.
        momentum, nesterovs_momentum: for ``sgd``.
        early_stopping: hold ``validation_fraction`` of the data out, two samples at least (or
            use the ``validation_data`` given to ``fit``), stop when its score no longer rises,
            and restore the best epoch's weights.
        beta_1, beta_2, epsilon: for ``adam`` and ``adamw``; ``weight_decay`` for ``adamw``.
        max_fun: most evaluations for ``lbfgs``.
        max_norm: a longer gradient is scaled down to this norm.
        augment: ``augment(x, rng)`` changes the inputs of a microbatch while training.
        callbacks: each is called as ``callback(epoch, estimator)``; True ends the training.
        checkpoint: file to resume ``fit`` from where it exists and to write while training.
        n_jobs: threads; None takes as many as BLAS would, but one inside a joblib worker; else
            scikit-learn's meaning. The weights are the same to the bit whatever their number.
        class_weight: weights by label, or ``balanced`` (each class weighs the same in all); they
            count in the validation scores too.
        label_smoothing: share of each target spread evenly over the classes, in [0, 1).
        votes: besides the input itself, so many copies distorted by ``augment``, the same way for
            each input, have a say: probabilities are a mean, in which the input weighs a third.

    Attributes:
        classes_: the labels, sorted.
        network_, params_: the net and its parameters, as the core knows them.
        history_: an ``Epoch`` record of each epoch since the net was new; ``loss_curve_``,
            ``validation_loss_curve_`` and ``validation_scores_`` are columns of it.
        n_iter_: epochs of the last call of ``fit`` or ``partial_fit``.
        t_: samples seen since the net was new.
        coefs_, intercepts_: weights and biases of each layer, views into ``params_``.
        loss_, best_loss_, best_validation_score_: last and lowest loss, highest score.
        n_layers_, n_outputs_, out_activation_: layers with weights and the input, outputs,
            ``softmax``, ``logistic`` or ``identity``.
    """

    _: KW_ONLY
    class_weight: dict | str | None = None
    label_smoothing: float = 0.0
    votes: int = 0

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **Backprop._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "label_smoothing": [SHARE],
        "votes": [Interval(Integral, 0, None, closed="left")],
    }

    @classmethod
    def from_trained(
        cls, network: Chain, params: Params, classes: ArrayLike, input_shape: tuple[int, ...]
    ) -> BackpropClassifier:
        """A fitted classifier around a network that is already trained, such as a stored one."""
        estimator = cls(layers=list(network)[:-1])
        estimator.classes_ = np.asarray(classes)
        estimator.n_outputs_ = len(estimator.classes_)
        estimator.input_shape_ = tuple(input_shape)
        estimator.n_features_in_ = estimator.input_shape_[0]
        estimator._multilabel = False
        estimator._random = check_random_state(None)
        estimator._adopt(network, params)
        return estimator

    @available_if(takes_parts)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> BackpropClassifier:
        """One more epoch, on this data; the net starts at the first call.

        Args:
            classes: all labels there will be; needed at the first call.

        Raises:
            ValueError: as ``fit``, and for a label that is not among the classes.
        """
        if self.class_weight == "balanced":
            raise ValueError("partial_fit cannot balance classes: give class_weight as a dict")
        if classes is None and not hasattr(self, "params_"):
            raise ValueError(
                "the first call of partial_fit needs classes: all labels there will be"
            )
        if classes is not None and hasattr(self, "params_"):
            self._deny_other(classes)
        return self._partial_fit(X, y, sample_weight, classes)

    def _deny_other(self, classes: ArrayLike) -> None:
        if not self._multilabel and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes are not the ones of the first call: {self.classes_.tolist()}"
            )

    def predict(self, X: ArrayLike) -> NDArray:
        """Labels, shape (n_samples,); or 0 and 1 for each label, (n_samples, n_labels)."""
        answers = self.predict_proba(X) if self.votes else self._logits(X)
        if self._multilabel:
            return (answers > (0.5 if self.votes else 0)).astype(int)
        return self.classes_[answers.argmax(axis=1)]

    def predict_proba(self, X: ArrayLike) -> NDArray:
        """Probabilities, shape (n_samples, n_classes), in the order of ``classes_``."""
        rows = self._rows(X)
        probabilities = self._loss().predict(self._forward(rows))
        if not self.votes:
            return probabilities
        probabilities *= OWN_SAY
        dense = take(rows, slice(None))
        for look in distorted_looks(dense, self.augment, self.votes):
            said = self._loss().predict(self._forward(look))
            probabilities += (1 - OWN_SAY) / self.votes * said
        return probabilities

    def predict_log_proba(self, X: ArrayLike) -> NDArray:
        """Logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _loss(self) -> Loss:
        if self._multilabel:
            return SigmoidCrossEntropy()
        return SoftmaxCrossEntropy(self.label_smoothing)

    def _observe(self, y: NDArray, classes: ArrayLike | None = None) -> None:
        self._multilabel = _is_multilabel(y)
        found = np.unique(np.asarray(y if classes is None else classes))
        self.classes_ = np.arange(y.shape[1]) if self._multilabel else found
        self.n_outputs_ = len(self.classes_)
        if self.n_outputs_ < 2 and not self._multilabel:
            raise ValueError(f"only one class in the data ({self.classes_[0]!r}); need two")

    def targets(self, y: NDArray) -> NDArray:
        """Places in ``classes_``, (n_samples,); or 0 and 1 for each label, as y is."""
        multilabel = _is_multilabel(y)
        if multilabel != self._multilabel or (multilabel and y.shape[1] != self.n_outputs_):
            raise ValueError("y has another form than at the first fit")
        if multilabel:
            return y
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y has labels that are not among the classes: {unknown.tolist()}")
        return np.searchsorted(self.classes_, y)

    def _strata(self, targets: NDArray, held_out: int) -> NDArray | None:
        """The classes, where there is enough of each."""
        if self._multilabel:
            return None
        counts = np.unique(targets, return_counts=True)[1]
        enough = counts.min() > 1 and len(counts) <= min(held_out, len(targets) - held_out)
        return targets if enough else None

    def _weights(self, X: NDArray, targets: NDArray, sample_weight: Any) -> NDArray | None:
        weights = super()._weights(X, targets, sample_weight)
        if self.class_weight is None:
            return weights
        if self._multilabel:
            raise ValueError("class_weight is not defined for several labels a sample")
        weights = np.ones(len(targets)) if weights is None else weights
        present = np.unique(targets[weights > 0])
        by_class = np.zeros(len(self.classes_))
        if self.class_weight == "balanced":
            mass = np.bincount(targets, weights)[present]
            by_class[present] = mass.sum() / (len(present) * mass)
        else:
            by_class = compute_class_weight(
                self.class_weight, classes=self.classes_, y=self.classes_
            )
        return weights * by_class[targets]

    def _score(self, logits: NDArray, targets: NDArray, weights: NDArray | None) -> float:
        answer = (logits > 0).astype(int) if self._multilabel else logits.argmax(axis=1)
        return float(accuracy_score(targets, answer, sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _is_multilabel(y: NDArray) -> bool:
    """Whether y, which must be of classes, says yes or no to each of several labels."""
    kind = type_of_target(y)
    if kind == "multiclass-multioutput":
        raise ValueError("y of several columns must hold 0 and 1 only: yes or no to each label")
    if kind not in ("binary", "multiclass", "multilabel-indicator"):
        check_classification_targets(y)  # which says what y is instead
    return kind == "multilabel-indicator"
