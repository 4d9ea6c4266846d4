"""What a person would read off the figures: the mix-ups, the over-confidence, the weak spots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from bpapps.evaluation import (
    GroupScore,
    Interval,
    NoiseCurve,
    Results,
    Rival,
    VerifierNoiseCurve,
    wilson,
)
from bpapps.report import words


@dataclass(frozen=True)
class MixUp:
    """How often one class was taken for another, and its share of the true class."""

    truth: str
    predicted: str
    n: int
    share: float


def mix_ups(results: Results, most: int = 8) -> list[MixUp]:
    """The most frequent confusions, the largest first."""
    found = [
        MixUp(results.classes[row], results.classes[column], n, n / sum(counts))
        for row, counts in enumerate(results.confusion)
        for column, n in enumerate(counts)
        if n and row != column
    ]
    return sorted(found, key=lambda mix_up: -mix_up.n)[:most]


def only_case(truth: str, predicted: str) -> bool:
    """Whether two classes differ, and that only in upper or lower case."""
    return truth != predicted and truth.casefold() == predicted.casefold()


def of_case(results: Results) -> Interval | None:
    """The share of the mistakes that are only of case; None where no class is in two cases."""
    names = results.classes
    if len({name.casefold() for name in names}) == len(names):
        return None
    mistaken = [
        (only_case(names[row], names[column]), n)
        for row, counts in enumerate(results.confusion)
        for column, n in enumerate(counts)
        if row != column
    ]
    return wilson(sum(n for is_case, n in mistaken if is_case), sum(n for _, n in mistaken))


def case(results: Results) -> str:
    """One sentence on how many of the mistakes are only of case."""
    share = of_case(results)
    if share is None or not share.n:
        return ""
    n = round(share.value * share.n)
    return (
        f"{words.count(n)} of the {words.plural(share.n, 'mistake')}, {words.value(share)} "
        f"({words.ends(share)}), {'is' if n == 1 else 'are'} only of case: the right letter, "
        "as a capital for a small one or the other way round."
    )


def worst(results: Results, most: int = 30) -> list[GroupScore]:
    """The groups of test pictures that are read worst, the worst first."""
    return sorted(results.group_scores, key=lambda score: score.accuracy.value)[:most]


def wrong(results: Results) -> int:
    """How many test pictures were answered wrongly."""
    return round((1 - results.accuracy.value) * results.accuracy.n)


def confidence_gap(results: Results) -> float | None:
    """Mean confidence less accuracy over all answers: positive is too sure of itself."""
    total = sum(b.n for b in results.calibration.bins)
    if not total:
        return None
    return sum(b.n * (b.confidence - b.accuracy) for b in results.calibration.bins if b.n) / total


def lean(gap: float) -> str:
    """A confidence gap in words: ``0.6 points too sure``."""
    if abs(gap) < 0.0005:
        return "as sure as right"
    return f"{100 * abs(gap):.1f} points too {'sure' if gap > 0 else 'unsure'}"


def calibration(results: Results) -> str:
    """One sentence on how far confidence can be taken at its word."""
    gap = confidence_gap(results)
    if gap is None:
        return ""
    if abs(gap) < 0.002:
        return "On average the model is as sure as it is right, to within 0.2 points."
    return (
        f"On average the model is {100 * abs(gap):.1f} points "
        f"{'surer than it is right' if gap > 0 else 'less sure than it is right'}."
    )


def weakest_first(curves: list[NoiseCurve]) -> list[NoiseCurve]:
    """Curves by the severity that costs 5 points, the most sensitive first."""
    measured = [curve for curve in curves if curve.points]

    def order(curve: NoiseCurve) -> tuple[float, float]:
        reached = curve.drop5 if curve.drop5 is not None else float("inf")
        return reached, curve.points[-1].accuracy.value

    return sorted(measured, key=order)


def drop(curve: NoiseCurve) -> str:
    """The severity that costs 5 points, in words."""
    if curve.drop5 is None:
        return f"not by {curve.points[-1].severity}"
    return f"{curve.drop5:.1f}"


@dataclass(frozen=True)
class Rise:
    """The severity at which a rate at the fixed threshold is 5 points above clean, or None."""

    rate: str
    severity: float | None


def rises(curve: VerifierNoiseCurve) -> tuple[Rise, Rise]:
    """When FRR and when FAR of skilled forgeries have risen by 5 points; between severities."""
    points = [(p.severity, p.frr, p.far_skilled) for p in curve.points]
    frr = [(severity, rate.value) for severity, rate, _ in points]
    far = [(severity, rate.value) for severity, _, rate in points if rate]
    return Rise("FRR", _risen(frr)), Rise("FAR", _risen(far))


def _risen(points: Sequence[tuple[float, float]], by: float = 0.05) -> float | None:
    """Where a broken line first is so much above its beginning."""
    for (before, low), (after, high) in pairwise(points):
        limit = points[0][1] + by
        if high >= limit:
            return before + (after - before) * (limit - low) / (high - low)
    return None


def silently_first(curves: Sequence[VerifierNoiseCurve]) -> list[VerifierNoiseCurve]:
    """Curves by the severity at which either rate has risen by 5 points, the first first."""

    def order(curve: VerifierNoiseCurve) -> tuple[float, float]:
        reached = [rise.severity for rise in rises(curve) if rise.severity is not None]
        last = curve.points[-1]
        errors = last.frr.value + (last.far_skilled.value if last.far_skilled else 0)
        return min(reached, default=float("inf")), -errors

    return sorted((curve for curve in curves if curve.points), key=order)


def risen(rise: Rise, curve: VerifierNoiseCurve) -> str:
    """The severity of a rise, in words."""
    if rise.severity is None:
        return f"not by {curve.points[-1].severity}"
    return f"{rise.severity:.1f}"


def verifier_noise(curves: Sequence[VerifierNoiseCurve]) -> str:
    """Which corruption makes a verifier fail first, with nothing to warn of it, and how."""
    curves = [curve for curve in silently_first(curves) if len(curve.points) > 1]
    if not curves:
        return ""
    clean = curves[0].points[0]
    forged = clean.far_skilled
    told = f"{words.value(clean.frr)} of genuine signatures are rejected"
    if forged:
        told += f", {words.value(forged)} of skilled forgeries accepted"
    sentences = [
        f"Of clean pictures, {told} ({words.plural(clean.frr.n, 'writer')}).",
        "Under a corruption the threshold stays where it is, and no answer tells that it is less "
        "to be trusted.",
        _first_to_rise(curves, 0, "genuine signatures rejected"),
        _first_to_rise(curves, 1, "skilled forgeries accepted") if forged else "",
    ]
    return " ".join(filter(None, sentences))


def _first_to_rise(curves: Sequence[VerifierNoiseCurve], which: int, what: str) -> str:
    """The corruption under which a rate rises first, in one sentence."""
    found = [(rises(curve)[which].severity, curve.title) for curve in curves]
    risen = sorted((at, title) for at, title in found if at is not None)
    if not risen:
        return f"No corruption has 5 points more {what}."
    at, title = risen[0]
    others = f"; {len(risen)} of {len(found)} have at some severity" if len(found) > 1 else ""
    return f"“{title}” is the first to have 5 points more {what}, at severity {at:.1f}{others}."


def headline(results: Results) -> list[tuple[str, str, str]]:
    """The tiles below the accuracy: name, figure, and what stands behind it."""
    training, model, speed = results.training, results.model, results.speed
    gap = confidence_gap(results)
    tiles = [
        (
            "Calibration error",
            words.percent(results.calibration.ece, 2),
            "" if gap is None else lean(gap),
        ),
        (
            "Training time",
            words.duration(training.get("seconds")),
            words.plural(training["epochs"], "epoch") if training.get("epochs") else "",
        ),
        (
            "Parameters",
            words.count(model.get("n_parameters")),
            f"preset {model['preset']}" if model.get("preset") else "",
        ),
        (
            "One comparison" if results.verifier else "One picture",
            words.milliseconds(speed.get("milliseconds_one")),
            f"{words.count(speed['pictures_per_second'])} a second in batches"
            if words.known(speed.get("pictures_per_second"))
            else "",
        ),
    ]
    return [tile for tile in tiles if tile[1] != words.DASH]


def score_by_time(history: Sequence[dict[str, Any]]) -> list[tuple[float, float]]:
    """Validation score by seconds of training, summed over the epochs that led to it."""
    if not all(words.known(record.get("seconds")) for record in history):
        return []
    ends = accumulate(record["seconds"] for record in history)
    scores = [record.get("validation_score") for record in history]
    return [(end, score) for end, score in zip(ends, scores, strict=True) if words.known(score)]


def soon_enough(results: Results, near: float = 0.005) -> str:
    """When training had come within half a point of its best, in one sentence."""
    pairs = score_by_time(results.training.get("history") or [])
    if len(pairs) < 2 or pairs[-1][0] <= 0:
        return ""
    best = max(score for _, score in pairs)
    seconds = next(time for time, score in pairs if score >= best - near)
    return (
        f"After {words.duration(seconds)}, {words.share(round(seconds / pairs[-1][0], 2))} of the "
        f"training, the validation score had come within half a point of its best."
    )


def best_epoch(results: Results) -> tuple[int, float] | None:
    """Epoch and value of the highest validation score, where one was recorded."""
    scored = [
        (i, record.get("epoch", i), record.get("validation_score"))
        for i, record in enumerate(results.training.get("history") or [], 1)
    ]
    known = [(value, -i, epoch) for i, epoch, value in scored if words.known(value)]
    if not known:
        return None
    value, _, epoch = max(known)
    return epoch, value


def under_noise(rival: Rival) -> float | None:
    """The mean accuracy over all corruptions, or None where it was not measured."""
    return sum(rival.noise.values()) / len(rival.noise) if rival.noise else None


def iterations(rival: Rival) -> str:
    """``7.5 forward, 9.1 backward``, or a dash for a net without a fixed point."""
    if rival.iterations is None:
        return "–"
    back = rival.backward_iterations
    text = f"{rival.iterations:.1f}" + (f" forward, {back:.1f} backward" if back else "")
    return text + (f"; {words.count(rival.unsettled)} not settled" if rival.unsettled else "")


def rivals(nets: Sequence[Rival]) -> str:
    """Which of the nets is the most accurate, and which bears noise best, with the differences."""
    best = max(nets, key=lambda net: net.accuracy.value)
    text = f"{words.capital(best.name)} is the most accurate, {words.with_interval(best.accuracy)}."
    noisy = [(under_noise(net), net) for net in nets if net.noise]
    if noisy:
        value, firmest = max(noisy, key=lambda pair: pair[0] or 0.0)
        text += f" {words.capital(firmest.name)} bears noise best, {words.percent(value)}."
    smallest = min(nets, key=lambda net: net.n_parameters)
    text += f" {words.capital(smallest.name)} has the fewest parameters"
    return f"{text}, {words.count(smallest.n_parameters)}."


def unsettled(results: Results) -> str:
    """How many fixed points were not found while training, or nothing where all were."""
    records = results.training.get("history") or []
    counts = [
        (record.get("forward_unconverged", 0), record.get("backward_unconverged", 0))
        for record in records
    ]
    forward, backward = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    if not forward + backward:
        return ""
    epochs = sum(any(pair) for pair in counts)
    return (
        f"Not settled within the iterations allowed, in {words.plural(epochs, 'epoch')}: "
        f"activations of {words.count(forward)} pictures, errors of {words.count(backward)}."
    )
