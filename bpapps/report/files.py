"""Reports on disk: results found again, and folders written to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BENCHMARK = "benchmark"
"""The ``kind`` of a benchmark's results."""


def results_in(folder: str | Path) -> list[Path]:
    """All files ``folder/*/results.json`` of evaluations, in order of their folders.

    Files of something else, such as a benchmark, are passed over.
    """
    paths = sorted(Path(folder).glob("*/results.json"))
    return [path for path in paths if _kind(path) != BENCHMARK]


def load_benchmarks(folder: str | Path) -> dict[str, dict[str, Any]]:
    """All benchmarks found as ``folder/*/results.json``, by the name of their folder, in order.

    Raises ValueError, which names the file, for one that cannot be read.
    """
    paths = sorted(Path(folder).glob("*/results.json"))
    return {path.parent.name: load_benchmark(path) for path in paths if _kind(path) == BENCHMARK}


def load_benchmark(path: Path) -> dict[str, Any]:
    """What ``scripts/benchmark.py`` measured; ValueError, which names the file, if it is not."""
    results = _json(path)
    if _kind(path) != BENCHMARK or not all(
        isinstance(results.get(key), kind)
        for key, kind in {"made": dict, "works": list, "growth": dict}.items()
    ):
        raise ValueError(f"{path}: not the results of a benchmark")
    return results


def _kind(path: Path) -> str:
    """What kind of results a file says it holds; evaluations of schema 1 say nothing."""
    results = _json(path)
    return str(results.get("kind") or "") if isinstance(results, dict) else ""


def _json(path: Path) -> Any:
    """The content of a file, None where it is no JSON: whoever needs it says what is wrong."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Make the folder, and turn what the disk refuses into one clear ValueError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(
            f"cannot write the report to {folder}: {reason}; choose another folder"
        ) from error
