"""What a trained model is tested on, and what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bpapps.data.splits import Split
from bpapps.models import Model
from bpapps.runs.folder import Run


def data_for(
    run: Run, source: str | None = None, data_dir: Path | None = None, seed: int = 0
) -> Split:
    """Data to measure a trained model on; by default those that it was trained on.

    Whatever the seed, nothing that it was trained on is among the test part: of its own data
    the same part is held out as then. Of other data all are to test on.
    """
    task, own = run.model.task, run.config
    source = source or own.data
    split = (task.load_data if source == own.data else task.load_to_test)(source, data_dir, seed)
    same = split.data["sha256"] == trained_on(run.model).get("sha256")
    if same and (source, seed) != (own.data, own.seed):
        return task.load_data(source, data_dir, own.seed)
    return split


def trained_on(model: Model) -> Mapping[str, Any]:
    """What its file says of the data that it was trained on."""
    return model.metadata.get("data", {})


def about_data(model: Model, split: Split) -> dict[str, Any]:
    """What the figures were measured on, and what else the model was trained on."""
    trained = trained_on(model)
    if trained.get("sha256") in (None, split.data["sha256"]):
        return dict(split.data)
    count = trained["n_train"]
    what = f"other data: {trained['title']}"
    if trained["title"] == split.data["title"]:
        what = "another drawing from the same source"
    note = f"the model was trained on {what}, {count:,} pictures"
    return {**split.data, "n_train": count, "notes": note}
