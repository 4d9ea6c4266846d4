"""Reports on disk: results found again, and files written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bpapps.evaluation import Results


def load_all(folder: str | Path) -> dict[str, Results]:
    """All Results found as ``folder/*/results.json``, by the name of their folder, in order.

    Raises ValueError, which names the file, for one that cannot be read.
    """
    paths = sorted(Path(folder).glob("*/results.json"))
    return {path.parent.name: Results.load(path) for path in paths}


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


def write(path: Path, text: str) -> Path:
    """Write to a temporary name beside it and rename, so that no half page is ever seen."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
