"""Where the signatures come from; writers are never trained on and judged by as well."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from bpapps.data import splits
from bpapps.data.readers import DataError
from bpapps.data.registry import Dataset
from bpapps.data.splits import Part, Split
from bpapps.kinds.verification.data import by_owner, load
from bpapps.kinds.verification.readers import targets_of
from bpapps.names import UnknownNameError, nearest
from bpapps.tasks.signatures import TASK
from bpapps.tasks.signatures.sources import SOURCES
from bpapps.tasks.signatures.synthesis import signatures

SYNTHETIC = "synthetic"
WRITERS = (80, 16, 24)
"""Synthetic writers to train on, to choose thresholds on, and to test on."""
GENUINE, FORGED = 12, 8
"""Signatures of each."""
FOLDS = 5
DEVELOPMENT = 0.2
"""Share of the writers who are not tested that choose the thresholds."""
FEWEST = 2
"""Writers that any part needs."""
_APART = 100_000  # numbers of writers between the parts


def load_data(source: str, data_dir: Path | None = None, seed: int = 0) -> Split:
    """Signatures to train on, to choose thresholds on, and to test on, of different writers.

    Synthetic ones are made anew from the seed. Of other data a fifth of the writers is tested, and
    of the rest a fifth chooses the thresholds.

    Args:
        source: a data set's name, a folder ``WRITER/{genuine,forged}``, or a CSV file.
        data_dir: where data sets lie; see :func:`bpapps.data.registry.data_dir`.
        seed: for what is made and which writers are where.

    Raises:
        ValueError: an unknown name (the nearest is suggested), or bad files.
    """
    if source == SYNTHETIC:
        return synthetic(seed)
    return folds(_read(source, data_dir), seed)[0]


def load_to_test(source: str, data_dir: Path | None = None, seed: int = 0) -> Split:
    """The same for a net that was trained on other data: all writers of a set are to test on."""
    return synthetic(seed) if source == SYNTHETIC else all_to_test(_read(source, data_dir))


def _read(source: str, data_dir: Path | None) -> Dataset:
    try:
        return load(source, data_dir, SOURCES)
    except UnknownNameError:
        nearest(source, {**TASK.data, **SOURCES}, "data set")
        raise


def folds(dataset: Dataset, seed: int = 0) -> list[Split]:
    """Five splits of a set's writers, fewer where those are few; each writer is tested once.

    ValueError for fewer than six writers: each part needs two.
    """
    n_writers = len(np.unique(dataset.whole.targets["owner"]))
    if n_writers < 3 * FEWEST:
        raise DataError(
            f"{dataset.name}: {n_writers} writer{'s' * (n_writers > 1)}; two to train on, two to "
            "choose thresholds on and two to test on are needed"
        )
    count = min(FOLDS, n_writers // FEWEST)
    others = n_writers - -(-n_writers // count)
    parts = splits.by_group(
        dataset.whole.targets["owner"], count, max(DEVELOPMENT, FEWEST / others), seed
    )
    return [
        by_owner(dataset, part, f"fold {number} of {count}, drawn by seed {seed}")
        for number, part in enumerate(parts, start=1)
    ]


def all_to_test(dataset: Dataset) -> Split:
    """A set whose writers are all tested, by a net that was trained on other data."""
    none, rows = np.arange(0), np.arange(len(dataset.whole))
    return by_owner(dataset, splits.Fold(none, none, rows), "all to test on")


def synthetic(seed: int = 0, writers: tuple[int, int, int] = WRITERS) -> Split:
    """Signatures of so many synthetic writers to train on, choose by and test on.

    Of one seed, a writer to train on is never one to choose by or test on, however many there are.
    """
    parts = [
        signatures(count, GENUINE, FORGED, seed, first=part * _APART)
        for part, count in enumerate(writers)
    ]
    made = [picture for part in parts for picture in part.images]
    pictures = [picture.astype(np.float32) / np.float32(255) for picture in made]
    owners, genuine = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("writers", "genuine")
    )
    digest = hashlib.sha256()
    for picture in made:
        digest.update(picture.tobytes())
    dataset = Dataset(
        name=SYNTHETIC,
        title="synthetic writers",
        source="made by bpapps: the sigma-lognormal model of rapid movements, no human's hand",
        licence="made by bpapps",
        whole=Part(pictures, targets_of(owners, genuine), owners),
        sha256=digest.hexdigest(),
    )
    ends = np.cumsum([len(part.images) for part in parts])
    rows = np.split(np.arange(ends[-1]), ends[:-1])
    text = f"synthetic writers, made from seed {seed}"
    return by_owner(dataset, splits.Fold(*rows), text, synthetic=True)
