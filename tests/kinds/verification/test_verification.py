"""Verification: trials, rates and intervals, against hand-made cases and scikit-learn."""

from __future__ import annotations

import dataclasses
import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from bpapps.kinds.verification.rates import DET_POINTS, histogram, measure
from bpapps.kinds.verification.records import Threshold, Verification
from bpapps.kinds.verification.roc import choose_threshold, equal_error_rate, roc
from bpapps.kinds.verification.trials import (
    GENUINE,
    KINDS,
    RANDOM,
    SKILLED,
    Trials,
    pair_trials,
    reference_trials,
    usual_score,
)
from bpapps.measures.intervals import Interval, wilson
from bpapps.plain import from_plain, to_plain


def trials(genuine: Any, skilled: Any = (), random: Any = (), owner: Any = None) -> Trials:
    """Trials of given scores, by turns of owners a and b; random ones are by the other one."""
    scores = [np.asarray(part, dtype=float) for part in (genuine, skilled, random)]
    kind = np.repeat(np.arange(3), [len(part) for part in scores]).astype(np.int8)
    of = np.concatenate([np.arange(len(part)) % 2 for part in scores])
    of = of if owner is None else np.asarray(owner)
    by = np.where(kind == RANDOM, 1 - of, of)
    return Trials(np.concatenate(scores), kind, of, by, ["a", "b"])


def people(
    n: int, genuine: int = 6, forged: int = 5, seed: int = 0, noise: float = 0.5, first: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, owners and flags of pictures that are points in a plane."""
    rng = np.random.default_rng(seed)
    points, owners, real = [], [], []
    for one in range(n):
        centre = rng.normal(size=6)
        points += [centre + noise * rng.normal(size=6) for _ in range(genuine + forged)]
        for point in points[len(points) - forged :]:
            point += 0.3 * rng.normal(size=6)
        owners += [f"w{first + one}"] * (genuine + forged)
        real += [True] * genuine + [False] * forged
    x = np.array(points)
    scores = -((x[:, None] - x) ** 2).sum(axis=-1)
    order = rng.permutation(len(owners))  # nothing may hang on the order of pictures
    return scores[np.ix_(order, order)], np.array(owners)[order], np.array(real)[order]


# --- trials -------------------------------------------------------------------------------

OWNERS = ["x", "x", "x", "y", "y", "y"]
REAL = [True, True, False, True, True, False]
PLACE = 10.0 * np.arange(6)[:, None] + np.arange(6)  # a score tells its row and column


def found(some: Trials, kind: str) -> list[int]:
    return sorted(some.scores(kind).astype(int).tolist())


def test_pairs_of_one_reference() -> None:
    some = pair_trials(PLACE, OWNERS, REAL)
    assert found(some, "genuine") == [1, 34]
    assert found(some, "skilled") == [2, 12, 35, 45]
    assert found(some, "random") == [3, 4, 13, 14, 30, 31, 40, 41]
    assert some.names == ["x", "y"]
    assert some.reference is not None
    assert some.questioned is not None
    np.testing.assert_array_equal(10 * some.reference + some.questioned, some.score)
    np.testing.assert_array_equal(some.owner, some.reference // 3)
    np.testing.assert_array_equal(some.by, some.questioned // 3)


@pytest.mark.parametrize(
    ("combine", "expected"), [("mean", 20), ("min", 10), ("max", 30), ("mean and max", 25)]
)
def test_scores_with_several_references_become_one(combine: str, expected: float) -> None:
    scores = np.zeros((5, 5))
    scores[[0, 1, 2], 3] = scores[3, [0, 1, 2]] = [10, 20, 30]
    scores[[0, 1, 2], 4] = 7
    owners, real = ["x", "x", "x", "x", "x"], [True, True, True, True, False]
    for seed in range(20):
        some = reference_trials(scores, owners, real, 3, draws=1, seed=seed, combine=combine)
        assert some.scores("skilled").tolist() in ([7.0], [14 / 3], [(7 + 14 / 3) / 2], [0.0])
        if some.score[some.kind == GENUINE][0] == expected:
            return
    pytest.fail("no draw of the first three references")


def test_who_is_questioned_against_k_references() -> None:
    some = reference_trials(*people(4), 3, draws=7)
    counts = np.bincount(some.kind).tolist()
    assert counts == [4 * 7 * 3, 4 * 7 * 5, 4 * 7 * 18]
    assert (some.owner == some.by)[some.kind != RANDOM].all()
    assert (some.owner != some.by)[some.kind == RANDOM].all()
    _, owners, real = people(4)
    assert some.questioned is not None
    np.testing.assert_array_equal(np.array(some.names)[some.by], owners[some.questioned])
    np.testing.assert_array_equal(some.kind == SKILLED, ~real[some.questioned])


def test_no_reference_is_questioned_and_seeds_draw_others() -> None:
    """With marks of 1 between equal pictures, a reference questioned would score 1."""
    scores, owners, real = people(4)
    scores = scores + 1e6 * np.eye(len(scores))
    drawn = [reference_trials(scores, owners, real, 2, seed=seed) for seed in (0, 0, 1)]
    assert all(some.score.max() < 1e5 for some in drawn)
    np.testing.assert_array_equal(drawn[0].score, drawn[1].score)
    assert (drawn[0].score != drawn[2].score).any()


def test_references_of_a_smaller_k_are_among_those_of_a_larger() -> None:
    first = [reference_trials(*people(4), k, draws=3).reference for k in (1, 4)]
    assert first[0] is not None
    assert first[1] is not None
    assert set(first[0]) == set(first[1])


def test_centred_scores_are_less_what_references_score_among_each_other() -> None:
    scores, owners, real = people(4)
    scores += 1e6 * np.eye(len(scores))  # the diagonal is nobody's score
    plain, centred = (
        reference_trials(scores, owners, real, 3, draws=1, centred=way) for way in (False, True)
    )
    for name in plain.names:
        own = np.flatnonzero(real & (owners == name))
        usual = [
            usual_score(scores[np.ix_(some, some)], "mean")
            for some in itertools.combinations(own, 3)
        ]
        taken = (plain.score - centred.score)[plain.owner == plain.names.index(name)]
        assert np.allclose(taken, taken[0])
        assert np.isclose(taken[0], usual).any()


@pytest.mark.parametrize(
    ("combine", "usual"), [("mean", 4.0), ("max", 17 / 3), ("min", 7 / 3), ("mean and max", 29 / 6)]
)
def test_each_reference_is_questioned_against_the_others(combine: str, usual: float) -> None:
    """Three pairs count as five, of which two score 0."""
    own = np.array([[99, 1, 6], [1, 99, 5], [6, 5, 99]], dtype=float)
    assert usual_score(own, combine) == pytest.approx(usual * 3 / 5)
    assert usual_score(own[:1, :1], combine) == 0


def test_owners_on_scales_of_their_own_are_told_apart_once_centred() -> None:
    scores, owners, real = people(12, genuine=9, seed=3)
    scale = np.array([1 + 3 * (int(name[1:]) % 4) for name in owners])
    scores = scores * np.sqrt(scale[:, None] * scale)
    plain, centred = (
        equal_error_rate(reference_trials(scores, owners, real, 4, centred=way))
        for way in (False, True)
    )
    assert centred < plain


BAD: dict[str, tuple[Any, str]] = {
    "one genuine each": (lambda: pair_trials(np.eye(2), ["x", "y"], [1, 1]), "no genuine trial"),
    "no genuine": (lambda: pair_trials(np.eye(3), ["x", "x", "y"], [0, 0, 0]), "no genuine trial"),
    "not finite": (lambda: pair_trials(np.full((2, 2), np.inf), ["x", "x"], [1, 1]), "finite"),
    "none scored": (lambda: pair_trials(np.full((2, 2), np.nan), ["x", "x"], [1, 1]), "no genuine"),
    "not square": (lambda: pair_trials(np.ones((2, 3)), ["x", "x"], [1, 1]), "do not fit"),
    "flags short": (lambda: pair_trials(np.ones((2, 2)), ["x", "x"], [1]), "do not fit"),
    "k too large": (
        lambda: reference_trials(np.ones((5, 5)), list("xxxyy"), [1] * 5, 2),
        "2 references need 3 genuine pictures of each owner, but y has 2",
    ),
    "k zero": (lambda: reference_trials(PLACE, OWNERS, REAL, 0), "at least 1"),
    "combine": (lambda: reference_trials(PLACE, OWNERS, REAL, 1, combine="sum"), "mean, max, min"),
    "no skilled": (lambda: choose_threshold(trials([1, 2], (), [0])), "no skilled forgeries"),
    "odd kind": (lambda: roc(trials([1], [0]), "forged"), "skilled or random, not 'forged'"),
    "odd far": (lambda: choose_threshold(trials([1], [0]), far=1), r"in \[0, 1\), not 1"),
    "one owner": (
        lambda: measure(dataclasses.replace(trials([1], [0]), names=["a"])),
        "at least two",
    ),
    "twice": (
        lambda: measure([trials([1], [0])] * 2, [[choose_threshold(trials([1], [0]))]] * 2),
        "a is tested in two folds",
    ),
    "no thresholds": (lambda: measure([trials([1], [0])] * 2), "several folds need thresholds"),
    "too few": (
        lambda: measure([trials([1], [0])] * 2, [choose_threshold(trials([1], [0]))]),
        "folds: 2, but thresholds are of 1",
    ),
    "other rules": (
        lambda: measure(
            [trials([1], [0])] * 2,
            [[choose_threshold(trials([1], [0]), far=far)] for far in (None, 0.1)],
        ),
        "same rules",
    ),
    "no fold": (lambda: measure([]), "thresholds|no fold"),
    "lengths": (lambda: dataclasses.replace(trials([1, 2]), score=np.ones(3)), "as many scores"),
}


def test_pairs_that_were_not_scored_make_no_trials() -> None:
    scores = np.arange(36.0).reshape(6, 6)
    scores[0, 1] = scores[3, 0] = scores[0, 3] = np.nan
    owners, genuine = ["a", "a", "a", "b", "b", "b"], [1, 1, 0, 1, 1, 0]
    whole = pair_trials(np.arange(36.0).reshape(6, 6), owners, genuine)
    left = pair_trials(scores, owners, genuine)
    assert len(whole.score) - len(left.score) == 3
    assert set(left.score) == set(whole.score) - {1.0, 18.0, 3.0}
    several = reference_trials(scores, owners, genuine, 1, draws=4)
    assert np.isfinite(several.score).all()


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case: str) -> None:
    call, message = BAD[case]
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


# --- rates --------------------------------------------------------------------------------

SCORES = st.lists(st.integers(0, 12), min_size=1, max_size=30)


@pytest.mark.slow
@given(SCORES, SCORES)
@settings(max_examples=150, deadline=None)
def test_roc_eer_and_auc_are_those_of_scikit_learn(genuine: list[int], forged: list[int]) -> None:
    truth = np.repeat([1, 0], [len(genuine), len(forged)])
    scores = np.array(genuine + forged, dtype=float)
    some = trials(genuine, forged)
    thresholds, frr, far = roc(some)
    fpr, tpr, limits = roc_curve(truth, scores, drop_intermediate=False)
    np.testing.assert_array_equal(thresholds[:-1], limits[:0:-1])
    np.testing.assert_allclose(far[::-1], fpr)
    np.testing.assert_allclose(1 - frr[::-1], tpr)
    rate = equal_error_rate(some)
    # the ROC rises and FRR = FAR falls, so where they meet is found by bisection of the two
    ends = [0.0, 1.0]
    for _ in range(60):
        middle = sum(ends) / 2
        ends[int(_highest(middle, fpr, tpr) >= 1 - middle)] = middle
    assert rate == pytest.approx(ends[1], abs=1e-9)
    area = measure(some, draws=2).skilled
    assert area is not None
    assert area.auc.value == pytest.approx(roc_auc_score(truth, scores))


def _highest(x: float, fpr: np.ndarray, tpr: np.ndarray) -> float:
    """The ROC at x, its highest point where it is upright."""
    last = int(np.flatnonzero(fpr <= x).max())
    if last == len(fpr) - 1 or fpr[last] == x:
        return float(tpr[last])
    share = (x - fpr[last]) / (fpr[last + 1] - fpr[last])
    return float(tpr[last] + share * (tpr[last + 1] - tpr[last]))


@pytest.mark.parametrize(
    ("genuine", "forged", "expected"),
    [
        ([3, 4], [1, 2], 0),
        ([1, 2], [3, 4], 1),
        ([1, 1], [1, 1], 0.5),  # all equal: the straight line from (1, 0) to (0, 1)
        ([1, 3], [0, 2], 0.5),
        ([1, 3, 4, 5], [0, 0, 0, 2], 0.25),
        ([2, 3], [1, 2], 0.25),  # halfway from FRR 0, FAR 1/2 to FRR 1/2, FAR 0
    ],
)
def test_equal_error_rates_by_hand(genuine: list, forged: list, expected: float) -> None:
    assert equal_error_rate(trials(genuine, forged)) == pytest.approx(expected)


@given(SCORES, SCORES)
@settings(max_examples=60, deadline=None)
def test_rates_hang_on_the_order_of_scores_only(genuine: list[int], forged: list[int]) -> None:
    plain = equal_error_rate(trials(genuine, forged))
    assert 0 <= plain <= 1
    stretched = trials(np.exp(np.array(genuine) / 3), np.exp(np.array(forged) / 3))
    assert equal_error_rate(stretched) == pytest.approx(plain)
    swapped = equal_error_rate(trials(-np.array(forged), -np.array(genuine)))
    assert swapped == pytest.approx(plain)


def test_against_random_forgeries() -> None:
    some = trials([2, 3], [9, 9], [0, 1])
    assert equal_error_rate(some, "random") == 0
    assert equal_error_rate(some, "skilled") == 1


# --- thresholds ---------------------------------------------------------------------------


@given(SCORES, SCORES, st.sampled_from([0, 0.01, 0.1, 0.25, 0.5, 0.99]))
@settings(max_examples=100, deadline=None)
def test_a_wanted_far_is_kept_and_made_use_of(
    genuine: list[int], forged: list[int], far: float
) -> None:
    chosen = choose_threshold(trials(genuine, forged), far=far)
    accepted = np.array(forged) >= chosen.value
    assert accepted.mean() == chosen.far <= far
    assert (np.array(genuine) < chosen.value).mean() == chosen.frr
    below = [score for score in genuine + forged if score < chosen.value]
    if below:  # the next lower threshold accepts too many
        assert (np.array(forged) >= max(below)).mean() > far


def test_equal_scores_are_never_half_accepted() -> None:
    chosen = choose_threshold(trials([5, 6, 7], [1, 2, 2, 2]), far=0.3)
    assert (chosen.value, chosen.far, chosen.frr) == (3.5, 0, 0)
    assert (chosen.rule, chosen.against, chosen.n) == ("FAR at most 30%", "skilled", 2)


@given(SCORES, SCORES)
@settings(max_examples=60, deadline=None)
def test_balance_is_the_least_difference(genuine: list[int], forged: list[int]) -> None:
    chosen = choose_threshold(trials(genuine, forged))
    _, frr, far = roc(trials(genuine, forged))
    gap = abs(chosen.frr - chosen.far)
    assert gap == np.abs(frr - far).min()
    assert chosen.far == far[np.abs(frr - far) == gap].min()
    assert (np.array(genuine) < chosen.value).mean() == chosen.frr
    assert (np.array(forged) >= chosen.value).mean() == chosen.far


def test_neighbouring_floats() -> None:
    one = 1.0
    chosen = choose_threshold(trials([np.nextafter(one, 2)], [one]), far=0)
    assert chosen.value == np.nextafter(one, 2)


# --- measuring ----------------------------------------------------------------------------


def at(value: float, rule: str = "fixed") -> Threshold:
    return Threshold(value, rule, "skilled", 0.0, 0.0, 2)


def test_rates_by_hand() -> None:
    #       a  b  a  b          a  b  a  b            a  b  a  b
    some = trials([5, 1, 5, 5], [0, 9, 0, 3], [0, 0, 0, 3])
    result = measure(some, [at(3), at(6, "other")])
    rates = result.rates[0]
    assert rates.frr.value == 0.25
    assert rates.far_skilled is not None
    assert rates.far_random is not None
    assert rates.average_error is not None
    assert rates.far_skilled.value == 0.5  # 3 is accepted at 3
    assert rates.far_random.value == 0.25
    assert rates.average_error.value == 0.375
    assert [rates.thresholds, result.rates[1].thresholds] == [[3], [6]]
    assert result.rates[1].frr.value == 1
    assert (result.n_owners, result.n_genuine, result.n_skilled, result.n_random) == (2, 4, 4, 4)
    worst, best = result.owners
    assert (worst.name, worst.frr, worst.far_skilled) == ("b", 0.5, 1)
    assert (best.name, best.frr, best.far_skilled) == ("a", 0, 0)
    skilled = result.skilled
    assert skilled is not None
    assert skilled.eer_own is not None
    assert skilled.eer_own.value == pytest.approx((0 + 0.5) / 2)
    assert (skilled.eer.value, skilled.eer_folds) == (skilled.eer_pooled.value, [0.25])


def test_frr_at_a_far_takes_no_more_than_it() -> None:
    forged = np.arange(1000) / 1000
    result = measure(trials([0.5, 0.9895, 0.9905, 0.9995, 2], forged)).skilled
    assert result is not None
    assert [(one.far, one.frr.value) for one in result.frr_at_far] == [(0.01, 0.2), (0.001, 0.6)]


def test_what_has_no_trials_is_none() -> None:
    only = measure(trials([1, 2], (), [0, 0]), [at(1)])
    assert only.skilled is None
    assert (only.rates[0].far_skilled, only.rates[0].average_error) == (None, None)
    assert only.random is not None
    assert only.random.eer.value == 0
    alone = measure(trials([1, 2]), [at(1)])
    assert (alone.skilled, alone.random, alone.n_skilled) == (None, None, 0)
    assert sum(alone.histogram.genuine) == 2
    untold = measure(trials([1, 2], [0, 0]))
    assert (untold.rates, untold.owners) == ([], [])
    apart = measure(trials([1], [0], owner=[0, 1])).skilled
    assert apart is not None
    assert apart.eer_own is None


@pytest.mark.slow
def test_without_errors_the_interval_is_that_of_so_many_owners() -> None:
    result = measure(pair_trials(*people(20, noise=0.001, forged=0)), [at(-1)])
    assert result.rates[0].frr == wilson(0, 20)
    assert result.random is not None
    assert result.random.auc == wilson(20, 20)
    assert result.random.eer == wilson(0, 20)


def test_results_go_to_json_and_back() -> None:
    some = pair_trials(*people(6))
    chosen = [choose_threshold(some), choose_threshold(some, far=0.1)]
    for result in (measure(some, chosen, protocol="one"), measure(trials([1, 2]))):
        written = json.loads(json.dumps(to_plain(result, "x"), allow_nan=False))
        assert from_plain(Verification, written, "x") == result


@pytest.mark.slow
def test_det_points_are_few_and_go_the_whole_way() -> None:
    result = measure(pair_trials(*people(12, genuine=10, noise=0.9)))
    for part in (result.skilled, result.random):
        assert part is not None
        det = part.det
        assert 30 < len(det) <= DET_POINTS
        assert (det[0].far, det[0].frr, det[-1].far, det[-1].frr) == (1, 0, 0, 1)
        assert all(a.far >= b.far and a.frr <= b.frr for a, b in itertools.pairwise(det))


def test_histograms_count_every_score_and_bear_a_stray_one() -> None:
    rng = np.random.default_rng(0)
    scores = [*rng.normal(size=5000), 1e9]
    told = histogram(trials(scores, [0, 1], [2]))
    counts = [getattr(told, kind) for kind in KINDS]
    assert [sum(part) for part in counts] == [5001, 2, 1]
    assert told.edges[-1] < 10
    assert len(told.edges) == len(counts[0]) + 1


# --- several folds ------------------------------------------------------------------------


def folds(scales: list[float], shifts: list[float]) -> tuple[list[Trials], list[list[Threshold]]]:
    tests, chosen = [], []
    for i, (scale, shift) in enumerate(zip(scales, shifts, strict=True)):
        scores, owners, real = people(5, seed=i, first=10 * i, noise=0.7)
        tests.append(pair_trials(scale * scores + shift, owners, real))
        scores, owners, real = people(8, seed=100 + i, noise=0.7)
        chosen.append([choose_threshold(pair_trials(scale * scores + shift, owners, real))])
    return tests, chosen


@pytest.mark.slow
def test_folds_keep_their_own_thresholds() -> None:
    plain = measure(*folds([1, 1, 1], [0, 0, 0]))
    moved = measure(*folds([1, 1, 1], [0, 70, -400]))
    assert plain.rates[0].frr == moved.rates[0].frr
    assert plain.rates[0].far_skilled == moved.rates[0].far_skilled
    assert plain.skilled is not None
    assert moved.skilled is not None
    assert plain.skilled.eer == moved.skilled.eer
    assert plain.skilled.eer_own == moved.skilled.eer_own
    assert moved.skilled.eer_pooled.value == pytest.approx(plain.skilled.eer_pooled.value)
    assert (plain.n_folds, plain.n_owners) == (3, 15)
    assert len(plain.rates[0].thresholds) == 3
    assert len(set(plain.rates[0].thresholds)) == 3
    tests, chosen = folds([1, 1, 1], [0, 0, 0])
    wrong = [(t.scores("genuine") < c[0].value) for t, c in zip(tests, chosen, strict=True)]
    assert plain.rates[0].frr.value == pytest.approx(np.concatenate(wrong).mean())
    assert plain.skilled.eer_folds == [equal_error_rate(test) for test in tests]
    assert plain.skilled.eer.value == pytest.approx(np.mean(plain.skilled.eer_folds))
    random = sum(len(test.scores("random")) for test in tests)
    assert plain.n_random == random  # nobody is questioned across folds


def test_a_fold_without_forgeries_is_left_out_of_their_rates() -> None:
    tests, chosen = folds([1, 1], [0, 0])
    tests[1] = pair_trials(*people(5, forged=0, first=50))
    result = measure(tests, chosen)
    assert result.skilled is not None
    assert result.skilled.eer_folds == [equal_error_rate(tests[0])]
    assert result.skilled.eer.value == result.skilled.eer_folds[0]
    assert result.random is not None
    assert len(result.random.eer_folds) == 2


# --- intervals ----------------------------------------------------------------------------


def width(interval: Interval | None) -> float:
    assert interval is not None
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    return interval.high - interval.low


def test_intervals_are_of_owners_not_of_pairs() -> None:
    """Ten times the pictures of the same owners make them no narrower by much."""
    rng = np.random.default_rng(1)
    ease = rng.uniform(0, 1, 30)  # the share of an owner's genuine trials that is accepted
    widths = []
    for each in (50, 500):
        owner = np.repeat(np.arange(30), each)
        score = (rng.uniform(size=len(owner)) < ease[owner]).astype(float)
        kind = np.zeros(len(owner), dtype=np.int8)
        some = Trials(score, kind, owner, owner, [str(i) for i in range(30)])
        frr = measure(some, [at(0.5)]).rates[0].frr
        assert frr.n == 30
        widths.append(width(frr))
    expected = 2 * 1.96 * ease.std() / np.sqrt(30)
    assert widths[1] > 0.8 * widths[0]
    assert widths[1] == pytest.approx(expected, rel=0.15)


@pytest.mark.long
def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    inside = []
    wide = pair_trials(*people(400, genuine=3, forged=3, seed=9, noise=0.8))
    truth = equal_error_rate(wide)
    for seed in range(60):
        some = pair_trials(*people(25, genuine=5, forged=5, seed=seed, noise=0.8))
        result = measure(some, draws=200).skilled
        assert result is not None
        inside.append(result.eer.low <= truth <= result.eer.high)
    assert np.mean(inside) > 0.85


@pytest.mark.slow
def test_intervals_are_those_of_drawing_owners_and_sorting_their_scores_anew() -> None:
    """The bootstrap by counts against the plain one, of the same draws."""
    some = pair_trials(*people(30, genuine=10, seed=2, noise=0.8))
    limit = choose_threshold(some, far=0.1)
    result = measure(some, [limit], draws=200)
    weights = np.random.default_rng(0).multinomial(30, np.full(30, 1 / 30), size=200)
    parts = {SKILLED: result.skilled, RANDOM: result.random}
    fars = {SKILLED: result.rates[0].far_skilled, RANDOM: result.rates[0].far_random}
    for kind, part in parts.items():
        eers, accepted = [], []
        for weight in weights:
            times = weight[some.owner] * np.where(some.kind == RANDOM, weight[some.by], 1)
            drawn = [
                np.repeat(some.score[some.kind == k], times[some.kind == k]) for k in (0, kind)
            ]
            eers.append(equal_error_rate(trials(*drawn)))
            accepted.append((drawn[1] >= limit.value).mean())
        assert part is not None
        assert ends(part.eer) == pytest.approx(np.quantile(eers, [0.025, 0.975]), abs=5e-4)
        assert ends(fars[kind]) == pytest.approx(np.quantile(accepted, [0.025, 0.975]), abs=1e-9)


def ends(interval: Interval | None) -> list[float]:
    assert interval is not None
    return [interval.low, interval.high]


def test_two_owners_whose_random_trials_some_draws_lack() -> None:
    result = measure(trials([1, 2, 3], [0, 2, 1], [0, 1.5]), [at(1.2)])
    assert result.random is not None
    assert width(result.random.eer) >= 0
    assert width(result.rates[0].far_random) >= 0


@pytest.mark.long
def test_more_owners_narrow_the_interval_and_seeds_hardly_matter() -> None:
    few, many = (measure(pair_trials(*people(n, noise=0.9)), draws=500).skilled for n in (10, 90))
    assert few is not None
    assert many is not None
    assert width(many.eer) < width(few.eer) / 2
    some = pair_trials(*people(30, noise=0.9))
    drawn = [measure(some, draws=1000, seed=seed).skilled for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] is not None
    assert drawn[2] is not None
    assert drawn[0].eer.low == pytest.approx(drawn[2].eer.low, abs=0.01)
