"""What the experiments found, in words; all figures are the records' own."""

from __future__ import annotations

from collections.abc import Sequence

from bpapps.measures.intervals import Interval
from bpapps.results import DependencePoint, NoiseCurve, NoisePoint

PROPER = {"Gaussian"}  # words that keep their capital inside a sentence


def noise_reading(curves: Sequence[NoiseCurve]) -> str:
    """Say in one paragraph which corruption hurts first and where, and which hardly does.

    All figures are the curves' own. No curves, no words.
    """
    curves = [curve for curve in curves if curve.points]
    if not curves:
        return ""
    clean = curves[0].points[0].score
    tried = [curve for curve in curves if len(curve.points) > 1]
    fallen = sorted(
        (curve for curve in tried if curve.drop5 is not None),
        key=lambda curve: (curve.drop5, _worst(curve).score.value),
    )
    standing = sorted(
        (curve for curve in tried if curve.drop5 is None),
        key=lambda curve: _worst(curve).score.value,
    )
    sentences = [
        f"Of the clean test pictures, {_percent(clean)} are read rightly (n = {clean.n:,}).",
        *_on_fallen(fallen, all_fell=not standing),
        *_on_standing(standing, none_fell=not fallen),
    ]
    return " ".join(sentences)


def _on_fallen(curves: list[NoiseCurve], all_fell: bool) -> list[str]:
    """Sentences on the corruptions that cost 5 points, the first to do so first."""
    if not curves:
        return []
    first, last = curves[0], curves[-1]
    alone = len(curves) == 1 and all_fell
    opening = f"Under {_inside(first)}," if alone else f"{first.title} hurts first:"
    end = first.points[-1]
    sentences = [
        f"{opening} 5 points of accuracy are lost at severity {_drop(first)}, "
        f"and at {end.setting}, {_percent(end.score)} are right."
    ]
    middle = curves[1:-1] if all_fell else curves[1:]
    if middle:
        named = [f"{_inside(c)} (severity {c.drop5:.1f})" for c in middle[:2]]
        sentences.append(f"Next {'comes' if len(named) == 1 else 'come'} {_list(named)}.")
    if all_fell and not alone:
        sentences.append(
            f"All of them cost 5 points in the end; "
            f"{_inside(last)} is borne longest, up to severity {_drop(last)}."
        )
    return sentences


def _on_standing(curves: list[NoiseCurve], none_fell: bool) -> list[str]:
    """Sentences on the corruptions that never cost 5 points, the worst of them first."""
    if not curves:
        return []
    if len(curves) == 1:
        return [f"{curves[0].title} never costs 5 points: {_at_worst(curves[0])}."]
    harshest, mildest = curves[0], curves[-1]
    if none_fell:
        return [
            "None of the corruptions tried costs 5 points.",
            f"The harshest is {_inside(harshest)}: {_at_worst(harshest)}.",
            f"The mildest is {_inside(mildest)}: {_at_worst(mildest)}.",
        ]
    names = _list([_inside(curve) for curve in curves])
    return [
        f"Never do {names} cost 5 points.",
        f"The mildest is {_inside(mildest)}: {_at_worst(mildest)}.",
    ]


def dependence_reading(
    learning: Sequence[DependencePoint], label: Sequence[DependencePoint]
) -> str:
    """Say in a short paragraph how accuracy hangs on the amount of data and on its labels.

    ``learning`` are points on less data, ``label`` on data with wrong labels; either may be empty.
    All figures are the points' own.
    """
    by_share = [sorted(points, key=lambda point: point.share) for points in (learning, label)]
    return " ".join(_on_amount(by_share[0]) + _on_labels(by_share[1]))


def _on_amount(points: list[DependencePoint]) -> list[str]:
    if not points:
        return []
    least, most = points[0], points[-1]
    sentences = [
        f"Trained on {_amount(most)}, the net answers {_percent(most.score)} of the test data "
        f"rightly (n = {most.score.n:,}), after {_duration(most.seconds)} of training."
    ]
    if len(points) == 1:
        return sentences
    sentences.append(
        f"On {_amount(least)} it is {_percent(least.score)}, after {_duration(least.seconds)}."
    )
    before, step = points[-2].score, f"from {points[-2].share:.0%} to {most.share:.0%}"
    if most.score.low > before.high:
        sentences.append(f"Accuracy still rises {step} of the data: more should help.")
    elif most.score.high < before.low:
        sentences.append(f"Accuracy falls {step} of the data: more of it does not help.")
    else:
        sentences.append(
            f"The intervals overlap {step} of the data: whether more would help, this test "
            "cannot tell."
        )
    return sentences


def _on_labels(points: list[DependencePoint]) -> list[str]:
    spoilt = [point for point in points if point.share > 0]
    if not spoilt:
        return []
    worst = spoilt[-1]
    sentence = f"With {worst.share:.0%} of the training labels made wrong, "
    sentence += f"{_percent(worst.score)} of the test data are answered rightly"
    if points[0].share > 0:
        return [f"{sentence}."]
    sound = points[0].score
    sentences = [f"{sentence}, against {_percent(sound)} with the labels as they are."]
    if worst.score.high >= sound.low:
        sentences.append("The intervals overlap: the difference may be chance.")
    return sentences


def _worst(curve: NoiseCurve) -> NoisePoint:
    """Return the corrupted point with the lowest accuracy."""
    return min(curve.points[1:], key=lambda point: point.score.value)


def _at_worst(curve: NoiseCurve) -> str:
    point = _worst(curve)
    return f"at its worst, {point.setting}, {_percent(point.score)} are right"


def _drop(curve: NoiseCurve) -> str:
    """Return the severity that costs 5 points and, in brackets, the settings around it."""
    assert curve.drop5 is not None
    severity = f"{curve.drop5:.1f}"
    for point in curve.points:
        if f"{point.severity:.1f}" == severity:
            return f"{severity} ({point.setting})"
    above = next(point for point in curve.points if point.severity > curve.drop5)
    below = curve.points[curve.points.index(above) - 1]
    if below.severity == 0:
        return f"{severity} (short of {above.setting})"
    number, _, unit = below.setting.partition(" ")
    shared = unit and unit == above.setting.partition(" ")[2]
    return f"{severity} (between {number if shared else below.setting} and {above.setting})"


def _inside(curve: NoiseCurve) -> str:
    """Return the curve's title as it stands inside a sentence."""
    title = curve.title
    return title if title.split()[0] in PROPER else title[:1].lower() + title[1:]


def _percent(interval: Interval) -> str:
    """Return ``98.7% (98.5–98.9)``: two decimals where the interval is under one point."""
    places = 2 if interval.high - interval.low < 0.01 else 1
    value, low, high = (
        f"{100 * x:.{places}f}" for x in (interval.value, interval.low, interval.high)
    )
    return f"{value}% ({low}–{high})"


def _amount(point: DependencePoint) -> str:
    if point.share == 1:
        return f"all {point.n_train:,} training examples"
    return f"{point.share:.0%} of the training data ({point.n_train:,} examples)"


def _duration(seconds: float) -> str:
    if seconds < 0.1:
        return "less than 0.1 s"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _list(parts: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
