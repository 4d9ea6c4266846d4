"""Whatever a user gets wrong ends in one clear line and the right exit code, and harms nothing.

Each case is a row: what it is called, how the files for it are made and the command that reads
them, the exit code, and what the line must say. After each, all files are as they were.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tools
from cli.bad_files import (
    ACCEPTED,
    DATA,
    MODELS,
    PICTURES,
    photo,
    train,
)
from cli.cases import BAD_INPUT, WRONG_USE, Case, Make, Place, rows

from bpapps import tasks
from bpapps.core.storage import write_tensors

NAMES = [
    Case("task", lambda p: ["train", "digist"], WRONG_USE, "unknown task 'digist'.*'digits'", True),
    Case("task to report", lambda p: ["report", "digit"], WRONG_USE, "did you mean 'digits'"),
    Case("model", lambda p: ["evaluate", "digitz"], WRONG_USE, "did you mean 'digits'"),
    Case("model to read", lambda p: ["predict", "digts", "7.png"], WRONG_USE, "'digits'"),
    Case("data", train("--data=mnits"), WRONG_USE, "unknown data set 'mnits'.*'mnist'"),
    Case("data to check", lambda p: ["data", "check", "mnits"], WRONG_USE, "'mnist'"),
    Case("preset", train("--preset=cnm"), WRONG_USE, "unknown preset of digits 'cnm'.*'cnn'"),
    Case("setting", train("--set=max_itr=2"), WRONG_USE, "'max_itr'; did you mean 'max_iter'"),
    Case("setting's form", train("--set=max_iter"), WRONG_USE, "KEY=VALUE, not 'max_iter'"),
    Case("setting's type", train("--set=max_iter=ten"), WRONG_USE, "'max_iter'.*'ten'"),
    Case("setting's range", train("--set=alpha=-1"), WRONG_USE, "'alpha'.*-1"),
    Case(
        "the run's own", train("--set=random_state=1"), WRONG_USE, "random_state is the run's own"
    ),
    Case("quick type", train("--quick", "--set=max_iter=x"), WRONG_USE, "'max_iter'.*'x'"),
    Case("seed", train("--seed=-1"), WRONG_USE, "--seed"),
    Case("threads", train("--n-jobs=0"), WRONG_USE, "--n-jobs"),
    Case("no task", lambda p: ["train"], WRONG_USE, "give a TASK, or --config FILE"),
    Case("command", lambda p: ["trian"], WRONG_USE, "No such command 'trian'"),
    Case("no files", lambda p: ["predict", p.trained], WRONG_USE, "Missing argument"),
    Case(
        "an option of another task's",
        lambda p: ["predict", p.trained, photo(p), "--reference", photo(p)],
        WRONG_USE,
        "--reference: digits takes none, only signatures does; leave it out",
    ),
    Case(
        "groups of classes where there are none",
        lambda p: ["predict", p.trained, photo(p), "--classes=digits"],
        WRONG_USE,
        "--classes: digits takes none, only characters does; leave it out",
    ),
    Case(
        "nothing to draw",
        lambda p: ["predict", p.trained, photo(p), "--annotate=out.png"],
        WRONG_USE,
        "--annotate: digits has nothing to draw on a picture",
    ),
    Case(
        "verifiers side by side with recognisers",
        lambda p: ["report", "signatures", "--against", p.trained],
        WRONG_USE,
        "--against: .*run is a model for digits, not for signatures",
    ),
    Case(
        "side by side with another task's",
        lambda p: ["report", "characters", "--against", p.trained],
        WRONG_USE,
        "--against: .*run is a model for digits, not for characters",
    ),
    Case(
        "side by side with a misspelt one",
        lambda p: ["report", "digits", "--against=digitz"],
        WRONG_USE,
        "did you mean 'digits'",
    ),
    Case("divergence", train("--set=learning_rate_init=1e30"), BAD_INPUT, "training diverged"),
]


def below_a_file(place: Place) -> Path:
    return place.file("file", "mine") / "run"


def to(command: str, folder: Callable[[Place], object], *options: object) -> Make:
    return lambda place: [command, "digits", *tools.TINY, "--out", folder(place), *options]


def checkpoint(content: Callable[[Place], bytes]) -> Make:
    """Train in a folder in which a checkpoint lies."""

    def make(place: Place) -> list[object]:
        place.file("run/checkpoint.safetensors", content(place))
        place.file("run/config.json", '{"mine": 1}')
        return train()(place)

    return make


def another_training(place: Place) -> bytes:
    write_tensors(place.folder / "c", {}, {"fingerprint": "another"})
    content = (place.folder / "c").read_bytes()
    (place.folder / "c").unlink()
    return content


def config(text: str) -> Make:
    return lambda place: [
        *("train", "--config", place.file("config.json", text)),
        *("--out", place.folder / "run"),
    ]


def finished(place: Place) -> Path:
    return Path(shutil.copytree(place.trained, place.folder / "run"))


PLAN = {"task": "digits", "data": "digits", "preset": "small"}
RUNS = [
    Case("run below a file", to("train", below_a_file), BAD_INPUT, "cannot be written"),
    Case("report below a file", to("report", below_a_file), BAD_INPUT, "cannot be written", True),
    Case(
        "run in /proc", to("train", lambda p: "/proc/bpapps"), BAD_INPUT, "/proc/bpapps: cannot be"
    ),
    Case(
        "a file as run", to("train", lambda p: p.file("f", "mine")), BAD_INPUT, "cannot be written"
    ),
    Case("finished", to("train", finished), BAD_INPUT, "run: holds a finished run"),
    Case("damaged checkpoint", checkpoint(lambda p: p.model[:500]), BAD_INPUT, "checkpoint", True),
    Case("foreign checkpoint", checkpoint(lambda p: b"mine"), BAD_INPUT, "not a bpapps file"),
    Case(
        "another's checkpoint",
        checkpoint(another_training),
        BAD_INPUT,
        "of a training with another",
    ),
    Case(
        "missing config", lambda p: ["train", "--config", "no.json"], BAD_INPUT, r"no\.json: cannot"
    ),
    Case("config is text", config("task: digits"), BAD_INPUT, "not the config.json of a run"),
    Case("config is a list", config("[1, 2]"), BAD_INPUT, "not the config.json of a run"),
    Case("config lacks", config('{"task": "digits"}'), BAD_INPUT, "not the config.json of a run"),
    Case(
        "config's seed", config(json.dumps({**PLAN, "seed": "x"})), BAD_INPUT, "not the config.json"
    ),
    Case(
        "config's task", config(json.dumps({**PLAN, "task": 5})), BAD_INPUT, "not the config.json"
    ),
    Case("config's name", config(json.dumps({**PLAN, "task": "digist"})), WRONG_USE, "'digits'"),
    Case(
        "config and more",
        lambda p: ["train", "--config", p.trained / "config.json", "--seed=1"],
        WRONG_USE,
        "--seed cannot be given together with --config",
    ),
    Case(
        "damaged scores",
        lambda p: to("report", lambda p: p.file("report/scores.json", "[{}]").parent)(p),
        BAD_INPUT,
        r"scores\.json: damaged",
    ),
]


CASES = [*PICTURES, *DATA, *NAMES, *RUNS, *MODELS]


@pytest.mark.parametrize("case", rows(CASES))
def test_one_line_and_nothing_lost(
    case: Case, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = case.make(Place(tmp_path, trained))
    before = tools.contents(tmp_path), tools.contents(trained)
    answer = tools.run(*arguments) if case.real else tools.call(*arguments)
    assert answer.code == case.code, answer.err
    assert len(answer.errors) == 1, answer.err
    assert answer.errors[0].startswith("Error: ")
    assert re.search(case.says, answer.errors[0]), answer.errors[0]
    assert answer.out == ""
    assert (tools.contents(tmp_path), tools.contents(trained)) == before


@pytest.mark.parametrize("make", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_unusual_pictures_are_read(make: Callable, trained: Path, tmp_path: Path) -> None:
    answer = tools.call("predict", trained, make(Place(tmp_path, trained)))
    assert (answer.code, answer.err) == (0, "")
    assert "0 (" in answer.out


def test_one_bad_picture_does_not_keep_the_others_from_being_read(
    trained: Path, tmp_path: Path
) -> None:
    good = tools.write_photo(tmp_path / "good.png", tools.digits()[0][0])
    answer = tools.call("predict", trained, tmp_path / "no.png", good, tmp_path, "--json")
    assert answer.code == BAD_INPUT
    assert [reading["problem"] is None for reading in json.loads(answer.out)] == [
        False,
        True,
        False,
    ]
    assert len(answer.errors) == 2


@pytest.mark.slow
def test_an_unreadable_picture_in_a_data_set_is_warned_of(trained: Path, tmp_path: Path) -> None:
    folder = tools.write_classes(tmp_path / "data", [1, 7])
    (folder / "7" / "bad.png").write_bytes(b"words")
    answer = tools.run("train", "digits", *tools.TINY, "--data", folder, "--out", tmp_path / "run")
    assert answer.code == 0
    assert re.fullmatch(r"Warning: .*skipped 1 of 9 pictures.*bad\.png.*\n", answer.err)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(value: float) -> None:
    pictures = tools.digits()[0][:20] / 255
    pictures[3, 2, 1] = value
    pipeline = tasks.get("digits").pipeline("small", max_iter=1)
    with pytest.raises(ValueError, match="NaN or infinity"):
        pipeline.fit(pictures, np.arange(20) % 2)
    fitted = pipeline.fit(np.nan_to_num(pictures, posinf=1.0), np.arange(20) % 2)
    with pytest.raises(ValueError, match="NaN or infinity"):
        fitted.predict(pictures)
