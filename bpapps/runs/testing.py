"""What a trained model is tested on, and what it was trained on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.data.splits import Part, Split
from bpapps.models import Model
from bpapps.pictures.digests import digests
from bpapps.runs.folder import Run

SEEN = "seen"
"""Where a model's metadata keep the digests of the pictures that it was trained or chosen by."""


def data_for(
    run: Run, source: str | None = None, data_dir: Path | None = None, seed: int = 0
) -> Split:
    """Data to measure a trained model on; by default the test part of its own.

    Of its own data the same part is held out as when it was trained, whatever the seed. Of all
    other data, every picture is tested on that it was not trained on; a group that holds one that
    it was is left out whole.

    Raises ValueError where no picture is left.
    """
    task, own = run.model.task, run.config
    source = source or own.data
    split = task.load_to_test(source, data_dir, seed)
    if is_its_own(run.model, split):
        return task.load_data(source, data_dir, own.seed)
    return _unseen(split, run.model)


def digests_of(split: Split) -> NDArray[np.uint64]:
    """Digests of all pictures to train on and to choose by."""
    parts = [part for part in (split.train, split.development) if part is not None]
    return np.unique(np.concatenate([digests(part.pictures) for part in parts]))


def usable(model: Model, split: Split) -> Split:
    """The split without pictures that the model cannot be asked about; a warning counts them.

    Of data that it was not trained on, none are left to choose by: thresholds are its own.

    Raises ValueError where none is left to test on.
    """
    test, note = model.task.kind.usable(model, split.test)
    chosen = split.development if is_its_own(model, split) else None
    chosen = chosen and model.task.kind.usable(model, chosen)[0]
    if not note:
        return replace(split, development=chosen)
    return _left(replace(split, development=chosen), test, note)


def trained_on(model: Model) -> Mapping[str, Any]:
    """What its file says of the data that it was trained on."""
    return model.metadata.get("data", {})


def is_its_own(model: Model, split: Split) -> bool:
    """Whether the data are those that a model was trained on."""
    return split.data["sha256"] == trained_on(model).get("sha256")


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
    return {**split.data, "n_train": count, "notes": _joined(split.data.get("notes"), note)}


def _unseen(split: Split, model: Model) -> Split:
    """The split without test pictures that the model was trained on, and without their groups."""
    known = model.metadata.get(SEEN)
    if known is None:  # of older files, which keep no digests
        return split
    seen = np.isin(digests(split.test.pictures), known)
    if not seen.any():
        return split
    if split.test.groups is not None:
        seen = np.isin(split.test.groups, np.unique(split.test.groups[seen]))
    note = f"{seen.sum():,} of {len(seen):,} pictures are left out: the model was trained on them"
    return _left(split, split.test.take(np.flatnonzero(~seen)), note)


def _left(split: Split, test: Part, note: str) -> Split:
    """The split with what is left to test on, and a warning and a note on the rest."""
    if not len(test):
        raise ValueError(f"{split.data['name']}: no picture is left to test on: {note}")
    warnings.warn(note, stacklevel=4)
    left_out = split.data.get("left_out", 0) + len(split.test) - len(test)
    notes = _joined(split.data.get("notes"), note)
    data = {**split.data, "n_test": len(test), "left_out": left_out, "notes": notes}
    return replace(split, test=test, data=data)


def _joined(*notes: str | None) -> str:
    return "; ".join(filter(None, notes))
