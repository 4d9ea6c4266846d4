"""Train signature verifiers on each protocol and keep their scores and reports.

    python scripts/train_signatures.py synthetic cedar

``synthetic`` trains the model that the package ships, on synthetic writers and nothing else, and
tests it on CEDAR where that is present. ``cedar`` trains that model further on CEDAR in five
folds, where each writer is tested once, by a net that has not seen them, and writes the report.
Every net is a run in ``runs/``: a finished one is not trained again, one that was cut off goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from scores import Protocol, Rows, command_for, report, score
from tqdm import tqdm

from bpapps import models, runs, tasks
from bpapps.data.registry import is_here
from bpapps.data.splits import Split
from bpapps.kinds.verification import measuring, protocols, rates
from bpapps.kinds.verification.data import load
from bpapps.kinds.verification.records import CrossData, Verification
from bpapps.kinds.verification.scoring import ScoredSplit, score_split
from bpapps.kinds.verification.scoring import score as scored_pairs
from bpapps.tasks.signatures import data
from bpapps.tasks.signatures.sources import SOURCES
from bpapps.tasks.signatures.traits import traits

TASK = tasks.get("signatures")
WRITERS = (1000, 40, 40)
"""Synthetic writers that the shipped model is trained on, its thresholds are chosen on, tested."""
OTHERS = (1, 1, WRITERS[2])
"""The same writers to test on, for nets of other data, with next to none of the rest."""
NOT_BLIND = (
    "threshold chosen afterwards; the generator of writers was adjusted to statistics of CEDAR"
)
SEVERAL = (3, 5, 8, 10)
"""Numbers of references."""
PUBLISHED = {"SigNet with the files' artefacts, 5 writers": 0.0463, "a first net without": 0.165}


def synthetic(data_dir: Path | None, command: str) -> Rows:
    """Synthetic writers: ships the model; tested on other synthetic ones, and on CEDAR."""
    split = data.synthetic(0, WRITERS)
    run = _trained("signatures-synthetic", "synthetic", split, "align")
    models.save(TASK.shipped, run.model)
    folder = TASK.report_name("synthetic")
    results = runs.measure(run, split, command)
    name = "trained on synthetic writers, EER skilled on {}, 1 reference"
    rows = [
        score(
            name.format("others of them"), f"{split.data['split']}; threshold chosen afterwards",
            _eers(results.details.one, "skilled"), None, {}, command, at_most=True,
        )
    ]  # fmt: skip
    cross = []
    if is_here("cedar", SOURCES["cedar"], data_dir):
        cross.append(_crossed(run, data.all_to_test(load("cedar", data_dir, SOURCES))))
        measured = cross[0].verification
        rows.append(
            score(
                name.format("CEDAR"), f"all {measured.n_owners} writers; {NOT_BLIND}",
                _eers(measured, "skilled"), 0.22,
                {"gradient histograms, untrained": 0.26}, command, at_most=True,
            )
        )  # fmt: skip
    results.details = replace(results.details, cross=cross)
    report(results, folder)
    return [(folder, row) for row in rows]


def cedar(data_dir: Path | None, command: str) -> Rows:
    """CEDAR: five folds of writers, and one report over all of them."""
    whole = load("cedar", data_dir, SOURCES)
    parts = data.folds(whole)
    trained = [
        _trained(f"signatures-cedar-fold{number}", "cedar", split, "adapt", TASK.name)
        for number, split in enumerate(tqdm(parts, desc="folds", disable=None), start=1)
    ]
    scored = [
        score_split(run.model.pipeline, part) for run, part in zip(trained, parts, strict=True)
    ]
    one = _measured(scored, 1)
    equal = _measured([fold.equal for fold in scored if fold.equal], 1)
    several = {(k, way): _measured(scored, k, way) for k in SEVERAL for way in protocols.WAYS}
    part = data.all_to_test(whole).test
    alone = protocols.trait_scores(traits(part.pictures), part)
    of_all = {
        "one": one,
        "several": list(several.values()),
        "equal_strokes": equal,
        "traits": alone,
        "warning": protocols.warning(alone, one),
        "accuracy": protocols.accuracy(one.rates[0]),
        "cross": [_crossed(trained[0], data.synthetic(0, OTHERS))],
    }
    folder = TASK.report_name("cedar")
    _report(trained[0], parts[0], scored[0], of_all, folder, command)
    first = {"a first net": 0.076}
    figures: list[tuple[str, Verification, str, float | None, Mapping[str, float]]] = [
        ("EER skilled, 1 reference", one, "skilled", 0.12, PUBLISHED),
        ("EER skilled, 10 references", several[10, protocols.CENTRED], "skilled", 0.05, first),
        ("EER random, 1 reference", one, "random", 0.03, {"a first net": 0.049}),
        ("EER skilled, 1 reference, strokes made equal", equal, "skilled", 0.24, {}),
    ]
    text = "5 folds, each writer tested once, threshold chosen afterwards in each fold"
    return [
        (folder, score(f"CEDAR, {name}", text, _eers(found, kind), target, known, command, True))
        for name, found, kind, target, known in figures
    ]


PROTOCOLS: dict[str, Protocol] = {"synthetic": synthetic, "cedar": cedar}


main = command_for("train_signatures.py", PROTOCOLS)


def _trained(folder: str, source: str, split: Split, preset: str, start: str = "") -> runs.Run:
    """The model of a run, trained now where there is none yet, from a model to start with."""
    path = Path("runs") / folder
    if not (path / models.FILE_NAME).exists():
        config = runs.Config(TASK.name, source, preset, start=start)
        runs.train(config, split, path, progress=True)
    return runs.load(path)


def _measured(folds: Sequence[ScoredSplit], k: int, way: str = protocols.CENTRED) -> Verification:
    """Error rates with k references over all folds, each at its own fold's thresholds."""
    options = protocols.WAYS[way]
    return rates.measure(
        [fold.test.trials(k, **options) for fold in folds],
        [
            protocols.rules(fold.development, k, (None, protocols.STRICT), **options)
            for fold in folds
            if fold.development
        ],
        protocol=protocols.protocol(k, way),
    )


def _crossed(run: runs.Run, other: Split) -> CrossData:
    """Error rates on writers of other data, at the threshold of the run's own."""
    net = run.model.pipeline
    trials = scored_pairs(net, other.test).trials()
    measured = rates.measure(trials, [net[-1].threshold()])
    return CrossData(other.data["title"], measured)


def _report(
    run: runs.Run,
    part: Split,
    scored: ScoredSplit,
    of_all: Mapping[str, Any],
    folder: str,
    command: str,
) -> None:
    """The report on the first fold, with the error rates and the traits of all five."""
    measured = measuring.measure(run.model.pipeline, part, traits, scored=scored)
    details = replace(measured, **of_all)
    results = runs.measure(run, part, command, dependence=False, details=details)
    results.data["notes"] = (
        "error rates and trivial features are of all five folds; noise, other data, the hardest "
        "pairs, times and the history of the first"
    )
    report(results.without_pictures(), folder)  # CEDAR is for research, not to be passed on


def _eers(measured: Verification, kind: str) -> list[float]:
    apart = measured.skilled if kind == "skilled" else measured.random
    return apart.eer_folds if apart else []


if __name__ == "__main__":
    main()
