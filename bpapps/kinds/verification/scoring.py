"""Verifiers of a task: trained on writers, with thresholds of others, measured on yet others.

It goes from pictures to the trials and error rates of :mod:`bpapps.verification`. Nothing here
knows a task.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from bpapps.estimators.pairs import PairClassifier, Scored
from bpapps.estimators.scales import Scale
from bpapps.verification import Trials
from bpapps.verification_records import (
    HardPair,
    Rates,
    Threshold,
    TraitScore,
    Verification,
    VerifierNoiseCurve,
    VerifierNoisePoint,
    VerifierScores,
)
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from bpapps import verification
from bpapps.data.splits import OwnerSplit, Signed
from bpapps.evaluation import Calibration, DependencePoint, calibration, png_uri
from bpapps.experiments import point_generator, prediction_speed
from bpapps.measures.intervals import Interval
from bpapps.pictures import noise
from bpapps.pictures.arrays import as_pictures

Progress = Callable[[int, int, str], None]
Spoil = Callable[[Signed, float, np.random.Generator], Signed]
Traits = Callable[[Any], Mapping[str, NDArray]]

SEVERAL = (2, 3, 5, 8, 10)
"""Numbers of references that error rates are told with, beside one."""
STRICT = 0.01
"""The false acceptance rate of the second rule by which thresholds are chosen."""
IMPOSTORS = 60
"""Genuine pictures of others that a writer is tried with at most, drawn by the seed."""
NOISE_WRITERS, NOISE_EACH = 12, 5
"""Writers in the noise sweep; references, genuine and forged pictures of each."""
HARDEST, OF_ONE_WRITER = 12, 2
"""Pairs of each kind that are shown, and how many of one writer at most."""


# ------------------------------------------------------------------ training and scoring


def fit(pipeline: Pipeline, split: OwnerSplit) -> None:
    """Train the pipeline's pair classifier, and choose its thresholds on development writers."""
    normalize = pipeline[0].fit(split.train.images).transform
    chosen = split.development
    pipeline[-1].fit(
        normalize(split.train.images),
        split.train.owners,
        split.train.genuine,
        development=(normalize(chosen.images), chosen.owners, chosen.genuine),
    )


def with_ink(step: Any, split: OwnerSplit) -> OwnerSplit:
    """The split without pictures that show nothing to compare; a warning counts them.

    step: the preprocessing, which makes zeros of such. Synthetic signatures all have ink.
    """
    if split.data.get("synthetic"):
        return split

    def inked(part: Signed, use: str) -> Signed:
        if not len(part):
            return part
        kept = np.flatnonzero(step.transform(part.images).any(axis=1))
        if len(kept) == len(part):
            return part
        missing = f"{len(part) - len(kept)} of {len(part)} pictures {use}"
        warnings.warn(f"skipped {missing}: there is no ink in them", stacklevel=3)
        return part.take(kept)

    return replace(
        split,
        train=inked(split.train, "to train on"),
        development=inked(split.development, "to choose thresholds on"),
        test=inked(split.test, "to test on"),
    )


def score(pipeline: Pipeline, part: Signed, seed: int = 0, *, others: bool = True) -> Scored:
    """Score all pairs that trials are made of; ``others``: also some with others' signatures."""
    rows = pipeline[0].transform(part.images)
    scores = pipeline[-1].score_matrix(rows, _wanted(part, seed, others))
    return Scored(scores, part.owners, part.genuine)


@dataclass(frozen=True)
class ScoredSplit:
    """The scored pairs of a split's test part and of its development part.

    The latter is None of data that the net was not trained on: nothing is chosen on them.
    ``equal`` are the pairs of strokes made equal, None where preprocessing has no such way.
    """

    test: Scored
    development: Scored | None = None
    equal: ScoredSplit | None = None


def score_split(pipeline: Pipeline, split: OwnerSplit, *, own: bool, seed: int = 0) -> ScoredSplit:
    """Score what figures are taken of; ``own``: the net was trained on these data."""
    if not own:
        return ScoredSplit(score(pipeline, split.test, seed))

    def scored(net: Pipeline, equal: ScoredSplit | None = None) -> ScoredSplit:
        chosen_on = split.development
        # Thresholds are chosen against forgeries, where there are any.
        development = score(net, chosen_on, seed, others=bool(chosen_on.genuine.all()))
        return ScoredSplit(score(net, split.test, seed), development, equal)

    if "strokes" not in pipeline[0].get_params():
        return scored(pipeline)
    return scored(pipeline, scored(_with_equal_strokes(pipeline)))


def _with_equal_strokes(pipeline: Pipeline) -> Pipeline:
    """The same net behind preprocessing that makes all strokes equal."""
    step = clone(pipeline[0]).set_params(strokes="equal")
    return Pipeline([("preprocessing", step), ("net", pipeline[-1])])


def _wanted(part: Signed, seed: int, others: bool) -> NDArray[np.bool_]:
    """Which pairs (n, n) are worth a score."""
    same = part.owners[:, None] == part.owners
    real = part.genuine
    wanted = same & (real[:, None] | real)
    if not others:
        return wanted
    for number, owner in enumerate(np.unique(part.owners)):
        strangers = np.flatnonzero(real & (part.owners != owner))
        some = np.random.default_rng([seed, number]).permutation(strangers)[:IMPOSTORS]
        own = np.flatnonzero(real & (part.owners == owner))
        wanted[np.ix_(own, some)] = True
    return wanted


# ------------------------------------------------------------------ error rates


CENTRED = "centred score"
WAYS: Mapping[str, Mapping[str, Any]] = {
    CENTRED: {},
    "mean score": {"combine": "mean", "centred": False},
    "lowest score": {"combine": "min", "centred": False},
}
"""Ways to make one score of those with several references, the net's own first, and what
:meth:`Scored.trials` takes for each."""


def protocol(k: int, way: str = CENTRED) -> str:
    """How pictures are scored against k references, in words."""
    return "1 reference, every pair" if k == 1 else f"{k} references, {way}"


def one_reference(test: Scored, development: Scored | None, net: PairClassifier) -> Verification:
    """Error rates with one reference, at the net's threshold and at a strict one."""
    chosen = [net.threshold()]
    if development is not None:
        chosen += rules(development, fars=[STRICT])
    return verification.measure(test.trials(), chosen, protocol=protocol(1))


def tested_rates(test: Scored, net: PairClassifier) -> dict[int, Rates]:
    """Error rates with each number of references that the net has a threshold for, at it."""
    return {
        k: verification.measure(test.trials(k), [net.threshold(k)]).rates[0]
        for k in net.scales_
        if k == 1 or k < test.fewest
    }


def several_references(
    test: Scored, development: Scored | None, net: PairClassifier, seed: int
) -> list[Verification]:
    """The same with more, as many as the writers have, in all ways to make one score of theirs."""
    found = []
    for k in SEVERAL:
        if k >= test.fewest:
            break
        usual = test.trials(k, seed=seed)
        found.append(verification.measure(usual, [net.threshold(k)], protocol=protocol(k)))
        if development is not None and k < development.fewest:
            plain = [way for way in WAYS if way != CENTRED]
            found += [_plainly(test, development, k, seed, way) for way in plain]
    return found


def equal_strokes(scored: ScoredSplit) -> Verification | None:
    """As with one reference, of strokes made equal, by a threshold that was chosen on such."""
    if scored.equal is None or scored.equal.development is None:
        return None
    chosen = rules(scored.equal.development)
    text = f"{protocol(1)}, strokes made equal"
    return verification.measure(scored.equal.test.trials(), chosen, protocol=text)


def rules(
    development: Scored, k: int = 1, fars: Sequence[float | None] = (None,), **options: Any
) -> list[Threshold]:
    """The thresholds with k references that development writers choose, one for each rate.

    Args:
        fars: false acceptance rates that are wanted; None is for balance, FAR = FRR.
        options: those of :meth:`Scored.trials`.
    """
    trials = development.trials(k, **options)
    return [
        verification.choose_threshold(trials, far=far, against=development.against) for far in fars
    ]


def _plainly(test: Scored, development: Scored, k: int, seed: int, way: str) -> Verification:
    """Error rates with k references whose scores become one in a way that is not the net's."""
    options = {"seed": seed, **WAYS[way]}
    chosen = rules(development, k, **options)
    return verification.measure(test.trials(k, **options), chosen, protocol=protocol(k, way))


def trait_scores(traits: Mapping[str, NDArray], part: Signed) -> list[TraitScore]:
    """How far each trivial feature tells signatures apart, the most telling first."""
    found = []
    for name, values in traits.items():
        trials = verification.pair_trials(
            -np.abs(np.subtract.outer(values, values)), part.owners, part.genuine
        )
        measured = verification.measure(trials)
        eers = [apart.eer if apart else None for apart in (measured.skilled, measured.random)]
        found.append(TraitScore(name, *eers))
    return sorted(found, key=lambda trait: (trait.skilled or trait.random or _UNKNOWN).value)


_UNKNOWN = Interval(0.5, 0.0, 1.0, 0)


def warning(traits: Sequence[TraitScore], one: Verification) -> str:
    """What is to be said first: that a trivial feature does as well as the net; or nothing."""
    net = one.skilled or one.random
    kind = "skilled" if one.skilled else "random"
    for trait in traits:
        rate = trait.skilled if one.skilled else trait.random
        if net is not None and rate is not None and rate.value <= net.eer.high:
            return (
                f"A trivial feature does about as well as the net: by the {trait.name} alone, "
                f"the equal error rate of {kind} forgeries is {rate.value:.1%}, by the net "
                f"{net.eer.value:.1%} ({net.eer.low:.1%} to {net.eer.high:.1%}). On these data the "
                "net's figures say little of handwriting."
            )
    return ""


def calibrated(test: Scored, scale: Scale) -> Calibration:
    """Whether the probability that a pair is by one writer can be believed, skilled forgeries in.

    Genuine pairs are as many as forged ones there: of the more frequent kind some are drawn.
    """
    trials = test.trials()
    genuine, forged = trials.scores("genuine"), trials.scores(test.against)
    count = min(len(genuine), len(forged))
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.permutation(genuine)[:count], rng.permutation(forged)[:count]])
    same = scale.probability(scores)
    truth = np.repeat([True, False], count)
    return calibration(np.stack([1 - same, same], axis=1), truth, [False, True])


# ------------------------------------------------------------------ what is looked at


def hard_pairs(pipeline: Pipeline, test: Scored, part: Signed) -> list[HardPair]:
    """The genuine pairs of the lowest scores, then the forgeries of the highest."""
    trials = test.trials()
    shift = pipeline[-1].threshold().value
    shown: list[HardPair] = []
    for kind, sign in (("genuine", 1), (test.against, -1)):
        rows = np.flatnonzero(trials.kind == verification.KINDS.index(kind))
        order = rows[np.argsort(sign * trials.score[rows], kind="stable")]
        for row in _of_various(order, trials.owner):
            assert trials.reference is not None
            assert trials.questioned is not None
            pair = part.take(np.array([trials.reference[row], trials.questioned[row]]))
            uris = [png_uri(1 - picture) for picture in _seen(pipeline, pair)]
            files = [] if pair.files is None else pair.files.tolist()
            owner = trials.names[trials.owner[row]]
            shown.append(HardPair(kind, owner, float(trials.score[row] - shift), *uris, *files))
    return shown


def _of_various(order: NDArray[np.intp], owner: NDArray[np.intp]) -> Iterable[int]:
    """The first of an order, but few of one owner."""
    counts: dict[int, int] = {}
    chosen = []
    for row in order.tolist():
        count = counts.get(int(owner[row]), 0)
        if count < OF_ONE_WRITER:
            counts[int(owner[row])] = count + 1
            chosen.append(row)
        if len(chosen) == HARDEST:
            break
    return chosen


def _seen(pipeline: Pipeline, part: Signed) -> NDArray[np.float32]:
    """Signatures as the net sees them, (n, height, width), ink bright."""
    rows = pipeline[0].transform(part.images)
    shape = (pipeline[0].height, pipeline[0].width)
    return rows.reshape(-1, *shape)


# ------------------------------------------------------------------ noise


def noise_sweep(
    pipeline: Pipeline,
    part: Signed,
    corruptions: Sequence[str],
    *,
    severities: Iterable[int] = range(1, noise.MAX_SEVERITY + 1),
    seed: int = 0,
    progress: Progress | None = None,
) -> list[VerifierNoiseCurve]:
    """Error rates where the questioned pictures are corrupted, and the references are clean."""
    some = _few(part, seed)
    threshold = pipeline[-1].threshold()
    levels = list(severities)
    done, total = 0, 1 + len(corruptions) * len(levels)

    def point(pictures: list[NDArray], severity: int, setting: str) -> VerifierNoisePoint:
        nonlocal done
        trials = _questioned_trials(pipeline, some, pictures)
        measured = verification.measure(trials, [threshold])
        apart = measured.skilled or measured.random
        assert apart is not None
        rates = measured.rates[0]
        done += 1
        if progress:
            progress(done, total, setting)
        return VerifierNoisePoint(
            severity, setting, apart.eer, rates.frr, rates.far_skilled, png_uri(pictures[0])
        )

    clean = point(some.questioned, 0, "unchanged")
    curves = []
    for name in corruptions:
        corruption = noise.find(name)
        points = [clean]
        for severity in levels:
            rng = point_generator(seed, name, severity)
            spoilt = corruption.each(some.questioned, severity, rng)
            points.append(point(spoilt, severity, corruption.setting(severity)))
        curves.append(VerifierNoiseCurve(name, corruption.title, points))
    return curves


@dataclass(frozen=True)
class _Few:
    """References and questioned pictures of some writers, and whose and what they are."""

    references: list[NDArray]
    reference_owners: NDArray[np.str_]
    questioned: list[NDArray]
    questioned_owners: NDArray[np.str_]
    genuine: NDArray[np.bool_]


def _few(part: Signed, seed: int) -> _Few:
    rng = np.random.default_rng(seed)
    references, questioned = [], []
    for owner in rng.permutation(np.unique(part.owners))[:NOISE_WRITERS]:
        own, forged = (
            rng.permutation(np.flatnonzero((part.owners == owner) & (part.genuine == flag)))
            for flag in (True, False)
        )
        half = min(NOISE_EACH, len(own) // 2)
        references += own[:half].tolist()
        questioned += [*own[half : 2 * half].tolist(), *forged[:NOISE_EACH].tolist()]
    asked = part.take(np.array(questioned))
    known = part.take(np.array(references))
    return _Few(
        list(as_pictures(known.images)),
        known.owners,
        list(as_pictures(asked.images)),
        asked.owners,
        asked.genuine,
    )


def _questioned_trials(pipeline: Pipeline, some: _Few, pictures: list[NDArray]) -> Trials:
    """Each questioned picture against each reference of its writer.

    Where nobody forged, also of the next writer, whom it then is a random forgery of.
    """
    net: PairClassifier = pipeline[-1]
    rows = pipeline[0].transform([*some.references, *pictures])
    n = len(some.references)
    names = np.unique([*some.reference_owners, *some.questioned_owners])
    known, by = (np.searchsorted(names, o) for o in (some.reference_owners, some.questioned_owners))
    wanted = known[:, None] == by
    if some.genuine.all():
        wanted |= known[:, None] == (by + 1) % len(names)
    pairs = np.argwhere(wanted)
    scores = net.compare(net.embed(rows), pairs + np.array([0, n]))
    owner, by = known[pairs[:, 0]], by[pairs[:, 1]]
    real = np.where(owner == by, verification.GENUINE, verification.RANDOM)
    kind = np.where(some.genuine[pairs[:, 1]], real, verification.SKILLED)
    return Trials(scores, kind.astype(np.int8), owner, by, names.tolist())


# ------------------------------------------------------------------ dependence on the data


def comparison_speed(pipeline: Pipeline, part: Signed, count: int = 40) -> dict[str, float]:
    """Comparisons a second and the milliseconds of one, preprocessing of both pictures included."""
    pictures = list(as_pictures(part.take(np.arange(min(count + 1, len(part)))).images))
    pairs = [pictures[i : i + 2] for i in range(len(pictures) - 1)]

    def compare(some: list[list[NDArray]]) -> NDArray:
        rows = pipeline[0].transform([picture for pair in some for picture in pair])
        return pipeline[-1].decision_function(rows.reshape(len(some), 2, -1))

    return prediction_speed(compare, pairs, repeats=3)


def dependence(
    make: Callable[[], Pipeline],
    split: OwnerSplit,
    shares: Sequence[float],
    spoil: Spoil,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[DependencePoint]:
    """Train anew on what ``spoil(part, share, rng)`` leaves of the training part.

    The accuracy of a point is 1 - average error at its own development threshold.
    """
    points = []
    split = _normalized(make()[0], split)  # once, and not for each training
    for share in shares:
        part = spoil(split.train, share, np.random.default_rng(seed))
        pipeline = make()
        start = time.perf_counter()
        fit(pipeline, OwnerSplit(part, split.development, split.test, split.data))
        seconds = time.perf_counter() - start
        test = score(pipeline, split.test, seed)
        right = accuracy(one_reference(test, None, pipeline[-1]).rates[0])
        points.append(DependencePoint(float(share), len(part), right, seconds))
        if progress:
            progress(len(points), len(shares), f"share {share:g}")
    return points


def _normalized(step: Any, split: OwnerSplit) -> OwnerSplit:
    """The split with pictures that are preprocessed already, which preprocessing leaves alone."""
    train, development, test = (
        Signed(step.transform(part.images), part.owners, part.genuine)
        for part in (split.train, split.development, split.test)
    )
    return OwnerSplit(train, development, test, split.data)


def fewer_writers(part: Signed, share: float, rng: np.random.Generator) -> Signed:
    """A share of the writers, two at least; a smaller share is part of a larger one."""
    names = rng.permutation(np.unique(part.owners))
    kept = names[: max(2, round(share * len(names)))]
    return part.take(np.flatnonzero(np.isin(part.owners, kept)))


def wrong_flags(part: Signed, share: float, rng: np.random.Generator) -> Signed:
    """A share of the genuine signatures called forged, and of the forged ones genuine."""
    wrong = rng.random(len(part)) < share
    return Signed(part.images, part.owners, part.genuine ^ wrong)


def accuracy(rates: Rates) -> Interval:
    """1 - average error at a fixed threshold; n counts writers."""
    error = rates.average_error or rates.frr
    return Interval(1 - error.value, 1 - error.high, 1 - error.low, error.n)


def scores(
    pipeline: Pipeline,
    split: OwnerSplit,
    traits: Traits,
    corruptions: Sequence[str],
    scored: ScoredSplit,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[VerifierScores, Calibration]:
    """All that a report says of a verifier on the test part of some data, and its calibration.

    Args:
        corruptions: names of those that questioned pictures are put through; none for no noise.
        scored: the split's pairs; where it has a development part, that may choose thresholds by
            further rules.
    """
    net, test, development = pipeline[-1], scored.test, scored.development
    one = one_reference(test, development, net)
    found = trait_scores(traits(split.test.images), split.test)
    curves: list[VerifierNoiseCurve] = []
    if corruptions:
        curves = noise_sweep(pipeline, split.test, corruptions, seed=seed, progress=progress)
    measured = VerifierScores(
        one=one,
        several=several_references(test, development, net, seed),
        equal_strokes=equal_strokes(scored),
        traits=found,
        noise=curves,
        hard=hard_pairs(pipeline, test, split.test),
        warning=warning(found, one),
    )
    return measured, calibrated(test, net.scale())
