"""A run's folder: written while it trains, and read again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from bpapps import models
from bpapps.core import Epoch
from bpapps.models import Model
from bpapps.results import Score
from bpapps.runs.config import Config
from bpapps.writing import write

CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Run:
    """A trained model, the config and the records of its training."""

    config: Config
    model: Model
    history: list[dict[str, Any]]


@contextmanager
def output_folder(folder: Path) -> Iterator[None]:
    """Make a folder to write to, and those above; they go again if nothing came to be in them.

    Raises:
        ValueError: it cannot be written; better to know that before any work is done for it.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"{folder}: cannot be written ({error.strerror}); give another --out"
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):
            for path in new:
                path.rmdir()  # which only an empty one suffers


def load(folder: Path) -> Run:
    """Read a finished run's folder; ValueError that names what is missing or damaged."""
    model = models.load(folder / models.FILE_NAME)
    path = folder / "history.json"
    try:
        history = json.loads(path.read_text(encoding="utf-8"))
        return replace(of_model(model), history=[asdict(Epoch(**record)) for record in history])
    except (OSError, ValueError, TypeError):
        raise ValueError(f"{path}: missing or damaged; train again") from None


def of_model(model: Model) -> Run:
    """A model by itself as a run, without a history."""
    config = model.metadata.get("config") or {
        "task": model.task.name, "data": model.task.default_data, "preset": "",
    }  # fmt: skip
    return Run(Config(**config), model, [])


def find(name: str | Path) -> Run:
    """A trained model as a run, with its history where it lies in a run's folder.

    Args:
        name: a run's folder, a model file, or a task that ships a model.

    Raises:
        ValueError: there is none, or it is damaged.
    """
    if (Path(name) / models.FILE_NAME).exists():
        return load(Path(name))
    return of_model(models.find(name))


def scores_in(folder: Path) -> list[Score]:
    """The scores over several seeds that ``scores.json`` in a report's folder holds, if any."""
    path = folder / "scores.json"
    if not path.exists():
        return []
    try:
        return [Score(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        raise ValueError(f"{path}: damaged; remove it and measure the scores again") from None


def log_to(folder: Path, config: Config) -> Callable[[Epoch, Any], None]:
    """The callback that writes a line an epoch; the config is written with the first."""
    path = folder / "log.txt"

    def write_line(epoch: Epoch, _: Any) -> None:
        if epoch.epoch == 1:  # a resumed training also begins with it
            write_json(folder / "config.json", asdict(config))
            path.write_text("", encoding="utf-8")
        values = {key: value for key, value in asdict(epoch).items() if value not in (None, "")}
        line = "  ".join(f"{key} {_short(value)}" for key, value in values.items())
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    return write_line


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def write_json(path: Path, content: Any) -> None:
    """Write plain data, whole or not at all."""
    write(path, json.dumps(content, indent=1) + "\n")
