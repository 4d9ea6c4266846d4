"""The experiments on scikit-learn's digits with quick classifiers; the readings on any outcome."""

import math
import re
import subprocess
import sys
import time

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from bpapps import experiments
from bpapps.data.splits import Part
from bpapps.experiments import (
    Probe,
    clock,
    dependence,
    dependence_reading,
    drop_severity,
    noise_reading,
    noise_sweep,
)
from bpapps.kinds.classification.metrics import share_right
from bpapps.kinds.classification.spoils import fewer_pictures
from bpapps.measures.intervals import Interval, wilson
from bpapps.pictures import noise
from bpapps.pictures.png import png_uri
from bpapps.results import DependencePoint, Figure, NoiseCurve, NoisePoint

DIGITS = load_digits()
IMAGES = (DIGITS.images / 16).astype(np.float32)
IMAGES.flags.writeable = False
LABELS = DIGITS.target
TRAIN, TEST = slice(0, 900), slice(900, 1300)


def flat(images):
    return images.reshape(len(images), -1)


@pytest.fixture(scope="module")
def predict():
    model = LogisticRegression(max_iter=1000).fit(flat(IMAGES[TRAIN]), LABELS[TRAIN])
    return lambda images: model.predict(flat(images))


def probe(predict, images=IMAGES[TEST], labels=LABELS[TEST], **fields):
    """Pictures whose labels are asked for."""

    def score(answers):
        return [Figure("accuracy", share_right(answers, labels))]

    return Probe("Test pictures", images, predict, score, **fields)


# --- noise sweep --------------------------------------------------------------------------


@pytest.mark.slow
def test_sweep_measures_every_corruption_at_every_severity(predict):
    calls = []
    sweep = noise_sweep(probe(predict), progress=lambda *call: calls.append(call))
    curves = sweep.curves
    assert (sweep.title, sweep.reading) == ("Test pictures", noise_reading(curves))
    assert [c.name for c in curves] == list(noise.CORRUPTIONS)
    assert [c.title for c in curves] == [c.title for c in noise.CORRUPTIONS.values()]
    clean = wilson(int((predict(IMAGES[TEST]) == LABELS[TEST]).sum()), 400)
    for curve in curves:
        corruption = noise.CORRUPTIONS[curve.name]
        assert [p.severity for p in curve.points] == [0, 1, 2, 3, 4, 5, 6]
        assert [p.setting for p in curve.points] == [corruption.setting(s) for s in range(7)]
        assert curve.points[0].score == clean
        assert curve.points[0].picture == curves[0].points[0].picture
        assert all(p.score.n == 400 for p in curve.points)
        assert curve.drop5 == drop_severity(curve.points)
        assert len({p.picture for p in curve.points}) >= 5
    assert curves[0].points[6].score.high < clean.low, "σ = 0.6 must hurt"
    total = 1 + len(curves) * 6
    assert [call[:2] for call in calls] == [(i + 1, total) for i in range(total)]
    assert calls[-1][2] == f"{curves[-1].title.lower()}, severity 6"


@pytest.mark.slow
def test_a_point_does_not_depend_on_what_else_is_measured(predict):
    def swept(seed=5, **fields):
        return noise_sweep(probe(predict, **fields), seed=seed).curves

    all_of_them = {c.name: c for c in swept()}
    (alone,) = swept(corruptions=["rotation"], severities=[4, 2])
    assert alone.points == [all_of_them["rotation"].points[i] for i in (0, 2, 4)]
    pair = swept(corruptions=["rotation", "gaussian"])
    assert pair == [all_of_them["rotation"], all_of_them["gaussian"]]
    assert swept(seed=6, corruptions=["rotation"]) != [all_of_them["rotation"]]


def test_a_point_is_the_same_in_another_process():
    code = "from bpapps import experiments as e; print(e.point_generator(1, 'blur', 3).random())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(out.stdout) == experiments.point_generator(1, "blur", 3).random()


def test_every_point_has_its_own_generator():
    keys = [(0, "blur", 1), (1, "blur", 1), (0, "shot", 1), (0, "blur", 2)]
    assert len({experiments.point_generator(*key).random() for key in keys}) == 4


def test_the_clean_pictures_are_predicted_once_and_all_arrive_as_float32(predict):
    seen = []

    def spy(images):
        seen.append(images.copy())
        return predict(images)

    noise_sweep(probe(spy, IMAGES[TEST].astype(float), corruptions=["blur", "shot"]))
    assert len(seen) == 1 + 2 * 6
    assert sum(np.array_equal(images, IMAGES[TEST]) for images in seen) == 1
    assert {images.dtype for images in seen} == {np.dtype(np.float32)}


def test_the_sample_is_the_picture_that_the_probe_shows():
    truth = np.arange(10)
    shades = np.linspace(0, 1, 10, dtype=np.float32)[:, None, None] * np.ones((8, 8), np.float32)
    asked = probe(
        lambda images: np.full(len(images), 7), shades, truth,
        corruptions=["contrast"], severities=[0, 2], shown=lambda answers: answers[0],
    )  # fmt: skip
    (curve,) = noise_sweep(asked).curves
    figures = [Figure("accuracy", wilson(1, 10))]
    assert curve.points[0] == NoisePoint(0, "unchanged", figures, png_uri(shades[7]))
    spoilt = noise.find("contrast")(shades, 2, np.random.default_rng(0))
    assert curve.points[1].picture == png_uri(spoilt[7])
    assert curve.drop5 is None


def test_pictures_may_differ_in_size():
    some = [np.full((8, 8 + i), 0.1 * i, np.float32) for i in range(10)]
    asked = probe(
        lambda images: [image.shape[1] - 8 for image in images],
        some, np.arange(10), corruptions=["rotation"], severities=[1, 2],
    )  # fmt: skip
    (curve,) = noise_sweep(asked).curves
    assert [point.score for point in curve.points] == [wilson(10, 10)] * 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"corruptions": ["fog"]}, "'fog'"),
        ({"severities": [0, 9]}, "severity"),
        ({"severities": [-1]}, "severity"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "Test pictures: no pictures to put"),
        ({"images": IMAGES[TEST] * 16}, r"\[0, 1\]"),
    ],
)
def test_sweep_names_bad_input(predict, change, says):
    with pytest.raises(ValueError, match=says):
        noise_sweep(probe(predict, **change))


def test_several_figures_are_kept_and_lower_may_be_better():
    """The share of black pictures, and with it that of the others."""

    def score(answers):
        wrong = wilson(int(np.sum(answers)), len(answers))
        right = wilson(int(np.sum(~answers)), len(answers))
        return [Figure("errors", wrong, lower_is_better=True), Figure("right", right)]

    sweep = noise_sweep(
        Probe("Means", IMAGES[TEST], lambda images: images.mean(axis=(1, 2)) < 0.2, score,
              corruptions=["contrast"])
    )  # fmt: skip
    (curve,) = sweep.curves
    assert sweep.reading == "", "words on accuracy would tell the reverse"
    for point in curve.points:
        assert point.score == point.named("errors")
        assert point.named("errors").value + point.named("right").value == pytest.approx(1)
        assert point.named("other") is None
    assert curve.drop5 == drop_severity(curve.points)


def curve(name, *accuracies, severities=range(7), n=1000):
    """Return a curve of these accuracies, in settings that no other figure looks like."""
    corruption = noise.find(name)
    points = [
        NoisePoint(s, corruption.setting(s), [Figure("accuracy", wilson(round(a * n), n))], "")
        for s, a in zip(severities, accuracies, strict=False)
    ]
    return NoiseCurve(name, corruption.title, points, drop_severity(points))


@pytest.mark.parametrize(
    ("accuracies", "drop5"),
    [
        ([0.95, 0.94, 0.92, 0.88], 2.5),
        ([0.95, 0.90], 1.0),  # 0.95 - 0.90 is less than 0.05 in floating point
        ([0.95, 0.45], 0.1),
        ([0.95, 0.97, 0.87], 1.7),
        ([0.95, 0.92, 0.901], None),
        ([0.95, 0.80, 0.95], 1 / 3),
        ([0.04, 0.0, 0.0], None),
        ([0.95], None),
    ],
)
def test_drop5_is_the_first_loss_of_five_points(accuracies, drop5):
    assert curve("blur", *accuracies).drop5 == (None if drop5 is None else pytest.approx(drop5))


def test_drop5_of_an_error_rate_is_its_first_rise():
    points = [
        NoisePoint(s, "", [Figure("errors", wilson(errors, 100), lower_is_better=True)], "")
        for s, errors in enumerate((5, 4, 7, 13))
    ]
    assert drop_severity(points) == pytest.approx(2.5)
    assert drop_severity(points[:3]) is None


def test_drop5_lies_between_the_measured_severities():
    assert curve("blur", 0.95, 0.85, severities=(0, 4)).drop5 == pytest.approx(2.0)


# --- the noise reading --------------------------------------------------------------------

SOON = curve("gaussian", 0.98, 0.97, 0.90, 0.80, 0.60, 0.40, 0.20)
LATER = curve("rotation", 0.98, 0.98, 0.97, 0.93, 0.60, 0.40, 0.30)
LATE = curve("scale", 0.98, 0.98, 0.98, 0.98, 0.98, 0.98, 0.90)
AT_ONCE = curve("impulse", 0.98, 0.50, 0.40, 0.30, 0.20, 0.10, 0.10)
NEVER = curve("blur", 0.98, 0.98, 0.98, 0.97, 0.97, 0.96, 0.95)
BETTER = curve("contrast", 0.98, 0.98, 0.985, 0.99, 0.99, 0.99, 0.99)
SHORT = curve("blur", 0.98)

CLEAN = "Of the clean test pictures, 98.0% (96.9–98.7) are read rightly (n = 1,000)."
READINGS = {
    "nothing": ([], [""]),
    "clean only": ([SHORT], [CLEAN]),
    "one falls": (
        [LATER],
        [
            "Under rotation, 5 points of accuracy are lost at severity 3.0 (30°)",
            "and at 60°, 30.0% (27.2–32.9) are right.",
        ],
    ),
    "one stands": (
        [NEVER],
        ["Blur never costs 5 points: at its worst, σ = 12% of the side, 95.0%"],
    ),
    "one gains": ([BETTER], ["Contrast never costs 5 points: at its worst, 80% of the contrast"]),
    "all fall": (
        [LATE, SOON, LATER],
        [
            "Gaussian noise hurts first: 5 points of accuracy are lost at severity 1.6 "
            "(between σ = 0.10 and σ = 0.20)",
            "Next comes rotation (severity 3.0).",
            "All of them cost 5 points in the end; scale is borne longest, up to severity 5.6 "
            "(between 1.75 and 2 times larger or smaller).",
        ],
    ),
    "two fall": ([LATE, SOON], ["Gaussian noise hurts first", "scale is borne longest"]),
    "none falls": (
        [NEVER, BETTER],
        [
            "None of the corruptions tried costs 5 points.",
            "The harshest is blur: at its worst, σ = 12% of the side, 95.0%",
            "The mildest is contrast: at its worst, 80% of the contrast, 98.0%",
        ],
    ),
    "mixed": (
        [NEVER, SOON, AT_ONCE, LATER, LATE, BETTER],
        [
            "Impulse noise hurts first: 5 points of accuracy are lost at severity 0.1 "
            "(short of 5% of the pixels), and at 40% of the pixels, 10.0% (8.3–12.0) are right.",
            "Next come Gaussian noise (severity 1.6) and rotation (severity 3.0).",
            "Never do blur and contrast cost 5 points. The mildest is contrast",
        ],
    ),
    "one of two": ([SOON, NEVER], ["Gaussian noise hurts first", "Blur never costs 5 points"]),
}


@pytest.mark.parametrize(("curves", "sentences"), READINGS.values(), ids=READINGS)
def test_reading_says_what_the_curves_show(curves, sentences):
    text = noise_reading(curves)
    assert [s for s in sentences if s not in text] == []
    assert not curves or text.startswith(CLEAN)
    assert_good_english(text)
    allowed = {"5"}  # points, the very question
    for c in curves:
        allowed |= figures(f"{c.drop5:.1f}") if c.drop5 is not None else set()
        for p in c.points:
            allowed |= figures(p.setting) | shown(p.score) | {str(p.severity)}
    assert figures(text) <= allowed


def figures(text):
    return set(re.findall(r"\d+(?:[.,]\d+)*", text))


def shown(interval: Interval):
    values = (interval.value, interval.low, interval.high)
    return figures(" ".join(f"{100 * v:.1f} {100 * v:.2f}" for v in values) + f" {interval.n:,}")


def assert_good_english(text):
    assert not re.search(r"  | \.|\.\.|,,|nan|None\b(?! of)|unchanged", text), text
    assert all(s[0].isupper() or s[0].isdigit() for s in re.split(r"(?<=\.) ", text) if s), text
    assert not text or text.endswith(".")


# --- dependence on the data ---------------------------------------------------------------


@pytest.mark.slow
def test_less_data_on_real_digits():
    calls = []

    def train(part):
        model = LogisticRegression(max_iter=1000).fit(flat(part.pictures), part.targets)
        return Figure("accuracy", share_right(model.predict(flat(IMAGES[TEST])), LABELS[TEST])), 2.0

    points = dependence(
        train, Part(IMAGES[TRAIN], LABELS[TRAIN]), fewer_pictures, (0.05, 1.0),
        what="of the training data", progress=lambda *call: calls.append(call),
    )  # fmt: skip
    assert [(p.share, p.n_train, p.seconds) for p in points] == [(0.05, 45, 2.0), (1.0, 900, 2.0)]
    assert points[0].score.high < points[1].score.low
    assert points[1].score.n == 400
    assert calls == [(1, 2, "5% of the training data"), (2, 2, "100% of the training data")]


def test_each_share_is_drawn_afresh_from_the_seed():
    drawn = []

    def spoil(part, share, rng):
        drawn.append((share, rng.random()))
        return part.take(np.arange(round(share * len(part))))

    part = Part(np.arange(10), np.arange(10))
    figure = Figure("accuracy", wilson(9, 10))
    points = dependence(
        lambda part: (figure, float(len(part))), part, spoil, (0.0, 0.5, 1.0), what="", seed=4
    )
    assert [share for share, _ in drawn] == [0.0, 0.5, 1.0]
    assert {number for _, number in drawn} == {np.random.default_rng(4).random()}
    assert points == [DependencePoint(s, n, figure, n) for s, n in ((0, 0), (0.5, 5), (1, 10))]
    assert len(part) == 10


@pytest.mark.parametrize("shares", [(-0.1,), (0.5, 1.5), (math.nan,)])
def test_shares_lie_between_0_and_1(shares):
    with pytest.raises(ValueError, match="between 0 and 1"):
        dependence(None, Part(IMAGES, LABELS), fewer_pictures, shares, what="")


def point(share, right, n_train=1000, seconds=3.0):
    return DependencePoint(share, n_train, Figure("accuracy", wilson(right, 1000)), seconds)


RISING = [point(1.0, 980, 2000, 300.0), point(0.1, 800, 200, 0.01), point(0.5, 900)]
LEVEL = [point(0.5, 975), point(1.0, 980, 2000, 4.0)]
FALLING = [point(0.5, 980), point(1.0, 900, 2000, 4.0)]
LABELS_HURT = [point(0.4, 700), point(0.0, 980), point(0.1, 970)]
LABELS_HOLD = [point(0.0, 980), point(0.2, 975)]

DEPENDENCE = {
    "nothing": ([], [], []),
    "one": (
        [point(1.0, 980)],
        [],
        ["Trained on all 1,000 training examples, the net answers 98.0%"],
    ),
    "rising": (
        RISING,
        [],
        [
            "all 2,000 training examples, the net answers 98.0% (96.9–98.7)",
            "after 5.0 min of training",
            "On 10% of the training data (200 examples) it is 80.0% (77.4–82.4), after less than",
            "still rises from 50% to 100% of the data: more should help.",
        ],
    ),
    "level": (LEVEL, [], ["overlap from 50% to 100% of the data", "after 4.0 s"]),
    "falling": (FALLING, [], ["falls from 50% to 100% of the data"]),
    "labels": (
        [],
        LABELS_HURT,
        [
            "With 40% of the training labels made wrong, 70.0% (67.1–72.8) of the test data are "
            "answered rightly, against 98.0% (96.9–98.7) with the labels as they are."
        ],
    ),
    "labels hold": ([], LABELS_HOLD, ["The intervals overlap: the difference may be chance."]),
    "no clean labels": ([], LABELS_HURT[:1], ["70.0% (67.1–72.8) of the test data are answered"]),
    "clean labels only": ([], LABELS_HOLD[:1], []),
    "both": (RISING, LABELS_HURT, ["more should help. With 40%"]),
}


@pytest.mark.parametrize(("learning", "label", "sentences"), DEPENDENCE.values(), ids=DEPENDENCE)
def test_dependence_reading(learning, label, sentences):
    text = dependence_reading(learning, label)
    assert [s for s in sentences if s not in text] == []
    assert bool(text) == bool(sentences)
    assert_good_english(text)
    if label is LABELS_HURT:
        assert "chance" not in text


# --- speed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "X", [np.zeros((100, 8, 8)), [np.zeros((8, 8))] * 100], ids=["array", "list"]
)
def test_the_clock(X):
    lengths = []

    def slow(batch):
        lengths.append(len(batch))
        time.sleep(0.002 + 0.0002 * len(batch))

    speed = clock(Probe("Recognition", X, slow, list, (), of="picture", repeats=3))
    assert (speed.title, speed.of) == ("Recognition", "picture")
    assert 100 < speed.a_second < 100 / 0.022
    assert 2.2 <= speed.milliseconds_one < 500
    assert lengths.count(100) == 3
    assert set(lengths) == {1, 100}


def test_the_clock_of_nothing():
    with pytest.raises(ValueError, match="at least one picture"):
        clock(Probe("Recognition", [], len, list, (), of="picture"))
