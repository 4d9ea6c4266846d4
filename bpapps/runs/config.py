"""What makes a run: a task, its data, a preset, a seed and settings."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bpapps import tasks

OWN = {"callbacks", "checkpoint", "n_jobs", "random_state", "verbose"}
"""Parameters of the estimator that a run sets itself."""


@dataclass(frozen=True)
class Config:
    """What makes a run.

    ``settings`` are estimator parameters that replace the preset's. ``start`` names a trained
    model, as :func:`bpapps.models.find` takes it, that is trained further; else a new net is.
    """

    task: str
    data: str
    preset: str
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    start: str = ""

    def __post_init__(self) -> None:
        names = (self.task, self.data, self.preset, self.start)
        if not all(isinstance(name, str) for name in names) or not isinstance(self.seed, int):
            raise ValueError("a config has text for task, data, preset and start, and a whole seed")
        if not isinstance(self.settings, Mapping):
            raise ValueError("a config's settings map names to values")
        for name in OWN & self.settings.keys():
            raise ValueError(f"setting {name} is the run's own; use the seed, or leave it out")

    @classmethod
    def load(cls, path: Path) -> Config:
        """Read ``config.json``; ValueError that names the file otherwise."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
        except (ValueError, TypeError, RecursionError):
            raise ValueError(f"{path}: not the config.json of a run") from None

    @property
    def name(self) -> str:
        """A folder's name for it; other settings than the preset's add a mark of their own."""
        data = tasks.get(self.task).data_name(self.data)
        name = f"{self.task}-{data}-{self.preset}-{self.seed}"
        special = {**self.settings, **({"start": self.start} if self.start else {})}
        if not special:
            return name
        return f"{name}-{zlib.crc32(json.dumps(special, sort_keys=True).encode()):08x}"
