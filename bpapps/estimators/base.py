"""What all estimators share: the net, its parameters, and how it is trained."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any, Self
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from bpapps.core import (
    Chain,
    Constant,
    Dense,
    Epoch,
    Flatten,
    Layer,
    Loss,
    PairCrossEntropy,
    Params,
    Plan,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    forward,
    initial_params,
    train,
)
from bpapps.core.draws import Augmented, Draw
from bpapps.core.full_batch import train_lbfgs
from bpapps.core.parallel import microbatch_size
from bpapps.core.params import Shape
from bpapps.estimators.checks import check_input_shape, is_plain, rows_of, samples_of
from bpapps.estimators.records import Records
from bpapps.estimators.settings import Settings

Samples = tuple[NDArray, NDArray, NDArray | None]
"""Inputs, targets as the loss takes them, and weights where there are any."""


class Backprop(Records, Settings):
    """The net, its parameters, and how it is trained; a kind of answer is a subclass.

    It says what its answers are by hooks: :meth:`head`, the layers that give them;
    :meth:`targets`, what they should be; ``_loss``, the loss between the two, and ``_score``; and,
    where a sample to learn from is not just a row of the data, :meth:`draw`.
    """

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
                stop early on instead of a part of X. A pipeline's earlier steps do not see it.

        Raises:
            ValueError: bad input or parameters; ``DivergenceError`` (a ValueError) when the
                loss becomes infinite or not a number.
        """
        self._validate_params()
        checkpoint = self._checkpoint_file()
        anew = not (self.warm_start and hasattr(self, "params_"))
        samples = self._samples(X, y, sample_weight, reset=anew)
        if anew:
            self._start(samples[0])
        self._optimizer_state.clear()
        validation = None
        if validation_data is not None:
            validation = self._given_validation(validation_data)
        elif self.early_stopping and self.solver != "lbfgs":
            samples, validation = self._split(*samples)
        plan = self._plan(samples[0].shape[0], validation is not None)
        self.n_iter_ = 0
        if self.solver == "lbfgs":
            self._train_lbfgs(samples, plan)
        else:
            self._train(samples, plan, validation, checkpoint)
        if self._cut_short(plan):
            warn(
                f"the loss had not settled after {self.n_iter_} epochs; raise max_iter "
                f"({self.max_iter}), or for lbfgs max_fun",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: Any, classes: ArrayLike | None = None
    ) -> Any:
        self._validate_params()
        first = not hasattr(self, "params_")
        samples = self._samples(X, y, sample_weight, reset=first, classes=classes)
        if first:
            self._start(samples[0])
        plan = self._plan(samples[0].shape[0], validated=False)
        if self._runs_to_its_end():  # which one call cannot know
            plan = replace(plan, schedule=Constant())
        self.n_iter_ = 0
        self._train(samples, replace(plan, max_epochs=1))
        return self

    def _samples(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        reset: bool,
        classes: ArrayLike | None = None,
    ) -> Samples:
        """Validated inputs, targets and weights, without the samples of weight 0.

        ``reset``: a new net will be made to fit them; else they must fit the one there is.
        """
        X, y = samples_of(self, X, y, reset)
        if reset:
            self._observe(y, classes)
        else:
            check_input_shape(self, X)
            X = X.astype(self.params_.vector.dtype, copy=False)
        targets = self.targets(y)
        weights = self._weights(X, targets, sample_weight)
        if weights is not None and (weights.min() < 0 or not weights.any()):
            raise ValueError("the weights of samples and classes are negative, or all zero")
        if weights is None or weights.all():
            return X, targets, weights
        present = weights > 0
        return X[present], targets[present], weights[present]

    def _weights(self, X: NDArray, targets: NDArray, sample_weight: Any) -> NDArray | None:
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)

    def _given_validation(self, data: Any) -> Samples:
        if not (isinstance(data, tuple | list) and len(data) in (2, 3)):
            raise ValueError("validation_data must be (X, y) or (X, y, sample_weight)")
        samples = self._samples(*data, reset=False)
        if len(samples[1]) < 2:
            raise ValueError("validation_data needs two samples at least")
        return samples

    def _split(
        self, X: NDArray, targets: NDArray, weights: NDArray | None
    ) -> tuple[Samples, Samples]:
        """What to train on, and what to hold out: two samples at least."""
        n = len(targets)
        if n < 3:
            raise ValueError(f"early_stopping cannot hold any data out with n_samples={n}")
        held_out = max(2, ceil(self.validation_fraction * n))
        parts = train_test_split(
            np.arange(n),
            test_size=held_out,
            random_state=self._random,
            stratify=self._strata(targets, held_out),
        )
        kept, held = (
            (X[rows], targets[rows], None if weights is None else weights[rows]) for rows in parts
        )
        return kept, held

    def _strata(self, targets: NDArray, held_out: int) -> NDArray | None:
        """What the held-out part is to have the same shares of."""
        return None

    def _start(self, X: NDArray) -> None:
        """Make a new net for such inputs."""
        self._random: np.random.RandomState = check_random_state(self.random_state)
        self.input_shape_ = X.shape[1:]
        network = self._network()
        shape = self._sample_shape()
        self._adopt(network, initial_params(network, shape, self._seed(), X.dtype))

    def begin_from(self, trained: Self) -> Self:
        """Take the net of a fitted estimator over, which the next ``fit`` trains further.

        Raises:
            ValueError: its layers differ from what the parameters of this one ask for.
        """
        own = self.get_params(deep=False)
        self.__dict__.update({k: v for k, v in vars(trained).items() if k not in own})
        if repr(self._network()) != repr(trained.network_):
            raise ValueError("the trained net has other layers than the one to be trained further")
        self._random = check_random_state(self.random_state)
        self._adopt(trained.network_, trained.params_.copy())
        return self.set_params(warm_start=True)

    def _sample_shape(self) -> tuple[int, ...]:
        """What the net takes as one sample."""
        return self.input_shape_

    def _adopt(self, network: Chain, params: Params) -> None:
        """Take a net as one's own, with no history yet."""
        self.network_ = network
        self.params_ = params
        self._optimizer_state: dict[str, NDArray] = {}
        self.history_: list[Epoch] = []
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(self.coefs_) + 1
        self.out_activation_ = {
            SoftmaxCrossEntropy: "softmax",
            SigmoidCrossEntropy: "logistic",
            PairCrossEntropy: "logistic",
        }.get(type(self._loss()), "identity")

    def _seed(self) -> int:
        return int(self._random.randint(2**31 - 1))

    def _network(self) -> Chain:
        """The layers asked for, and the head."""
        body = self._body()
        _, shape = body.init(self._sample_shape(), np.random.default_rng(0))
        return Chain(*body, *self.head(shape))

    def _body(self) -> Chain:
        given = self._hidden(self.input_shape_) if self.layers is None else self.layers
        return Chain(*given)

    def head(self, in_shape: Shape) -> list[Layer]:
        """The layers after the user's, which give the logits: a hook.

        By default a ``Dense`` one of ``n_outputs_`` units, after a ``Flatten`` where the user's
        layers give more than a row.

        Args:
            in_shape: what the user's layers give for one sample.
        """
        flat: list[Layer] = [Flatten()] if len(in_shape) > 1 else []
        return [*flat, Dense(self.n_outputs_, "glorot_uniform")]

    def targets(self, y: NDArray) -> NDArray:
        """y, n samples in an array of any shape, as the loss takes it: a hook.

        Returns:
            An array of n targets of any shape, in the order of y; by default y itself.

        Raises:
            ValueError: y does not suit the net there is.
        """
        return y

    def draw(self) -> Draw | None:
        """How microbatches are made while training, see :data:`bpapps.core.draws.Draw`: a hook.

        By default X's and y's rows are taken, the inputs changed by ``augment``. The y that it
        gets is what :meth:`targets` gave.
        """
        return None if self.augment is None else Augmented(self.augment)

    def _observe(self, y: NDArray, classes: ArrayLike | None = None) -> None:
        """Note what a new net must know of its first targets, such as ``n_outputs_``.

        classes: all labels there will be, where y need not hold them all.
        """

    def _plan(self, n: int, validated: bool) -> Plan:
        """The training plan that the parameters ask for, on n samples."""
        batch_size = min(200 if self.batch_size == "auto" else int(self.batch_size), n)
        draw = self.draw()
        return Plan(
            loss=self._loss(),
            optimizer=self._optimizer(),
            learning_rate=self.learning_rate_init,
            schedule=self._schedule(n, batch_size, self.t_),
            batch_size=batch_size,
            max_epochs=self.max_iter,
            alpha=self.alpha,
            max_norm=self.max_norm,
            shuffle=self.shuffle,
            seed=self._seed(),
            draw=draw,
            microbatch=microbatch_size(
                self.network_,
                self.params_,
                self._sample_shape(),
                batch_size,
                draw is not None,
            ),
            early_stopping=self.early_stopping and validated,
            patience=None if self._runs_to_its_end() else self.n_iter_no_change,
            tol=self.tol,
            reduce_on_plateau=self.learning_rate == "adaptive" and self.solver == "sgd",
        )

    def _train(
        self,
        samples: Samples,
        plan: Plan,
        validation: Samples | None = None,
        checkpoint: Path | None = None,
    ) -> None:
        from tqdm import tqdm

        X, targets, weights = samples
        epochs = train(
            self.network_,
            self.params_,
            X,
            targets,
            plan,
            weights=weights,
            validation=validation,
            score=self._validation_score,
            state=self._optimizer_state,
            checkpoint=checkpoint,
            threads=self._threads(),
        )
        bar = tqdm(
            epochs,
            total=plan.max_epochs,
            desc="training",
            unit="epoch",
            disable=None if self.verbose else True,  # None: silent when not a terminal
        )
        with closing(epochs), bar:
            for epoch in bar:
                self._record(epoch, plan.samples(X))
                bar.set_postfix_str(_in_short(epoch))
                if self._call_back(epoch):
                    break

    def _train_lbfgs(self, samples: Samples, plan: Plan) -> None:
        X, targets, weights = samples
        epochs = train_lbfgs(
            self.network_, self.params_, X, targets, plan,
            weights=weights, max_fun=self.max_fun, threads=self._threads(),
        )  # fmt: skip
        for epoch in epochs:
            self._record(epoch, len(targets))

    def _record(self, epoch: Epoch, n: int) -> None:
        self.history_.append(epoch)
        self.loss_ = epoch.loss
        self.n_iter_ += 1
        self.t_ += n

    def _call_back(self, epoch: Epoch) -> bool:
        """Call every callback; whether one of them ends the training."""
        answers = [callback(epoch, self) for callback in self.callbacks]
        return any(isinstance(answer, bool | np.bool_) and answer for answer in answers)

    def _cut_short(self, plan: Plan) -> bool:
        """Whether it was the end of ``max_iter`` or ``max_fun`` that ended the training."""
        if self.history_[-1].stop:
            return False
        return self.solver == "lbfgs" or (
            plan.patience is not None and self.n_iter_ == self.max_iter
        )

    def _validation_score(
        self, logits: NDArray, targets: NDArray, weights: NDArray | None
    ) -> float:
        if not np.isfinite(logits).all():
            return -np.inf  # it diverged, which the training loop will say
        return self._score(logits, targets, weights)

    def _logits(self, X: Any) -> NDArray:
        return self._forward(self._rows(X))

    def _rows(self, X: Any) -> NDArray:
        """X, checked, as the net takes it; what is sparse stays so."""
        if hasattr(self, "params_") and is_plain(self, X):
            return X
        check_is_fitted(self)
        return rows_of(self, X)

    def _forward(self, X: NDArray) -> NDArray:
        size = microbatch_size(self.network_, self.params_, self.input_shape_, 256)
        return forward(self.network_, self.params_, X, size, self._threads())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _loss(self) -> Loss:
        raise NotImplementedError

    def _score(self, logits: NDArray, targets: NDArray, weights: NDArray | None) -> float:
        raise NotImplementedError


def _in_short(epoch: Epoch) -> str:
    score = "" if epoch.validation_score is None else f", validation {epoch.validation_score:.4f}"
    return f"loss {epoch.loss:.4f}{score}"
