"""The three complaints about backpropagation, measured: noise, dependence on data, time.

Each experiment takes a callable or a maker of estimators and arrays, and returns plain records
of :mod:`bpapps.evaluation`; the readings put the records into words. Nothing here knows a task,
and nothing draws. Every point has its own random generator, seeded by what the point is, so
that no figure depends on which others were measured, or in what order.
"""

from __future__ import annotations

import itertools
import statistics
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpapps import noise
from bpapps.evaluation import (
    DependencePoint,
    Interval,
    LineCurve,
    LinePoint,
    LineScores,
    NoiseCurve,
    NoisePoint,
    error_rate,
    png_uri,
    wilson,
)
from bpapps.images import Pictures, take
from bpapps.noise import Corruption, Images

Progress = Callable[[int, int, str], None]
LINE_CORRUPTIONS = ("gaussian", "blur", "contrast")
LINE_SEVERITIES = (1, 2, 3)
DROP = 0.05  # the loss of accuracy at which a net counts as hurt: 5 points


def _silent(done: int, total: int, text: str) -> None:
    """Report no progress."""


# --- noise --------------------------------------------------------------------------------


def noise_sweep(
    predict: Callable[[Any], ArrayLike],
    images: Pictures,
    labels: ArrayLike,
    *,
    corruptions: Iterable[Corruption | str] | None = None,
    severities: Iterable[int] = range(noise.MAX_SEVERITY + 1),
    seed: int = 0,
    progress: Progress | None = None,
) -> list[NoiseCurve]:
    """Measure accuracy under each corruption at each severity, with Wilson's 95% intervals.

    ``predict`` takes float32 pictures (n, h, w) in [0, 1], or a list of (h, w) each where they
    differ in size, and returns n labels; ``images`` are such test pictures, ``labels`` (n,)
    their true labels. ``corruptions`` are corruptions or their names, all of them by default.
    Severity 0, the clean pictures, is measured once and begins every curve. The sample picture
    is the same for all points, drawn by the seed from those that are read rightly when clean.
    ``progress(done, total, text)`` is called after each measurement. Raises ValueError for
    unknown names or severities and for arrays that do not fit.
    """
    chosen = [
        noise.find(one) if isinstance(one, str) else one
        for one in (noise.CORRUPTIONS.values() if corruptions is None else corruptions)
    ]
    levels = sorted({0, *map(noise.checked_severity, severities)})
    truth = np.asarray(labels)
    if isinstance(images, np.ndarray):
        images = images.astype(np.float32, copy=False)
    if not len(truth) or len(images) != len(truth):
        raise ValueError(f"there are {len(images)} pictures and {len(truth)} labels")
    report = progress or _silent
    done, total = 1, 1 + len(chosen) * (len(levels) - 1)

    right = _right(predict(images), truth)
    clean = _share(right)
    sample = _sample(right, seed)
    report(done, total, "clean")

    curves: list[NoiseCurve] = []
    for corruption in chosen:
        points = [NoisePoint(0, corruption.setting(0), clean, png_uri(images[sample]))]
        for severity in levels[1:]:
            rng = point_generator(seed, corruption.name, severity)
            spoil = corruption if isinstance(images, np.ndarray) else corruption.each
            spoilt = spoil(images, severity, rng)  # type: ignore[arg-type]
            accuracy = share_right(predict(spoilt), truth)
            setting, picture = corruption.setting(severity), png_uri(spoilt[sample])
            points.append(NoisePoint(severity, setting, accuracy, picture))
            done += 1
            report(done, total, f"{corruption.title.lower()}, severity {severity}")
        curves.append(NoiseCurve(corruption.name, corruption.title, points, drop_severity(points)))
    return curves


def drop_severity(points: Sequence[NoisePoint]) -> float | None:
    """Severity at which accuracy first falls 5 points below that of the first, clean point.

    Linear between the measured severities; None if it never does.
    """
    clean = points[0].accuracy.value
    for before, after in itertools.pairwise(points):
        lost, loses = clean - before.accuracy.value, clean - after.accuracy.value
        if loses >= DROP - 1e-12:  # 0.95 - 0.90 must count as 5 points
            share = (DROP - lost) / (loses - lost)
            return before.severity + min(share, 1.0) * (after.severity - before.severity)
    return None


def point_generator(seed: int, name: str, severity: int) -> np.random.Generator:
    """Return the generator of one point; crc32, as Python's own hash differs by process."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), severity])


def _sample(right: NDArray[np.bool_], seed: int) -> int:
    """Choose the test picture to show, one that is read rightly if there is any."""
    candidates = np.flatnonzero(right) if right.any() else np.arange(len(right))
    return int(np.random.default_rng(seed).choice(candidates))


def _right(predicted: ArrayLike, truth: NDArray[Any]) -> NDArray[np.bool_]:
    """Compare labels: numbers as numbers, anything else as text."""
    guess = np.asarray(predicted)
    if guess.shape != truth.shape:
        raise ValueError(
            f"predict gave labels of the shape {guess.shape}, the true ones are {truth.shape}"
        )
    if {guess.dtype.kind, truth.dtype.kind} <= set("biuf"):
        return guess == truth
    return guess.astype(str) == truth.astype(str)


def share_right(predicted: ArrayLike, truth: NDArray[Any]) -> Interval:
    """The share of labels that are the true ones: numbers as numbers, anything else as text."""
    return _share(_right(predicted, truth))


def _share(right: NDArray[np.bool_]) -> Interval:
    return wilson(int(right.sum()), len(right))


# --- lines --------------------------------------------------------------------------------


def line_scores(
    read: Callable[[Images], str],
    distance: Callable[[str, str], int],
    texts: Sequence[str],
    pictures: Sequence[Images],
    *,
    corruptions: Sequence[str] = LINE_CORRUPTIONS,
    n_spoilt: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> LineScores:
    """Measure how well lines are read, as they are and under corruptions.

    ``read`` takes a gray picture (h, w) in [0, 1] and returns its text, or raises ValueError
    where it finds none; ``distance(truth, read)`` counts the errors. ``corruptions`` are names,
    each measured at :data:`LINE_SEVERITIES` on the first ``n_spoilt`` lines, by default on all.
    """
    report = progress or _silent
    done, total = 0, 1 + len(corruptions) * len(LINE_SEVERITIES)

    def point(severity: int, setting: str, seen: Sequence[Images]) -> LinePoint:
        nonlocal done
        said = [_text(read, picture) for picture in seen]
        truths = texts[: len(seen)]
        errors = [distance(truth, text) for truth, text in zip(truths, said, strict=True)]
        done += 1
        report(done, total, "lines" if not severity else f"lines, {setting}")
        return LinePoint(
            severity=severity,
            setting=setting,
            error_rate=error_rate(errors, [len(truth) for truth in truths]),
            exact=wilson(sum(error == 0 for error in errors), len(errors)),
            picture=png_uri(seen[0]),
        )

    def curve(name: str) -> LineCurve:
        corruption = noise.find(name)
        points = []
        for severity in LINE_SEVERITIES:
            rng = point_generator(seed, name, severity)
            spoilt = corruption.each(pictures[:n_spoilt], severity, rng)
            points.append(point(severity, corruption.setting(severity), spoilt))
        return LineCurve(name, corruption.title, points)

    return LineScores(point(0, "unchanged", pictures), [curve(name) for name in corruptions])


def _text(read: Callable[[Images], str], picture: Images) -> str:
    try:
        return read(picture)
    except ValueError:  # there is nothing to read in it
        return ""


# --- dependence on the training data ------------------------------------------------------


def learning_curve(
    make: Callable[[], Any],
    X: Any,
    y: ArrayLike,
    X_test: Any,
    y_test: ArrayLike,
    shares: Sequence[float] = (0.1, 0.25, 0.5, 1.0),
    seed: int = 0,
    progress: Progress | None = None,
) -> list[DependencePoint]:
    """Train anew on growing shares of the training data and measure each time on all test data.

    ``make()`` returns an estimator that has not been fitted; ``X`` and ``X_test`` are arrays, or
    lists of pictures of any size. A smaller subset is part of every larger one, has the classes
    in the same proportions, and at least one example of each. Seconds are those of ``fit``.
    Raises ValueError for shares outside (0, 1].
    """
    labels = _checked(X, y, "training")
    if not all(0 < share <= 1 for share in shares):
        raise ValueError(f"shares must lie above 0 and up to 1, not {tuple(shares)}")
    order = _stratified_order(labels, np.random.default_rng(seed))
    fewest = len(np.unique(labels))
    points = []
    for share in shares:
        subset = np.sort(order[: max(round(share * len(labels)), fewest)])
        points.append(_train(make, take(X, subset), labels[subset], X_test, y_test, share=share))
        (progress or _silent)(len(points), len(shares), f"{share:.0%} of the training data")
    return points


def label_noise(
    make: Callable[[], Any],
    X: Any,
    y: ArrayLike,
    X_test: Any,
    y_test: ArrayLike,
    shares: Sequence[float] = (0.0, 0.1, 0.2, 0.4),
    seed: int = 0,
    progress: Progress | None = None,
) -> list[DependencePoint]:
    """Train anew with a share of the training labels made wrong; test labels never are.

    A wrong label is drawn uniformly from the other classes, and those wrong at a smaller share
    are wrong, in the same way, at a larger one. Arguments as in :func:`learning_curve`. Raises
    ValueError for shares outside [0, 1] and for fewer than two classes.
    """
    labels = _checked(X, y, "training")
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"shares must lie between 0 and 1, not {tuple(shares)}")
    classes, index = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError("labels can be made wrong only where there are two classes or more")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    wrong = classes[(index + rng.integers(1, len(classes), len(labels))) % len(classes)]
    points = []
    for share in shares:
        changed = order[: round(share * len(labels))]
        given = labels.copy()
        given[changed] = wrong[changed]
        points.append(_train(make, X, given, X_test, y_test, share=share))
        (progress or _silent)(len(points), len(shares), f"{share:.0%} of the labels wrong")
    return points


def _train(
    make: Callable[[], Any],
    X: Any,
    y: NDArray[Any],
    X_test: Any,
    y_test: ArrayLike,
    *,
    share: float,
) -> DependencePoint:
    truth = _checked(X_test, y_test, "test")
    estimator = make()
    start = time.perf_counter()
    estimator.fit(X, y)
    seconds = time.perf_counter() - start
    accuracy = share_right(estimator.predict(X_test), truth)
    return DependencePoint(float(share), len(y), accuracy, seconds)


def _checked(X: Any, y: ArrayLike, which: str) -> NDArray[Any]:
    labels = np.asarray(y)
    if labels.ndim != 1 or len(X) != len(labels) or not len(labels):
        raise ValueError(
            f"{which} data: {len(X)} examples and labels of the shape {labels.shape}; "
            "there must be one label for each, and at least one"
        )
    return labels


def _stratified_order(labels: NDArray[Any], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return a random order whose every beginning has the classes in proportion.

    An example stands where its rank within its class says: the first of each class come before
    all others.
    """
    shuffled = rng.permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        place[members] = np.arange(len(members)) / len(members)
    return shuffled[np.argsort(place[shuffled], kind="stable")]


# --- time ---------------------------------------------------------------------------------


def prediction_speed(predict: Callable[[Any], Any], X: Any, repeats: int = 5) -> dict[str, float]:
    """Measure how fast a net answers, as medians, after a first call that is not counted.

    ``pictures_per_second`` is the rate of one call with all of ``X``, ``milliseconds_one`` the
    time of a call with one picture: the two fields of ``Results.speed``.
    """
    if not len(X):
        raise ValueError("prediction speed needs at least one picture")
    one = X[:1]
    predict(one)
    return {
        "pictures_per_second": len(X) / _median_seconds(predict, X, repeats),
        "milliseconds_one": 1000 * _median_seconds(predict, one, 5 * repeats),
    }


def _median_seconds(predict: Callable[[Any], Any], X: Any, repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict(X)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


# --- in words -----------------------------------------------------------------------------

PROPER = {"Gaussian"}  # words that keep their capital inside a sentence


def noise_reading(curves: Sequence[NoiseCurve]) -> str:
    """Say in one paragraph which corruption hurts first and where, and which hardly does.

    All figures are the curves' own. No curves, no words.
    """
    curves = [curve for curve in curves if curve.points]
    if not curves:
        return ""
    clean = curves[0].points[0].accuracy
    tried = [curve for curve in curves if len(curve.points) > 1]
    fallen = sorted(
        (curve for curve in tried if curve.drop5 is not None),
        key=lambda curve: (curve.drop5, _worst(curve).accuracy.value),
    )
    standing = sorted(
        (curve for curve in tried if curve.drop5 is None),
        key=lambda curve: _worst(curve).accuracy.value,
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
        f"and at {end.setting}, {_percent(end.accuracy)} are right."
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

    ``learning`` is of :func:`learning_curve`, ``label`` of :func:`label_noise`; either may be
    empty. All figures are the points' own.
    """
    by_share = [sorted(points, key=lambda point: point.share) for points in (learning, label)]
    return " ".join(_on_amount(by_share[0]) + _on_labels(by_share[1]))


def _on_amount(points: list[DependencePoint]) -> list[str]:
    if not points:
        return []
    least, most = points[0], points[-1]
    sentences = [
        f"Trained on {_amount(most)}, the net answers {_percent(most.accuracy)} of the test data "
        f"rightly (n = {most.accuracy.n:,}), after {_duration(most.seconds)} of training."
    ]
    if len(points) == 1:
        return sentences
    sentences.append(
        f"On {_amount(least)} it is {_percent(least.accuracy)}, after {_duration(least.seconds)}."
    )
    before, step = points[-2].accuracy, f"from {points[-2].share:.0%} to {most.share:.0%}"
    if most.accuracy.low > before.high:
        sentences.append(f"Accuracy still rises {step} of the data: more should help.")
    elif most.accuracy.high < before.low:
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
    sentence += f"{_percent(worst.accuracy)} of the test data are answered rightly"
    if points[0].share > 0:
        return [f"{sentence}."]
    sound = points[0].accuracy
    sentences = [f"{sentence}, against {_percent(sound)} with the labels as they are."]
    if worst.accuracy.high >= sound.low:
        sentences.append("The intervals overlap: the difference may be chance.")
    return sentences


def _worst(curve: NoiseCurve) -> NoisePoint:
    """Return the corrupted point with the lowest accuracy."""
    return min(curve.points[1:], key=lambda point: point.accuracy.value)


def _at_worst(curve: NoiseCurve) -> str:
    point = _worst(curve)
    return f"at its worst, {point.setting}, {_percent(point.accuracy)} are right"


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
