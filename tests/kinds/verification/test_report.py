"""The report on a verifier: nothing flattering comes first, and every figure says what it is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import browser
import numpy as np
import pytest
import test_report as whole
from test_report import render, to_markdown, write_index, write_report

from bpapps import kinds, report
from bpapps.experiments import drop_severity
from bpapps.kinds import parse_results
from bpapps.kinds.verification import findings as own
from bpapps.kinds.verification import plots
from bpapps.kinds.verification.measuring import SYNTHETIC
from bpapps.kinds.verification.rates import measure
from bpapps.kinds.verification.records import (
    CrossData,
    Details,
    HardPair,
    Threshold,
    TraitScore,
    Verification,
)
from bpapps.kinds.verification.roc import choose_threshold
from bpapps.kinds.verification.trials import GENUINE, RANDOM, SKILLED, Trials
from bpapps.measures.intervals import Interval
from bpapps.pictures.png import png_uri
from bpapps.report import words
from bpapps.results import (
    DependencePoint,
    Figure,
    NoiseCurve,
    NoisePoint,
    NoiseSweep,
    Results,
    Speed,
)

KIND = kinds.get("verification")
pytestmark = pytest.mark.slow

DRAWS = 100  # of the bootstrap: enough for a page
NASTY = whole.NASTY[1]


def scored(seed: int, owners: int = 30, apart: float = 2.9, prefix: str = "writer ") -> Trials:
    """Trials of invented owners, some of whom are harder than others; random ones among them."""
    rng = np.random.default_rng(seed)
    means = {GENUINE: apart, SKILLED: 0.0, RANDOM: -2.0}
    counts = {GENUINE: 45, SKILLED: 60, RANDOM: 60}
    kind = np.concatenate([np.full(owners * n, k, np.int8) for k, n in counts.items()])
    owner = np.concatenate([np.repeat(np.arange(owners), n) for n in counts.values()])
    ease = 1 + 0.25 * rng.normal(size=owners)
    score = ease[owner] * np.vectorize(means.get)(kind) + rng.normal(size=len(kind)) - 0.7
    by = np.where(kind == RANDOM, (owner + 1 + rng.integers(owners - 1, size=len(kind))), owner)
    names = [f"{prefix}{i + 1:02d}" for i in range(owners)]
    return Trials(score, kind, owner, by % owners, names)


def rules(seed: int, apart: float = 2.9) -> list[Threshold]:
    """Thresholds chosen on other owners."""
    development = scored(1000 + seed, apart=apart)
    return [choose_threshold(development), choose_threshold(development, far=0.01)]


@cache
def measured(seed: int = 0, apart: float = 2.9, protocol: str = "1 reference, every pair") -> Any:
    return measure(
        scored(seed, apart=apart), rules(seed, apart)[:2], protocol=protocol, draws=DRAWS
    )


@cache
def in_folds() -> Verification:
    parts = [scored(i, 15, prefix=f"fold {i} writer ") for i in range(3)]
    thresholds = [rules(i) for i in range(3)]
    return measure(parts, thresholds, protocol="1 reference, every pair", draws=DRAWS)


@cache
def without_forgeries() -> Verification:
    """Genuine and random trials only, at a threshold against random ones."""
    parts = []
    for some in (scored(0), scored(1000)):
        rows = some.kind != SKILLED
        arrays = (some.score[rows], some.kind[rows], some.owner[rows], some.by[rows])
        parts.append(Trials(*arrays, some.names))
    chosen = choose_threshold(parts[1], against="random")
    return measure(parts[0], [chosen], protocol="1 reference, every pair", draws=DRAWS)


def rate(value: float, width: float = 0.02, n: int = 12) -> Interval:
    value = min(max(value, 0.0), 1.0)
    return Interval(value, max(0.0, value - width), min(1.0, value + width), n)


def figures(eer: float, frr: float, far: float) -> list[Figure]:
    """The error rates of a point."""
    named = {"EER": eer, "FRR": frr, "FAR": far}
    return [Figure(name, rate(value), True, "writer") for name, value in named.items()]


def curve(name: str, title: str, frr: Any, far: Any, picture: str = "") -> NoiseCurve:
    """A corruption whose rates are given by severity."""
    points = [
        NoisePoint(s, f"level {s}" if s else "unchanged", figures((a + b) / 2, a, b), picture)
        for s, (a, b) in enumerate(zip(frr, far, strict=True))
    ]
    return NoiseCurve(name, title, points, drop_severity(points))


def noise() -> list[NoiseCurve]:
    rng = np.random.default_rng(3)
    picture = np.hstack([whole.stroke(rng) for _ in range(3)])
    found = []
    for i, (name, (title, _, _, harm)) in enumerate(whole.CORRUPTIONS.items()):
        rise = 0.7 * (1 - np.exp(-harm * (np.arange(7) / 6) ** 2.2))
        fall = 0.09 * np.exp(-np.arange(7) * harm / 3)
        pair = (0.07 + rise, fall) if i % 3 else (0.07 * np.exp(-np.arange(7) / 3), 0.09 + rise)
        found.append(curve(name, title, *pair, png_uri(1 - picture)))
    return found


def hard() -> list[HardPair]:
    rng = np.random.default_rng(4)

    def signature() -> str:
        return png_uri(1 - np.hstack([whole.stroke(rng) for _ in range(2)]))

    kinds = [("genuine", -1), ("skilled", 1)]
    return [
        HardPair(kind, f"writer {i:02d}", sign * (2.4 - 0.3 * i), signature(), signature())
        for kind, sign in kinds
        for i in range(9)
    ]


def several() -> list[Verification]:
    ways = ("centred score", "lowest score")
    return [
        measured(k, 2.9 + 0.15 * k, f"{k} references, {way}")
        for k in (2, 3, 5, 10)
        for way in ways[: 1 + (k < 10)]
    ]


def scores(**changes: Any) -> Details:
    traits = [
        TraitScore(name, rate(value, 0.05, 30), rate(value + 0.06, 0.05, 30))
        for name, value in [("stroke width", 0.34), ("aspect", 0.41), ("top margin", 0.47)]
    ]
    values: dict[str, Any] = {
        "one": measured(),
        "several": several(),
        "equal_strokes": measured(7, 2.4),
        "traits": traits,
        "cross": [CrossData("other writers", measured(8, 1.9))],
        "hard": hard(),
    }
    values |= changes
    rates = values["one"].rates[0] if values["one"].rates else None
    error = (rates.average_error or rates.frr) if rates else Interval(0.08, 0.06, 0.1, 30)
    right = Interval(1 - error.value, 1 - error.high, 1 - error.low, error.n)
    return Details(accuracy=right, calibration=classifier().details.calibration, **values)


@cache
def classifier() -> Results:
    return whole.make_results()


def make_results(changes: dict[str, Any] | None = None, **others: Any) -> Results:
    """Results of an invented verifier; ``changes`` are of its details and noise, the others of the
    rest.
    """
    changes = dict(changes or {})
    curves = changes.pop("noise") if "noise" in changes else noise()
    found = scores(**changes)
    score = Figure("accuracy", found.accuracy, of="writer")
    values: dict[str, Any] = {
        "kind": KIND.name,
        "task": "pairs",
        "title": "Handwriting: one writer or two?",
        "summary": "Is a questioned signature by the writer of the references?",
        "details": found,
        "headline": KIND.headline(found, others.get("data", {})),
        "speed": [Speed("Comparison", "pair", 800.0, 2.5)],
        "noise": [NoiseSweep("Questioned pictures", curves)] if curves else [],
        "dependence_reading": "",
        "learning_curve": [
            DependencePoint(share, int(900 * share), score, 60 * share)
            for share in (0.1, 0.25, 0.5, 1.0)
        ],
        "label_noise": [DependencePoint(share, 900, score, 60.0) for share in (0, 0.1, 0.2, 0.4)],
        "rivals": [],
        "step_memory": [],
    }
    return replace(classifier(), **(values | others))


def text_of(html: str) -> str:
    """What is read of a page, without drawings and on one line."""
    html = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def section(html: str, name: str) -> str:
    found = re.search(rf'<section id="{name}".*?</section>', html, flags=re.DOTALL)
    assert found, name
    return found[0]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(
        make_results({"warning": "A trivial feature does as well."}, data={"synthetic": True}),
        tmp_path_factory.mktemp("reports") / "pairs",
    )


# --- sections -----------------------------------------------------------------------------

NAMES = [*(s.name for s in KIND.sections if s.name != "rivals"), "reading"]


def test_a_verifier_has_its_own_sections_in_order() -> None:
    html = render(make_results())
    assert whole.shown(html) == NAMES
    first = NAMES.index("rates")
    assert NAMES[:first] == ["made", "scores"]
    only_its = [section.name for section in KIND.sections if section.package]
    assert NAMES[first : first + len(only_its)] == only_its


@pytest.mark.parametrize(
    ("missing", "changes"),
    [
        ({"references"}, {"several": []}),
        ({"artefacts"}, {"traits": [], "equal_strokes": None, "cross": []}),
        ({"hardest"}, {"hard": []}),
        ({"spoilt"}, {"noise": []}),
        ({"rates", "writers"}, {"one": measure(scored(0), draws=DRAWS)}),
        ({"apart"}, {"one": replace(measured(), skilled=None, random=None)}),
    ],
)
def test_an_empty_section_is_left_out(missing: set[str], changes: dict[str, Any]) -> None:
    html = render(make_results(changes))
    assert whole.shown(html) == [name for name in NAMES if name not in missing]


# --- honesty ------------------------------------------------------------------------------


def test_the_warning_comes_before_the_title_and_any_figure() -> None:
    warning = f"As good is the {NASTY}"
    results = make_results({"warning": warning})
    body = render(results).partition("<main")[2]
    before = body.partition("Read this first.")[0]
    assert 0 < body.index("Read this first.") < body.index("<h1")
    assert not re.search(r"\d", re.sub(r"<[^>]*>", "", before))
    assert "As good is the &#34;&gt;&lt;script&gt;alert(1)" in body
    assert to_markdown(results).split("\n\n")[1].startswith("**Read this first.** As good is")
    assert "Read this first" not in render(make_results())


@pytest.mark.parametrize("data", [{"synthetic": True}, {"synthetic": False}, {}])
def test_synthetic_writers_are_labelled_above_the_figures(data: dict[str, Any]) -> None:
    results = make_results(data=data)
    html, label = render(results), "Synthetic writers: no human&#39;s hand"
    assert (label in html) == (SYNTHETIC in to_markdown(results)) == bool(data.get("synthetic"))
    if data.get("synthetic"):
        assert html.index(label) < html.index('<p class="figure">')


def test_the_headline_is_the_average_error_at_the_fixed_threshold() -> None:
    html, rates = render(make_results()), measured().rates[0]
    tile = text_of(html.partition('<div class="tile first">')[2].partition("</div>")[0])
    assert tile.startswith(
        f"Average error at the fixed threshold {words.value(rates.average_error)} "
        f"95% interval {words.ends(rates.average_error)}%, 30 writers the mean of "
    )
    assert f"{words.value(rates.frr)} of genuine signatures rejected" in tile
    assert tile.endswith(f"{words.value(rates.far_skilled)} of skilled forgeries accepted")
    assert "Test accuracy" not in text_of(html)


def test_without_forgeries_nothing_is_said_of_skilled_ones() -> None:
    one = without_forgeries()
    results = make_results({"one": one, "several": [], "cross": [], "equal_strokes": None})
    found = results.headline
    assert found.score.name == "genuine signatures rejected at the fixed threshold"
    assert found.score.interval == one.rates[0].frr
    assert "no skilled forgeries were tried" in found.notes
    assert "random forgeries accepted at the" in report.results_table([results])
    assert "skilled" not in report.results_table([results])
    assert "skilled" not in own.in_counts(one.rates[0])
    assert "1 − FRR" in text_of(section(render(results), "dependence"))


def test_every_rate_is_shown_with_interval_and_writers() -> None:
    shown = text_of(section(render(make_results()), "rates"))
    for rates in measured().rates:
        four = (rates.frr, rates.far_skilled, rates.far_random, rates.average_error)
        told = " ".join(f"{words.value(i, 1)} {words.ends(i, 1)}" for i in four)
        assert f"{own.thresholds(rates)} {told} 30" in shown
    assert "1,350 genuine, 1,800 skilled, 1,800 random pairs of 30 writers" in shown


def test_what_was_chosen_afterwards_says_so() -> None:
    one = in_folds()
    shown = text_of(section(render(make_results({"one": one})), "apart"))
    assert shown.startswith("Chosen afterwards")
    assert one.skilled is not None
    for figure in (one.skilled.eer, one.skilled.eer_pooled, one.skilled.eer_own, one.skilled.auc):
        told = f"{words.value(figure, 1)} {words.ends(figure, 1)}, {figure.n} writers"
        assert told in shown
    folds = ", ".join(map(words.percent, one.skilled.eer_folds))
    assert f"EER by fold, skilled forgeries: {folds}." in shown
    for title in ("EER, skilled, afterwards", "EER, random, afterwards"):
        assert title in text_of(section(render(make_results()), "references"))


def test_a_rare_far_that_no_test_can_know_is_told() -> None:
    few = replace(measured(), n_skilled=500)
    assert own.too_few(measured()) == []
    assert own.too_few(few) == [
        "There are only 500 pairs with skilled forgeries: a FAR of at most 0.1% means that every "
        "one of them is rejected."
    ]
    assert own.too_few(few)[0] in text_of(render(make_results({"one": few})))


@pytest.mark.parametrize(
    ("frr", "told"),
    [
        ((0.072, 0.05, 0.11), "Of 100 genuine signatures, about 7 are rejected (5 to 11)"),
        ((0.004, 0.001, 0.01), "Of 1,000 genuine signatures, about 4 are rejected (1 to 10)"),
        ((0.0, 0.0, 0.04), "Of 100 genuine signatures, none is rejected (0 to 4)"),
        ((0.0001, 0.0, 0.001), "Of 10,000 genuine signatures, about 1 is rejected (0 to 10)"),
    ],
)
def test_rates_as_counts(frr: tuple[float, float, float], told: str) -> None:
    some = Interval(*frr, 9)
    rates = replace(measured().rates[0], frr=some, far_skilled=None, far_random=None)
    assert own.in_counts(rates) == f"{told} (in brackets: 95% intervals)."


# --- the parts ----------------------------------------------------------------------------


def test_references_are_read_off_the_protocol() -> None:
    lines = own.by_references(scores())
    ways = ("centred score", "lowest score")
    counts = {way: [k for k, _ in line] for way, line in lines.items()}
    assert counts == {ways[0]: [1, 2, 3, 5, 10], ways[1]: [1, 2, 3, 5]}
    odd = replace(measured(), protocol="a <b>bold</b> way")
    html = section(render(make_results({"several": [odd]})), "references")
    assert "<svg" not in html
    assert "a &lt;b&gt;bold" in html


def test_fifteen_writers_are_shown_the_worst_first() -> None:
    shown = section(render(make_results()), "writers")
    names = re.findall(r'<th scope="row">([^<]*)</th>', shown)
    assert names == [one.name for one in measured().owners[:15]]
    assert "the 15 worst of 30 are shown" in text_of(shown)


def test_how_errors_fall_on_writers() -> None:
    owners = [replace(measured().owners[0], n_genuine=10, n_skilled=10, frr=frr, far_skilled=far)
              for frr, far in ((0.5, 0.5), (0.3, None), (0.2, 0.1), (0.0, 0.0))]  # fmt: skip
    some = replace(measured(), owners=owners)
    told = "Half of the 16 wrong decisions fall on 1 of the 4 writers; 1 has none."
    assert own.spread(some) == told
    assert "no pair" in own.spread(replace(some, owners=owners[3:]))


def test_the_strongest_trait_stands_beside_the_net() -> None:
    told = own.beside_the_net(scores())
    net = measured().skilled
    assert told.startswith("The most telling trivial feature is the stroke width: ")
    assert words.with_interval(net.eer) in told
    drawn = section(render(make_results()), "artefacts")
    assert re.findall(r">(the net|stroke width|aspect|top margin)</text>", drawn) == [
        "the net", "stroke width", "aspect", "top margin"
    ]  # fmt: skip
    for title in ("as usual", "strokes made equal", "these data", "other writers"):
        assert f">{title}</th>" in drawn


def test_hard_pairs_say_what_became_of_them() -> None:
    html = section(render(make_results()), "hardest")
    assert html.count("<img") == 2 * 18
    titles = re.findall(r"<h3>([^<]*)</h3>", html)
    assert [title.split()[0] for title in titles] == ["Genuine", "Skilled"]
    assert text_of(html).count("rejected, wrongly") == 8
    assert text_of(html).count("accepted, wrongly") == 9


def test_without_pictures_hard_pairs_are_told_by_their_files() -> None:
    named = [
        replace(pair, reference_file=f"org/{i}.png", questioned_file=f"forg/{i}&.png")
        for i, pair in enumerate(hard())
    ]
    whole_page = render(make_results({"hard": named}))
    bare = make_results({"hard": named}).without_pictures()
    assert parse_results(bare.to_json()) == bare
    html = render(bare)
    for shown in map(text_of, (section(whole_page, "hardest"), section(html, "hardest"))):
        for i in range(len(named)):
            assert f"reference org/{i}.png questioned forg/{i}&amp;.png" in shown
    assert section(whole_page, "hardest").count("<img") == 2 * len(named)
    assert "<img" not in html
    assert "no picture" not in html
    assert "on the left" not in html
    assert "whose pictures are left out of this report" in section(html, "hardest")
    assert "What the pictures look like" in whole_page
    assert "What the pictures look like" not in html
    assert "Sample pictures are left out of this report." in section(html, "spoilt")
    assert "<td>level 3</td>" in section(html, "spoilt")


def test_results_of_before_have_no_names_of_files() -> None:
    plain = json.loads(make_results().to_json())
    for pair in plain["details"]["hard"]:
        del pair["reference_file"], pair["questioned_file"]
    assert parse_results(json.dumps(plain)) == make_results()


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ({}, "traits, strokes, other data"),
        ({"cross": []}, "traits, strokes"),
        ({"traits": [], "equal_strokes": None}, "other data"),
        ({"equal_strokes": None}, "traits, other data"),
    ],
)
def test_a_heading_promises_what_follows(missing: dict[str, Any], told: str) -> None:
    html = render(make_results(missing))
    assert html.count(f">What else might give it away: {told}</") == 2  # contents, and heading


@pytest.mark.parametrize("uri", ["https://example.com/x.png", "data:image/svg+xml,x", ""])
def test_only_pictures_in_the_page_are_shown(uri: str) -> None:
    pair = HardPair("random", "w", -0.1, uri, uri)
    html = render(make_results({"hard": [pair], "noise": [curve("a", "A", [0.1], [0.1], uri)]}))
    assert "<img" not in html
    assert "rejected, rightly" in text_of(html)


# --- noise --------------------------------------------------------------------------------


def test_when_a_rate_has_risen() -> None:
    frr, far = own.rises(curve("a", "A", [0.1, 0.12, 0.2, 0.1], [0.1, 0.1, 0.05, 0.149]))
    assert frr.severity == pytest.approx(1 + 0.03 / 0.08)
    assert far.severity is None
    assert own.risen(far, curve("a", "A", [0.1] * 3, [0.1] * 3)) == "not by 2"


def test_what_fails_silently_first_comes_first_and_is_told() -> None:
    slow = curve("slow", "Slow", [0.1, 0.12, 0.3], [0.1, 0.0, 0.0])
    steady = curve("steady", "Steady", [0.1] * 3, [0.1] * 3)
    leaky = curve("leaky", "Leaky", [0.1, 0.1, 0.2], [0.1, 0.2, 0.3])  # its FRR rises last
    curves = [steady, slow, leaky]
    assert [c.name for c in own.silently_first(curves)] == ["leaky", "slow", "steady"]
    told = own.noise_reading(curves)
    assert told.startswith("Of clean pictures, 10.0% of genuine signatures are rejected, 10.0% of")
    assert "“Slow” is the first to have 5 points more genuine signatures rejected, at" in told
    assert "“Leaky” is the first to have 5 points more skilled forgeries accepted, at" in told
    told = own.noise_reading([steady])
    assert "No corruption has 5 points more genuine signatures rejected." in told
    assert own.noise_reading([]) == ""
    html = section(render(make_results({"noise": curves})), "spoilt")
    assert [html.index(f">{t}<") for t in ("Leaky", "Slow", "Steady")] == sorted(
        html.index(f">{t}<") for t in ("Leaky", "Slow", "Steady")
    )


def test_noise_without_forgeries_is_shown() -> None:
    some = curve("a", "A", [0.1, 0.3], [0, 0])
    points = [replace(p, figures=[f for f in p.figures if f.name != "FAR"]) for p in some.points]
    noise = [replace(some, points=points)]
    assert "forgeries" not in own.noise_reading(noise)
    assert (
        "FAR"
        not in re.findall(
            r"<svg.*?</svg>", section(render(make_results({"noise": noise})), "spoilt"), re.DOTALL
        )[0].partition(">")[2]
    )


# --- odd ----------------------------------------------------------------------------------

BARE = {"several": [], "equal_strokes": None, "traits": [], "cross": [], "noise": [], "hard": []}
FLAT = Trials(
    np.zeros(8),
    np.array([0, 0, 1, 1, 2, 2, 0, 1], np.int8),
    np.array([0, 1] * 4),
    np.array([0, 1, 0, 1, 1, 0, 0, 1]),
    ["<b>x</b>", "y" * 90],
)
ODD: dict[str, dict[str, Any]] = {
    "only one": BARE,
    "no forgeries": {**BARE, "one": without_forgeries(), "traits": [TraitScore("x", None, None)]},
    "all scores equal": {
        **BARE,
        "one": measure(FLAT, [choose_threshold(FLAT)], draws=DRAWS),
    },
    "without thresholds": {"one": measure(scored(0), draws=DRAWS)},
    "several folds": {"one": in_folds()},
    "perfect": {"one": measured(0, 40.0)},
    "clean only": {"noise": [curve("a", "A", [0.0], [0.0])]},
}


@pytest.mark.parametrize("name", ODD)
def test_odd_verifiers_are_reported(name: str) -> None:
    results = make_results(ODD[name], model={})
    html = render(results)
    assert not re.search(r"\b(nan|None|inf|Undefined)\b", text_of(html))
    assert "nan" not in "".join(re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)).lower()
    assert "<b>" not in html
    for table in re.findall(r"(?:^\|.*\|$\n?)+", to_markdown(results), flags=re.MULTILINE):
        assert len({len(whole.cells(line)) for line in table.splitlines()}) == 1, table


def test_nasty_text_is_escaped() -> None:
    owners = [replace(one, name=NASTY) for one in measured().owners]
    changes: dict[str, Any] = {
        "one": replace(measured(protocol="1 reference"), protocol=NASTY, owners=owners),
        "several": [replace(measured(), protocol=f"3 references, {NASTY}")],
        "traits": [TraitScore(NASTY, rate(0.3), None)],
        "cross": [CrossData(NASTY, measured())],
        "noise": [curve(NASTY, NASTY, [0.1, 0.3], [0.1, 0.3])],
        "hard": [HardPair("skilled", NASTY, 0.3, NASTY, NASTY, NASTY, NASTY)],
        "warning": NASTY,
    }
    html = render(make_results(changes))
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)") > 25


# --- figures, index, Markdown -------------------------------------------------------------


def test_figures_for_a_program() -> None:
    original = make_results({"warning": "beware"})
    told = json.loads(json.dumps(original.figures(), allow_nan=False))
    figures = told["verifier"]
    rates = measured().rates[0]
    assert figures["warning"] == "beware"
    assert figures["one"]["rates"][0]["frr"] == vars(rates.frr)
    assert figures["one"]["skilled"]["eer"] == vars(measured().skilled.eer)
    assert figures["one"]["n_owners"] == 30
    assert len(figures["several"]) == 7
    assert figures["traits"]["aspect"]["skilled"]["value"] == 0.41
    assert figures["cross"][0]["data"] == "other writers"
    blur = next(curve for curve in original.noise[0].curves if curve.name == "blur")
    assert told["noise"]["blur"]["FRR"]["6"] == blur.points[6].named("FRR").value
    assert (told["accuracy"]["n"], told["headline"]["warning"]) == (30, "beware")
    assert figures["equal_strokes"]["protocol"]
    text = json.dumps(told)
    assert not re.search(r"data:image|histogram|\"det\"", text)
    assert "verifier" not in classifier().figures()


def test_results_come_back_from_json() -> None:
    original = make_results()
    assert parse_results(original.to_json()) == original


def test_index_and_readme_tell_errors_not_accuracy(page: Path) -> None:
    rates, folder = measured().rates[0], page.parent.parent
    index = text_of(write_index(folder).read_text(encoding="utf-8"))
    error = words.value(rates.average_error)
    assert f"{error} Average error at the fixed threshold: 95% interval " in index
    assert f"{words.value(rates.frr)} of genuine signatures rejected" in index
    assert "Weakest against Impulse noise" in index
    assert index.index("A trivial feature does as well.") < index.index(error)
    row = whole.cells(whole.results_table(folder).splitlines()[2])
    told = f"average error at the fixed threshold {words.with_interval(rates.average_error)}; "
    assert row[1].startswith(told)
    assert f"rejected at the fixed threshold {words.with_interval(rates.frr)}; skilled" in row[1]
    assert row[1].endswith("no human's hand. A trivial feature does as well.")
    assert words.value(make_results().details.accuracy) not in index


def test_markdown_tells_the_same() -> None:
    text = to_markdown(make_results())
    for title in ("Error rates at the fixed threshold", "Chosen afterwards", "With more references",
                  "Trivial features", "Under noise", "With fewer writers"):  # fmt: skip
        assert f"## {title}" in text
    assert words.with_interval(measured().rates[0].average_error) in text
    assert "Test accuracy" not in text


# --- drawings and a real browser ----------------------------------------------------------


def test_the_fixed_threshold_lies_on_the_curve() -> None:
    one = measured()
    assert one.skilled is not None
    at = min(one.skilled.det, key=lambda point: abs(point.threshold))
    marked = plots._fixed(one, one.skilled)
    assert marked == pytest.approx((at.far, at.frr), abs=0.03)
    assert plots._fixed(replace(one, rates=[]), one.skilled) is None


def test_opens_without_a_request_or_an_error(chromium: browser.Browser, page: Path) -> None:
    whole.test_opens_without_a_request_or_an_error(chromium, page)
    whole.test_nothing_external_is_loaded(page)


def test_reads_well_aloud(chromium: browser.Browser, page: Path) -> None:
    whole.test_reads_well_aloud(chromium, page)


def test_the_index_fits_a_phone(chromium: browser.Browser, page: Path) -> None:
    whole.test_the_index_fits_a_phone(chromium, page.parent.parent)


def test_never_wider_than_the_window(
    chromium: browser.Browser, tmp_path: Path, monkeypatch: Any
) -> None:
    long = "W" * 70
    changes = {
        "one": replace(measured(), owners=[replace(o, name=long) for o in measured().owners]),
        "hard": [replace(pair, owner=long, questioned_file=long) for pair in hard()],
        "cross": [CrossData(long, measured())],
        "warning": long,
    }
    monkeypatch.setitem(whole.WIDE, "verifier", {"long": True})
    results = make_results(changes)
    monkeypatch.setattr(whole, "make_results", lambda curves, long: results)
    whole.test_never_wider_than_the_window(chromium, tmp_path, "verifier")
