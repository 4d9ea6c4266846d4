"""The report: what it says, that it is whole and safe, and how a real browser takes it."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import browser
import numpy as np
import pytest

from bpapps import kinds, report
from bpapps.kinds import load_results
from bpapps.kinds.classification.findings import case
from bpapps.kinds.classification.metrics import per_class_scores
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
from bpapps.pictures.png import png_uri
from bpapps.report import readings, results_in, words
from bpapps.results import (
    DependencePoint,
    Figure,
    NoiseCurve,
    NoisePoint,
    NoiseSweep,
    Results,
    Rival,
    Score,
    Speed,
    StepMemory,
)

NAMES = [*(section.name for section in kinds.get("classification").sections), "reading"]
"""The sections of a classifier's report; that on how to read it stands in each report."""

DIGITS = [str(digit) for digit in range(10)]
CHARACTERS = [*DIGITS, *map(chr, range(65, 91)), *map(chr, range(97, 123))]
NASTY = ["<b>bold</b>", '"><script>alert(1)</script>', "$x^2$ | `a`", "あ", "a -- b --> c"]
CORRUPTIONS = {
    "gaussian": ("Gaussian noise", "σ = {:.2f}", 0.08, 1.6),
    "shot": ("Shot noise", "{:.0%} of the light", 0.12, 0.9),
    "impulse": ("Impulse noise", "{:.0%} of pixels", 0.05, 2.6),
    "blur": ("Blur", "σ = {:.1f} px", 0.4, 1.1),
    "rotation": ("Rotation", "{:.0f}°", 8, 0.8),
    "translation": ("Translation", "{:.1f} px", 0.6, 2.1),
    "scale": ("Scale", "×{:.2f}", 0.08, 0.35),
    "contrast": ("Contrast", "{:.0%} lost", 0.12, 0.04),
    "occlusion": ("Occlusion", "{:.0%} hidden", 0.06, 1.3),
}


def render(results: Results) -> str:
    return report.render(results, kinds.get(results.kind).sections)


def to_markdown(results: Results) -> str:
    return report.to_markdown(results, kinds.get(results.kind).sections)


def write_report(results: Results, folder: Path) -> Path:
    return report.write_report(results, kinds.get(results.kind).sections, folder)


def write_index(folder: Path) -> Path:
    """The index of all reports in a folder."""
    found = {path.parent.name: load_results(path) for path in results_in(folder)}
    return report.write_index(folder, found)


def results_table(folder: Path) -> str:
    return report.results_table(map(load_results, results_in(folder)))


def about(share: float, n: int) -> Interval:
    return wilson(round(share * n), n)


def accuracy(interval: Interval) -> Figure:
    return Figure("accuracy", interval)


def stroke(rng: np.random.Generator, side: int = 28) -> np.ndarray:
    """Something like a written sign: a thick curve, smoothed, in [0, 1]."""
    y, x = np.mgrid[:side, :side] / (side - 1)
    turns = rng.uniform(0, 2 * np.pi, 2)
    t = np.linspace(0, 1, 40)[:, None, None]
    px, py = 0.5 + 0.3 * np.sin(4 * t + turns[0]), 0.5 + 0.32 * np.cos(3 * t + turns[1])
    nearest = ((x - px) ** 2 + (y - py) ** 2).min(axis=0)
    return np.exp(-nearest / 0.004)


def make_results(
    classes: list[str] = DIGITS, n: int = 898, curves: int = 9, **changes: Any
) -> Results:
    """Results of an invented evaluation, complete and consistent, like those of a good model.

    ``changes`` are fields of the results or of their details.
    """
    rng = np.random.default_rng(0)
    k = len(classes)
    counts = rng.multinomial(n, np.full(k, 1 / k))
    confusion = np.diag(counts)
    for _ in range(max(1, n // 90)):
        row, column = rng.choice(k, 2, replace=False)
        if confusion[row, row] > 1:
            confusion[row, row] -= 1
            confusion[row, column] += 1
    right = int(np.trace(confusion))
    edges = np.linspace(0, 1, 16)
    sizes = [0, 0, 0, 0, 1, 2, 3, 4, 5, 7, 9, 12, 20, 38]
    sizes.append(n - sum(sizes))
    bins = []
    for low, high, size in zip(edges[:-1], edges[1:], sizes, strict=True):
        middle = 0.998 if high == 1 else (low + high) / 2
        luck = 0.08 * rng.normal() * (high < 1)
        share = np.clip(round(size * (middle + luck)) / max(size, 1), 0, 1)
        bins.append(CalibrationBin(float(low), float(high), size, float(middle), float(share)))
    mistakes = []
    for row, column in np.argwhere(confusion - np.diag(np.diag(confusion))):
        confidence = float(rng.uniform(0.5, 0.99))
        picture = png_uri(1 - stroke(rng))
        mistakes.append(
            Mistake(int(rng.integers(n)), classes[row], classes[column], confidence, picture)
        )
    mistakes.sort(key=lambda mistake: -mistake.confidence)
    values: dict[str, Any] = {
        "kind": "classification",
        "task": "digits",
        "title": "Handwritten digits: scikit-learn digits",
        "summary": "A small convolutional net reads 8×8 pictures of digits written by people "
        "it has not seen; it is nearly always right, and it says so when it is not.",
        "made": {
            "command": "bpapps report digits --preset small --seed 0",
            "date": "2025-03-14 09:26",
            "seconds": 41.7,
            "seed": 0,
            "versions": {"bpapps": "0.1.0", "numpy": "2.4.0", "python": "3.11.9"},
            "machine": {
                "processor": "Intel Xeon, 2.1 GHz",
                "cores": 2,
                "platform": "Linux x86_64",
                "blas": "OpenBLAS 0.3.30",
            },
        },
        "data": {
            "name": "sklearn",
            "title": "scikit-learn digits",
            "source": "https://archive.ics.uci.edu/dataset/80",
            "licence": "CC BY 4.0",
            "sha256": "6d1f8c5a" * 8,
            "split": "first half for training, second half for the test, not shuffled",
            "n_train": 899,
            "n_test": n,
            "notes": "The writers of the two halves differ.",
        },
        "model": {
            "preset": "small",
            "layers": [
                "Reshape(shape=(8, 8, 1))",
                "Conv2D(filters=32, kernel_size=3, stride=1, padding=1, initializer='he_normal')",
                "GroupNorm(groups=4, epsilon=1e-05)",
                "ReLU()",
                "MaxPool2D(size=2, stride=None)",
                "Flatten()",
                "Dropout(rate=0.4)",
                f"Dense(units={k}, initializer='he_normal')",
            ],
            "n_parameters": 58_570,
            "settings": {
                "solver": "adamw",
                "learning_rate_init": 0.005,
                "schedule": "one-cycle",
                "batch_size": 64,
                "max_iter": 107,
                "alpha": 0.01,
                "augmentation": {"shift": 0.6, "elastic": 0.35, "affine": 0.12},
                "early_stopping": False,
            },
        },
        "training": {
            "seconds": 12.4,
            "epochs": 30,
            "samples_per_second": 7_750.0,
            "stopped": "all epochs done",
            "history": [
                {
                    "epoch": epoch,
                    "loss": 2.2 * 0.82**epoch + 0.02 + 0.004 * rng.random(),
                    "validation_loss": 2.1 * 0.84**epoch + 0.035 + 0.01 * rng.random(),
                    "validation_score": 0.992 - 0.5 * 0.75**epoch - 0.004 * rng.random(),
                    "learning_rate": 0.005 * math.sin(math.pi * epoch / 31) ** 2,
                    "seconds": 0.41,
                }
                for epoch in range(1, 31)
            ],
        },
        "speed": [Speed("Recognition", "picture", 18_400.0, 0.42)],
        "accuracy": wilson(right, n),
        "classes": classes,
        "per_class": per_class_scores(confusion, classes),
        "confusion": confusion.tolist(),
        "calibration": Calibration(0.0061, bins),
        "mistakes": mistakes[:24],
        "noise": [
            NoiseSweep(
                "Test pictures",
                make_noise(rng, right / n, n)[:curves],
                "Impulse noise and translation hurt most: 5 points are lost at severity 1.1. "
                "Contrast hardly matters: at severity 6 the net still reads 95.7% of the pictures.",
            )
        ],
        "dependence_reading": "On a twentieth of the pictures the net still answers 91.0% of the "
        "test data rightly; a tenth of wrong labels costs 0.8 points.",
        "learning_curve": [
            DependencePoint(
                share, int(899 * share), accuracy(about(1 - 0.011 * share**-0.7, n)), 12.4 * share
            )
            for share in (0.05, 0.1, 0.25, 0.5, 1.0)
        ],
        "label_noise": [
            DependencePoint(share, 899, accuracy(about(0.989 - 0.25 * share**1.5, n)), 12.4)
            for share in (0.0, 0.05, 0.1, 0.2, 0.4)
        ],
        "top_k": [TopK(k, about(1 - 0.01 / k, n)) for k in (1, 2, 3, 5)],
        "confused_pairs": [
            ConfusedPair(classes[0], classes[1], 7 - i, [png_uri(1 - stroke(rng))] * (3 - i))
            for i in range(4)
        ],
        "grouping_scores": [GroupingScore("some of them", k - 1, about(0.995, n))],
        "group_scores": [GroupScore(f"group {i}", about(0.9, 40)) for i in range(35)],
        "scores": [
            Score(
                "scikit-learn digits",
                "first half / second half, not shuffled, 5 seeds",
                0.9916,
                0.0018,
                [0.9933, 0.9911, 0.9889, 0.9911, 0.9933],
                0.990,
                "SVC 96.9, MLPClassifier 94.6",
                "python scripts/benchmark_digits.py --protocol halves --seeds 5",
            ),
            Score(
                "scikit-learn digits",
                "10-fold, stratified",
                0.9928,
                0.0062,
                [0.9944, 1.0, 0.9889, 0.9833, 0.9944, 1.0, 0.9889, 0.9944, 0.9944, 0.9888],
                0.993,
                "SVC 99.05, MLPClassifier 98.2",
                "python scripts/benchmark_digits.py --protocol folds",
            ),
        ],
    }
    values["lines"], spoilt = make_lines(rng)
    values |= make_rivals(values["noise"][0].curves)
    values["noise"].append(spoilt)
    return whole(values | changes)


def whole(values: dict[str, Any]) -> Results:
    """Results of these fields, those of a classifier's details among them, with their headline."""
    of_details = {field.name for field in fields(Details)}
    details = Details(**{name: each for name, each in values.items() if name in of_details})
    values = {name: each for name, each in values.items() if name not in of_details}
    headline = kinds.get("classification").headline(details, values["data"])
    return Results(**values, details=details, headline=headline)


def make_rivals(noise: list[NoiseCurve]) -> dict[str, Any]:
    """A net that settles and one that does not, and the memory of the former's step."""
    under = {curve.title: 0.8 - 0.01 * place for place, curve in enumerate(noise)}
    best, second = (accuracy(about(share, 898)) for share in (0.99, 0.98))
    nets = [
        Rival("equilibrium", best, under, 269_322, 156.0, 60, 0.4, 6_000_000, 6.9, 3.6),
        Rival("784-800-10 behind a memory", second, under, 636_010, 82.0, 60, 0.1),
    ]
    return {"rivals": nets, "step_memory": [StepMemory(n, 6_000_000, 10**6 * n) for n in (5, 40)]}


def make_lines(rng: np.random.Generator) -> tuple[LineScores, NoiseSweep]:
    picture = png_uri(np.hstack([1 - stroke(rng) for _ in range(9)]))

    def point(severity: int) -> NoisePoint:
        rate, exact = about(0.02 * (1 + severity), 2_000), about(0.8 - 0.1 * severity, 200)
        figures = [
            Figure("character error rate", rate, lower_is_better=True, of="character"),
            Figure("exact lines", exact, of="line"),
        ]
        return NoisePoint(severity, f"σ = {severity / 10}", figures, picture)

    points = [point(severity) for severity in range(3)]
    rate, exact = (figure.interval for figure in points[0].figures)
    curve = NoiseCurve("blur", "Blur", points, None)
    return LineScores(rate, exact, picture), NoiseSweep("Whole lines", [curve])


def make_noise(rng: np.random.Generator, clean: float, n: int) -> list[NoiseCurve]:
    """Nine corruptions at six severities, over one sample picture."""
    sample = stroke(rng)
    curves = []
    for name, (title, wording, step, harm) in CORRUPTIONS.items():
        shares = [clean - 0.85 * (1 - math.exp(-harm * (s / 6) ** 2.2)) for s in range(7)]
        points = []
        for severity, share in enumerate(shares):
            spoilt = sample + 0.08 * severity * rng.normal(size=sample.shape)
            told = wording.format(severity * step) if severity else "unchanged"
            picture = png_uri(np.clip(spoilt, 0, 1))
            points.append(NoisePoint(severity, told, [accuracy(about(share, n))], picture))
        found = float(np.interp(0.05 - clean, [-a for a in shares], range(7)))
        curves.append(NoiseCurve(name, title, points, found if found < 6 else None))
    return curves


# --- the page as text ---------------------------------------------------------------------


def shown(html: str) -> list[str]:
    return re.findall(r'<section id="([^"]+)"', html)


def test_all_sections_in_order(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    assert shown(html) == NAMES
    for name in NAMES:
        assert f'<a href="#{name}">' in html


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "changes"),
    [
        ("made", {"made": {}, "data": {}, "model": {}}),
        ("scores", {"scores": []}),
        ("training", {"training": {"seconds": 3.0}}),
        ("classes", {"per_class": []}),
        ("confusion", {"confusion": []}),
        ("calibration", {"calibration": Calibration(0.0, [])}),
        ("mistakes", {"mistakes": []}),
        ("noise", {"noise": []}),
        ("groupings", {"grouping_scores": [], "top_k": []}),
        ("pairs", {"confused_pairs": []}),
        ("groups", {"group_scores": []}),
        ("rivals", {"rivals": [], "step_memory": []}),
        ("lines", {"lines": None}),
        ("dependence", {"learning_curve": [], "label_noise": []}),
        ("speed", {"training": {}, "speed": []}),
    ],
)
def test_an_empty_section_is_left_out(section: str, changes: dict[str, Any]) -> None:
    missing = {section} | ({"training"} if "training" in changes else set())
    html = render(make_results(curves=1, **changes))
    assert shown(html) == [name for name in NAMES if name not in missing]
    assert f"#{section}" not in html


NOTHING: dict[str, Any] = {
    **{key: {} for key in ("made", "data", "model", "training")},
    **{key: [] for key in ("speed", "per_class", "confusion", "mistakes", "noise", "scores")},
    **{key: [] for key in ("learning_curve", "label_noise", "top_k", "confused_pairs")},
    **{key: [] for key in ("grouping_scores", "group_scores")},
    "lines": None,
    "calibration": Calibration(0.0, []),
    "dependence_reading": "",
    "summary": "",
}
NO_PARTS: dict[str, Any] = {
    **{key: [] for key in ("top_k", "confused_pairs", "grouping_scores", "group_scores", "noise")},
    "lines": None,
}
ONE = [DependencePoint(1.0, 899, accuracy(wilson(890, 899)), 12.0)]


def clean_only(text: str = "G", picture: str = "") -> NoiseSweep:
    """A sweep over one corruption that was not tried."""
    clean = NoisePoint(0, text, [accuracy(wilson(9, 10))], picture)
    return NoiseSweep("Test pictures", [NoiseCurve(text, text, [clean], None)], text)


ODD: dict[str, dict[str, Any]] = {
    "nothing but the accuracy": {},
    "all right": {
        "accuracy": wilson(898, 898),
        "classes": ["a", "b"],
        "confusion": [[400, 0], [0, 498]],
        "per_class": per_class_scores([[400, 0], [0, 498]], ["a", "b"]),
        "mistakes": [],
        "calibration": Calibration(0.0, [CalibrationBin(14 / 15, 1.0, 898, 1.0, 1.0)]),
    },
    "one class never right, one never asked or answered": {
        "classes": ["a", "b", "c"],
        "confusion": [[9, 0, 0], [8, 0, 0], [0, 0, 0]],
        "per_class": per_class_scores([[9, 0, 0], [8, 0, 0], [0, 0, 0]], ["a", "b", "c"]),
    },
    "a figure that is not a number": {
        "per_class": [ClassScore("a", *[Interval(math.nan, 0.0, 1.0, 0)] * 2, math.nan)],
        "made": {"seconds": math.nan, "seed": None, "machine": None, "versions": None},
        "model": {"n_parameters": None, "layers": None, "settings": None},
        "speed": [Speed("Recognition", "picture", math.nan, math.inf)],
    },
    "one epoch": {
        "training": {"history": [{"epoch": 1, "loss": 0.5, "validation_score": 0.9, "seconds": 1}]}
    },
    "an epoch that knows nothing": {"training": {"history": [{}]}},
    "one point": {"learning_curve": ONE, "label_noise": ONE},
    "clean pictures only": {"noise": [clean_only()]},
    "no pictures": {
        "mistakes": [Mistake(3, "a", "b", 0.9, "")],
        "confused_pairs": [ConfusedPair("a", "b", 1, []), ConfusedPair("a", "c", 1, [""])],
    },
    "lines that are clean only": {"lines": LineScores(wilson(0, 9), wilson(1, 1), "")},
    "groupings and no top-k": {"grouping_scores": [GroupingScore("g", 2, wilson(0, 0))]},
    "one run": {"scores": [Score("x", "", 0.99, 0.0, [0.99], None, "", "")]},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_odd_results_are_reported(name: str, tmp_path: Path) -> None:
    results = make_results(**(NOTHING | ODD[name]))
    html = render(results)
    assert not re.search(
        r"\b(nan|None|inf|Undefined)\b",
        re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", html, flags=re.DOTALL),
    )
    assert "nan" not in "".join(re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)).lower()
    assert to_markdown(results).startswith("# Handwritten digits: scikit-learn digits\n")


@pytest.mark.slow
def test_text_is_escaped() -> None:
    nasty = NASTY[1]
    sweep = clean_only(nasty)
    changes = {"title": nasty, "summary": nasty, "task": nasty, "made": {"command": nasty}}
    html = render(make_results(NASTY, noise=[sweep], **changes))
    for tag in ("<script", "<b>bold"):
        assert tag not in html
    assert html.count("&lt;script&gt;alert(1)") > 15


@pytest.mark.slow
@pytest.mark.parametrize(
    "picture", ["https://example.com/x.png", "x.png", "data:text/html,<b>", "data:image/svg+xml,x"]
)
def test_only_pictures_in_the_page_are_shown(picture: str) -> None:
    shows = {
        "mistakes": [Mistake(3, "a", "b", 0.9, picture)],
        "noise": [clean_only(picture=picture)],
        "confused_pairs": [ConfusedPair("a", "b", 1, [picture])],
        "lines": LineScores(wilson(0, 9), wilson(1, 1), picture),
    }
    html = render(make_results(**(NOTHING | shows)))
    assert "<img" not in html


def test_nothing_external_is_loaded(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    loaded = re.findall(r"<(?!a\b)[a-z]+\b[^>]*\b(?:src|href)=\"([^\"]*)\"", html)
    assert loaded
    assert {link.split(":")[0].split("-")[0] for link in loaded if link[0] != "#"} == {"data"}
    assert "<script" not in html
    assert not re.search(r"@import|url\((?!#)", html)


@pytest.mark.parametrize(
    ("classes", "confusion", "says"),
    [
        (["a", "b"], [[5, 1], [0, 4]], ""),  # no class is in two cases
        (["A", "a"], [[5, 0], [0, 4]], ""),  # no mistake
        (["A", "a", "b"], [[5, 1, 0], [2, 4, 3], [0, 0, 1]], "3 of the 6 mistakes, 50.0% "),
        (["A", "a", "b"], [[5, 1, 0], [0, 4, 3], [0, 0, 1]], "1 of the 4 mistakes, 25.0% "),
        (["A", "a", "b"], [[5, 0, 1], [0, 4, 0], [0, 0, 1]], "0 of the 1 mistake, 0.0% "),
    ],
)
def test_mistakes_of_case(classes: list[str], confusion: list[list[int]], says: str) -> None:
    text = case(make_results(classes=classes, confusion=confusion, **NO_PARTS).details)
    assert text.startswith(says)
    assert bool(text) == bool(says)


@pytest.mark.slow
def test_pairs_of_case_are_marked_and_the_mix_ups_not_told_twice() -> None:
    pairs = [ConfusedPair("A", "a", 2, []), ConfusedPair("A", "b", 1, [])]
    html = render(make_results(CHARACTERS, **(NO_PARTS | {"confused_pairs": pairs})))
    assert html.count("only case</span>") == 1
    assert "Most frequent mix-ups" not in html
    assert "Most frequent mix-ups" in render(make_results(**NO_PARTS))


@pytest.mark.parametrize(("lower_is_better", "best"), [(False, "High"), (True, "Low")])
def test_the_best_of_some_nets_is_so_by_the_way_of_their_figure(
    lower_is_better: bool, best: str
) -> None:
    nets = [
        Rival(name, Figure("rate", about(share, 100), lower_is_better), {"Blur": share}, 5, 1, 1, 1)
        for name, share in (("low", 0.1), ("high", 0.9))
    ]
    told = readings.rivals(nets)
    assert told.startswith(f"{best} has the best rate, ")
    assert f"{best} bears noise best" in told


@pytest.mark.slow
def test_thirty_groups_are_shown_the_worst_first() -> None:
    groups = [GroupScore(f"group {i}", wilson(i, 100)) for i in range(50, 90)]
    html = render(make_results(**(NO_PARTS | {"group_scores": groups[::-1]})))
    assert re.findall(r">(group \d+)<", html) == [f"group {i}" for i in range(50, 80)]


# --- files --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(make_results(), tmp_path_factory.mktemp("reports") / "new" / "digits")


def test_writes_the_page_and_the_figures(page: Path) -> None:
    assert page.parts[-3:] == ("new", "digits", "index.html")
    assert sorted(path.name for path in page.parent.iterdir()) == ["index.html", "results.json"]
    assert load_results(page.parent / "results.json") == make_results()


@pytest.mark.slow
def test_equal_results_give_equal_bytes_elsewhere(page: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from bpapps import kinds; from bpapps.report import write_report;"
        "sections = kinds.get('classification').sections;"
        "write_report(kinds.load_results(sys.argv[1]), sections, sys.argv[2])"
    )
    arguments = [str(page.parent / "results.json"), str(tmp_path)]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True)
    assert (tmp_path / "index.html").read_bytes() == page.read_bytes()


@pytest.mark.parametrize(
    "write", [lambda folder: write_report(make_results(**NOTHING), folder), write_index]
)
def test_an_unwritable_folder_is_one_clear_line(write: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ValueError, match="cannot") as caught:
        write(tmp_path / "file" / "digits")
    assert str(tmp_path / "file" / "digits") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_failed_write_leaves_the_old_page(tmp_path: Path, monkeypatch: Any) -> None:
    page = write_report(make_results(**NOTHING), tmp_path)
    before = page.read_bytes()

    rename = Path.replace

    def full(path: Path, target: Path) -> Path:
        if target == page:
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ValueError, match="No space left"):
        write_report(make_results(**NOTHING, title="Other"), tmp_path)
    assert page.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "results.json"]


@pytest.mark.slow
def test_import_is_light_and_pyplot_is_never_touched() -> None:
    program = (
        "import sys, bpapps.report as report, test_report\n"
        "assert not {'matplotlib', 'jinja2'} & set(sys.modules), 'heavy import'\n"
        "test_report.render(test_report.make_results(curves=1))\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


# --- index and Markdown -------------------------------------------------------------------


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    full = make_results()
    light = NOTHING | {"scores": full.scores, "made": full.made, "data": full.data}
    write_report(make_results(**(light | {"model": full.model})), tmp_path / "digits")
    changes = {"title": "Charac|ters <i>", "task": "characters", "scores": []}
    write_report(make_results(**(light | changes)), tmp_path / "cha racters")
    (tmp_path / "unfinished").mkdir()
    return tmp_path


def test_the_index_links_all_reports(reports: Path) -> None:
    html = write_index(reports).read_text(encoding="utf-8")
    assert re.findall(r'<a href="([^#"]+)"', html) == [
        "cha%20racters/index.html",
        "digits/index.html",
    ]
    assert "99.0%" in html
    assert "Charac|ters &lt;i&gt;" in html


def test_an_empty_folder_gets_an_index_that_says_so(tmp_path: Path) -> None:
    html = write_index(tmp_path / "none").read_text(encoding="utf-8")
    assert "no report here yet" in html


@pytest.mark.parametrize("use", [write_index, results_table])
def test_a_broken_result_is_named(use: Any, reports: Path) -> None:
    (reports / "digits" / "results.json").write_text("{}")
    with pytest.raises(ValueError, match=r"results\.json"):
        use(reports)


def cells(line: str) -> list[str]:
    """Cells of a Markdown table's row, as GitHub cuts them."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_the_readme_table(reports: Path) -> None:
    header, rule, *rows = [cells(line) for line in results_table(reports).splitlines()]
    assert header == ["What", "Figure", "Target", "Reference", "Command"]
    assert rule == ["---"] * 5
    assert [len(row) for row in rows] == [5] * 4
    assert rows[0][0].startswith("Charac\\|ters \\<i>")
    assert rows[1] == [
        "Handwritten digits: scikit-learn digits, small",
        "99.0% (98.1–99.5, n = 898)",
        "–",
        "–",
        "`bpapps report digits --preset small --seed 0`",
    ]
    assert [row[1:3] for row in rows[2:]] == [
        ["99.16 ± 0.18% (5 runs)", "99.0% met"],
        ["99.28 ± 0.62% (10 runs)", "99.3% missed"],
    ]


def test_markdown_tables_are_whole() -> None:
    text = to_markdown(make_results(NASTY))
    tables = re.findall(r"(?:^\|.*\|$\n?)+", text, flags=re.MULTILINE)
    assert len(tables) == 11
    for table in tables:
        widths = {len(cells(line)) for line in table.splitlines()}
        assert len(widths) == 1, table
    assert "<script" not in text.replace("\\<script", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (words.value(wilson(9962, 10_000)), "99.62%"),
        (words.with_interval(wilson(9962, 10_000)), "99.62% (99.48–99.72, n = 10,000)"),
        (words.with_interval(wilson(889, 898)), "99.0% (98.1–99.5, n = 898)"),
        (words.with_interval(wilson(0, 0)), "–"),
        (words.count(1_234_567), "1,234,567"),
        (words.count(None), "–"),
        (words.percent(math.nan), "–"),
        (words.share(0.05), "5%"),
        (words.share(0.025), "2.5%"),
        (words.duration(0.0421), "42 ms"),
        (words.duration(9.96), "10 s"),
        (words.duration(59.6), "1 min"),
        (words.duration(252), "4 min 12 s"),
        (words.duration(7_500), "2 h 5 min"),
        (words.duration(3_599.7), "1 h"),
        (words.start(None), ""),
        (words.start({"model": "signatures"}), "signatures"),
        (
            words.start({"model": "digits", "shipped": True, "data": "MNIST", "seconds": 252}),
            "the shipped model digits, trained on MNIST for 4 min 12 s",
        ),
        (
            words.start(
                {
                    "model": "runs/a",
                    "shipped": False,
                    "data": "A",
                    "seconds": 38,
                    "start": {
                        "model": "runs/b",
                        "shipped": False,
                        "data": "B",
                        "seconds": 9.0,
                        "start": None,
                    },
                }
            ),
            "runs/a, trained on A for 38 s, which was started from runs/b, trained on B for 9.0 s",
        ),
        (words.milliseconds(0.4218), "0.422 ms"),
        (words.plural(1, "epoch"), "1 epoch"),
        (words.plural(1_797, "picture"), "1,797 pictures"),
        (words.date("2025-03-14T09:26:53+00:00"), "2025-03-14 09:26 UTC"),
        (words.date("last week"), "last week"),
        (
            words.setting({"shift": 0.60, "on": True, "sizes": (8, 8)}),
            "shift 0.6, on yes, sizes 8, 8",
        ),
    ],
)
def test_numbers_in_words(text: str, expected: str) -> None:
    assert text == expected


# --- a real browser -----------------------------------------------------------------------


def test_opens_without_a_request_or_an_error(chromium: browser.Browser, page: Path) -> None:
    tab = chromium.open(page, 1200, 900)
    assert tab.errors == []
    assert [url for url in tab.requests if not url.startswith("data:")] == [page.as_uri()]
    images = "[...document.images].filter(image => !image.naturalWidth).length"
    assert tab.evaluate("document.images.length") > 50
    assert tab.evaluate(images) == 0


def test_reads_well_aloud(chromium: browser.Browser, page: Path) -> None:
    tab = chromium.open(page, 1200, 900)
    levels = tab.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip([0, *levels], levels, strict=False))
    for wrong in (
        "svg:not([role=img][aria-label])",
        "img:not([alt])",
        "th:not([scope])",
        "table:not([aria-label] table)",
        "[tabindex]:not([aria-label])",
    ):
        assert tab.evaluate(f"document.querySelectorAll('{wrong}').length") == 0, wrong
    assert tab.evaluate("document.documentElement.lang") == "en"
    ids = tab.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(set(ids)) == len(ids)
    links = tab.evaluate("[...document.links].map(a => a.getAttribute('href'))")
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def test_nasty_labels_make_no_elements(chromium: browser.Browser, tmp_path: Path) -> None:
    tab = chromium.open(
        write_report(make_results(NASTY, curves=1, title=NASTY[1]), tmp_path), 1200, 900
    )
    assert tab.evaluate("document.querySelectorAll('script, b').length") == 0
    assert tab.evaluate("document.querySelector('h1').textContent") == NASTY[1]
    assert tab.errors == []
    drawn = tab.evaluate("document.querySelector('#confusion svg').textContent")
    assert "$x^2$ | `a`" in drawn
    assert "あ" in drawn


WIDE = {
    "digits": {},
    "characters": {"classes": CHARACTERS, "n": 3_400},
    "long words": {
        "classes": ["longitudinal crack of the asphalt", "none"],
        "title": "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk",
        "made": {"command": "bpapps " + "x" * 200},
        "data": {"sha256": "0" * 64, "source": "https://example.com/" + "y" * 99},
        "model": {"settings": {"a_setting_with_quite_a_long_name_of_its_own": "z" * 99}},
    },
}


@pytest.mark.parametrize("name", WIDE)
def test_never_wider_than_the_window(chromium: browser.Browser, tmp_path: Path, name: str) -> None:
    page = write_report(make_results(curves=1, **WIDE[name]), tmp_path)
    tab = chromium.open(page, 360, 800)
    for width in (360, 720, 1200):
        tab.resize(width, 800)
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        # nothing is cut off either: what is wider than the window lies in a box that scrolls
        lost = """[...document.querySelectorAll('main *')].filter(element =>
            element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('.scroll')
        ).map(element => element.outerHTML.slice(0, 80))"""
        assert tab.evaluate(lost) == []


def test_the_index_fits_a_phone(chromium: browser.Browser, reports: Path) -> None:
    tab = chromium.open(write_index(reports), 360, 800)
    assert tab.errors == []
    assert tab.evaluate("document.documentElement.scrollWidth") == 360


def test_plots_stay_on_white_in_the_dark(chromium: browser.Browser, page: Path) -> None:
    colour = "getComputedStyle(document.querySelector('{}')).backgroundColor"
    for dark, paper in ((False, "rgb(251, 250, 247)"), (True, "rgb(22, 24, 27)")):
        tab = chromium.open(page, 1200, 900, dark=dark)
        assert tab.evaluate(colour.format("body")) == paper
        assert tab.evaluate(colour.format(".card")) == "rgb(255, 255, 255)"


def test_the_helper_sees_what_goes_wrong(chromium: browser.Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        '<!doctype html><p style="width: 500px">wide<img src="gone.png"><script>oops()</script>'
    )
    tab = chromium.open(bad, 360, 800)
    assert any("ERR_FILE_NOT_FOUND" in error for error in tab.errors)
    assert any("oops" in error or "Uncaught" in error for error in tab.errors)
    assert len(tab.requests) == 2
    assert browser.scroll_width(bad, 360) > 360
    assert "gone.png" in browser.dump_dom(bad)
    browser.screenshot(bad, tmp_path / "bad.png", 360, 640)
    assert (tmp_path / "bad.png").read_bytes().startswith(b"\x89PNG")
