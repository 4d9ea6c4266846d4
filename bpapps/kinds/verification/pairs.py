"""The pair classifier: are two pictures by the same writer? And one picture against several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from itertools import chain
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from bpapps.core import (
    Chain,
    Dense,
    Difference,
    Each,
    Flatten,
    Layer,
    Loss,
    PairCrossEntropy,
    Pairs,
    Params,
    Plan,
    ReLU,
    forward,
    pack,
)
from bpapps.core.params import Shape
from bpapps.core.threads import cut, team
from bpapps.estimators.base import Backprop
from bpapps.estimators.checks import check_input_shape
from bpapps.estimators.settings import COUNT
from bpapps.estimators.votes import distorted_looks
from bpapps.kinds.verification.records import Threshold
from bpapps.kinds.verification.sampling import GroupSampler, pairs_within
from bpapps.kinds.verification.scales import Scale
from bpapps.kinds.verification.scored import TOGETHER, Scored
from bpapps.kinds.verification.trials import COMBINE, usual_score

REFERENCES = range(1, 11)
"""Numbers of references that thresholds are chosen for."""
AT_ONCE = 4
"""Pairs that are compared at once: few stay in a core's cache, see :class:`bpapps.core.Each`."""


@dataclass(eq=False, repr=False)
class PairClassifier(Backprop):
    """Tells whether two pictures are by the same writer, trained by backpropagation on pairs.

    One network embeds both pictures, with the same weights; a comparison of the two embeddings,
    whose order makes no difference, gives the logit (Bromley et al., "Signature verification
    using a siamese time delay neural network", NIPS 1993). While training, groups of pictures
    are drawn anew for each step: genuine ones of a writer, skilled forgeries of them, and genuine
    ones of other writers. All pairs in a group count, or the hardest of each kind; the kinds have
    fixed weights however many pairs there are: genuine 1/2, skilled and random 1/4.

    A score is a logit: above 0 the net thinks "same". What is accepted is decided by thresholds
    that were chosen on development writers, whom training never saw.

    Args:
        layers: core layers that embed a picture; by default ``hidden_layer_sizes`` dense ones,
            the last of them without activation and dropout.
        comparison: core layers that compare two embeddings, (2, …), up to the output layer, which
            is added; by default ``Difference(), Dense(32), ReLU()``.
        group: numbers of genuine pictures, skilled forgeries and other writers' pictures in a
            group. A writer without forgeries has more of others'.
        n_groups: groups an epoch, one for each writer at least; None is ten for each.
        hardest: share of the pairs of each kind that count, the hardest, in (0, 1].
        far: the false acceptance rate of skilled forgeries that thresholds are chosen for, in
            [0, 1); None for balance, FAR = FRR. Without forgeries random ones take their place.
        validation_fraction: share of the writers that are held out for the thresholds, where
            ``fit`` is given no development data.
        batch_size: groups a step; ``auto`` is 8.
        votes: so many copies of the pictures, distorted by ``augment`` in the same way, are
            compared too, and the score is the mean.

    All other parameters are as for :class:`BackpropClassifier`; ``early_stopping`` and the
    solver ``lbfgs`` are not for pairs.

    Attributes:
        scales_: number of references -> :class:`Scale`: threshold, error rates and scores of the
            development writers, and what probability they make of a score.
        classes_: False (different writers), True (the same).
        network_, params_, history_, n_iter_: as for :class:`BackpropClassifier`.
    """

    _: KW_ONLY
    comparison: Sequence[Layer] | None = None
    group: tuple[int, int, int] = (4, 4, 4)
    n_groups: int | None = None
    hardest: float = 1.0
    far: float | None = None
    votes: int = 0

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **Backprop._parameter_constraints,
        "comparison": [list, tuple, Chain, None],
        "group": [list, tuple],
        "n_groups": [COUNT, None],
        "hardest": [Interval(Real, 0, 1, closed="right")],
        "far": [Interval(Real, 0, 1, closed="left"), None],
        "votes": [Interval(Integral, 0, None, closed="left")],
    }

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        genuine: ArrayLike | None = None,
        development: tuple | None = None,
    ) -> PairClassifier:
        """Train on pictures X, (n, n_features) or (n, height, width, channels).

        Args:
            y: the writer of each, or whom a forgery pretends to be by, (n,).
            genuine: whether it is the writer's own, (n,); by default all are.
            development: (X, y, genuine) of other writers, to choose the thresholds on.

        Raises:
            ValueError: bad input or parameters, fewer than two writers, a writer without genuine
                pictures, one both in training and development; ``DivergenceError``.
        """
        self._validate_params()
        self._deny_unfit()
        anew = not (self.warm_start and hasattr(self, "params_"))
        X, owners, genuine = self._checked(X, y, genuine, reset=anew)
        if development is None:
            train, held = self._split_writers(owners)
            development = (X[held], owners[held], genuine[held])
            X, owners, genuine = X[train], owners[train], genuine[train]
        else:
            development = self._checked(*development, reset=False)
            _deny_common(owners, development[1])
        if anew:
            self._start(X)
        self._optimizer_state.clear()
        self._learn(X, owners, genuine)
        self.scales_ = self._scales(*development)
        return self

    def _deny_unfit(self) -> None:
        if self.solver == "lbfgs" or self.early_stopping:
            raise ValueError("PairClassifier draws new pairs a step: no lbfgs, no early_stopping")
        self._checkpoint_file()
        counts = [isinstance(count, Integral) and count >= 0 for count in self.group]
        if len(self.group) != 3 or not all(counts) or self.group[0] < 2 or not any(self.group[1:]):
            raise ValueError(
                f"group must be numbers of genuine (2 at least), forged and others' pictures, "
                f"not {self.group!r}"
            )

    def _checked(
        self, X: Any, y: Any, genuine: Any = None, *, reset: bool
    ) -> tuple[NDArray, NDArray, NDArray[np.bool_]]:
        """Pictures, writers and flags that can be trained or judged on."""
        X = validate_data(self, X, reset=reset, allow_nd=True, dtype=(np.float32, np.float64))
        owners = column_or_1d(y)
        flags = np.ones(len(owners), bool) if genuine is None else column_or_1d(genuine)
        if not len(X) == len(owners) == len(flags):
            raise ValueError(
                f"{len(X)} pictures, but {len(owners)} writers and {len(flags)} flags of genuine"
            )
        flags = flags.astype(bool)
        every, own = np.unique(owners), np.unique(owners[flags])
        if len(every) < 2:
            raise ValueError(f"{len(every)} writer: to tell writers apart takes two at least")
        if len(own) < len(every):
            raise ValueError(
                f"writer {np.setdiff1d(every, own)[0]} has forgeries, but no genuine picture"
            )
        if reset:
            self.input_shape_ = X.shape[1:]
        check_input_shape(self, X)
        return X, owners, flags

    def _split_writers(self, owners: NDArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places of the training writers' pictures, and of the held-out writers' pictures."""
        names = np.unique(owners)
        n_held = max(2, round(self.validation_fraction * len(names)))
        if len(names) - n_held < 2:
            raise ValueError(
                f"{len(names)} writers: two to train on and two to choose thresholds on are "
                f"needed; give development data"
            )
        seed = self.random_state if isinstance(self.random_state, Integral) else 0
        held = np.random.default_rng(int(seed)).permutation(names)[:n_held]
        is_held = np.isin(owners, held)
        return np.flatnonzero(~is_held), np.flatnonzero(is_held)

    def _body(self) -> Chain:
        return Chain(Each(self._embedding(self.input_shape_)))

    def head(self, in_shape: Shape) -> list[Layer]:
        """The pairs within a group, and for each of them the comparison and its logit."""
        given = (Difference(), Dense(32), ReLU()) if self.comparison is None else self.comparison
        comparison = Chain(*given, Dense(1, "glorot_uniform"))
        _deny_order(comparison, in_shape[1:])
        return [Pairs(pairs_within(*self.group).items), Each(comparison, AT_ONCE), Flatten()]

    def draw(self) -> GroupSampler:
        """Groups of pictures, whose pairs are told apart."""
        return GroupSampler(self.group, self.augment)

    def _embedding(self, in_shape: tuple[int, ...]) -> Chain:
        if self.layers is not None:
            return Chain(*self.layers)
        layers = self._hidden(in_shape)
        while layers and not isinstance(layers[-1], Dense | Flatten):
            layers.pop()
        return Chain(*layers)

    def _learn(self, X: NDArray, owners: NDArray, genuine: NDArray[np.bool_]) -> None:
        names, numbers = np.unique(owners, return_inverse=True)
        n_groups = max(self.n_groups or 10 * len(names), len(names))
        y = np.stack([numbers, genuine], axis=1)
        self.n_iter_ = 0
        self._train((X, y, None), self._pair_plan(n_groups), None, self._checkpoint_file())

    def _pair_plan(self, n_groups: int) -> Plan:
        """The training plan that the parameters ask for, on groups."""
        size = min(8 if self.batch_size == "auto" else int(self.batch_size), n_groups)
        return replace(
            self._plan(n_groups, validated=False),
            draws=n_groups,
            batch_size=size,
            microbatch=1,
            schedule=self._schedule(n_groups, size, self.t_),
            patience=None,
        )

    def _loss(self) -> Loss:
        pairs = pairs_within(*self.group)
        present = sorted(set(pairs.kinds))
        weights = [0.5] + [0.5 / (len(present) - 1)] * (len(present) - 1)
        kinds = tuple(present.index(kind) for kind in pairs.kinds)
        return PairCrossEntropy(kinds, tuple(weights), self.hardest)

    def embed(self, X: ArrayLike) -> NDArray:
        """What the network makes of each picture and its distorted copies, (n, 1 + votes, …)."""
        rows = self._rows(X)
        looks = chain([rows], distorted_looks(rows, self.augment, self.votes))
        # One by one: two pictures at once take a fifth longer.
        return np.stack([self._apply(0, look, 1) for look in looks], axis=1)

    def compare(self, embedded: NDArray, pairs: ArrayLike) -> NDArray[np.float64]:
        """Scores (m,) of pairs (m, 2), which are places in what :meth:`embed` gave."""
        check_is_fitted(self)
        pairs = np.asarray(pairs, dtype=np.intp).reshape(-1, 2)
        if not len(pairs):
            return np.zeros(0)
        # In one order, or the last bits would depend on which came first.
        key = embedded.reshape(len(embedded), -1).sum(axis=1)
        pairs = np.take_along_axis(pairs, np.argsort(key[pairs], axis=1, kind="stable"), axis=1)
        parts = cut(len(pairs), 1024)  # memory for so many
        return np.concatenate([self._compare(embedded[pairs[rows]]) for rows in parts])

    def _compare(self, x: NDArray) -> NDArray[np.float64]:
        """Scores (m,) of embedded pairs (m, 2, looks, …), the means of their looks'."""
        looks = np.moveaxis(x, 2, 0)
        scores = self._apply(2, looks.reshape(-1, *looks.shape[2:]), AT_ONCE)
        return scores.reshape(len(looks), -1).mean(axis=0, dtype=np.float64)

    def _apply(self, place: int, X: NDArray, at_once: int) -> NDArray:
        """What the layer that is for each item, at a place of the network, makes of items X."""
        each = self.network_.layers[place]
        assert isinstance(each, Each)
        few = len(X) <= 4 * at_once  # done before a second thread has woken
        with team(1):  # products as small as one pair's lose by being shared among BLAS's threads
            weights = self.params_[place].part("inner")
            return forward(each.inner, weights, X, at_once, 1 if few else self._threads())

    def score_matrix(
        self, X: ArrayLike, wanted: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Scores (n, n) of pairs of pictures, symmetric; NaN where a pair was not scored.

        wanted: (n, n), which pairs to score; by default all, except pictures with themselves.
        """
        embedded = self.embed(X)
        n = len(embedded)
        asked = np.ones((n, n), bool) if wanted is None else wanted | wanted.T
        pairs = np.argwhere(np.triu(asked, k=1))
        matrix = np.full((n, n), np.nan)
        found = self.compare(embedded, pairs)
        matrix[pairs[:, 0], pairs[:, 1]] = matrix[pairs[:, 1], pairs[:, 0]] = found
        return matrix

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Scores (n,) of pairs of pictures X, (n, 2, …): above 0 the net thinks "same"."""
        X = np.asarray(X)
        if X.ndim < 3 or X.shape[1] != 2:
            raise ValueError(f"pairs have the shape (n, 2, …), not {X.shape}")
        embedded = self.embed(X.reshape(-1, *X.shape[2:]))
        return self.compare(embedded, np.arange(2 * len(X)).reshape(-1, 2))

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probabilities (n, 2) of different writers and of the same, for pairs X, (n, 2, …).

        They were fitted to the scores of development writers' pairs, where genuine pairs weighed
        as much as forgeries: skilled ones, where there were any.
        """
        same = self.scale().probability(self.decision_function(X))
        return np.stack([1 - same, same], axis=1)

    def predict(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Whether pairs X, (n, 2, …), reach the threshold of one reference."""
        return self.decision_function(X) >= self.threshold().value

    def score_samples(self, questioned: ArrayLike, references: ArrayLike) -> NDArray[np.float64]:
        """Scores (n,) of questioned pictures, (n, …), against all references, (k, …), together.

        Of one reference the score of the pair; of several what lies midway between the mean and
        the highest, less what the references score among themselves, by
        :func:`bpapps.kinds.verification.trials.usual_score`. The order of the references makes
        no difference. What is to be reached is :meth:`threshold`. A picture that is given twice
        among the references counts once.
        """
        questioned, references = np.asarray(questioned), np.asarray(references)
        if len(references) == 0:
            raise ValueError("no reference: give one genuine signature at least")
        # In one order whatever they came in: then not a bit depends on it.
        distinct = {one.tobytes(): one for one in references}
        references = np.array([distinct[key] for key in sorted(distinct)])
        n, total = len(questioned), len(questioned) + len(references)
        wanted = np.broadcast_to(np.arange(total) >= n, (total, total))  # with a reference
        scores = self.score_matrix(np.concatenate([questioned, references]), wanted)
        together = COMBINE[TOGETHER](scores[:n, n:], axis=1)
        return together - usual_score(scores[n:, n:], TOGETHER)

    def scale(self, n_references: int = 1) -> Scale:
        """The scale for so many references, or for the largest smaller number that has one."""
        return self.scales_[self.scaled(n_references)]

    def scaled(self, n_references: int) -> int:
        """The largest number of references, not above this one, that a scale is known for."""
        check_is_fitted(self)
        if n_references < 1:
            raise ValueError("no reference: give one genuine signature at least")
        return max(k for k in self.scales_ if k <= n_references)

    def threshold(self, n_references: int = 1) -> Threshold:
        """The threshold for so many references, and its error rates on development writers."""
        return self.scale(n_references).threshold

    def _scales(self, X: NDArray, owners: NDArray, genuine: NDArray[np.bool_]) -> dict[int, Scale]:
        of_use = genuine[:, None] | genuine
        if not genuine.all():  # the writer's own pictures will do, and they are few
            of_use &= owners[:, None] == owners
        scored = Scored(self.score_matrix(X, of_use), owners, genuine)
        scales = {
            k: Scale.of(scored.trials(k), scored.against, self.far)
            for k in REFERENCES
            if k < scored.fewest
        }
        if not scales:
            raise ValueError("the development writers need two genuine pictures each, at least")
        return scales

    @classmethod
    def from_trained(
        cls,
        network: Chain,
        params: Params,
        scales: dict[int, Scale],
        input_shape: tuple[int, ...],
    ) -> PairClassifier:
        """A fitted pair classifier around a network that is already trained, such as a stored one.

        Raises:
            ValueError: the network is not one of a pair classifier.
        """
        kinds = [type(layer) for layer in network]
        chains = [layer.inner for layer in network if isinstance(layer, Each)]
        inner = [list(chain) for chain in chains if isinstance(chain, Chain)]
        if kinds != [Each, Pairs, Each, Flatten] or len(inner) != 2:
            raise ValueError("its network is no pair classifier's")
        estimator = cls(layers=inner[0], comparison=inner[1][:-1])
        estimator.input_shape_ = tuple(input_shape)
        estimator.n_features_in_ = estimator.input_shape_[0]
        estimator._random = check_random_state(None)
        estimator._adopt(network, params)
        estimator.scales_ = dict(scales)
        return estimator

    @property
    def classes_(self) -> NDArray[np.bool_]:
        """False: different writers; True: the same."""
        return np.array([False, True])

    @property
    def group_size(self) -> int:
        """Pictures in a group that the network was trained on."""
        pairs = next(layer.pairs for layer in self.network_ if isinstance(layer, Pairs))
        return 1 + int(np.max(pairs))

    def _sample_shape(self) -> tuple[int, ...]:
        return (sum(self.group), *self.input_shape_)


def _deny_common(owners: NDArray, others: NDArray) -> None:
    both = np.intersect1d(owners, others)
    if len(both):
        raise ValueError(
            f"writer {both[0]} is in both the training and the development data; thresholds need "
            "writers that training does not see"
        )


def _deny_order(comparison: Chain, in_shape: Shape) -> None:
    """ValueError where the order of two embeddings of that shape would make a difference."""
    rng = np.random.default_rng(0)
    params = pack(comparison.init((2, *in_shape), rng)[0], np.float64)
    pair = rng.random((1, 2, *in_shape))
    one, other = (comparison(params, x)[0] for x in (pair, pair[:, ::-1]))
    if one.shape != (1, 1) or not np.allclose(one, other, rtol=1e-6, atol=1e-9):
        raise ValueError(
            "comparison gives another answer where the two pictures change places; begin it with "
            "Difference(), or with Alignment() and end it with Average()"
        )
