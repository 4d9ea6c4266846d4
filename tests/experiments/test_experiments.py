"""The experiments on scikit-learn's digits with quick classifiers; the readings on any outcome."""

import itertools
import re
import subprocess
import sys
import time

import numpy as np
import pytest
from bpapps.evaluation import (
    DependencePoint,
    Interval,
    NoiseCurve,
    NoisePoint,
    error_rate,
    png_uri,
    wilson,
)
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from bpapps import experiments
from bpapps.experiments import (
    dependence_reading,
    drop_severity,
    label_noise,
    learning_curve,
    line_scores,
    noise_reading,
    noise_sweep,
    prediction_speed,
)
from bpapps.pictures import noise

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


# --- noise sweep --------------------------------------------------------------------------


@pytest.mark.slow
def test_sweep_measures_every_corruption_at_every_severity(predict):
    calls = []
    curves = noise_sweep(
        predict, IMAGES[TEST], LABELS[TEST], progress=lambda *call: calls.append(call)
    )
    assert [c.name for c in curves] == list(noise.CORRUPTIONS)
    assert [c.title for c in curves] == [c.title for c in noise.CORRUPTIONS.values()]
    clean = wilson(int((predict(IMAGES[TEST]) == LABELS[TEST]).sum()), 400)
    for curve in curves:
        corruption = noise.CORRUPTIONS[curve.name]
        assert [p.severity for p in curve.points] == [0, 1, 2, 3, 4, 5, 6]
        assert [p.setting for p in curve.points] == [corruption.setting(s) for s in range(7)]
        assert curve.points[0].accuracy == clean
        assert curve.points[0].picture == curves[0].points[0].picture
        assert all(p.accuracy.n == 400 for p in curve.points)
        assert curve.drop5 == drop_severity(curve.points)
        assert len({p.picture for p in curve.points}) >= 5
    assert curves[0].points[6].accuracy.high < clean.low, "σ = 0.6 must hurt"
    total = 1 + len(curves) * 6
    assert [call[:2] for call in calls] == [(i + 1, total) for i in range(total)]
    assert calls[-1][2] == f"{curves[-1].title.lower()}, severity 6"


@pytest.mark.slow
def test_a_point_does_not_depend_on_what_else_is_measured(predict):
    images, labels = IMAGES[TEST], LABELS[TEST]
    all_of_them = {c.name: c for c in noise_sweep(predict, images, labels, seed=5)}
    (alone,) = noise_sweep(
        predict, images, labels, corruptions=["rotation"], severities=[4, 2], seed=5
    )
    assert alone.points == [all_of_them["rotation"].points[i] for i in (0, 2, 4)]
    pair = [noise.find("rotation"), noise.find("gaussian")]
    swept = noise_sweep(predict, images, labels, corruptions=pair, seed=5)
    assert swept == [all_of_them["rotation"], all_of_them["gaussian"]]
    other = noise_sweep(predict, images, labels, corruptions=["rotation"], seed=6)
    assert other != [all_of_them["rotation"]]


def test_a_point_is_the_same_in_another_process():
    code = "from bpapps import experiments as e; print(e.point_generator(1, 'blur', 3).random())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(out.stdout) == experiments.point_generator(1, "blur", 3).random()


def test_every_point_has_its_ownpoint_generator():
    keys = [(0, "blur", 1), (1, "blur", 1), (0, "shot", 1), (0, "blur", 2)]
    assert len({experiments.point_generator(*key).random() for key in keys}) == 4


def test_the_clean_pictures_are_predicted_once_and_all_arrive_as_float32(predict):
    seen = []

    def spy(images):
        seen.append(images.copy())
        return predict(images)

    noise_sweep(spy, IMAGES[TEST].astype(float), LABELS[TEST], corruptions=["blur", "shot"])
    assert len(seen) == 1 + 2 * 6
    assert sum(np.array_equal(images, IMAGES[TEST]) for images in seen) == 1
    assert {images.dtype for images in seen} == {np.dtype(np.float32)}


def test_the_sample_is_one_that_is_read_rightly():
    truth = np.arange(10)
    shades = np.linspace(0, 1, 10, dtype=np.float32)[:, None, None] * np.ones((8, 8), np.float32)
    (curve,) = noise_sweep(
        lambda images: np.full(len(images), 7), shades, truth, corruptions=["blur"], severities=[0]
    )
    assert curve.points == [NoisePoint(0, "unchanged", wilson(1, 10), png_uri(shades[7]))]
    assert curve.drop5 is None


def test_pictures_may_differ_in_size():
    some = [np.full((8, 8 + i), 0.1 * i, np.float32) for i in range(10)]
    (curve,) = noise_sweep(
        lambda images: [image.shape[1] - 8 for image in images],
        some, np.arange(10), corruptions=["rotation"], severities=[1, 2],
    )  # fmt: skip
    assert [point.accuracy for point in curve.points] == [wilson(10, 10)] * 3


@pytest.mark.parametrize("answer", [str, np.str_, float, int])
def test_labels_are_compared_as_numbers_or_as_text(answer):
    labels = LABELS[TEST] if answer in (float, int) else LABELS[TEST].astype(str)
    (curve,) = noise_sweep(
        lambda images: [answer(label) for label in LABELS[TEST]],
        IMAGES[TEST],
        labels,
        corruptions=["blur"],
        severities=[1],
    )
    assert curve.points[0].accuracy.value == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"corruptions": ["fog"]}, "'fog'"),
        ({"severities": [0, 9]}, "severity"),
        ({"severities": [-1]}, "severity"),
        ({"labels": LABELS[:3]}, "400 pictures and 3 labels"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "0 pictures"),
        ({"predict": lambda images: [1]}, "shape"),
        ({"images": IMAGES[TEST] * 16}, r"\[0, 1\]"),
    ],
)
def test_sweep_names_bad_input(predict, change, says):
    arguments = {"predict": predict, "images": IMAGES[TEST], "labels": LABELS[TEST]} | change
    with pytest.raises(ValueError, match=says):
        noise_sweep(**arguments)


def curve(name, *accuracies, severities=range(7), n=1000):
    """Return a curve of these accuracies, in settings that no other figure looks like."""
    corruption = noise.find(name)
    points = [
        NoisePoint(s, corruption.setting(s), wilson(round(a * n), n), "")
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


def test_drop5_lies_between_the_measured_severities():
    assert curve("blur", 0.95, 0.85, severities=(0, 4)).drop5 == pytest.approx(2.0)


# --- lines --------------------------------------------------------------------------------

TEXTS = ["abc", "abcd", "ab"]
LINES = [np.full((8, 10 * len(text)), 0.5, dtype=np.float32) for text in TEXTS]


def read_line(picture):
    """The text of so many letters, if the picture is clean; else one letter less, or nothing."""
    text = "abcd"[: picture.shape[1] // 10]
    if picture.std() > 0 and text == "ab":
        raise ValueError("nothing to read")
    return text[: len(text) - (picture.std() > 0)]


def shorter(truth, read):
    return len(truth) - len(read)


def test_lines_are_read_clean_and_spoilt():
    calls = []
    scores = line_scores(
        read_line, shorter, TEXTS, LINES, corruptions=("gaussian", "contrast"),
        progress=lambda *call: calls.append(call),
    )  # fmt: skip
    assert scores.clean.error_rate == wilson(0, 9)
    assert scores.clean.exact == wilson(3, 3)
    assert scores.clean.picture == png_uri(LINES[0])
    gaussian, contrast = scores.noise
    assert [(p.severity, p.setting) for p in gaussian.points] == [
        (severity, noise.find("gaussian").setting(severity)) for severity in (1, 2, 3)
    ]
    for point in gaussian.points:
        assert (point.error_rate, point.exact) == (error_rate([1, 1, 2], [3, 4, 2]), wilson(0, 3))
    assert {p.exact for p in contrast.points} == {wilson(3, 3)}
    assert [call[:2] for call in calls] == [(i + 1, 7) for i in range(7)]
    assert line_scores(read_line, shorter, TEXTS, LINES, corruptions=()).noise == []
    few = line_scores(read_line, shorter, TEXTS, LINES, corruptions=("gaussian",), n_spoilt=2)
    assert (few.clean.exact.n, few.noise[0].points[0].exact) == (3, wilson(0, 2))


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
            allowed |= figures(p.setting) | shown(p.accuracy) | {str(p.severity)}
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


class Spy:
    """A classifier that remembers what it was trained on."""

    trained: list = []  # noqa: RUF012

    def fit(self, X, y):
        time.sleep(0.01)
        Spy.trained.append((X, y))
        self.answer = y[0]
        return self

    def predict(self, X):
        return np.full(len(X), self.answer)


@pytest.fixture(autouse=True)
def _forget():
    Spy.trained = []


@pytest.mark.slow
def test_learning_curve_on_real_digits():
    calls = []
    points = learning_curve(
        lambda: LogisticRegression(max_iter=1000),
        flat(IMAGES[TRAIN]),
        LABELS[TRAIN],
        flat(IMAGES[TEST]),
        LABELS[TEST],
        shares=(0.05, 1.0),
        progress=lambda *call: calls.append(call),
    )
    assert [(p.share, p.n_train) for p in points] == [(0.05, 45), (1.0, 900)]
    assert points[0].accuracy.high < points[1].accuracy.low
    assert points[1].accuracy.n == 400
    assert calls == [(1, 2, "5% of the training data"), (2, 2, "100% of the training data")]


def test_learning_curve_subsets_are_nested_stratified_and_seeded():
    X = np.arange(1000)
    y = np.repeat(["a", "b", "c"], (700, 299, 1))
    shares = (0.1, 0.25, 0.5, 1.0)
    points = learning_curve(Spy, X, y, X[:5], y[:5], shares)
    subsets = [set(x.tolist()) for x, _ in Spy.trained]
    for smaller, larger in itertools.pairwise(subsets):
        assert smaller < larger
    for (x, given), share in zip(Spy.trained, shares, strict=True):
        assert np.array_equal(given, y[x]), "examples lost their labels"
        assert np.all(np.diff(x) > 0), "the order of the data is kept"
        counts = [np.count_nonzero(given == label) for label in "abc"]
        np.testing.assert_allclose(counts[:2], (700 * share, 299 * share), atol=1.5)
        assert counts[2] == 1
    assert [p.n_train for p in points] == [100, 250, 500, 1000]
    assert min(p.seconds for p in points) >= 0.01

    learning_curve(Spy, X, y, X[:5], y[:5], shares)
    learning_curve(Spy, X, y, X[:5], y[:5], shares, seed=1)
    again, other = set(Spy.trained[4][0].tolist()), set(Spy.trained[8][0].tolist())
    assert again == subsets[0]
    assert other != subsets[0]


def test_a_tiny_share_still_has_every_class():
    y = np.repeat(np.arange(10), 30)
    (point,) = learning_curve(Spy, y, y, y, y, shares=(0.001,))
    assert point.n_train == 10
    assert sorted(Spy.trained[0][1]) == list(range(10))


def test_label_noise_spoils_its_share_of_training_labels_and_no_test_label():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 1000)
    before = y.copy()
    points = label_noise(Spy, y.reshape(-1, 1), y, y.reshape(-1, 1)[:50], y[:50])
    assert np.array_equal(y, before)
    assert [p.share for p in points] == [0.0, 0.1, 0.2, 0.4]
    assert {p.n_train for p in points} == {1000}
    wrong = [given != y for _, given in Spy.trained]
    assert [int(w.sum()) for w in wrong] == [0, 100, 200, 400]
    assert np.all(wrong[1] <= wrong[2])
    assert np.all(wrong[2] <= wrong[3])
    given = Spy.trained[3][1]
    assert set(given) == set(y)
    away = (given - y)[wrong[3]] % 4  # each other class as often
    np.testing.assert_allclose(np.bincount(away, minlength=4)[1:] / 400, 1 / 3, atol=0.07)
    expected = [wilson(int((y[:50] == labels[0]).sum()), 50) for _, labels in Spy.trained]
    assert [p.accuracy for p in points] == expected


@pytest.mark.parametrize("experiment", [learning_curve, label_noise])
def test_pictures_of_different_sizes_come_as_lists(experiment):
    X = [np.zeros((5 + i % 3, 4)) for i in range(40)]
    y = np.arange(40) % 2
    experiment(Spy, X, y, X[:4], y[:4], shares=(0.5,))
    trained, labels = Spy.trained[0]
    assert isinstance(trained, list)
    assert len(trained) == len(labels)


@pytest.mark.parametrize(
    ("experiment", "change", "says"),
    [
        (learning_curve, {"shares": (0.0, 1.0)}, "above 0"),
        (learning_curve, {"shares": (1.5,)}, "above 0"),
        (learning_curve, {"y": np.zeros(3)}, "training data"),
        (learning_curve, {"X": np.zeros((0, 2)), "y": []}, "training data"),
        (learning_curve, {"y_test": np.zeros(3)}, "test data"),
        (label_noise, {"shares": (-0.1,)}, "between 0 and 1"),
        (label_noise, {"y": np.zeros(10)}, "two classes"),
        (label_noise, {"y_test": np.zeros((10, 2))}, "test data"),
    ],
)
def test_dependence_names_bad_input(experiment, change, says):
    X, y = np.zeros((10, 2)), np.arange(10) % 2
    arguments = {"make": Spy, "X": X, "y": y, "X_test": X, "y_test": y} | change
    with pytest.raises(ValueError, match=says):
        experiment(**arguments)


def point(share, right, n_train=1000, seconds=3.0):
    return DependencePoint(share, n_train, wilson(right, 1000), seconds)


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
def test_prediction_speed(X):
    lengths = []

    def slow(batch):
        lengths.append(len(batch))
        time.sleep(0.002 + 0.0002 * len(batch))

    speed = prediction_speed(slow, X, repeats=3)
    assert 100 < speed["pictures_per_second"] < 100 / 0.022
    assert 2.2 <= speed["milliseconds_one"] < 500
    assert lengths.count(100) == 3
    assert set(lengths) == {1, 100}


def test_prediction_speed_of_nothing():
    with pytest.raises(ValueError, match="at least one picture"):
        prediction_speed(len, [])
