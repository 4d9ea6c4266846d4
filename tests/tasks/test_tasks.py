"""The contract that every task keeps: what the command line and the reports rely on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpapps import kinds, tasks
from bpapps.data.splits import Split
from bpapps.names import UnknownNameError
from bpapps.pictures.arrays import as_pictures
from bpapps.tasks import Task

TASKS = {name: tasks.get(name) for name in tasks.names()}

RECOGNIZERS = {name: task for name, task in TASKS.items() if task.kind.name == "classification"}
"""Those whose pictures are recognised by themselves; others have tests of their own."""

PRESETS = [(name, preset) for name, task in RECOGNIZERS.items() for preset in task.presets]

each_task = pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
each_recognizer = pytest.mark.parametrize("task", RECOGNIZERS.values(), ids=list(RECOGNIZERS))
each_preset = pytest.mark.parametrize(
    ("task", "preset"),
    [(TASKS[name], preset) for name, preset in PRESETS],
    ids=map("-".join, PRESETS),
)


@pytest.fixture(scope="module")
def data() -> dict[str, Split]:
    """Each task's default data."""
    return {name: task.load_data(task.default_data) for name, task in RECOGNIZERS.items()}


def some(split: Split, n: int = 30) -> tuple[np.ndarray, np.ndarray]:
    part = split.train.take(np.arange(n))
    return np.asarray(part.pictures), part.targets


def test_there_are_tasks() -> None:
    assert "digits" in TASKS
    folders = {path.parent.name for path in Path(tasks.__file__).parent.glob("*/__init__.py")}
    assert set(TASKS) == folders


@each_task
def test_the_declaration(task: Task) -> None:
    assert TASKS[task.name] is task
    assert task.title
    assert task.summary.endswith(".")
    assert type(task.kind) is type(kinds.get(task.kind.name))
    assert tasks.sources().items() >= task.sources.items()
    assert task.data.keys() - {task.default_data} <= task.sources.keys()
    assert task.preset_for.keys() - {""} <= task.data.keys()
    assert {task.preset_name(name) for name in (*task.data, "a/folder")} <= task.presets.keys()
    folder = Path(tasks.__file__).parent / task.name
    assert task.shipped.parent == folder
    for file in ("data.py", "preprocess.py", "model.py", "card.md"):
        assert (folder / file).is_file(), file


@each_task
def test_the_folder_of_a_report(task: Task, tmp_path: Path) -> None:
    assert task.report_name(task.default_data) == task.name
    alike = [tmp_path / name for name in ("own.csv", "own", "v1.2", "v1.3", "deep/own", *task.data)]
    others = [task.report_name(str(name)) for name in (*task.data, tmp_path, *alike, ".")]
    assert len(set(others)) == len(others)
    assert all(Path(name).name == name for name in others)
    assert task.report_name(f"{tmp_path}/") == task.report_name(str(tmp_path / "own/.."))


@each_recognizer
def test_the_default_data(task: Task, data: dict[str, Split]) -> None:
    split = data[task.name]
    assert len(split.train.pictures) == len(split.train.targets) == split.data["n_train"] > 0
    assert len(split.test.pictures) == len(split.test.targets) == split.data["n_test"] > 0
    assert set(split.test.targets) <= set(split.train.targets)
    assert all(split.data[key] for key in ("name", "title", "source", "licence", "sha256", "split"))


@each_preset
def test_each_preset_trains_and_answers(task: Task, preset: str, data: dict[str, Split]) -> None:
    assert task.presets[preset].summary
    classes = len(np.unique(data[task.name].train.targets))
    pictures, labels = some(data[task.name], 3 * classes)
    pipeline = task.pipeline(preset, max_iter=1, random_state=0, n_jobs=1)
    assert pipeline[-1].max_iter == 1
    pipeline.fit(pictures, labels)
    probabilities = pipeline.predict_proba(pictures[:5])
    assert probabilities.shape == (5, len(np.unique(labels)))
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert pipeline[-1].params_.vector.dtype == np.float32
    again = task.pipeline(preset, max_iter=1, random_state=0, n_jobs=2).fit(pictures, labels)
    assert again[-1].params_.vector.tobytes() == pipeline[-1].params_.vector.tobytes()


@each_preset
def test_preprocessing_takes_its_own_output(
    task: Task, preset: str, data: dict[str, Split]
) -> None:
    """A picture that is normalised already passes as it is, or all but."""
    preprocessing = task.pipeline(preset)[0]
    once = preprocessing.fit_transform(some(data[task.name])[0])
    assert once.dtype == np.float32
    assert np.abs(once).max() <= 3  # pixels up to 1, and what else is told in deviations
    again = preprocessing.transform(once)
    assert np.abs(again - once).mean() < 0.01


@each_recognizer
def test_preprocessing_tells_what_cannot_be_recognised(task: Task, data: dict[str, Split]) -> None:
    preprocessing = task.pipeline()[0]
    assert preprocessing.inspect(np.full((40, 40), 0.8, dtype=np.float32))
    pictures = as_pictures(some(data[task.name])[0])
    assert [preprocessing.inspect(picture) for picture in pictures] == [None] * len(pictures)


# ------------------------------------------------------------------ names and settings


@each_task
def test_settings_replace_those_of_the_preset_for_one_pipeline_only(task: Task) -> None:
    preset = next(iter(task.presets))
    usual = task.pipeline(preset)[-1].max_iter
    assert task.pipeline(preset, max_iter=usual + 1)[-1].max_iter == usual + 1
    assert task.pipeline(preset)[-1].max_iter == usual


def test_the_default_preset_suits_the_default_data() -> None:
    for task in TASKS.values():
        suited = task.pipeline(task.preset_name(task.default_data))
        assert task.pipeline().get_params().keys() == suited.get_params().keys()
        assert str(task.pipeline()[-1].layers) == str(suited[-1].layers)


WRONG = {
    "task": (lambda: tasks.get("digist"), "unknown task 'digist'; did you mean 'digits'?"),
    "far task": (
        lambda: tasks.get("xyz"),
        "unknown task 'xyz'; known are: characters, digits, signatures",
    ),
    "preset": (lambda: tasks.get("digits").pipeline("smal"), "did you mean 'small'?"),
    "setting": (lambda: tasks.get("digits").pipeline(max_itr=3), "did you mean 'max_iter'?"),
    "data": (lambda: tasks.get("digits").load_data("mnits"), "did you mean '.?mnist'?"),
}


@pytest.mark.parametrize(("ask", "says"), WRONG.values(), ids=list(WRONG))
def test_an_unknown_name_gets_the_nearest_suggested(ask, says: str) -> None:
    with pytest.raises(UnknownNameError, match=says.replace("?", r"\?").replace(r".\?", ".?")):
        ask()


@pytest.mark.parametrize(
    "setting", [{"max_iter": "ten"}, {"max_iter": 0}, {"solver": "adamm"}, {"early_stopping": "no"}]
)
def test_a_value_that_a_setting_does_not_take_is_told_at_once(setting: dict) -> None:
    (name,) = setting
    with pytest.raises(ValueError, match=f"The '{name}' parameter of .* must be"):
        tasks.get("digits").pipeline(**setting)
