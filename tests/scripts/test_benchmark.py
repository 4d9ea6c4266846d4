"""The benchmark: a tiny run of the script, its page, and its table."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import browser
import click
import pytest

from bpapps import kinds
from bpapps.report import (
    benchmark_table,
    load_benchmark,
    results_in,
    write_benchmark,
    write_index,
    write_report,
)

SCRIPTS = Path(__file__).parents[2] / "scripts"
SMALL = "MLP 64-32-10"
TINY = ("--quick", "--pairs=1", "--no-compile")

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed"
)


def run(
    script: str, *arguments: object, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """One of the scripts in a process of its own.

    Other tests run at the same time; threads that spin while they wait would stand in the way.
    """
    calm = {"OMP_WAIT_POLICY": "passive", "PYTHONPATH": str(SCRIPTS.parent)}
    return subprocess.run(
        [sys.executable, str(SCRIPTS / script), *map(str, arguments)],
        cwd=cwd, env={**os.environ, **calm, **environment},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def figures(ours: float = 0.05, ratio: float = 2.0) -> dict[str, Any]:
    """Results as the script writes them, with a row of each kind."""
    base = {
        "unit": "s",
        "ratio_to_torch": ratio,
        "ratio_to_torch_quartiles": [ratio - 0.1, ratio + 0.1],
        "torch_variant": None,
        "target_to_sklearn": None,
        "ratio_to_sklearn": None,
        "ratio_to_sklearn_quartiles": None,
        "pairs": [[ours, ours * ratio]] * 7,
        "pairs_with_sklearn": None,
        "share_of_sgemm": None,
        "target_share": None,
        "losses": None,
        "data": "MNIST",
    }
    training = {
        "name": "MLP 784-800-10",
        "about": "training <b>|",
        "target": 1.2,
        "each": "step",
        "times_a_block": 100,
        "torch_variant": "fused",
        "torch_trials": {"eager": 0.2, "compile": "failed: no compiler"},
        "target_to_sklearn": 1.5,
        "ratio_to_sklearn": 1.4,
        "ratio_to_sklearn_quartiles": [1.3, 1.45],
        "pairs_with_sklearn": [[0.05, 0.07]] * 7,
        "share_of_sgemm": 0.851,
        "target_share": 0.85,
        "flops_a_second": 1.7e11,
        "sgemm": {"1024×1024×1024": 2e11},
        "losses": {"ours": 0.5, "torch": 0.5, "estimator": 0.4, "sklearn": 0.4},
    }
    process = {
        "name": "whole process",
        "about": "start to exit",
        "target": 1.0,
        "pairs": [[4.0, 8.0], [4.2, 8.4]],
        "target_seconds": 5.0,
        "target_accuracy": 0.99,
        "accuracies": {"ours": [0.9909, 0.9889], "torch": [0.99, 0.99]},
    }
    memory = {"name": "memory", "about": "peak", "target": 1.0, "unit": "MB", "pairs": [[400, 800]]}
    points = [{"x": 1_000, "ours": 1.0, "torch": 2.0}, {"x": 4_000, "ours": 4.1, "torch": 8.0}]
    machine = {"processor": "Some CPU", "cores": 2, "blas": "openblas"}
    return {
        "kind": "benchmark",
        "made": {
            "command": "python scripts/benchmark.py",
            "date": "2025-03-14T09:26:00+00:00",
            "seconds": 200.0,
            "machine": machine,
            "versions": {"numpy": "2.0", "torch": "2.13"},
        },
        "works": [base | row for row in (training, process, memory)],
        "growth": {"samples": points, "memory": points},
    }


# --- the script ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a tiny run."""
    out = tmp_path_factory.mktemp("benchmark") / "report"
    done = run("benchmark.py", "--only", SMALL, *TINY, "--out", out)
    assert done.returncode == 0, done.stderr
    assert f"{SMALL}: " in done.stdout
    return out


@pytest.mark.slow
@needs_torch
def test_a_tiny_run_measures_what_it_says(folder: Path) -> None:
    results = load_benchmark(folder / "results.json")
    assert results["kind"] == "benchmark"
    made = results["made"]
    assert made["versions"]["torch"]
    assert made["machine"]["blas_architecture"]
    assert SMALL in made["command"]
    [row] = results["works"]
    assert (row["name"], row["target"], row["target_to_sklearn"]) == (SMALL, 4.0, 1.5)
    [[ours, theirs]] = row["pairs"]
    assert row["ratio_to_torch"] == theirs / ours
    assert row["ratio_to_torch_quartiles"] == [row["ratio_to_torch"]] * 2
    assert row["ratio_to_sklearn"] > 0
    assert set(row["torch_trials"]) == {"eager", "fused"}
    assert row["torch_variant"] == min(row["torch_trials"], key=row["torch_trials"].get)
    assert row["share_of_sgemm"] is None
    losses = row["losses"]
    assert losses["ours"] == pytest.approx(losses["torch"], rel=0.02)
    assert losses["estimator"] == pytest.approx(losses["sklearn"], rel=0.02)
    assert (folder / "index.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.fixture
def old(tmp_path: Path) -> dict[str, Any]:
    """Results that lie in a folder where new rows are to be put."""
    results = figures()
    write_benchmark(results, tmp_path)
    return results


def record(folder: Path, machine: dict[str, Any], names: tuple[str, ...]) -> tuple[Any, Any]:
    """The script's own record, begun on a machine, and the contest that it is told of."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        from benchmark import Record
    finally:
        sys.path.remove(str(SCRIPTS))
    answers = {"environment": {"machine": machine, "versions": {"numpy": "2.0"}}}
    worker = SimpleNamespace(ask=lambda order: answers.get(order, {"torch": "2.13"}))
    contest = SimpleNamespace(command="new", quick=True, ours=worker, torch=worker)
    return Record.begin(contest, folder, names), contest


def test_only_puts_a_row_in_place_of_the_old_one(old: dict[str, Any], tmp_path: Path) -> None:
    kept, contest = record(tmp_path, old["made"]["machine"], ("memory",))
    kept.put(figures(ratio=3.0)["works"][-1], contest)
    new = load_benchmark(tmp_path / "results.json")
    assert new["works"][:-1] == old["works"][:-1]
    assert new["works"][-1]["ratio_to_torch"] == 3.0
    assert (new["made"], new["growth"]) == (old["made"], old["growth"])


def test_rows_of_two_machines_do_not_mix(old: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="other machine"):
        record(tmp_path, {"processor": "Another"}, ("memory",))
    anew, _ = record(tmp_path, {"processor": "Another"}, ())
    assert anew.results["works"] == []


def test_wrong_use_is_one_clear_line(tmp_path: Path) -> None:
    done = run("benchmark.py", "--only", "MLP 1-2-3", "--out", tmp_path)
    assert done.returncode == 2
    assert "MLP 1-2-3" in done.stderr.splitlines()[-1]


def test_without_torch_it_says_how_to_get_it(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['torch'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(hide)
    done = run("benchmark.py", "--out", tmp_path / "out", PYTHONPATH=f"{tmp_path}:{SCRIPTS.parent}")
    assert done.returncode == 1
    assert "bpapps[bench]" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


# --- the page and the tables --------------------------------------------------------------


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    write_benchmark(figures(), tmp_path / "reports" / "benchmark")
    return tmp_path / "reports"


def test_evaluations_and_benchmarks_do_not_mix(reports: Path) -> None:
    assert results_in(reports) == []
    html = write_index(reports, {}).read_text(encoding="utf-8")
    assert "no report here yet" not in html
    results = kinds.load_results(SCRIPTS.parent / "reports" / "digits" / "results.json")
    write_report(results, kinds.get(results.kind).sections, reports / "digits")
    assert results_in(reports) == [reports / "digits" / "results.json"]
    html = write_index(reports, {"digits": results}).read_text(encoding="utf-8")
    assert 'href="digits/index.html"' in html
    assert 'href="benchmark/index.html"' in html
    assert "5 of 7" in html


@pytest.mark.parametrize("text", ["{}", "[]", "no JSON", '{"kind": "benchmark"}'])
def test_what_is_no_benchmark_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"results\.json"):
        load_benchmark(path)


def test_the_page_says_what_is_met(reports: Path) -> None:
    html = (reports / "benchmark" / "index.html").read_text(encoding="utf-8")
    assert "training &lt;b&gt;|" in html
    assert "<b>" not in html
    assert "failed: no compiler" in html
    assert html.count("<svg") == 3
    assert "<script" not in html


def test_the_table_has_a_row_for_each_target(reports: Path) -> None:
    table = benchmark_table(reports / "benchmark" / "results.json")
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    verdicts = ["1.20 met", "1.50 missed", "85% met", "1.00 met", "at most 5 s met"]
    verdicts += ["99.0% missed", "1.00 met"]
    assert [row.split(" | ")[3] for row in rows] == verdicts
    assert "2.00 (1.90–2.10) | 1.20 met | 500 µs | 1.00 ms |" in rows[0]
    assert "| 170 Gflop/s | 200 Gflop/s |" in rows[2]
    assert "| 400 MB | 800 MB |" in rows[-1]
    assert table.startswith("`python scripts/benchmark.py` on Some CPU, 2 cores:")


@pytest.mark.slow
def test_the_page_opens_and_fits_a_phone(reports: Path) -> None:
    page = reports / "benchmark" / "index.html"
    with browser.browser() as chromium:
        tab = chromium.open(page, 360, 800)
        assert tab.errors == []
        assert [url for url in tab.requests if not url.startswith("data:")] == [page.as_uri()]
        assert tab.evaluate("document.documentElement.scrollWidth") == 360


def test_mnist_in_seconds_needs_its_data(tmp_path: Path) -> None:
    done = run("mnist_in_seconds.py", "--data-dir", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: MNIST is not here")
    assert len(done.stderr.splitlines()) == 1
