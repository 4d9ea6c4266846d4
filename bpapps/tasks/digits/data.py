"""Where the digits come from, and what is trained on and what is tested on."""

from __future__ import annotations

from pathlib import Path

from bpapps.data import named, splits
from bpapps.data.splits import Split

SOURCES = named.DATASETS


def load_data(source: str, data_dir: Path | None = None, seed: int = 0) -> Split:
    """Digits to train on and to test on.

    scikit-learn's digits are split in halves, in the order that groups their writers; a set with
    a test part of its own keeps it; of a folder or a CSV file, a fifth is held out.

    Args:
        source: a data set's name, a folder with one subfolder a class, or a CSV file.
        data_dir: where data sets lie; see :func:`bpapps.data.registry.data_dir`.
        seed: for what is held out.

    Raises:
        ValueError: an unknown name (the nearest is suggested), or bad files.
    """
    dataset = named.load(source, data_dir)
    if dataset.test is not None:
        return splits.official(dataset)
    if dataset.name == "digits":
        return splits.halves(dataset)
    return splits.holdout(dataset, seed)


def load_to_test(source: str, data_dir: Path | None = None, seed: int = 0) -> Split:
    """The same for a model that was trained on other data: all of a set is to test on."""
    return splits.all_to_test(named.load(source, data_dir))
