"""The training scripts where something is missing: one line on stderr, and no traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[2] / "scripts"

MISSING = {
    "photos": (["train_digits.py", "photos"], "hand62, .* is not here; put PNG/"),
    "hand62": (["train_characters.py", "hand62"], "hand62, .* is not here; put PNG/"),
    "cedar": (["train_signatures.py", "cedar"], "CEDAR signatures is not here; put full_org/"),
    "a model": (["read_lines.py", "--model=charactrs"], "did you mean 'characters'"),
    "a file": (["read_lines.py", "--model=no.safetensors"], "no.safetensors: cannot be read"),
}


def run(folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One of the scripts in a process of its own, with no data to be had."""
    environment = {"PYTHONPATH": str(SCRIPTS.parent), "BPAPPS_DATA": str(folder)}
    return subprocess.run(
        [sys.executable, str(SCRIPTS / script), *arguments],
        cwd=folder, env={**os.environ, **environment},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.mark.parametrize(("command", "says"), MISSING.values(), ids=MISSING)
def test_what_is_missing_is_told_in_a_line(command: list[str], says: str, tmp_path: Path) -> None:
    done = run(tmp_path, *command)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert re.search(says, line)
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_single_calls_are_timed(tmp_path: Path) -> None:
    done = run(tmp_path, "time_calls.py", "--rounds=1", "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    rows = json.loads(done.stdout)
    assert len(rows) > 4
    for row in rows:
        assert 0 < row["fastest"] == row["median"]
    assert {row["at_most"] for row in rows} > {2.0, 10.0}


def test_no_lines_are_wrong_use(tmp_path: Path) -> None:
    done = run(tmp_path, "read_lines.py", "--lines=0")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
