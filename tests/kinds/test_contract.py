"""The contract of a kind, kept by every kind, each on tiny data of a task of it."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bpapps import kinds, models, runs, tasks
from bpapps.data.splits import Split
from bpapps.experiments import clock, noise_sweep
from bpapps.kinds.base import Kind
from bpapps.measures.intervals import Interval
from bpapps.report import render, to_markdown
from bpapps.results import Results
from bpapps.tasks.signatures.data import synthetic

SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "digits": ("small", {"max_iter": 2}),
    "signatures": ("vector", {"max_iter": 1, "n_groups": 8, "group": [2, 2, 2]}),
}
"""A task of each kind, and a training of seconds."""

TASKS = {tasks.get(name).kind.name: name for name in SETTINGS}


def tiny(task: str) -> Split:
    if task == "signatures":
        return synthetic(0, (6, 2, 3))
    split = tasks.get(task).load_data(task)
    rows = np.arange(120)
    return replace(split, train=split.train.take(rows), test=split.test.take(rows))


def params() -> list[Any]:
    """Every kind; a classifier's training alone is of the inner loop."""
    return [
        pytest.param(name, marks=[] if name == "classification" else [pytest.mark.slow])
        for name in kinds.names()
    ]


@pytest.fixture(scope="module", params=params())
def run(request: pytest.FixtureRequest) -> tuple[runs.Run, Split]:
    task = TASKS[request.param]
    preset, settings = SETTINGS[task]
    split = tiny(task)
    config = runs.Config(task, tasks.get(task).default_data, preset, 0, settings)
    return runs.train(config, split), split


@pytest.fixture(scope="module")
def results(run: tuple[runs.Run, Split]) -> Results:
    trained, split = run
    return runs.measure(trained, split, "bpapps", quick=True, dependence=False)


def kind_of(trained: runs.Run) -> Kind:
    return trained.model.task.kind


def test_every_kind_has_a_task_here() -> None:
    assert sorted(TASKS) == kinds.names()


def test_it_is_found_by_its_name(run: tuple[runs.Run, Split]) -> None:
    kind = kind_of(run[0])
    assert type(kinds.get(kind.name)) is type(kind)
    assert kind.question.endswith("?")


def test_a_model_is_saved_and_answers_alike(run: tuple[runs.Run, Split], tmp_path: Path) -> None:
    trained, split = run
    models.save(tmp_path / "model.safetensors", trained.model)
    loaded = models.load(tmp_path / "model.safetensors")
    assert loaded.metadata["kind"] == kind_of(trained).name
    test = kind_of(trained).prepare(loaded.pipeline[0], split.test)
    found, expected = (
        kind_of(trained).figures(model.pipeline[-1], test) for model in (loaded, trained.model)
    )
    assert found == expected
    assert next(iter(found.values())) == asdict(Interval(**next(iter(found.values()))))
    assert kind_of(trained).told(found)


def test_what_was_measured_is_written_and_read(results: Results, tmp_path: Path) -> None:
    results.save(tmp_path / "results.json")
    assert kinds.load_results(tmp_path / "results.json") == results
    assert isinstance(results.details, kinds.get(results.kind).details)
    assert results.figures()["headline"]["figures"][0]["name"] == results.headline.score.name
    assert all(isinstance(line, str) for line in results.details.told())


def test_its_sections_are_printed(results: Results) -> None:
    sections = kinds.get(results.kind).sections
    page = render(results, sections)
    for section in sections:
        assert (f'<section id="{section.name}"' in page) == bool(section.shown(results))
    assert results.title in to_markdown(results, sections)


def test_its_probes_are_swept_and_timed(run: tuple[runs.Run, Split], results: Results) -> None:
    trained, split = run
    probes = kind_of(trained).probes(trained.model, split, seed=0, quick=True)
    assert [speed.title for speed in results.speed] == [p.title for p in probes if p.of]
    swept = [sweep.title for sweep in results.noise]
    assert swept == [p.title for p in probes if p.corruptions is None or p.corruptions]
    few = replace(probes[0], corruptions=["blur"], severities=[1])
    again = noise_sweep(few, seed=0)
    first = next(curve for curve in results.noise[0].curves if curve.name == "blur")
    assert again.curves[0].points == first.points[:2]  # whatever else is measured
    timed = next(probe for probe in probes if probe.of)
    assert clock(replace(timed, repeats=1)).milliseconds_one > 0


@pytest.mark.parametrize("spoil", ["less", "wrong"])
def test_its_training_data_are_spoilt(run: tuple[runs.Run, Split], spoil: str) -> None:
    trained, split = run
    make = kind_of(trained).spoils[spoil]
    little, much = (make(split.train, share, np.random.default_rng(0)) for share in (0.2, 0.6))
    if spoil == "less":
        assert len(little) < len(much) < len(split.train)
        return
    wrong = [part.targets != split.train.targets for part in (little, much)]
    assert 0 < wrong[0].sum() < wrong[1].sum()
    assert not (wrong[0] & ~wrong[1]).any()  # what is wrong of little is wrong of much


def test_a_bad_file_is_an_answer_with_a_problem(
    run: tuple[runs.Run, Split], tmp_path: Path
) -> None:
    trained, _ = run
    blank, missing = tmp_path / "blank.png", tmp_path / "missing.png"
    Image.new("L", (64, 64), 255).save(blank)
    sample = Path(__file__).parents[2] / "samples" / "signature-reference-1.png"
    given = {o.name: [sample] for o in kind_of(trained).options if o.required}
    answers = trained.model.read([blank, missing], **given)
    for file, answer in zip((blank, missing), answers, strict=True):
        assert str(file) in answer.problem
        assert answer.plain()["problem"] == answer.problem


def test_options_that_it_does_not_take_are_refused(run: tuple[runs.Run, Split]) -> None:
    with pytest.raises(ValueError, match="takes no brightness"):
        run[0].model.read([], brightness=3)


def test_results_of_schema_1_belong_to_one_kind() -> None:
    other = {"verifier": None, "speed": {}}
    claimed = [name for name in kinds.names() if _upgrades(kinds.get(name), other)]
    assert len(claimed) == 1


def _upgrades(kind: Kind, plain: dict[str, Any]) -> bool:
    return kind.upgrade(plain) is not None
