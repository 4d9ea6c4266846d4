"""What a person would read off the figures: the mix-ups, the over-confidence, the weak spots."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from bpapps.measures.calibration import Calibration, confidence_gap
from bpapps.report import words
from bpapps.results import Fact, Headline, NoiseCurve, Results, Rival


def lean(gap: float) -> str:
    """A confidence gap in words: ``0.6 points too sure``."""
    if abs(gap) < 0.0005:
        return "as sure as right"
    return f"{100 * abs(gap):.1f} points too {'sure' if gap > 0 else 'unsure'}"


def calibration(measured: Calibration) -> str:
    """One sentence on how far confidence can be taken at its word."""
    gap = confidence_gap(measured)
    if gap is None:
        return ""
    if abs(gap) < 0.002:
        return "On average the model is as sure as it is right, to within 0.2 points."
    return (
        f"On average the model is {100 * abs(gap):.1f} points "
        f"{'surer than it is right' if gap > 0 else 'less sure than it is right'}."
    )


def calibration_fact(measured: Calibration) -> Fact:
    """The calibration error, and which way it leans."""
    gap = confidence_gap(measured)
    note = "" if gap is None else lean(gap)
    return Fact("Calibration error", words.percent(measured.ece, 2), note)


def notes(headline: Headline) -> list[str]:
    """What stands below THE score: its interval, its count, and what the kind has to say."""
    score = headline.score
    counted = words.plural(score.interval.n, score.of)
    return [f"95% interval {words.ends(score.interval)}%, {counted}", *headline.notes]


def tiles(results: Results) -> list[tuple[str, str, str]]:
    """The tiles below THE score: name, figure, and what stands behind it."""
    training, model = results.training, results.model
    facts = [(fact.name, fact.figure, fact.note) for fact in results.headline.facts]
    found = [
        *facts,
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
        *(
            (
                "One picture" if speed.of == "picture" else speed.title,
                words.milliseconds(speed.milliseconds_one),
                f"{words.count(speed.a_second)} a second in batches",
            )
            for speed in results.speed
        ),
    ]
    return [tile for tile in found if tile[1] != words.DASH]


def weakest_of(results: Results) -> NoiseCurve | None:
    """The corruption that hurts most, of the first sweep."""
    return next(iter(weakest_first(results.noise[0].curves)), None) if results.noise else None


def weakest_first(curves: list[NoiseCurve]) -> list[NoiseCurve]:
    """Curves by the severity that costs 5 points, the most sensitive first."""
    measured = [curve for curve in curves if curve.points]

    def order(curve: NoiseCurve) -> tuple[float, float]:
        reached = curve.drop5 if curve.drop5 is not None else float("inf")
        return reached, curve.points[0].figures[0].way * curve.points[-1].score.value

    return sorted(measured, key=order)


def drop(curve: NoiseCurve) -> str:
    """The severity that costs 5 points, in words."""
    if curve.drop5 is None:
        return f"not by {curve.points[-1].severity}"
    return f"{curve.drop5:.1f}"


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
    way = nets[0].figure.way
    best = max(nets, key=lambda net: way * net.figure.interval.value)
    text = f"{words.capital(best.name)} has the best {best.figure.name}, "
    text += f"{words.with_interval(best.figure.interval)}."
    noisy = [(under_noise(net), net) for net in nets if net.noise]
    if noisy:
        value, firmest = max(noisy, key=lambda pair: way * (pair[0] or 0.0))
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
