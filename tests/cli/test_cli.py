"""The commands, end to end: what they print, what they write, and that it can be made again."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import sys
import termios
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import tools

from bpapps import __version__, kinds, models, runs, tasks
from bpapps.cli import main
from bpapps.core.storage import read_tensors
from bpapps.kinds.classification import measuring
from bpapps.pictures.noise import CORRUPTIONS


def ok(answer: tools.Answer) -> str:
    """What a command printed that must have gone well and have nothing to add."""
    assert (answer.code, answer.err) == (0, "")
    return answer.out


def plain(*arguments: object) -> Any:
    """The JSON that a command prints, all of its output."""
    return json.loads(ok(tools.call(*arguments, "--json")))


def same_bits(one: Path, other: Path) -> bool:
    ours, theirs = (read_tensors(folder / models.FILE_NAME)[0] for folder in (one, other))
    return ours.keys() == theirs.keys() and all(
        ours[name].tobytes() == theirs[name].tobytes() for name in ours
    )


def train(folder: Path, *options: object) -> Any:
    return plain("train", "digits", *tools.TINY, "--out", folder, *options)


def check_interval(accuracy: dict[str, float], n: int) -> None:
    assert accuracy.keys() == {"value", "low", "high", "n"}
    assert 0 <= accuracy["low"] <= accuracy["value"] <= accuracy["high"] <= 1
    assert accuracy["n"] == n


# ------------------------------------------------------------------ help and lists


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    for name, command in group.commands.items():
        inner = (*path, name)
        found += commands(command, inner) if isinstance(command, click.Group) else [inner]
    return found


COMMANDS = commands(main)


def test_the_commands_are_those_that_the_readme_names() -> None:
    assert {command[0] for command in COMMANDS if command} == {
        *("list", "train", "evaluate", "noise", "report", "predict", "explain", "data")
    }


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_of_each_command(command: tuple[str, ...]) -> None:
    for option in ("--help", "-h"):
        text = ok(tools.call(*command, option))
        assert text.startswith("Usage: main")
        assert re.search(r"\n\n  [A-Z][^\n]+\n", text), "no description"


def test_each_command_says_in_one_short_line_what_it_does() -> None:
    for group in (main, main.commands["data"]):
        overview = ok(tools.call(*([] if group is main else ["data"]), "--help"))
        assert "..." not in overview.partition("Commands:")[2]


def test_each_option_says_what_it_is_for() -> None:
    for group in (main, main.commands["data"]):
        for command in group.commands.values():
            for option in command.get_params(click.Context(command)):
                assert not isinstance(option, click.Option) or option.help, option.name


def test_predict_says_which_task_each_option_belongs_to() -> None:
    text = " ".join(ok(tools.call("predict", "--help")).split())
    described = {
        name: text.partition(f" --{name} ")[2].partition(" --")[0].removesuffix(" Options:")
        for name in (
            option.name for task in tasks.names() for option in tasks.get(task).kind.options
        )
    }
    assert described.keys() >= {"classes", "reference"}
    for name, words in described.items():
        takers = [
            task for task in tasks.names()
            if name in [option.name for option in tasks.get(task).kind.options]
        ]  # fmt: skip
        assert words.endswith(f" For {', '.join(takers)}.")


def test_the_version() -> None:
    assert ok(tools.call("--version")) == f"bpapps, version {__version__}\n"


def test_as_a_module_and_as_a_script() -> None:
    assert ok(tools.run("--help")).startswith("Usage: python -m bpapps [OPTIONS] COMMAND")
    script = Path(sys.executable).with_name("bpapps")
    assert not script.exists() or "bpapps.cli" in script.read_text(encoding="utf-8")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    """``bpapps list | head -1``."""
    with tools.start("list") as process:  # which closes its pipes and waits for it
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == ""


def test_list() -> None:
    text = ok(tools.call("list"))
    rows = plain("list")
    assert [row["task"] for row in rows] == tasks.names()
    for row in rows:
        kind = kinds.get(row["kind"])
        assert row["question"] == tasks.get(row["task"]).summary
        assert f"{row['task']} ({kind.name}: {kind.question}): {row['question']}\n" in text
        assert row["presets"]
        for word in (row["task"], *row["data"], *row["presets"]):
            assert word in text


def test_data_list(tmp_path: Path) -> None:
    tools.write_mnist(tmp_path / "mnist")
    here = {row["name"]: row["here"] for row in plain("data", "list", "--data-dir", tmp_path)}
    assert here["digits"]
    assert here["mnist"]
    assert not here["kmnist"]
    text = ok(tools.call("data", "list", "--data-dir", tmp_path))
    assert re.search(r"^kmnist +not here ", text, re.MULTILINE)
    assert re.search(r"^mnist +here ", text, re.MULTILINE)


# ------------------------------------------------------------------ train


@pytest.mark.slow
def test_train_in_a_process_of_its_own(tmp_path: Path) -> None:
    """Where stderr is no terminal, no bar is drawn; the default folder is told."""
    out = ok(tools.run("train", "digits", *tools.TINY, "--seed=5", cwd=tmp_path))
    told = re.fullmatch(r"(\S+): accuracy [\d.]+% \(95% interval .+, n = 899\)\n", out)
    assert told
    file = tmp_path / told[1]
    assert file.parent == tmp_path / "runs" / runs.Config.load(file.parent / "config.json").name
    assert {path.name for path in file.parent.iterdir()} == {
        *("model.safetensors", "config.json", "history.json", "log.txt")
    }


@pytest.mark.slow
def test_progress_is_shown_on_a_terminal(tmp_path: Path) -> None:
    screen, stderr = pty.openpty()
    termios.tcsetwinsize(stderr, (24, 80))
    command = ["train", "digits", *tools.TINY, "--out", tmp_path / "run"]
    answer = tools.run(*command, stderr=stderr)
    os.close(stderr)
    assert answer.code == 0
    assert b"training" in read_all(screen)


def read_all(screen: int) -> bytes:
    """What was written to a terminal that is closed at its other end."""
    parts = []
    with suppress(OSError), os.fdopen(screen, "rb", buffering=0) as file:
        while part := file.read(1000):
            parts.append(part)
    return b"".join(parts)


def test_train_prints_one_json_object(tmp_path: Path) -> None:
    answer = train(tmp_path / "run", "--seed=2")
    check_interval(answer["accuracy"], n=899)
    assert answer["run"] == str(tmp_path / "run")
    assert answer["model"] == str(tmp_path / "run" / models.FILE_NAME)
    settings = {"layers": None, "hidden_layer_sizes": [32], "max_iter": 2}
    assert answer["config"] == {
        **{"task": "digits", "data": "digits", "preset": "small", "seed": 2, "start": ""},
        "settings": settings,
    }


def test_the_same_config_gives_the_same_bits(tmp_path: Path) -> None:
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    train(first, "--seed=4", "--n-jobs=1")
    ok(tools.call("train", "--config", first / "config.json", "--out", again, "--n-jobs=2"))
    train(other, "--seed=5")
    assert same_bits(first, again)
    assert not same_bits(first, other)
    configs = [(folder / "config.json").read_bytes() for folder in (first, again)]
    assert configs[0] == configs[1]


def test_quick_trains_a_tenth_of_the_epochs(tmp_path: Path) -> None:
    answer = train(tmp_path / "run", "--set=max_iter=30", "--quick")
    assert answer["config"]["settings"]["max_iter"] == 3
    assert len(runs.load(tmp_path / "run").history) == 3


@pytest.mark.parametrize("form", ["folder", "csv of paths", "csv of pixels"])
def test_ones_own_pictures(form: str, tmp_path: Path) -> None:
    pictures, labels = tools.digits()
    if form == "csv of pixels":
        data = tmp_path / "data.csv"
        rows = zip(labels[:60], pictures[:60], strict=True)
        lines = [",".join(map(str, [label, *picture.ravel()])) for label, picture in rows]
        header = ",".join(["label", *(f"pixel{i}" for i in range(64))])
        data.write_text("\n".join([header, *lines]), encoding="utf-8")
        n_test = 12
    else:
        data = tools.write_classes(tmp_path / "photos", [0, 3, 8], each=5)
        n_test = 3
        if form == "csv of paths":
            lines = [f"{p.relative_to(tmp_path)},{p.parent.name}" for p in data.rglob("*.png")]
            data = tmp_path / "data.csv"
            data.write_text("\n".join(["path,label", *lines]), encoding="utf-8")
    answer = train(tmp_path / "run", "--data", data, "--seed=1")
    check_interval(answer["accuracy"], n=n_test)
    # the part held out is that of the training, whatever the seed
    again = plain("evaluate", tmp_path / "run", "--data", data, "--seed=9")
    assert again["accuracy"] == answer["accuracy"]


def test_mnist_files(tmp_path: Path) -> None:
    tools.write_mnist(tmp_path / "mnist", n_train=60, n_test=20)
    where = ("--data=mnist", "--data-dir", tmp_path)
    answer = train(tmp_path / "run", *where)
    check_interval(answer["accuracy"], n=20)
    measured = plain("evaluate", tmp_path / "run", *where)
    assert measured["accuracy"] == answer["accuracy"]
    assert (measured["data"]["name"], measured["data"]["n_train"]) == ("mnist", 60)


# ------------------------------------------------------------------ evaluate, noise, report


def test_evaluate(trained: Path) -> None:
    figures = plain("evaluate", trained)
    check_interval(figures["accuracy"], n=899)
    assert figures["accuracy"]["value"] > 0.9
    assert figures["per_class"].keys() == set("0123456789")
    assert figures["noise"] == {}
    assert figures == {**plain("evaluate", trained / models.FILE_NAME), **volatile(figures)}
    text = ok(tools.call("evaluate", trained))
    assert f"accuracy {100 * figures['accuracy']['value']:.2f}% (95% interval" in text


def volatile(figures: dict[str, Any]) -> dict[str, Any]:
    """What differs from one measurement to the next."""
    return {key: figures[key] for key in ("speed", "made")}


@pytest.mark.slow
def test_evaluate_in_a_process_of_its_own(trained: Path) -> None:
    figures = json.loads(ok(tools.run("evaluate", trained, "--data=digits", "--json")))
    check_interval(figures["accuracy"], n=899)
    assert figures["made"]["command"] == f"bpapps evaluate {trained} --data=digits --json"


@pytest.mark.slow
def test_noise(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "QUICK_PICTURES", 40)
    figures = plain("noise", trained, "--quick", "--seed=3")
    assert figures["noise"].keys() == set(CORRUPTIONS)
    for curve in figures["noise"].values():
        assert len(curve["accuracy"]) == 7  # clean, and six severities
    assert figures["made"]["seed"] == 3
    assert plain("noise", trained, "--quick", "--seed=3")["noise"] == figures["noise"]
    assert plain("noise", trained, "--quick", "--seed=4")["noise"] != figures["noise"]


@pytest.mark.slow
def test_report(tmp_path: Path) -> None:
    """Trained, measured, written, with an index over all; in a process of its own."""
    folder = tmp_path / "reports" / "digits"
    command = ["report", "digits", "--quick", "--set=max_iter=20", "--out", folder]
    out = ok(tools.run(*command))
    page, index = folder / "index.html", folder.parent / "index.html"
    assert re.search(r"^accuracy [\d.]+% \(95% interval", out)
    assert f"report   {page}\n" in out
    assert f"index    {index}\n" in out
    assert {path.name for path in folder.iterdir()} == {"index.html", "results.json"}
    assert 'href="digits/index.html"' in index.read_text(encoding="utf-8")
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results["made"]["command"] == f"bpapps {' '.join(map(str, command))}"
    assert results["details"]["accuracy"]["n"] == 899
    assert len(results["training"]["history"]) == 2
    assert f"bpapps report digits --quick --set=max_iter=20 --out {folder}" in page.read_text(
        encoding="utf-8"
    )


@pytest.mark.slow
def test_report_on_a_trained_model(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("my own page", encoding="utf-8")
    folder = tmp_path / "report"
    answer = tools.run("report", "digits", "--quick", "--json", "--model", trained, "--out", folder)
    figures = json.loads(answer.out)
    assert answer.code == 0
    assert figures["accuracy"] == plain("evaluate", trained)["accuracy"]
    assert figures["report"] == str(folder / "index.html")
    assert (folder / "results.json").exists()
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert len(results["training"]["history"]) == figures["training"]["epochs"] == 8
    # a page of another making is not replaced
    assert answer.err.startswith("Warning: no index was written: ")
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "my own page"


@pytest.mark.slow
def test_report_in_markdown(trained: Path, tmp_path: Path) -> None:
    command = ("report", "digits", "--quick", "--model", trained, "--out", tmp_path / "report")
    out = ok(tools.run(*command, "--markdown"))
    accuracy = plain("evaluate", trained)["accuracy"]
    assert out.startswith("# Handwritten digits: scikit-learn's digits\n")
    assert f"{accuracy['value']:.1%}" in out
    assert out.endswith("|\n")
    both = tools.run(*command, "--markdown", "--json")
    assert both.code == 2
    assert both.err.endswith("--markdown cannot be given together with --json\n")


# ------------------------------------------------------------------ predict


def photos(folder: Path) -> tuple[list[Path], list[int]]:
    """Photos of ten digits from the half that is not trained on, and their labels."""
    pictures, labels = tools.digits()
    files = [tools.write_photo(folder / f"{i}.png", pictures[i]) for i in range(900, 910)]
    return files, labels[900:910].tolist()


def test_predict(trained: Path, tmp_path: Path) -> None:
    files, labels = photos(tmp_path)
    readings = plain("predict", trained, *files)
    assert [reading["file"] for reading in readings] == list(map(str, files))
    right = [reading["label"] == label for reading, label in zip(readings, labels, strict=True)]
    assert np.mean(right) >= 0.7
    lines = ok(tools.call("predict", trained, *files)).splitlines()
    for line, reading in zip(lines, readings, strict=True):
        assert reading["problem"] is None
        assert 0.1 <= reading["probability"] <= 1
        assert reading["runner_up_probability"] <= reading["probability"]
        assert reading["unsure"] == (reading["probability"] < 0.5)
        assert line.startswith(f"{reading['file']}: ")
        assert f"{reading['label']} ({reading['probability']:.1%}), then " in line
        assert line.endswith(f"{reading['runner_up']} ({reading['runner_up_probability']:.1%})")


@pytest.mark.skipif(
    not tasks.get("digits").shipped.exists(), reason="no model is shipped yet: train_digits.py"
)
def test_predict_with_the_shipped_model(tmp_path: Path) -> None:
    files, labels = photos(tmp_path)
    readings = json.loads(ok(tools.run("predict", "digits", *files, "--json")))
    right = [reading["label"] == label for reading, label in zip(readings, labels, strict=True)]
    assert np.mean(right) >= 0.8


def test_a_folder_named_as_a_task_does_not_hide_it(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = shutil.copy(trained / models.FILE_NAME, tmp_path)
    monkeypatch.setattr(tasks.Task, "shipped", Path(shipped))
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert models.find("digits").metadata["figures"]
