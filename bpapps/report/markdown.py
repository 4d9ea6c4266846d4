"""Results -> Markdown: a report for a terminal or a commit, and the tables of docs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bpapps.evaluation import (
    Interval,
    Results,
    Score,
    Verification,
    VerifierScores,
)
from bpapps.report import benchmark, readings, verifier, words
from bpapps.report.files import load_all, load_benchmark

Row = Sequence[str]
SCORES = ("What", "Figure", "Target", "Reference", "Command")
RATES = ("What", "FRR", "FAR, skilled", "FAR, random", "Average error")
EERS = ("Chosen afterwards", "Skilled forgeries", "Random forgeries")
COMPARED = ("Work", "Against", "Figure", "Target", "Ours", "Theirs")


def to_markdown(results: Results) -> str:
    """The report's figures as Markdown tables, without its plots and pictures."""
    parts = [
        *_first(results),
        _plain(results.summary),
        _headline(results),
        *_section("Scores over several seeds", SCORES, [_score(s) for s in results.scores]),
        *_section(
            "Precision and recall by class",
            ("Class", "Precision", "Recall", "F1"),
            [
                (
                    c.label,
                    words.with_interval(c.precision),
                    words.with_interval(c.recall),
                    words.percent(c.f1),
                )
                for c in results.per_class
            ],
        ),
        *_many_classes(results),
        *_verifier(results),
        *_section(
            "Sensitivity to noise",
            ("Corruption", "Severity that costs 5 points", "Clean", "At the highest severity"),
            [
                (
                    c.title,
                    readings.drop(c),
                    words.with_interval(c.points[0].accuracy),
                    words.with_interval(c.points[-1].accuracy),
                )
                for c in readings.weakest_first(results.noise)
            ],
            results.noise_reading,
        ),
        *_section(
            "Reading whole lines",
            ("Lines", "Severity", "Character error rate", "Exact lines"),
            _lines(results),
        ),
        *_section(
            "With fewer writers" if results.verifier else "With fewer pictures",
            ("Training pictures", words.capital(verifier.accuracy(results)), "Training time"),
            [
                (words.count(p.n_train), words.with_interval(p.accuracy), words.duration(p.seconds))
                for p in results.learning_curve
            ],
            results.dependence_reading,
        ),
        *_section(
            "With wrong labels",
            ("Wrong labels", words.capital(verifier.accuracy(results)), "Training time"),
            [
                (words.share(p.share), words.with_interval(p.accuracy), words.duration(p.seconds))
                for p in results.label_noise
            ],
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _first(results: Results) -> list[str]:
    """The title, and what is to be known before any figure."""
    warning = results.verifier.warning if results.verifier else ""
    return [
        f"# {_plain(results.title)}",
        f"**Read this first.** {_plain(warning)}" if warning else "",
        f"**{_plain(verifier.SYNTHETIC)}**" if verifier.synthetic(results) else "",
    ]


def _verifier(results: Results) -> list[str]:
    """A verifier's error rates, in use and chosen afterwards."""
    scores = results.verifier
    if scores is None:
        return []
    one = scores.one
    others = [("strokes made equal", scores.equal_strokes), *verifier.crossed(scores)]
    return [
        *_section(
            "Error rates at the fixed threshold",
            RATES,
            [
                (
                    verifier.rule(r),
                    *map(_rate, (r.frr, r.far_skilled, r.far_random)),
                    _rate(r.average_error),
                )
                for r in one.rates
            ],
            verifier.in_counts(one.rates[0]) if one.rates else "",
        ),
        *_section(
            "Chosen afterwards: how far apart the scores lie",
            EERS,
            [
                (name, *map(_rate, figures))
                for name, figures in verifier.separations(one)
                if any(figures)
            ],
        ),
        *_section("With more references", RATES, _compared(verifier.named(scores.several))),
        *_section("With equal strokes, and on other data", RATES, _compared(others)),
        *_section(
            "Trivial features",
            EERS,
            [
                ("the net", *map(_rate, verifier.eers_of(one))),
                *((t.name, _rate(t.skilled), _rate(t.random)) for t in scores.traits),
            ]
            if scores.traits
            else [],
        ),
        *_section(
            "Under noise: when the fixed threshold fails",
            (
                "Corruption",
                "FRR 5 points up at",
                "FAR 5 points up at",
                "Clean FRR",
                "Last FRR",
                "Last FAR",
            ),
            _spoilt(scores),
            readings.verifier_noise(scores.noise),
        ),
    ]


def _compared(rows: Iterable[tuple[str, Verification | None]]) -> list[Row]:
    """Rates at the first fixed threshold of what was measured."""
    return [
        (name, *map(_rate, verifier.rates_of(measured)))
        for name, measured in rows
        if measured is not None
    ]


def _spoilt(scores: VerifierScores) -> list[Row]:
    rows: list[Row] = []
    for curve in readings.silently_first(scores.noise):
        up = [readings.risen(rise, curve) for rise in readings.rises(curve)]
        clean, last = curve.points[0], curve.points[-1]
        ends = [_rate(rate) for rate in (clean.frr, last.frr, last.far_skilled)]
        rows.append((curve.title, *up, *ends))
    return rows


def _rate(interval: Interval | None) -> str:
    """An error rate, or a dash where there were no such trials; n counts writers."""
    return words.with_interval(interval) if interval else words.DASH


def _many_classes(results: Results) -> list[str]:
    """What is told where there are many classes, groupings of them, or groups of pictures."""
    return [
        *_section(
            "Accuracy by grouping of the classes",
            ("Grouping", "Classes", "Accuracy"),
            [
                (g.name, words.count(g.n_classes), words.with_interval(g.accuracy))
                for g in results.grouping_scores
            ],
            readings.case(results),
        ),
        *_section(
            "Top-k accuracy",
            ("k", "Accuracy"),
            [(str(top.k), words.with_interval(top.accuracy)) for top in results.top_k],
        ),
        *_section(
            "Most confused pairs",
            ("Truth", "Taken for", "Times", "Only case"),
            [
                (
                    pair.truth,
                    pair.predicted,
                    words.count(pair.n),
                    "yes" if readings.only_case(pair.truth, pair.predicted) else "",
                )
                for pair in results.confused_pairs
            ],
        ),
        *_section(
            "Accuracy by group of the test pictures",
            ("Group", "Accuracy"),
            [(g.name, words.with_interval(g.accuracy)) for g in readings.worst(results)],
        ),
    ]


def _lines(results: Results) -> list[Row]:
    if results.lines is None:
        return []
    points = [("as they are", results.lines.clean)]
    points += [(curve.title, point) for curve in results.lines.noise for point in curve.points]
    return [
        (name, str(p.severity), words.with_interval(p.error_rate), words.with_interval(p.exact))
        for name, p in points
    ]


def results_table(folder: str | Path) -> str:
    """One Markdown table over all reports ``folder/*/results.json``, for ``docs/results.md``.

    Each report gives its own test accuracy, then its scores over several seeds. Raises
    ValueError for a results.json that cannot be read.
    """
    rows: list[Row] = []
    for results in load_all(folder).values():
        about = (results.title, _data_beside_title(results), results.model.get("preset"))
        what = ", ".join(str(part) for part in about if part)
        command = _code(str(results.made.get("command") or ""))
        rows.append((what, _figure(results), words.DASH, words.DASH, command))
        rows += [_score(score) for score in results.scores]
    return _table(SCORES, rows) + "\n"


def benchmark_table(path: str | Path) -> str:
    """A benchmark as one Markdown table, for ``docs``, below where and how it was measured.

    Raises ValueError if ``path`` does not hold the results of a benchmark.
    """
    results = load_benchmark(Path(path))
    made = results["made"]
    rows = [
        (
            f"{c.work}: {c.about}",
            c.against,
            f"{c.figure} ({c.spread})" if c.spread else c.figure,
            c.verdict,
            c.ours,
            c.theirs,
        )
        for c in benchmark.comparisons(results)
    ]
    machine = made.get("machine") or {}
    where = f"{machine.get('processor')}, {words.plural(machine.get('cores'), 'core')}"
    told = f"{_code(str(made.get('command') or ''))} on {_plain(where)}:"
    return f"{told}\n\n{_table(COMPARED, rows)}\n"


def _data_beside_title(results: Results) -> str:
    """The name of the data, unless the title tells it already."""
    name = str(results.data.get("title") or results.data.get("name") or "")
    return "" if name in results.title else name


def _headline(results: Results) -> str:
    first: Row = ("Test accuracy", words.with_interval(results.accuracy), "95% interval")
    if results.verifier:
        told = verifier.headline(results)
        first = (told.name, told.figure, "; ".join(told.notes))
    return _table(("", "Figure", ""), [first, *readings.headline(results)])


def _figure(results: Results) -> str:
    """The figure of a report in a table over many, with what must be said beside it."""
    if results.verifier is None:
        return words.with_interval(results.accuracy)
    told = verifier.in_short(results)
    if verifier.synthetic(results):
        told += f". {verifier.SYNTHETIC}"
    return f"{told}. {results.verifier.warning}" if results.verifier.warning else told


def _score(score: Score) -> Row:
    """A row of the table of scores."""
    return (
        f"{score.name}: {score.protocol}" if score.protocol else score.name,
        f"{words.spread(score)} ({words.runs(score)})",
        words.target(score),
        score.reference or words.DASH,
        _code(score.command),
    )


def _section(title: str, header: Row, rows: Sequence[Row], text: str = "") -> list[str]:
    """Heading, text and table; nothing where there are no rows."""
    return [f"## {title}", _plain(text), _table(header, rows)] if rows else []


def _table(header: Row, rows: Iterable[Row]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


class _Code(str):
    """Text already set as code, to stand in a cell as it is."""


def _cell(text: str) -> str:
    return text if isinstance(text, _Code) else _plain(text)


def _plain(text: str) -> str:
    """Text on one line in which Markdown and HTML see nothing of their own."""
    for sign in "\\`*_|[]<":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _code(text: str) -> str:
    """A command as code; a pipe is escaped all the same, as tables are cut before code is read."""
    text = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return _Code(f"`{text}`") if text else words.DASH
