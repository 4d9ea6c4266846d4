"""The pages on adding a task and a kind: what they print is built as printed, and works."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(?:^`(bpapps/\S+)`\n\n)?^```(\w+)\n(.*?)^```$", re.M | re.S)


def blocks(page: str) -> Iterator[tuple[str, str, str]]:
    """The file that stands above each block of a page, or nothing; its language; its text."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    yield from BLOCK.findall(text)


def run(folder: Path, *command: str) -> str:
    """What a command prints in a folder that has a package and a ``bpapps`` of its own."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(folder / "bin"), os.environ["PATH"]]),
        "PYTHONPATH": str(folder),
    }
    done = subprocess.run(
        command, cwd=folder, env=environment,
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def built(folder: Path, page: str) -> list[str]:
    """Write and run all that a page prints, in its order; what each block of commands said."""
    said = []
    for file, language, content in blocks(page):
        if file:
            path = folder / file
            assert not path.exists(), f"{file} is there already: a new one is a new folder"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        elif language == "python":
            run(folder, sys.executable, "-W", "error", "-c", content)
        else:
            said.append(run(folder, "sh", "-ec", content))
    return said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the package, and a command that runs the copy."""
    shutil.copytree(
        ROOT / "bpapps", tmp_path / "bpapps", ignore=shutil.ignore_patterns("__pycache__")
    )
    command = tmp_path / "bin" / "bpapps"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m bpapps "$@"\n')
    command.chmod(0o755)
    return tmp_path


def score_of(folder: Path, report: str) -> tuple[str, float]:
    """The name and the value of THE score of a report."""
    text = (folder / "reports" / report / "results.json").read_text(encoding="utf-8")
    score = json.loads(text)["headline"]["figures"][0]
    return score["name"], score["interval"]["value"]


def test_a_new_task(folder: Path) -> None:
    trained, shipped, answer = built(folder, "adding-a-task.md")
    assert "runs/shapes-drawn-small-0/model.safetensors: accuracy" in trained
    assert shipped == ""
    name, accuracy = score_of(folder, "shapes")
    assert name == "accuracy"
    assert accuracy > 0.8  # by a tenth of the epochs
    page = (folder / "reports" / "shapes" / "index.html").read_text(encoding="utf-8")
    assert "Shapes: drawn shapes" in page
    assert answer.startswith("circle.png: circle (")


def test_a_new_kind(folder: Path) -> None:
    told, trained, answer = built(folder, "adding-a-kind.md")
    assert "dots (counting: how many are there?)" in told
    assert "runs/dots-drawn-small-0/model.safetensors: counted right" in trained
    name, share = score_of(folder, "dots")
    assert name == "counted right"
    assert share > 0.8
    page = (folder / "reports" / "dots" / "index.html").read_text(encoding="utf-8")
    assert "By the true number" in page
    assert answer.startswith("three.png: 3\n")
    missing = subprocess.run(
        [folder / "bin" / "bpapps", "predict", "runs/dots-drawn-small-0", "none.png"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert missing.returncode == 1
    assert missing.stderr == "Error: none.png does not exist; check the name\n"
