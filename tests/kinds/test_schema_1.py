"""Results of schema 1, which named no kind, are read as those of today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bpapps.kinds import load_results, parse_results
from bpapps.measures.intervals import wilson
from bpapps.report import results_in
from bpapps.results import SCHEMA, Figure, Speed

REPORTS = results_in(Path(__file__).parents[2] / "reports")

RIGHT, SPOILT = vars(wilson(9, 10)), vars(wilson(5, 10))
PICTURE = "data:image/png;base64,AAAA"
NO_CALIBRATION = {"ece": 0.01, "bins": []}
COMMON: dict[str, Any] = {
    "schema": 1,
    "task": "digits",
    "title": "Digits",
    "summary": "Which digit is it?",
    "made": {"seed": 3},
    "data": {"name": "digits", "n_test": 10},
    "model": {"n_parameters": 5},
    "training": {"seconds": 1.5},
    "speed": {"pictures_per_second": 900.0, "milliseconds_one": 1.5},
    "accuracy": RIGHT,
    "classes": ["0", "1"],
    "per_class": [],
    "confusion": [[4, 1], [0, 5]],
    "calibration": NO_CALIBRATION,
    "mistakes": [],
    "learning_curve": [{"share": 0.5, "n_train": 7, "accuracy": SPOILT, "seconds": 0.2}],
    "label_noise": [{"share": 0.1, "n_train": 14, "accuracy": RIGHT, "seconds": 0.3}],
    "dependence_reading": "More should help.",
    "step_memory": [{"iterations": 5, "implicit": 10, "unrolled": 50}],
}


def line_point(severity: int) -> dict[str, Any]:
    told = {"severity": severity, "setting": f"level {severity}", "picture": PICTURE}
    return {**told, "error_rate": SPOILT, "exact": RIGHT}


CLASSIFIER: dict[str, Any] = {
    **COMMON,
    "noise": [
        {
            "name": "blur",
            "title": "Blur",
            "points": [
                {"severity": 0, "setting": "unchanged", "accuracy": RIGHT, "picture": PICTURE},
                {"severity": 1, "setting": "a little", "accuracy": SPOILT, "picture": ""},
            ],
            "drop5": 0.1,
        }
    ],
    "noise_reading": "Blur hurts.",
    "lines": {
        "clean": line_point(0),
        "noise": [{"name": "blur", "title": "Blur", "points": [line_point(2)]}],
    },
    "rivals": [
        {
            "name": "small", "accuracy": RIGHT, "noise": {"Blur": 0.5}, "n_parameters": 5,
            "seconds": 1.0, "epochs": 2, "milliseconds_one": 0.1,
        }
    ],
}  # fmt: skip

MEASURED: dict[str, Any] = {
    "protocol": "1 reference, every pair",
    "n_owners": 10, "n_folds": 1, "n_genuine": 20, "n_skilled": 20, "n_random": 0,
    "rates": [
        {
            "rule": "FAR = FRR", "against": "skilled", "thresholds": [0.5], "frr": RIGHT,
            "far_skilled": SPOILT, "far_random": None, "average_error": SPOILT,
        }
    ],
    "skilled": None,
    "random": None,
    "histogram": {"edges": [0.0, 1.0], "genuine": [20], "skilled": [20], "random": [0]},
    "owners": [],
}  # fmt: skip
RATES = {"severity": 0, "setting": "", "eer": SPOILT, "frr": SPOILT, "picture": ""}
VERIFIER: dict[str, Any] = {
    **COMMON,
    "task": "signatures",
    "verifier": {
        "one": MEASURED,
        "noise": [
            {
                "name": "blur",
                "title": "Blur",
                "points": [
                    {**RATES, "far_skilled": RIGHT},
                    {**RATES, "severity": 1, "eer": RIGHT, "far_skilled": RIGHT},
                ],
            },
            {"name": "scan", "title": "Scan", "points": [{**RATES, "far_skilled": None}]},
        ],
        "warning": "Beware.",
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.parent.name)
def test_the_committed_reports_are_read_and_come_back_in_this_schema(
    path: Path, tmp_path: Path
) -> None:
    plain = json.loads(path.read_text(encoding="utf-8"))
    results = load_results(path)
    assert (results.kind == "verification") == (results.task == "signatures")
    assert (results.task, results.made) == (plain["task"], plain["made"])
    results.save(tmp_path / "results.json")
    written = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert (written["schema"], written["kind"]) == (SCHEMA, results.kind)
    assert load_results(tmp_path / "results.json") == results
    if plain["schema"] == 1:
        pictures = plain["verifier"]["hard"] if plain.get("verifier") else plain["mistakes"]
        kept = results.details.hard if plain.get("verifier") else results.details.mistakes
        assert list(map(vars, kept)) == pictures


def test_there_are_reports_of_both_kinds() -> None:
    assert {load_results(path).kind for path in REPORTS} >= {"classification", "verification"}


@pytest.mark.parametrize("plain", [CLASSIFIER, VERIFIER], ids=["classifier", "verifier"])
def test_what_any_task_measured_stays(plain: dict[str, Any]) -> None:
    results = parse_results(json.dumps(plain))
    for name in ("task", "title", "summary", "made", "data", "model", "training"):
        assert getattr(results, name) == plain[name]
    assert results.dependence_reading == "More should help."
    (less,), (wrong,) = results.learning_curve, results.label_noise
    assert (less.share, less.n_train, less.seconds) == (0.5, 7, 0.2)
    assert (vars(less.score), vars(wrong.score)) == (SPOILT, RIGHT)
    assert vars(results.details.accuracy) == RIGHT
    assert vars(results.step_memory[0]) == COMMON["step_memory"][0]
    bare = parse_results(json.dumps({**plain, "speed": {}}))
    assert bare.speed == []


def test_a_classifier_of_schema_1() -> None:
    results = parse_results(json.dumps(CLASSIFIER))
    assert results.speed == [Speed("Recognition", "picture", 900.0, 1.5)]
    assert results.headline.figures == [
        Figure("accuracy", wilson(9, 10)),
        Figure("lines: character error rate", wilson(5, 10), True, "character"),
        Figure("lines without an error", wilson(9, 10), of="line"),
    ]
    pictures, lines = results.noise
    assert (pictures.title, pictures.reading) == ("Test pictures", "Blur hurts.")
    (curve,) = pictures.curves
    assert (curve.name, curve.title, curve.drop5) == ("blur", "Blur", 0.1)
    assert [(p.severity, vars(p.score)) for p in curve.points] == [(0, RIGHT), (1, SPOILT)]
    assert curve.points[0].picture == PICTURE
    assert lines.title == "Whole lines"
    points = lines.curves[0].points
    assert [(p.severity, p.setting) for p in points] == [(0, "level 0"), (2, "level 2")]
    assert points[1].named("character error rate") == wilson(5, 10)
    assert points[1].named("exact lines") == wilson(9, 10)
    kept = results.details.lines
    assert (kept.error_rate, kept.exact, kept.picture) == (wilson(5, 10), wilson(9, 10), PICTURE)
    (rival,) = results.rivals
    assert rival.figure == Figure("accuracy", wilson(9, 10))
    assert (rival.name, rival.noise, rival.n_parameters) == ("small", {"Blur": 0.5}, 5)


def test_a_verifier_of_schema_1() -> None:
    results = parse_results(json.dumps(VERIFIER))
    assert results.kind == "verification"
    assert results.speed == [Speed("Comparison", "pair", 900.0, 1.5)]
    assert results.headline.score.name == "average error at the fixed threshold"
    assert results.headline.warning == results.details.warning == "Beware."
    (sweep,) = results.noise
    assert sweep.title == "Questioned pictures"
    told = [[figure.name for figure in curve.points[0].figures] for curve in sweep.curves]
    assert told == [["EER", "FRR", "FAR"], ["EER", "FRR"]]
    assert vars(sweep.curves[0].points[0].named("FRR")) == SPOILT
    assert sweep.curves[0].drop5 == pytest.approx(0.05 / 0.4), "EER rises from 50% to 90%"
    assert sweep.curves[1].drop5 is None
    assert results.learning_curve[0].figure.of == "writer"


def test_parts_that_were_not_measured_are_empty() -> None:
    bare = {key: value for key, value in COMMON.items() if key not in ("label_noise", "speed")}
    results = parse_results(json.dumps({**bare, "speed": {}}))
    assert (results.noise, results.label_noise, results.rivals) == ([], [], [])
    assert results.details.lines is None


def changed(plain: dict[str, Any], **changes: Any) -> str:
    whole = {**plain, **changes}
    return json.dumps({key: value for key, value in whole.items() if value != "gone"})


BAD = {
    "an unknown schema": (changed(CLASSIFIER, schema=0), "unknown schema 0"),
    "a newer schema": (changed(CLASSIFIER, schema=SCHEMA + 1), "update bpapps"),
    "an unknown kind": (
        changed(CLASSIFIER, schema=SCHEMA, kind="divination"),
        "of the kind 'divination', this version knows classification, ",
    ),
    "lacks data": (changed(CLASSIFIER, data="gone"), "results lacks data"),
    "lacks confusion": (changed(CLASSIFIER, confusion="gone"), "results lacks confusion"),
    "no speed": (changed(CLASSIFIER, speed=[]), "damaged"),
    "a wrong figure": (changed(CLASSIFIER, accuracy=0.9), r"results\.accuracy must have fields"),
    "no lines": (changed(CLASSIFIER, lines={"clean": 3, "noise": []}), "damaged"),
    "no rivals": (changed(CLASSIFIER, rivals=[[]]), "damaged"),
    "no verifier": (changed(VERIFIER, verifier="soon"), "damaged"),
    "a verifier without figures": (changed(VERIFIER, verifier={"noise": []}), "results lacks one"),
    "a point without figures": (
        changed(CLASSIFIER, noise=[{"name": "a", "title": "A", "points": [{}]}]),
        "results lacks severity",
    ),
}


@pytest.mark.parametrize(("text", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_one_line_that_names_the_file(
    text: str, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=says) as caught:
        load_results(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
