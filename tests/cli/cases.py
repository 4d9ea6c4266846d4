"""What a row of the tables of bad input holds, and where it puts its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bpapps import models

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


def rows(cases: list[Case]) -> list[Any]:
    """The rows; a process of its own takes a second to start."""
    return [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.real else [])
        for case in cases
    ]
