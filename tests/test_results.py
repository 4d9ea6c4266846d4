"""Figures against hand-made and published values; results.json there and back."""

import base64
import dataclasses
import io
import json
import math
import subprocess
import sys
from datetime import datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bpapps import __version__, evaluation
from bpapps.evaluation import (
    Calibration,
    CalibrationBin,
    ClassScore,
    ConfusedPair,
    DependencePoint,
    GroupingScore,
    GroupScore,
    Interval,
    LineCurve,
    LinePoint,
    LineScores,
    Mistake,
    NoiseCurve,
    NoisePoint,
    Results,
    Rival,
    Score,
    StepMemory,
    TopK,
    calibration,
    confused_pairs,
    error_rate,
    evaluate,
    group_scores,
    grouping_scores,
    mistakes,
    png_uri,
    top_k,
    wilson,
)

# a busy machine is no failure
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# --- intervals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_wilson_gives_the_published_intervals(successes, n, low, high):
    interval = wilson(successes, n)
    assert interval.value == successes / n
    assert interval.n == n
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@relaxed
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_wilson_is_ordered_inside_the_unit_interval(a, b):
    successes, n = min(a, b), max(a, b)
    interval = wilson(successes, n)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert n == 0 or (interval.low == 0) == (successes == 0)
    assert n == 0 or (interval.high == 1) == (successes == n)


def test_wilson_of_nothing_knows_nothing():
    assert wilson(0, 0) == Interval(0.0, 0.0, 1.0, 0)


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_wilson_refuses_impossible_counts(successes, n):
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson(successes, n)


def test_error_rate_is_over_characters_and_its_interval_over_lines():
    rate = error_rate([1, 0, 3, 0] * 25, [10, 10, 20, 10] * 25)
    assert (rate.value, rate.n) == (0.08, 1250)
    # the ratio's standard error by hand: errors - 0.08 * length deviates by 0.906 a line
    half = 1.96 * 0.906 * math.sqrt(100) / 1250
    assert (rate.low, rate.high) == pytest.approx((0.08 - half, 0.08 + half), abs=0.002)
    assert error_rate([0, 0], [8, 12]) == wilson(0, 20)
    assert error_rate([30], [10]).value == 3


@pytest.mark.parametrize(("errors", "lengths"), [([], []), ([1], [0]), ([1, 2], [3])])
def test_error_rate_needs_lines(errors, lengths):
    with pytest.raises(ValueError, match="each line needs"):
        error_rate(errors, lengths)


# --- metrics ------------------------------------------------------------------------------


def answered(truth, predicted, classes):
    """The evaluation of answers that are certain."""
    return evaluate(np.eye(len(classes))[[classes.index(p) for p in predicted]], truth, classes)


def test_confusion_matrix_and_scores_agree_with_scikit_learn():
    from sklearn import metrics

    rng = np.random.default_rng(0)
    classes = ["a", "b", "c", "never"]
    truth = rng.choice(classes[:3], 200)
    predicted = np.where(rng.random(200) < 0.6, truth, rng.choice(classes[:3], 200))
    found = answered(truth, predicted, classes)
    assert found["confusion"] == metrics.confusion_matrix(truth, predicted, labels=classes).tolist()
    precision, recall, f1, n = metrics.precision_recall_fscore_support(
        truth, predicted, labels=classes, zero_division=0
    )
    scores = found["per_class"]
    assert [s.label for s in scores] == classes
    np.testing.assert_allclose([s.precision.value for s in scores], precision)
    np.testing.assert_allclose([s.recall.value for s in scores], recall)
    np.testing.assert_allclose([s.f1 for s in scores], f1)
    assert [s.recall.n for s in scores] == n.tolist()
    assert scores[3].precision == Interval(0.0, 0.0, 1.0, 0)


def test_rows_are_the_truth_and_labels_are_compared_as_text():
    found = answered([3, 3, 7], ["3", "7", "7"], ["3", "7"])
    assert found["confusion"] == [[1, 1], [0, 1]]


def test_calibration_by_hand():
    # bins of 1/15: 0.95 and 1.0 fall into the last, 0.6 exactly on the edge of the tenth
    probabilities = [[0.95, 0.05], [1.0, 0.0], [0.6, 0.4], [0.38, 0.62]]
    truth = ["x", "y", "x", "y"]
    found = calibration(probabilities, truth, ["x", "y"])
    assert [(b.n, b.accuracy) for b in found.bins] == [(2, 1.0), (2, 0.5)]
    assert [b.confidence for b in found.bins] == pytest.approx([0.61, 0.975])
    assert [(b.low, b.high) for b in found.bins] == [
        (pytest.approx(9 / 15), pytest.approx(10 / 15)),
        (pytest.approx(14 / 15), 1.0),
    ]
    assert found.ece == pytest.approx(0.5 * 0.39 + 0.5 * 0.475)


def test_an_honest_forecaster_is_calibrated():
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, 20_000)
    truth = (rng.random(20_000) < p).astype(int)
    assert calibration(np.stack([1 - p, p], axis=1), truth, [0, 1]).ece < 0.015


def answers(n=60, k=5, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(k), n).astype(np.float32)
    return probabilities, rng.integers(0, k, n), np.arange(k), rng.random((n, 6, 4))


def test_mistakes_are_the_surest_wrong_answers():
    probabilities, truth, classes, pictures = answers()
    found = mistakes(probabilities, truth, classes, pictures, limit=10)
    guess = probabilities.argmax(axis=1)
    wrong = [i for i in range(60) if guess[i] != truth[i]]
    expected = sorted(wrong, key=lambda i: -probabilities[i].max())[:10]
    assert [m.index for m in found] == expected
    for m in found:
        assert m.truth == str(truth[m.index])
        assert m.predicted == str(guess[m.index])
        assert m.confidence == pytest.approx(probabilities[m.index].max())
        assert m.picture == png_uri(pictures[m.index])
    assert len(mistakes(probabilities, truth, classes, pictures)) == 24


def test_top_k_counts_the_truth_among_the_first_answers():
    p = [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.4, 0.4, 0.2]]
    found = top_k(p, ["a", "b", "c", "b"], ["a", "b", "c"], ks=(1, 2, 3))
    # of equals the first class goes before, as argmax has it
    assert found == [TopK(1, wilson(1, 4)), TopK(2, wilson(3, 4)), TopK(3, wilson(4, 4))]


def test_confused_pairs_come_with_the_surest_pictures():
    p = [[0.4, 0.6], [0.1, 0.9], [0.3, 0.7], [0.8, 0.2], [0.9, 0.1]]
    pictures = [np.full((2, 2), i / 10) for i in range(5)]
    found = confused_pairs(p, ["a", "a", "a", "b", "a"], ["a", "b"], pictures, shown=2)
    assert found == [
        ConfusedPair("a", "b", 3, [png_uri(pictures[1]), png_uri(pictures[2])]),
        ConfusedPair("b", "a", 1, [png_uri(pictures[3])]),
    ]
    assert confused_pairs(p, list("aaaba"), ["a", "b"], limit=1) == [ConfusedPair("a", "b", 3, [])]


GROUPED = {
    "all": {"A": "A", "a": "a", "b": "b"},
    "caseless": {"A": "A", "a": "A", "b": "B"},
    "the same": {"A": "x", "a": "x", "b": "y"},
    "small": {"a": "a", "b": "b"},
    "one": {"A": "A"},
    "strange": {"?": "?"},
}


def merge(probabilities, classes, name):
    of = [GROUPED[name].get(c) for c in classes]
    groups = sorted({group for group in of if group})
    if not groups:
        raise ValueError("none of the classes")
    p = np.array(probabilities) @ np.array([[group == g for g in groups] for group in of])
    total = p.sum(axis=1, keepdims=True)
    return np.where(total > 0, p / np.maximum(total, 1e-300), 1 / len(groups)), np.array(groups)


def test_grouping_scores_count_the_group_of_those_inside():
    p = [[0.6, 0.3, 0.1], [0.5, 0.1, 0.4], [0.9, 0.0, 0.1], [0.3, 0.3, 0.4]]
    truth, classes = ["a", "a", "b", "A"], ["A", "a", "b"]
    assert grouping_scores(p, truth, classes, list(GROUPED), merge) == [
        GroupingScore("caseless", 2, wilson(3, 4)),
        GroupingScore("small", 2, wilson(2, 3)),
    ]


def test_group_scores_are_worst_first():
    p = np.eye(2)[[0, 0, 1, 1, 0]]
    found = group_scores(p, [0, 0, 0, 1, 0], [0, 1], ["x", "x", "y", "y", "z"])
    assert found == [
        GroupScore("y", wilson(1, 2)), GroupScore("x", wilson(2, 2)), GroupScore("z", wilson(1, 1))
    ]  # fmt: skip
    with pytest.raises(ValueError, match="groups of the shape"):
        group_scores(p, [0, 0, 0, 1, 0], [0, 1], ["x"])


@pytest.mark.parametrize(("k", "measured"), [(5, False), (evaluation.MANY_CLASSES + 1, True)])
def test_only_many_classes_are_told_of_in_more_ways(k, measured):
    p, t, c, _ = answers(k=k)
    fields = evaluate(p, t, c)
    assert bool(fields["top_k"]) == bool(fields["confused_pairs"]) == measured


def test_png_uri_holds_the_picture():
    picture = np.linspace(0, 1, 12).reshape(3, 4)
    head, _, body = png_uri(picture).partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(body))) as image:
        assert image.mode == "L"
        np.testing.assert_allclose(np.asarray(image) / 255, picture, atol=0.5 / 255 + 1e-9)


@pytest.mark.parametrize(
    "picture", [np.zeros(3), np.zeros((0, 3)), np.full((2, 2), np.nan), np.full((2, 2), 255)]
)
def test_png_uri_refuses_what_is_no_gray_picture(picture):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        png_uri(picture)


def test_evaluate_gives_fields_of_results_that_agree_with_each_other():
    probabilities, truth, classes, pictures = answers()
    fields = evaluate(probabilities, truth, classes, pictures)
    assert set(fields) <= {f.name for f in dataclasses.fields(Results)}
    right = int((probabilities.argmax(axis=1) == truth).sum())
    assert fields["accuracy"] == wilson(right, 60)
    assert sum(row[i] for i, row in enumerate(fields["confusion"])) == right
    assert sum(b.n for b in fields["calibration"].bins) == 60
    assert fields["classes"] == ["0", "1", "2", "3", "4"]
    assert fields["mistakes"] == mistakes(probabilities, truth, classes, pictures)
    assert evaluate(probabilities, truth, classes)["mistakes"] == []


P, T, C, PICTURES = answers()
NAN = np.where(np.arange(5) == 2, np.nan, P)


@pytest.mark.parametrize(
    ("probabilities", "truth", "classes", "pictures", "says"),
    [
        (P[:50], T, C, None, "do not fit"),
        (P[:, :4], T, C, None, "do not fit"),
        (P[:0], T[:0], C, None, "do not fit"),
        (P * 3 - 1, T, C, None, r"\[0, 1\]"),
        (NAN, T, C, None, r"\[0, 1\]"),
        (P, T + 1, C, None, "'5', which is not among"),
        (P, T, [0, 1, 2, 3, 3], None, "distinct"),
        (P, T, C, PICTURES[:7], "60 answers and 7 pictures"),
    ],
)
def test_evaluate_names_what_does_not_fit(probabilities, truth, classes, pictures, says):
    with pytest.raises(ValueError, match=says):
        evaluate(probabilities, truth, classes, pictures)


# --- results.json -------------------------------------------------------------------------

finite = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**63)
intervals = st.builds(Interval, finite, finite, finite, counts)
json_values = st.recursive(
    st.none() | st.booleans() | counts | finite | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
free = st.dictionaries(st.text(), json_values, max_size=3)


def lists(kind, *fields):
    return st.lists(st.builds(kind, *fields), max_size=2)


points = lists(NoisePoint, counts, st.text(), intervals, st.text())
line_points = st.builds(LinePoint, counts, st.text(), intervals, intervals, st.text())
dependence = lists(DependencePoint, finite, counts, intervals, finite)
results = st.builds(
    Results,
    task=st.text(),
    title=st.text(),
    summary=st.text(),
    made=free,
    data=free,
    model=free,
    training=free,
    speed=free,
    accuracy=intervals,
    classes=st.lists(st.text(), max_size=3),
    per_class=lists(ClassScore, st.text(), intervals, intervals, finite),
    confusion=st.lists(st.lists(counts, max_size=2), max_size=2),
    calibration=st.builds(
        Calibration, finite, lists(CalibrationBin, finite, finite, counts, finite, finite)
    ),
    mistakes=lists(Mistake, counts, st.text(), st.text(), finite, st.text()),
    noise=lists(NoiseCurve, st.text(), st.text(), points, st.none() | finite),
    noise_reading=st.text(),
    learning_curve=dependence,
    label_noise=dependence,
    scores=lists(
        Score,
        *(st.text(), st.text(), finite, finite, st.lists(finite, max_size=2)),
        *(st.none() | finite, st.text(), st.text()),
    ),
    top_k=lists(TopK, counts, intervals),
    confused_pairs=lists(
        ConfusedPair, st.text(), st.text(), counts, st.lists(st.text(), max_size=3)
    ),
    grouping_scores=lists(GroupingScore, st.text(), counts, intervals),
    group_scores=lists(GroupScore, st.text(), intervals),
    rivals=lists(
        Rival,
        *(st.text(), intervals, st.dictionaries(st.text(), finite), counts, finite, counts, finite),
        *(st.none() | counts, st.none() | finite, st.none() | finite, counts),
    ),
    step_memory=lists(StepMemory, counts, counts, counts),
    lines=st.none()
    | st.builds(
        LineScores,
        line_points,
        lists(LineCurve, st.text(), st.text(), st.lists(line_points, max_size=2)),
    ),
)


def small(**changes):
    fields = {
        "task": "digits",
        "title": "Ziffern σ",
        "summary": "",
        "made": {"seed": 1},
        "data": {"name": "digits", "n_test": 60},
        "model": {},
        "training": {"seconds": 1.5, "epochs": 3, "history": [{"loss": 0.5}]},
        "speed": {"milliseconds_one": 0.2},
        **evaluate(P, T, C, PICTURES),
        "noise": [
            NoiseCurve(
                "blur",
                "Blur",
                [NoisePoint(0, "unchanged", wilson(9, 10), "data:,")],
                drop5=None,
            )
        ],
        "label_noise": [DependencePoint(0.1, 100, wilson(9, 10), 2.0)],
        "scores": [Score("s", "p", 0.99, 0.01, [0.98, 1.0], 0.99, "r", "c")],
    }
    return Results(**fields | changes)


@pytest.mark.slow
@relaxed
@given(results)
def test_results_come_back_exactly(original):
    text = original.to_json()
    back = Results.from_json(text)
    assert back == original
    assert type(back.calibration) is Calibration
    assert back.to_json() == text


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_results_survive_a_file(tmp_path):
    path = tmp_path / "new folder" / "results.json"
    original = small()
    original.save(path)
    assert Results.load(path) == original
    changed = small(summary="again")
    changed.save(str(path))
    assert Results.load(str(path)) == changed
    assert names(path.parent) == ["results.json"], "a temporary file was left"


def test_numpy_values_become_plain_and_what_is_not_finite_null():
    training = {
        "seconds": np.float32(1.5),
        "epochs": np.int64(3),
        "history": [{"loss": math.nan}, {"loss": np.inf}],
        "shape": (2, np.arange(2)),
        7: np.bool_(True),
    }
    text = small(training=training).to_json()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert Results.from_json(text).training == {
        "seconds": 1.5,
        "epochs": 3,
        "history": [{"loss": None}, {"loss": None}],
        "shape": [2, [0, 1]],
        "7": True,
    }


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"accuracy": Interval(math.nan, 0.0, 1.0, 3)}, r"results\.accuracy\.value must be a num"),
        ({"scores": [Score("s", "p", 0.9, math.inf, [], None, "", "")]}, r"scores\[0\]\.spread"),
        ({"model": {"layers": [object()]}}, r"results\.model\.layers\[0\] is a object"),
        ({"classes": [0, 1]}, r"results\.classes\[0\] must be a text"),
        ({"accuracy": 0.9}, r"results\.accuracy must have fields"),
    ],
)
def test_results_that_could_not_be_read_are_not_written(tmp_path, changes, says):
    path = tmp_path / "results.json"
    with pytest.raises(ValueError, match=says):
        small(**changes).save(path)
    assert names(tmp_path) == []


def edited(**changes):
    plain = json.loads(small().to_json()) | changes
    return json.dumps({key: value for key, value in plain.items() if value != "gone"})


FOREIGN = {
    "empty": ("", "not JSON"),
    "text": ("hello", "not JSON"),
    "truncated": (small().to_json()[:500], "not JSON"),
    "deep": ("[" * 100_000, "not JSON"),
    "list": ("[1, 2]", "no schema number"),
    "other": ('{"accuracy": 1}', "no schema number"),
    "schema": ('{"schema": "1"}', "no schema number"),
    "newer": (edited(schema=evaluation.SCHEMA + 1), "update bpapps"),
    "unknown": (edited(schema=0), "unknown schema 0"),
    "lacks": (edited(confusion="gone", task="gone"), "lacks task, confusion"),
    "wrong type": (edited(task=5), r"results\.task must be a text, not 5"),
    "a bool": (edited(confusion=[[True]]), r"results\.confusion\[0\]\[0\] must be a whole number"),
    "no number": (edited(calibration={"ece": None, "bins": []}), r"calibration\.ece must be a nu"),
    "huge": (edited(calibration={"ece": 10**400, "bins": []}), r"calibration\.ece must be a nu"),
    "no list": (edited(mistakes={}), r"results\.mistakes must be a"),
    "no dictionary": (edited(made=[]), r"results\.made must be a"),
}


@pytest.mark.parametrize(("text", "says"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_gets_one_clear_line(tmp_path, text, says):
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=says) as caught:
        Results.load(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < 250 + len(str(path))


def test_files_that_cannot_be_read_or_written(tmp_path):
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ValueError, match="not even text"):
        Results.load(binary)
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(ValueError, match="cannot be read"):
            Results.load(path)
    for path in (binary / "results.json", tmp_path):
        with pytest.raises(ValueError, match="cannot be written"):
            small().save(path)
    assert names(tmp_path) == ["binary"]


def test_fields_with_a_default_may_be_absent():
    later = ("noise", "noise_reading", "top_k", "confused_pairs", "grouping_scores")
    later += ("group_scores", "lines")
    old = Results.from_json(edited(**dict.fromkeys(later, "gone")))
    assert (old.noise, old.top_k, old.group_scores, old.lines) == ([], [], [], None)


def test_figures_are_short_plain_json():
    original = small(speed={"milliseconds_one": np.float32(0.5)})
    figures = original.figures()
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    a = original.accuracy
    assert figures["accuracy"] == {"value": a.value, "low": a.low, "high": a.high, "n": 60}
    assert figures["ece"] == original.calibration.ece
    assert figures["per_class"]["3"]["n"] == original.per_class[3].recall.n
    assert figures["noise"] == {"blur": {"drop5": None, "accuracy": {"0": 0.9}}}
    assert figures["training"] == {"seconds": 1.5, "epochs": 3, "samples_per_second": None}
    assert figures["label_noise"][0]["accuracy"]["value"] == 0.9
    assert figures["speed"] == {"milliseconds_one": 0.5}
    assert "data:" not in json.dumps(figures), "pictures do not belong here"


# --- how it was made ----------------------------------------------------------------------


def test_made_says_how_when_and_where():
    made = evaluation.made("bpapps report digits", seed=3, seconds=1.25)
    assert made["command"] == "bpapps report digits"
    assert (made["seed"], made["seconds"]) == (3, 1.25)
    date = datetime.fromisoformat(made["date"])
    assert date.utcoffset().total_seconds() == 0
    assert abs(date.timestamp() - datetime.now().timestamp()) < 60
    assert made["versions"]["bpapps"] == __version__
    assert made["versions"]["numpy"] == np.__version__
    assert {"python", "scipy", "scikit-learn"} <= set(made["versions"])
    assert made["machine"]["cores"] >= 1
    assert made["machine"]["processor"]
    assert made["machine"]["blas"]
    assert Results.from_json(small(made=made).to_json()).made == made


def test_importing_is_light():
    heavy = "{'sklearn', 'PIL', 'scipy', 'matplotlib'} & set(sys.modules)"
    code = (
        f"import sys, bpapps.evaluation, bpapps.experiments, bpapps.pictures.noise; print({heavy})"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
