"""The parts of a report on a classifier."""

from __future__ import annotations

from bpapps.kinds.classification import findings as own
from bpapps.kinds.classification import plots
from bpapps.report import sections, words
from bpapps.report.sections import Row, Section, Table
from bpapps.results import Results

PACKAGE = "bpapps.kinds.classification"


def _classes(results: Results) -> list[Table]:
    rows = [
        (
            c.label,
            words.with_interval(c.precision),
            words.with_interval(c.recall),
            words.percent(c.f1) if c.recall.n else words.DASH,
        )
        for c in results.details.per_class
    ]
    return [Table("Precision and recall by class", ("Class", "Precision", "Recall", "F1"), rows)]


def _groupings(results: Results) -> list[Table]:
    details = results.details
    return [
        Table(
            "Accuracy by grouping of the classes",
            ("Grouping", "Classes", "Accuracy"),
            [
                (g.name, words.count(g.n_classes), words.with_interval(g.accuracy))
                for g in details.grouping_scores
            ],
            own.case(details),
        ),
        Table(
            "Top-k accuracy",
            ("k", "Accuracy"),
            [(str(top.k), words.with_interval(top.accuracy)) for top in details.top_k],
        ),
    ]


def _pairs(results: Results) -> list[Table]:
    rows = [
        (
            pair.truth,
            pair.predicted,
            words.count(pair.n),
            "yes" if own.only_case(pair.truth, pair.predicted) else "",
        )
        for pair in results.details.confused_pairs
    ]
    return [Table("Most confused pairs", ("Truth", "Taken for", "Times", "Only case"), rows)]


def _groups(results: Results) -> list[Table]:
    rows = [(g.name, words.with_interval(g.accuracy)) for g in own.worst(results.details)]
    return [Table("Accuracy by group of the test pictures", ("Group", "Accuracy"), rows)]


def _lines(results: Results) -> list[Table]:
    clean = results.details.lines
    rows: list[Row] = [
        (
            "as they are",
            "0",
            words.with_interval(clean.error_rate),
            words.with_interval(clean.exact),
        )
    ]
    rows += [
        (curve.title, str(p.severity), *(words.with_interval(f.interval) for f in p.figures))
        for curve in own.spoilt_lines(results)
        for p in curve.points
        if p.severity
    ]
    header = ("Lines", "Severity", "Character error rate", "Exact lines")
    return [Table("Reading whole lines", header, rows)]


SECTIONS = (
    sections.MADE,
    sections.SCORES,
    sections.TRAINING,
    Section(
        "classes",
        "Precision and recall by class",
        lambda r: r.details.per_class,
        lambda r: plots.class_scores(r.details.per_class),
        _classes,
        {
            "Precision and recall": "Of all pictures called a 7, how many are one: precision. Of "
            "all true 7s, how many were found: recall. F1 is their harmonic mean, high only if "
            "both are.",
        },
        package=PACKAGE,
    ),
    Section(
        "groupings",
        "Groupings of the classes, and the first answers",
        lambda r: r.details.grouping_scores or r.details.top_k,
        tables=_groupings,
        terms={
            "Top-k accuracy": "How often the true class is among the k answers that the model "
            "holds most probable. Top 1 is the accuracy itself.",
            "Grouping": "Classes taken together, such as a letter's two cases: only the group has "
            "to be right. A grouping may also leave classes out; then neither their pictures nor "
            "their answers count.",
        },
        own=own,
        package=PACKAGE,
    ),
    Section(
        "confusion",
        "Confusion matrix",
        lambda r: r.details.confusion,
        lambda r: plots.confusion(r.details.confusion, r.details.classes),
        terms={
            "Confusion matrix": "Each row holds the pictures of one true class, sorted by the "
            "answer they got. Anything off the diagonal is a mistake.",
        },
        own=own,
        package=PACKAGE,
    ),
    Section(
        "pairs",
        "Most confused pairs",
        lambda r: r.details.confused_pairs,
        tables=_pairs,
        own=own,
        package=PACKAGE,
    ),
    Section(
        "groups",
        "Accuracy by group of the test pictures",
        lambda r: r.details.group_scores,
        tables=_groups,
        own=own,
        package=PACKAGE,
    ),
    sections.calibration(),
    Section(
        "mistakes", "Its most confident mistakes", lambda r: r.details.mistakes, package=PACKAGE
    ),
    sections.NOISE,
    sections.RIVALS,
    Section(
        "lines",
        "Reading whole lines",
        lambda r: r.details.lines,
        tables=_lines,
        terms={
            "Character error rate": "The fewest characters to insert, delete or replace to turn "
            "what was read into what was written, spaces included, for each character written. "
            "Its interval comes from drawing lines anew, since the errors of one line go together.",
        },
        own=own,
        package=PACKAGE,
    ),
    sections.dependence(),
    sections.SPEED,
)
