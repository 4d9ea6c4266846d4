"""The pair classifier: it learns, its order makes no difference, and what it refuses."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from bpapps.core import (
    Alignment,
    Average,
    Chain,
    Conv2D,
    Dense,
    Dropout,
    Each,
    Flatten,
    GlobalPool2D,
    PairCrossEntropy,
    ReLU,
    Reshape,
    Tanh,
    check_loss,
)
from bpapps.kinds.verification.committees import committee
from bpapps.kinds.verification.pairs import PairClassifier
from bpapps.kinds.verification.roc import choose_threshold, equal_error_rate
from bpapps.kinds.verification.sampling import GroupSampler, pairs_within
from bpapps.kinds.verification.scored import Scored
from bpapps.kinds.verification.trials import pair_trials, usual_score

GLOROT = "glorot_uniform"
Data = tuple[NDArray, NDArray, NDArray]


def writers(first: int, count: int, each: int = 8, seed: int = 0) -> Data:
    """Points around a centre for each writer; its forgeries are near, but off along one axis.

    Two axes are mostly noise, which a distance cannot know and a net learns.
    """
    spread = np.array([0.15, 0.15, 0.15, 0.15, 1.5, 1.5])
    rng = np.random.default_rng(seed)
    X, owners, genuine = [], [], []
    for writer in range(first, first + count):
        centre = np.random.default_rng([7, writer]).normal(size=6)
        for flag in (True, False):
            some = centre + spread * rng.normal(size=(each, 6))
            some[:, 0] += 0 if flag else 1.5
            X.append(some)
            owners += [f"w{writer:03d}"] * each
            genuine += [flag] * each
    return np.concatenate(X).astype(np.float32), np.array(owners), np.array(genuine)


VECTOR: dict[str, Any] = {
    "hidden_layer_sizes": (16, 8), "max_iter": 15, "learning_rate_init": 0.01, "random_state": 0,
}  # fmt: skip
ALIGNED: dict[str, Any] = {
    **VECTOR,
    "layers": [Reshape((2, 3, 1)), Conv2D(4, 3, padding=1)],
    "comparison": [Alignment(), Each(Chain(Conv2D(4, 1), ReLU(), GlobalPool2D())), Average()],
    "max_iter": 2,
}
NETS = {"vector": VECTOR, "aligned": ALIGNED}


@pytest.fixture(scope="module")
def trained() -> PairClassifier:
    return PairClassifier(**VECTOR).fit(*writers(0, 40), development=writers(100, 10))


@dataclass(frozen=True)
class Nudge:
    """Distorts points a little; ``alike`` does so to all of them in the same way."""

    size: float = 0.1

    def __call__(self, x: NDArray, rng: np.random.Generator) -> NDArray:
        return (x + self.size * rng.normal(size=x.shape)).astype(x.dtype)

    def alike(self, x: NDArray, rng: np.random.Generator) -> NDArray:
        return (x + self.size * rng.normal(size=x.shape[1:])).astype(x.dtype)


@pytest.fixture(scope="module", params=list(NETS))
def either(request: pytest.FixtureRequest, trained: PairClassifier) -> PairClassifier:
    if request.param == "vector":
        return trained
    return PairClassifier(**ALIGNED).fit(*writers(0, 6), development=writers(100, 2))


# ------------------------------------------------------------------ committees


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(NETS))
def test_a_committee_scores_as_its_members_do_in_the_mean(kind: str) -> None:
    data, X = writers(0, 6), writers(200, 3)[0]
    members = [
        PairClassifier(**{**NETS[kind], "max_iter": 2, "random_state": seed}).fit(*data)
        for seed in range(3)
    ]
    joined = committee(members, *writers(100, 4))
    mean = np.mean([member.score_matrix(X) for member in members], axis=0)
    np.testing.assert_allclose(joined.score_matrix(X), mean, rtol=1e-4, atol=1e-4)
    assert set(joined.scales_) == set(range(1, 8))
    assert joined.threshold().value != members[0].threshold().value
    further = clone(joined).set_params(max_iter=1).begin_from(joined).fit(*data)
    assert (further.params_.vector != joined.params_.vector).mean() > 0.9


@pytest.mark.slow
def test_a_committee_needs_members_of_one_form(trained: PairClassifier) -> None:
    development = writers(100, 4)
    other = PairClassifier(hidden_layer_sizes=(4,), max_iter=1).fit(*writers(0, 6))
    for members in ([], [trained], [trained, other]):
        with pytest.raises(ValueError, match="two members at least, all with the same layers"):
            committee(members, *development)
    with pytest.raises(ValueError, match="X has 3 features"):
        committee([trained, trained], development[0][:, :3], *development[1:])


# ------------------------------------------------------------------ learning


@pytest.mark.slow
def test_distorted_copies_have_votes(trained: PairClassifier) -> None:
    X = writers(200, 3)[0]
    plain = clone(trained).begin_from(trained)
    plain.scales_ = trained.scales_
    voting = clone(trained).set_params(votes=3, augment=Nudge()).begin_from(trained)
    looks = [X, *(Nudge().alike(X, np.random.default_rng(vote)) for vote in range(3))]
    mean = np.mean([plain.score_matrix(look) for look in looks], axis=0)
    np.testing.assert_allclose(voting.score_matrix(X), mean, rtol=1e-5, atol=1e-6)
    one = voting.score_samples(X[:2], X[2:5])
    np.testing.assert_array_equal(one, voting.score_samples(X[:2], X[[4, 2, 3]]))
    with pytest.raises(ValueError, match="votes need an augment"):
        voting.set_params(augment=None).score_matrix(X)


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        ({}, [Dense(16), ReLU(), Dense(8)]),
        ({"activation": "tanh"}, [Dense(16, GLOROT), Tanh(), Dense(8, GLOROT)]),
        ({"activation": ["tanh", "relu"]}, [Dense(16, GLOROT), Tanh(), Dense(8)]),
        ({"dropout": 0.1}, [Dense(16), ReLU(), Dropout(0.1), Dense(8)]),
        ({"hidden_layer_sizes": ()}, []),
    ],
)
def test_the_layers_that_embed(settings: dict, layers: list) -> None:
    net = PairClassifier(**{**VECTOR, "max_iter": 1, **settings}).fit(*writers(0, 6))
    assert net.network_.layers[0] == Each(Chain(*layers))


@pytest.mark.slow
def test_it_goes_on_from_what_it_learned(trained: PairClassifier) -> None:
    further = PairClassifier(**VECTOR).begin_from(trained)
    further.fit(*writers(0, 40), development=writers(100, 10))
    assert further.history_[0].loss < 0.8 * trained.history_[0].loss
    assert further.n_iter_ == len(further.history_) == VECTOR["max_iter"]
    with pytest.raises(ValueError, match="other layers"):
        PairClassifier(**{**VECTOR, "hidden_layer_sizes": (16,)}).begin_from(trained)


def test_it_tells_new_writers_apart(trained: PairClassifier) -> None:
    X, owners, genuine = writers(200, 15)
    trials = pair_trials(trained.score_matrix(X), owners, genuine)
    assert equal_error_rate(trials, "skilled") < 0.15
    assert equal_error_rate(trials, "random") < 0.1
    raw = -np.linalg.norm(X[:, None] - X[None], axis=2)
    by_distance = pair_trials(raw, owners, genuine)
    learned, given = (equal_error_rate(one, "skilled") for one in (trials, by_distance))
    assert learned < given / 2


def test_more_references_help(trained: PairClassifier) -> None:
    X, owners, genuine = writers(200, 15)
    scored = Scored(trained.score_matrix(X), owners, genuine)
    one, five = (equal_error_rate(scored.trials(k)) for k in (1, 5))
    assert five < one


def test_thresholds_are_of_the_development_writers(trained: PairClassifier) -> None:
    X, owners, genuine = writers(100, 10)
    scored = Scored(trained.score_matrix(X), owners, genuine)
    assert list(trained.scales_) == list(range(1, 8))
    for k, scale in trained.scales_.items():
        trials = scored.trials(k)
        assert scale.threshold == choose_threshold(trials)
        assert scale.threshold.n == 10
        for at in (-5.0, 0.0, scale.threshold.value, 5.0):
            below = (trials.scores("genuine") < at).mean()
            above = (trials.scores("skilled") >= at).mean()
            assert scale.genuine_below(at) == pytest.approx(below, abs=0.02)
            assert scale.forged_above(at) == pytest.approx(above, abs=0.02)
    assert trained.threshold(9) == trained.scales_[7].threshold
    assert (trained.scaled(4), trained.scaled(9)) == (4, 7)
    assert trained.threshold(99) == trained.scales_[7].threshold


def test_probabilities_are_of_the_development_writers(trained: PairClassifier) -> None:
    X, owners, genuine = writers(100, 10)
    trials = Scored(trained.score_matrix(X), owners, genuine).trials()
    same = [trained.scale().probability(trials.scores(kind)) for kind in ("genuine", "skilled")]
    assert same[0].mean() + same[1].mean() == pytest.approx(1, abs=0.01)


@pytest.mark.slow
def test_a_wanted_false_acceptance_rate_is_kept() -> None:
    strict = PairClassifier(**VECTOR, far=0.01)
    strict.fit(*writers(0, 12), development=writers(100, 10))
    assert all(scale.threshold.far <= 0.01 for scale in strict.scales_.values())


def test_without_forgeries_thresholds_are_against_random_ones() -> None:
    X, owners, genuine = (array[: 8 * 16 * 2] for array in writers(0, 24))
    net = PairClassifier(**{**VECTOR, "max_iter": 2}, group=(4, 0, 4))
    net.fit(X[genuine], owners[genuine])
    assert {scale.threshold.against for scale in net.scales_.values()} == {"random"}


def test_held_out_writers_are_not_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[NDArray] = []
    learn = PairClassifier._learn

    def spy(self: PairClassifier, X: NDArray, owners: NDArray, genuine: NDArray) -> None:
        seen.append(owners)
        learn(self, X, owners, genuine)

    monkeypatch.setattr(PairClassifier, "_learn", spy)
    net = PairClassifier(**{**VECTOR, "max_iter": 1}, validation_fraction=0.25)
    net.fit(*writers(0, 12))
    assert len(np.unique(seen[0])) == 9
    assert net.threshold().n == 3


# ------------------------------------------------------------------ order


def test_the_order_of_a_pair_makes_no_difference(either: PairClassifier) -> None:
    X = writers(300, 4)[0]
    pairs = np.random.default_rng(0).choice(X, (20, 2))
    assert np.array_equal(either.decision_function(pairs), either.decision_function(pairs[:, ::-1]))


def test_the_order_of_references_makes_no_difference(either: PairClassifier) -> None:
    X = writers(300, 4)[0]
    rng = np.random.default_rng(0)
    scores = either.score_samples(X[:3], X[3:8])
    assert scores.shape == (3,)
    for _ in range(5):
        assert np.array_equal(scores, either.score_samples(X[:3], rng.permutation(X[3:8])))


def test_all_ways_of_scoring_agree(either: PairClassifier) -> None:
    X = writers(300, 2, each=4)[0]
    matrix = either.score_matrix(X)
    assert np.array_equal(matrix, matrix.T, equal_nan=True)
    pair = either.decision_function(X[None, :2])
    assert np.allclose(matrix[0, 1], pair, atol=1e-5)
    assert np.allclose(either.score_samples(X[:1], X[1:2]), pair, atol=1e-5)
    three = either.score_samples(X[:1], X[1:4])
    together = (matrix[0, 1:4].mean() + matrix[0, 1:4].max()) / 2
    usual = usual_score(matrix[1:4, 1:4], "mean and max")
    assert np.allclose(three, together - usual, atol=1e-5)
    same = either.predict_proba(X[None, :2])
    assert np.allclose(same.sum(axis=1), 1)
    assert np.allclose(same[:, 1], either.scale().probability(pair))
    assert either.predict(X[None, :2]) == (pair >= either.threshold().value)


# ------------------------------------------------------------------ repeatable


@pytest.mark.slow
@pytest.mark.parametrize("net", NETS.values(), ids=list(NETS))
def test_threads_and_a_resume_change_no_bit(net: dict, tmp_path: Path) -> None:
    data, held = writers(0, 6), writers(100, 2)
    settings = {**net, "max_iter": 3}
    whole = PairClassifier(**settings, n_jobs=1).fit(*data, development=held)
    two = PairClassifier(**settings, n_jobs=2).fit(*data, development=held)
    assert np.array_equal(whole.params_.vector, two.params_.vector)

    def stop(epoch: Any, _: Any) -> bool:
        return epoch.epoch == 2

    file = tmp_path / "checkpoint.safetensors"
    PairClassifier(**settings, checkpoint=file, callbacks=[stop]).fit(*data, development=held)
    resumed = PairClassifier(**settings, checkpoint=file).fit(*data, development=held)
    assert np.array_equal(whole.params_.vector, resumed.params_.vector)
    assert whole.scales_ == resumed.scales_


def test_it_is_an_estimator(trained: PairClassifier) -> None:
    again = pickle.loads(pickle.dumps(trained))
    X = writers(300, 2)[0]
    assert np.array_equal(again.score_matrix(X), trained.score_matrix(X), equal_nan=True)
    assert clone(trained).get_params().keys() == trained.get_params().keys()
    with pytest.raises(NotFittedError):
        clone(trained).score_samples(X[:1], X[1:])


def test_it_can_be_made_of_stored_parts(either: PairClassifier) -> None:
    X = writers(300, 2)[0]
    again = PairClassifier.from_trained(
        either.network_, either.params_, either.scales_, either.input_shape_
    )
    assert np.array_equal(again.score_matrix(X), either.score_matrix(X), equal_nan=True)
    with pytest.raises(ValueError, match="no pair classifier's"):
        PairClassifier.from_trained(Chain(Dense(2)), either.params_, {}, (6,))


# ------------------------------------------------------------------ sampling and the loss


def test_pairs_within_a_group() -> None:
    pairs = pairs_within(3, 2, 1)
    assert len(pairs.items) == len(set(pairs.items)) == 3 + 6 + 3
    assert np.bincount(pairs.kinds).tolist() == [3, 6, 3]
    assert pairs.targets.sum() == 3
    assert pairs.items[:4] == ((0, 1), (0, 2), (1, 2), (0, 3))


def test_groups_are_of_whom_they_should_be() -> None:
    X, owners, genuine = writers(0, 5)
    numbers = np.unique(owners, return_inverse=True)[1]
    tagged = np.stack([numbers, genuine, np.arange(len(X))], axis=1).astype(np.float32)
    draw, y = GroupSampler((4, 3, 2)), np.stack([numbers, genuine], axis=1)
    groups = np.array([3, 0, 8])
    drawn, targets = draw(tagged, y, groups, np.random.default_rng(0))
    assert drawn.shape == (3, 9, 3)
    assert targets.tolist() == 3 * [pairs_within(4, 3, 2).targets.tolist()]
    for owner, group in zip((3, 0, 3), drawn, strict=True):  # of five writers in turn
        assert (group[:7, 0] == owner).all()
        assert (group[7:, 0] != owner).all()
        assert group[:, 1].tolist() == [1] * 4 + [0] * 3 + [1] * 2
        assert len(np.unique(group[:7, 2])) == 7
    assert not np.array_equal(drawn, draw(tagged, y, groups, np.random.default_rng(1))[0])


def test_only_the_hardest_pairs_of_each_kind_count() -> None:
    loss = PairCrossEntropy((0, 0, 1, 1, 1), (0.5, 0.5), hardest=0.5)
    logits = np.array([[3.0, -1.0, -4.0, 2.0, 1.0]])
    targets = np.array([[1.0, 1.0, 0.0, 0.0, 0.0]])
    value, gradient = loss(logits, targets)
    assert (gradient != 0).tolist() == [[False, True, False, True, True]]
    hard = np.log1p(np.exp([1.0, 2.0, 1.0]))
    assert value == pytest.approx(0.5 * hard[0] + 0.25 * (hard[1] + hard[2]))
    assert check_loss(loss, logits, targets) < 1e-6


# ------------------------------------------------------------------ what it refuses


def _with(data: Data, **changed: Any) -> dict[str, Any]:
    return {**dict(zip(("X", "y", "genuine"), data, strict=True)), **changed}


@pytest.mark.parametrize(
    ("settings", "changed", "message"),
    [
        ({}, {"y": np.full(96, "a")}, "1 writer"),
        ({}, {"genuine": np.zeros(96, bool)}, "has forgeries, but no genuine picture"),
        ({}, {"genuine": np.ones(5, bool)}, "96 pictures, but 96 writers and 5 flags"),
        ({}, {"development": writers(5, 3)}, "writer w005 is in both"),
        ({}, {"development": tuple(a[:3] for a in writers(50, 1))}, "1 writer"),
        ({"group": (1, 4, 4)}, {}, "group must be"),
        ({"group": (4, 0, 0)}, {}, "group must be"),
        ({"group": (4, 4)}, {}, "group must be"),
        ({"solver": "lbfgs"}, {}, "no lbfgs"),
        ({"early_stopping": True}, {}, "no lbfgs, no early_stopping"),
        ({"hardest": 0.0}, {}, "hardest"),
        ({"far": 1.0}, {}, "far"),
        ({"comparison": [Flatten()]}, {}, "change places"),
        ({"checkpoint": "x", "random_state": None}, {}, "random_state"),
        ({"votes": 2}, {}, "votes need an augment"),
        ({"hidden_layer_sizes": (8, 0)}, {}, "whole numbers above 0"),
        ({"activation": ["relu"]}, {}, "2 hidden layers need as many, not 1"),
    ],
)
def test_what_fit_refuses(settings: dict, changed: dict, message: str) -> None:
    net = PairClassifier(**{**VECTOR, "max_iter": 1, **settings})
    with pytest.raises(ValueError, match=message):
        net.fit(**_with(writers(0, 6), **changed))
    assert not getattr(net, "n_iter_", 0)  # before any training


def test_few_writers_cannot_be_held_out() -> None:
    with pytest.raises(ValueError, match="give development data"):
        PairClassifier(**VECTOR).fit(*writers(0, 3))


def test_what_scoring_refuses(trained: PairClassifier) -> None:
    X = writers(0, 2)[0]
    with pytest.raises(ValueError, match="no reference"):
        trained.score_samples(X[:1], X[:0])
    with pytest.raises(ValueError, match="no reference"):
        trained.threshold(0)
    with pytest.raises(ValueError, match="shape"):
        trained.decision_function(X)
    with pytest.raises(ValueError, match="6 features"):
        trained.score_samples(X[:1, :3], X[1:, :3])
    with pytest.raises(ValueError, match="NaN"):
        trained.score_samples(X[:1] * np.nan, X[1:])
