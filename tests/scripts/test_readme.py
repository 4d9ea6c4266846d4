"""The README and the pages of docs: their commands run, links lead somewhere, tables are fresh."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bpapps.cli import main

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
UPDATE = ROOT / "scripts" / "update_readme.py"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
BUILT = {"adding-a-task.md", "adding-a-kind.md"}
"""Pages whose blocks are files, which a test of their own builds and runs."""


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def block(mark: str) -> str:
    """The commands in the README's block below a mark, as .ci/run finds them."""
    found = re.search(rf"^<!-- {mark} -->\n```sh\n(.*?)```$", text_of(README), re.M | re.S)
    assert found, f"README.md has no block of commands below <!-- {mark} -->"
    return found[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds the samples as a clone does, and a bpapps to run in it."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    command = tmp_path / "bin" / "bpapps"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m bpapps "$@"\n')
    command.chmod(0o755)
    return tmp_path


def run(folder: Path, *command: str) -> str:
    """What a command prints; it must succeed and say nothing on stderr."""
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.slow
def test_the_samples_are_read(folder: Path) -> None:
    digit, line, *verdict = run(folder, "sh", "-ec", block("predict commands")).splitlines()
    assert re.match(r"samples/digit\.png: 7 ", digit)
    assert re.match(r"samples/line\.png: ERRORS TEACH ", line)
    assert "genuine.png: consistent with the references (3 references)" in verdict[0]


@pytest.mark.slow
def test_the_report_is_written(folder: Path) -> None:
    assert "accuracy 99" in run(folder, "sh", "-ec", block("report command"))
    assert "<h1" in text_of(folder / "reports" / "digits" / "index.html")


def test_the_install_is_that_of_the_tests() -> None:
    """Which CI runs in a fresh clone: but for the extra and the activation they are one line."""
    install, _, activate = block("install command").strip().rpartition(" && ")
    assert activate == ". .venv/bin/activate"
    assert block("test command").startswith(install.removesuffix(".") + "'.[test]' && ")


def test_the_readme_is_short() -> None:
    assert len(text_of(README).split()) <= 900
    table = text_of(README).partition("<!-- figures -->\n")[2].partition("\n\n")[0]
    assert 2 < len(table.splitlines()) <= 2 + 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", text_of(page)):
        if link.startswith(("http:", "https:")):
            continue
        file, _, heading = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        headings = re.findall(r"^#+ (.*)$", text_of(target), re.M) if heading else []
        assert not heading or heading in [h.lower().replace(" ", "-") for h in headings], link


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the pages and the reports' figures, as in a clone."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(README, tmp_path)
    for path in (ROOT / "reports").glob("*/results.json"):
        (tmp_path / path.relative_to(ROOT)).parent.mkdir(parents=True)
        shutil.copy(path, tmp_path / path.relative_to(ROOT))
    return tmp_path


@pytest.mark.slow
def test_the_tables_are_fresh(clone: Path) -> None:
    for page in ("README.md", "docs/results.md", "docs/benchmark.md"):
        old = re.sub(
            r"(<!-- (figures|missed|results|benchmark) -->\n)[^<]*",
            r"\1old\n",
            text_of(clone / page),
        )
        (clone / page).write_text(old, encoding="utf-8")
    run(clone, sys.executable, str(UPDATE))
    for page in PAGES:
        assert text_of(clone / page.relative_to(ROOT)) == text_of(page), page.name


@pytest.mark.slow
def test_a_benchmark_that_is_not_here_stays_told(clone: Path) -> None:
    shutil.rmtree(clone / "reports" / "benchmark")
    run(clone, sys.executable, str(UPDATE))
    assert text_of(clone / "docs" / "benchmark.md") == text_of(ROOT / "docs" / "benchmark.md")


@pytest.mark.slow
def test_a_report_that_is_not_here_is_told(clone: Path) -> None:
    (clone / "reports" / "digits" / "results.json").unlink()
    done = subprocess.run(
        [sys.executable, UPDATE], cwd=clone, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert re.fullmatch(r"Error: .*reports/digits/results\.json.*\n", done.stderr)
    assert text_of(clone / "README.md") == text_of(README)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in BUILT], ids=lambda page: page.name
)
def test_python_runs(page: Path, folder: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", text_of(page), re.M | re.S)
    if blocks:
        run(folder, sys.executable, "-W", "error", "-c", "\n".join(blocks))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_take_these_options(page: Path) -> None:
    shell = "".join(re.findall(r"^```sh\n(.*?)^```$", text_of(page), re.M | re.S))
    for line in re.findall(r"^bpapps (.*)$", shell, re.M):
        command: click.Command = main
        words = shlex.split(line, comments=True)
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        parameters = command.get_params(click.Context(command))
        known = {name for parameter in parameters for name in parameter.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, line
