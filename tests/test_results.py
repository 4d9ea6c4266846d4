"""results.json there and back, and the figures that a program reads."""

import dataclasses
import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bpapps.kinds import load_results, parse_results
from bpapps.kinds.classification.metrics import evaluate
from bpapps.kinds.classification.records import (
    ClassScore,
    ConfusedPair,
    Details,
    GroupingScore,
    GroupScore,
    LineScores,
    Mistake,
    TopK,
)
from bpapps.measures.calibration import Calibration, CalibrationBin
from bpapps.measures.intervals import Interval, wilson
from bpapps.results import (
    SCHEMA,
    DependencePoint,
    Fact,
    Figure,
    Headline,
    NoiseCurve,
    NoisePoint,
    NoiseSweep,
    Results,
    Rival,
    Score,
    Speed,
    StepMemory,
)

# a busy machine is no failure
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


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


figures = st.builds(Figure, st.text(), intervals, st.booleans(), st.text())
some_figures = st.lists(figures, min_size=1, max_size=2)
points = lists(NoisePoint, counts, st.text(), some_figures, st.text())
curves = lists(NoiseCurve, st.text(), st.text(), points, st.none() | finite)
dependence = lists(DependencePoint, finite, counts, figures, finite)
details = st.builds(
    Details,
    accuracy=intervals,
    classes=st.lists(st.text(), max_size=3),
    per_class=lists(ClassScore, st.text(), intervals, intervals, finite),
    confusion=st.lists(st.lists(counts, max_size=2), max_size=2),
    calibration=st.builds(
        Calibration, finite, lists(CalibrationBin, finite, finite, counts, finite, finite)
    ),
    mistakes=lists(Mistake, counts, st.text(), st.text(), finite, st.text()),
    top_k=lists(TopK, counts, intervals),
    confused_pairs=lists(
        ConfusedPair, st.text(), st.text(), counts, st.lists(st.text(), max_size=3)
    ),
    grouping_scores=lists(GroupingScore, st.text(), counts, intervals),
    group_scores=lists(GroupScore, st.text(), intervals),
    lines=st.none() | st.builds(LineScores, intervals, intervals, st.text()),
)
results = st.builds(
    Results,
    kind=st.just("classification"),
    task=st.text(),
    title=st.text(),
    summary=st.text(),
    made=free,
    data=free,
    model=free,
    training=free,
    speed=lists(Speed, st.text(), st.text(), finite, finite),
    headline=st.builds(
        Headline,
        some_figures,
        *(st.lists(st.text(), max_size=2), st.text(), st.text()),
        lists(Fact, st.text(), st.text(), st.text()),
    ),
    details=details,
    noise=lists(NoiseSweep, st.text(), curves, st.text()),
    learning_curve=dependence,
    label_noise=dependence,
    dependence_reading=st.text(),
    scores=lists(
        Score,
        *(st.text(), st.text(), finite, finite, st.lists(finite, max_size=2)),
        *(st.none() | finite, st.text(), st.text(), st.booleans()),
    ),
    rivals=lists(
        Rival,
        *(st.text(), figures, st.dictionaries(st.text(), finite), counts, finite, counts, finite),
        *(st.none() | counts, st.none() | finite, st.none() | finite, counts),
    ),
    step_memory=lists(StepMemory, counts, counts, counts),
)


def answered(n=60, k=5):
    """The details of a classifier that guesses."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(k), n).astype(np.float32)
    return Details(
        **evaluate(probabilities, rng.integers(0, k, n), np.arange(k), rng.random((n, 6, 4)))
    )


NINE = Figure("accuracy", wilson(9, 10))


def sweep(title, *figures):
    """Clean pictures only."""
    points = [NoisePoint(0, "unchanged", list(figures), "data:,")]
    return NoiseSweep(title, [NoiseCurve("blur", "Blur", points, drop5=None)], "Firm.")


def small(**changes):
    fields = {
        "kind": "classification",
        "task": "digits",
        "title": "Ziffern σ",
        "summary": "",
        "made": {"seed": 1},
        "data": {"name": "digits", "n_test": 60},
        "model": {},
        "training": {"seconds": 1.5, "epochs": 3, "history": [{"loss": 0.5}]},
        "speed": [Speed("Recognition", "picture", 5_000.0, 0.2)],
        "headline": Headline([NINE], ["1 wrong"]),
        "details": answered(),
        "noise": [sweep("Test pictures", NINE)],
        "label_noise": [DependencePoint(0.1, 100, NINE, 2.0)],
        "scores": [Score("s", "p", 0.99, 0.01, [0.98, 1.0], 0.99, "r", "c")],
    }
    return Results(**fields | changes)


@pytest.mark.slow
@relaxed
@given(results)
def test_results_come_back_exactly(original):
    text = original.to_json()
    back = parse_results(text)
    assert back == original
    assert type(back.details.calibration) is Calibration
    assert back.to_json() == text


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_results_survive_a_file(tmp_path):
    path = tmp_path / "new folder" / "results.json"
    original = small()
    original.save(path)
    assert load_results(path) == original
    changed = small(summary="again")
    changed.save(str(path))
    assert load_results(str(path)) == changed
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
    assert parse_results(text).training == {
        "seconds": 1.5,
        "epochs": 3,
        "history": [{"loss": None}, {"loss": None}],
        "shape": [2, [0, 1]],
        "7": True,
    }


def of_details(**changes):
    return {"details": dataclasses.replace(answered(), **changes)}


NAN = Interval(math.nan, 0.0, 1.0, 3)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (of_details(accuracy=NAN), r"results\.details\.accuracy\.value must be a num"),
        ({"headline": Headline([Figure("x", NAN)])}, r"headline\.figures\[0\]\.interval\.value"),
        ({"scores": [Score("s", "p", 0.9, math.inf, [], None, "", "")]}, r"scores\[0\]\.spread"),
        ({"model": {"layers": [object()]}}, r"results\.model\.layers\[0\] is a object"),
        (of_details(classes=[0, 1]), r"results\.details\.classes\[0\] must be a text"),
        (of_details(accuracy=0.9), r"results\.details\.accuracy must have fields"),
    ],
)
def test_results_that_could_not_be_read_are_not_written(tmp_path, changes, says):
    path = tmp_path / "results.json"
    with pytest.raises(ValueError, match=says):
        small(**changes).save(path)
    assert names(tmp_path) == []


def kept(plain):
    return {key: value for key, value in plain.items() if value != "gone"}


def edited(*, inside=None, **changes):
    """The text of results with some fields changed or gone, ``inside``: those of the details."""
    plain = json.loads(small().to_json())
    plain["details"] = kept(plain["details"] | (inside or {}))
    return json.dumps(kept(plain | changes))


def calibrated(ece):
    return edited(inside={"calibration": {"ece": ece, "bins": []}})


FOREIGN = {
    "empty": ("", "not JSON"),
    "text": ("hello", "not JSON"),
    "truncated": (small().to_json()[:500], "not JSON"),
    "deep": ("[" * 100_000, "not JSON"),
    "list": ("[1, 2]", "no schema number"),
    "other": ('{"accuracy": 1}', "no schema number"),
    "schema": ('{"schema": "1"}', "no schema number"),
    "newer": (edited(schema=SCHEMA + 1), "update bpapps"),
    "unknown": (edited(schema=0), "unknown schema 0"),
    "older": (edited(schema=1), "results lacks"),
    "no kind": (edited(kind="gone"), "of the kind None, this version knows classification, "),
    "another kind": (edited(kind="divination"), "of the kind 'divination', .*: update bpapps"),
    "no name of a kind": (edited(kind=[]), r"of the kind \[\]"),
    "lacks": (edited(headline="gone", task="gone"), "lacks task, headline"),
    "lacks of details": (edited(inside={"confusion": "gone"}), "results.details lacks confusion"),
    "of another kind": (edited(kind="verification"), r"results\.details lacks one"),
    "no details": (edited(details=3), r"results\.details must have fields, not be 3"),
    "no figure": (edited(headline={"figures": []}), "a headline needs a figure"),
    "wrong type": (edited(task=5), r"results\.task must be a text, not 5"),
    "a bool": (edited(inside={"confusion": [[True]]}), r"confusion\[0\]\[0\] must be a whole num"),
    "no number": (
        edited(inside={"calibration": {"ece": None, "bins": []}}),
        r"calibration\.ece must be a nu",
    ),
    "huge": (
        edited(inside={"calibration": {"ece": 10**400, "bins": []}}),
        r"calibration\.ece must be a nu",
    ),
    "no list": (edited(inside={"mistakes": {}}), r"results\.details\.mistakes must be a"),
    "no dictionary": (edited(made=[]), r"results\.made must be a"),
}


@pytest.mark.parametrize(("text", "says"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_gets_one_clear_line(tmp_path, text, says):
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=says) as caught:
        load_results(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < 250 + len(str(path))


def test_files_that_cannot_be_read_or_written(tmp_path):
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ValueError, match="not even text"):
        load_results(binary)
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(ValueError, match="cannot be read"):
            load_results(path)
    for path in (binary / "results.json", tmp_path):
        with pytest.raises(ValueError, match="cannot be written"):
            small().save(path)
    assert names(tmp_path) == ["binary"]


def test_fields_with_a_default_may_be_absent():
    later = ("top_k", "confused_pairs", "grouping_scores", "group_scores", "lines")
    old = parse_results(
        edited(
            inside=dict.fromkeys(later, "gone"), **dict.fromkeys(("noise", "step_memory"), "gone")
        )
    )
    assert (old.noise, old.step_memory) == ([], [])
    assert (old.details.top_k, old.details.group_scores, old.details.lines) == ([], [], None)


def test_figures_are_short_plain_json():
    lines = sweep("Whole lines", Figure("errors", wilson(1, 10), True), NINE)
    original = small(
        speed=[Speed("Recognition", "picture", 2000.0, np.float32(0.5))],
        noise=[*small().noise, lines],
    )
    figures = original.figures()
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    a = original.details.accuracy
    assert figures["accuracy"] == {"value": a.value, "low": a.low, "high": a.high, "n": 60}
    assert figures["ece"] == original.details.calibration.ece
    assert figures["per_class"]["3"]["n"] == original.details.per_class[3].recall.n
    assert figures["headline"]["figures"][0]["interval"]["n"] == 10
    assert figures["noise"] == {"blur": {"drop5": None, "accuracy": {"0": 0.9}}}
    told = {"drop5": None, "errors": {"0": 0.1}, "accuracy": {"0": 0.9}}
    assert figures["more_noise"] == {"Whole lines": {"blur": told}}
    assert figures["training"] == {"seconds": 1.5, "epochs": 3, "samples_per_second": None}
    assert figures["label_noise"][0]["figure"]["interval"]["value"] == 0.9
    assert [(each["of"], each["milliseconds_one"]) for each in figures["speed"]] == [
        ("picture", 0.5)
    ]
    assert "data:" not in json.dumps(figures), "pictures do not belong here"


def test_importing_is_light():
    heavy = "{'sklearn', 'PIL', 'scipy', 'matplotlib'} & set(sys.modules)"
    modules = "results, bpapps.kinds, bpapps.kinds.classification.metrics, bpapps.experiments"
    code = f"import sys, bpapps.{modules}; print({heavy})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
