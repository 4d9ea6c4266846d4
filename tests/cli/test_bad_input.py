"""Whatever a user gets wrong ends in one clear line and the right exit code, and harms nothing.

Each case is a row: what it is called, how the files for it are made and the command that reads
them, the exit code, and what the line must say. After each, all files are as they were.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tools
from PIL import Image
from safetensors.numpy import save_file

from bpapps import models, runs, tasks
from bpapps.core import Chain, Dense, Params, initial_params
from bpapps.core.storage import read_tensors, save_network, write_tensors

WRONG_USE, BAD_INPUT, INTERRUPTED = 2, 1, 130


@dataclass(frozen=True)
class Place:
    """Where a case puts its files; ``trained`` is the folder of a finished run."""

    folder: Path
    trained: Path

    def file(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    @property
    def model(self) -> bytes:
        return (self.trained / models.FILE_NAME).read_bytes()


Make = Callable[[Place], list[object]]


@dataclass(frozen=True)
class Case:
    """A row of the table; ``real`` runs it in a process of its own."""

    name: str
    make: Make
    code: int
    says: str
    real: bool = False


# ------------------------------------------------------------------ pictures


def predict(make_file: Callable[[Place], Path]) -> Make:
    return lambda place: ["predict", place.trained, make_file(place)]


def photo(place: Place) -> Path:
    return tools.write_photo(place.folder / "photo.png", tools.digits()[0][0])


def converted(name: str, mode: str) -> Callable[[Place], Path]:
    def make(place: Place) -> Path:
        Image.open(photo(place)).convert(mode).save(place.folder / name)
        return place.folder / name

    return make


def deep(place: Place) -> Path:
    values = np.asarray(Image.open(photo(place))).astype(np.uint16) * 257
    Image.fromarray(values).save(place.folder / "deep.png")
    return place.folder / "deep.png"


def claims(width: int, height: int) -> bytes:
    """A tiny PNG whose header claims a size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


def animated(place: Place) -> Path:
    frames = [Image.new("L", (20, 20), value) for value in (0, 90, 180)]
    path = place.folder / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


def truncated(place: Place) -> Path:
    return place.file("short.png", photo(place).read_bytes()[:300])


def blank(place: Place) -> Path:
    Image.new("L", (64, 64), 255).save(place.folder / "blank.png")
    return place.folder / "blank.png"


PICTURES = [
    Case(
        "missing",
        predict(lambda p: p.folder / "no.png"),
        BAD_INPUT,
        r"no\.png does not exist",
        True,
    ),
    Case("a folder", predict(lambda p: p.folder), BAD_INPUT, "is a folder"),
    Case("empty", predict(lambda p: p.file("e.png", b"")), BAD_INPUT, r"e\.png is empty"),
    Case("truncated", predict(truncated), BAD_INPUT, r"short\.png is damaged or cut short"),
    Case("1×1", predict(lambda p: p.file("1.png", claims(1, 1))), BAD_INPUT, "only 1×1 pixels"),
    Case(
        "30,000×30,000",
        predict(lambda p: p.file("vast.png", claims(30_000, 30_000))),
        BAD_INPUT,
        r"vast\.png has more than 50 megapixels",
    ),
    Case("animated", predict(animated), BAD_INPUT, "has 3 frames"),
    Case(
        "text", predict(lambda p: p.file("t.png", "words")), BAD_INPUT, r"t\.png is not a picture"
    ),
    Case("blank", predict(blank), BAD_INPUT, r"blank\.png: nothing to recognise"),
]

ACCEPTED = {
    "CMYK": converted("photo.jpg", "CMYK"),
    "16 bits": deep,
    "palette": converted("photo.gif", "P"),
}


# ------------------------------------------------------------------ data


def train(*options: object) -> Make:
    return lambda place: ["train", "digits", *tools.TINY, "--out", place.folder / "run", *options]


def train_on(make_data: Callable[[Place], Path]) -> Make:
    return lambda place: train("--data", make_data(place))(place)


def evaluate_on(make_data: Callable[[Place], Path]) -> Make:
    return lambda place: ["evaluate", place.trained, "--data", make_data(place)]


def strangers(place: Place) -> Path:
    """Pictures of two classes that are no digits'."""
    folder = tools.write_classes(place.folder / "data", [1, 7])
    (folder / "1").rename(folder / "x")
    (folder / "7").rename(folder / "y")
    return folder


def train_mnist(spoil: Callable[[Path], None]) -> Make:
    """Train on a few digits in MNIST's files, one of which is spoilt."""

    def make(place: Place) -> list[object]:
        spoil(tools.write_mnist(place.folder / "mnist"))
        return train("--data=mnist", "--data-dir", place.folder)(place)

    return make


def spoil(which: int, array: np.ndarray, **header: int) -> Callable[[Path], None]:
    """Write another array, or header, in place of one of MNIST's files."""

    def make(folder: Path) -> None:
        for old in folder.glob(f"{tools.IDX_FILES[which]}*"):
            old.unlink()
        tools.write_idx(folder / tools.IDX_FILES[which], array, **header)

    return make


LABELS = np.arange(60) % 10
IMAGES = np.zeros((60, 28, 28), dtype=np.uint8)

DATA = [
    Case(
        "IDX magic",
        train_mnist(spoil(0, IMAGES, magic=0x801)),
        BAD_INPUT,
        "magic number 2049",
    ),
    Case(
        "IDX count", train_mnist(spoil(1, LABELS[:59])), BAD_INPUT, "60 pictures, but .* 59 labels"
    ),
    Case(
        "IDX short body", train_mnist(spoil(0, IMAGES, count=61)), BAD_INPUT, "should hold 61×28×28"
    ),
    Case(
        "IDX label", train_mnist(spoil(1, LABELS + 1)), BAD_INPUT, "is 10, out of the range 0 to 9"
    ),
    Case("IDX one class", train_mnist(spoil(1, LABELS * 0 + 3)), BAD_INPUT, "class"),
    Case(
        "one class",
        train_on(lambda p: tools.write_classes(p.folder / "data", [7])),
        BAD_INPUT,
        "one class only, 7; give at least two",
        True,
    ),
    Case(
        "one picture a class",
        train_on(lambda p: tools.write_classes(p.folder / "data", [1, 7], each=1)),
        BAD_INPUT,
        "class 1 has one picture; each needs at least two",
    ),
    Case(
        "no classes",
        train_on(lambda p: p.file("data/photo.png", b"").parent),
        BAD_INPUT,
        "no subfolders",
    ),
    Case(
        "CSV header",
        train_on(lambda p: p.file("data.csv", "a,b\n1,2\n")),
        BAD_INPUT,
        r"data\.csv, line 1",
    ),
    Case(
        "classes that the model does not know",
        evaluate_on(strangers),
        BAD_INPUT,
        "no picture is left to test on: 8 of 8 pictures are left out: "
        "the model does not know their classes, x, y",
        True,
    ),
    Case(
        "a report on such data",
        lambda p: ["report", "digits", "--model", *evaluate_on(strangers)(p)[1:]],
        BAD_INPUT,
        "the model does not know their classes, x, y",
        True,
    ),
    Case("missing data", train("--data=nowhere/pictures"), BAD_INPUT, "no such file or folder"),
    Case("missing CSV", train("--data=no.csv"), BAD_INPUT, r"no\.csv: no such file"),
]


# ------------------------------------------------------------------ names and values

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


# ------------------------------------------------------------------ folders and files of runs


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


# ------------------------------------------------------------------ models


def evaluate(content: Callable[[Place], bytes | str]) -> Make:
    return lambda place: ["evaluate", place.file("model.safetensors", content(place))]


def foreign(place: Place) -> bytes:
    path = place.folder / "foreign"
    save_file({"w": np.zeros(3, dtype=np.float32)}, path)
    content = path.read_bytes()
    path.unlink()
    return content


def newer(place: Place) -> bytes:
    return place.model.replace(b'"format":"1"', b'"format":"9"')


def altered(place: Place) -> bytes:
    return place.model[:-1] + bytes([place.model[-1] ^ 1])


def network(**metadata: object) -> Callable[[Place], bytes]:
    """A network that the core wrote, which is no task's model."""

    def make(place: Place) -> bytes:
        chain = Chain(Dense(3))
        params: Params = initial_params(chain, (64,), seed=0)
        save_network(place.folder / "n", chain, params, metadata)
        content = (place.folder / "n").read_bytes()
        (place.folder / "n").unlink()
        return content

    return make


STATED = {"task": "digits", "preprocessing": {}, "classes": [1, 2, 3], "input_shape": [64]}

MODELS = [
    Case("missing model", lambda p: ["evaluate", "no.safetensors"], BAD_INPUT, "cannot be read"),
    Case(
        "missing run", lambda p: ["evaluate", "runs/none"], BAD_INPUT, "runs/none: cannot be read"
    ),
    Case("no run", lambda p: ["evaluate", p.folder], BAD_INPUT, "no trained model in this folder"),
    Case("empty", evaluate(lambda p: b""), BAD_INPUT, "not a bpapps file, or truncated"),
    Case("text", evaluate(lambda p: "a model"), BAD_INPUT, "not a bpapps file, or truncated"),
    Case("truncated", evaluate(lambda p: p.model[:-100]), BAD_INPUT, "truncated or damaged"),
    Case("altered", evaluate(altered), BAD_INPUT, "altered or damaged"),
    Case("foreign", evaluate(foreign), BAD_INPUT, "not one that bpapps wrote"),
    Case("newer", evaluate(newer), BAD_INPUT, "format 9, this version reads format 1", True),
    Case("a mere network", evaluate(network()), BAD_INPUT, "not a model of a task.*'task'"),
    Case(
        "classes",
        evaluate(network(**{**STATED, "classes": [1, 2]})),
        BAD_INPUT,
        "its outputs are not 2 classes",
    ),
    Case(
        "a task to come",
        evaluate(network(**{**STATED, "task": "x"})),
        BAD_INPUT,
        "unknown task 'x'",
    ),
    Case(
        "a kind to come",
        evaluate(network(**{**STATED, "kind": "divination"})),
        BAD_INPUT,
        "of the kind 'divination', this version knows classification, .*: update bpapps",
    ),
    Case(
        "a kind that is not its task's",
        evaluate(network(**{**STATED, "kind": "verification"})),
        BAD_INPUT,
        "of the kind verification, but digits is of classification",
    ),
    Case(
        "report of a model of another kind",
        lambda p: [
            *("report", "digits", "--out", p.file("report/index.html", "mine").parent),
            *("--model", p.file("m.safetensors", network(**STATED, kind="verification")(p))),
        ],
        BAD_INPUT,
        "of the kind verification, but digits is of classification",
    ),
    Case(
        "a kind that is no text",
        evaluate(network(**{**STATED, "kind": ["classification"]})),
        BAD_INPUT,
        "of the kind .'classification'., this version knows",
    ),
    Case(
        "report of a damaged model",
        lambda p: ["report", "digits", "--model", p.file("m.safetensors", p.model[:-9])],
        BAD_INPUT,
        "truncated or damaged",
    ),
]

CASES = [*PICTURES, *DATA, *NAMES, *RUNS, *MODELS]


def rows(cases: list[Case]) -> list[Any]:
    """The rows; a process of its own takes a second to start."""
    return [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.real else [])
        for case in cases
    ]


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


@pytest.mark.slow
def test_a_class_that_the_model_does_not_know_is_warned_of(trained: Path, tmp_path: Path) -> None:
    """What it does know is measured."""
    folder = tools.write_classes(tmp_path / "data", [1, 7], each=6)
    (folder / "7").rename(folder / "x")
    answer = tools.run("evaluate", trained, "--data", folder, "--json")
    assert answer.code == 0
    told = "6 of 12 pictures are left out: the model does not know their classes, x"
    assert answer.err == f"Warning: {told}\n"
    figures = json.loads(answer.out)
    assert figures["accuracy"]["n"] == 6
    assert figures["data"]["left_out"] == 6


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


# ------------------------------------------------------------------ trainings cut off

LONG = [*tools.TINY[:3], "--set=max_iter=250", "--seed=3", "--n-jobs=1"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert tools.call("train", "digits", *LONG, "--out", folder).code == 0
    return folder


@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, INTERRUPTED), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["Ctrl-C", "killed"],
)
def test_a_training_cut_off_goes_on_to_the_same_bits(
    number: int, code: int, uninterrupted: Path, tmp_path: Path
) -> None:
    command = ["train", "digits", *LONG, "--out", "run"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = tools.start(*command, cwd=tmp_path)  # which would inherit that it is ignored
    signal.signal(signal.SIGINT, before)
    await_file(tmp_path / "run" / "log.txt", process.poll)  # written after the checkpoint
    os.kill(process.pid, number)
    answer = tools.finish(process)
    assert answer.code == code
    assert answer.out == ""
    assert sorted(tools.contents(tmp_path / "run")) == [runs.CHECKPOINT, "config.json", "log.txt"]
    if number == signal.SIGINT:
        told = "interrupted; the same command goes on from run/checkpoint.safetensors"
        assert answer.err.splitlines() == [told]

    answer = tools.run(*command, cwd=tmp_path)
    assert answer.code == 0
    assert answer.err.splitlines() == ["going on from run/checkpoint.safetensors"]
    assert not (tmp_path / "run" / runs.CHECKPOINT).exists()
    ours, whole = (
        read_tensors(folder / models.FILE_NAME)[0] for folder in (tmp_path / "run", uninterrupted)
    )
    assert ours.keys() == whole.keys()
    assert all(ours[name].tobytes() == whole[name].tobytes() for name in whole)


def await_file(path: Path, ended: Callable[[], int | None]) -> None:
    deadline = time.monotonic() + 240
    while not path.exists():
        assert ended() is None, "it ended before it could be cut off"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_an_interrupted_report_goes_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while it is measured: what was trained is kept."""
    command = ["report", "digits", *tools.TINY, "--out", tmp_path / "report"]

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runs, "measure", interrupt)
        answer = tools.call(*command)
    kept = tmp_path / "report" / runs.CHECKPOINT
    assert (answer.code, answer.out) == (INTERRUPTED, "")
    assert answer.errors == [f"interrupted; the same command goes on from {kept}"]
    assert kept.exists()


def test_ctrl_c_in_any_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "find", interrupt)
    answer = tools.call("evaluate", "digits")
    assert (answer.code, answer.out, answer.err) == (INTERRUPTED, "", "interrupted\n")
