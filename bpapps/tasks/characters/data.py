"""Where the characters come from, and what is trained on and what is tested on.

Labels are always strings, ``"7"`` as well as ``"a"``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.data import registry, splits
from bpapps.data.registry import Dataset
from bpapps.data.splits import Split
from bpapps.names import UnknownNameError, nearest
from bpapps.tasks.characters import TASK
from bpapps.tasks.characters.classes import CHARACTERS
from bpapps.tasks.characters.render import Font, draw, fonts, pick_fonts, split_families

PRINT = "print"
TRAIN_EACH, TEST_EACH = 300, 60
"""Printed pictures of each character."""


def load_data(source: str, data_dir: Path | None = None, seed: int = 0) -> Split:
    """Characters to train on and to test on.

    Printed ones are rendered, those to test on from families of fonts that none of the others
    is from. Plate characters are all to test on, and print is to train on. Of the photos, and of
    a folder or a CSV file, a fifth is held out; a set with a test part of its own keeps it.

    Args:
        source: a data set's name, a folder with one subfolder a class, or a CSV file.
        data_dir: where data sets lie; see :func:`bpapps.data.registry.data_dir`.
        seed: for what is rendered and what is held out. Which families are tested on does not
            depend on it.

    Raises:
        ValueError: an unknown name (the nearest is suggested), or bad files.
    """
    if source == PRINT:
        return printed(fonts(), seed)
    try:
        dataset = registry.load(source, data_dir)
    except UnknownNameError:
        nearest(source, {**TASK.data, **registry.DATASETS}, "data set")
        raise
    dataset = _with_text(dataset)
    if dataset.name == "plate-chars":
        return _tested_only(dataset, seed)
    if dataset.test_images is not None:
        return splits.official(dataset)
    return splits.holdout(dataset, seed)


def printed(
    faces: Sequence[Font], seed: int = 0, each: tuple[int, int] = (TRAIN_EACH, TEST_EACH)
) -> Split:
    """Rendered pictures, so many of each character to train on and to test on."""
    train, test = split_families(faces)
    images, labels, _ = _rendered(train, each[0], (seed, 0), CHARACTERS)
    test_images, test_labels, families = _rendered(test, each[1], (seed, 1), CHARACTERS)
    count = [len({font.family for font in part}) for part in (train, test)]
    data = {
        "name": PRINT,
        "title": "printed characters, unseen families of fonts",
        "source": f"rendered from {len(faces)} fonts of {sum(count)} families found here",
        "licence": "made by bpapps; the fonts keep their own",
        "sha256": sha256_of(images, labels, test_images, test_labels),
        "split": f"{count[0]} families to train on, {count[1]} others to test on",
        "n_train": len(labels),
        "n_test": len(test_labels),
        "n_duplicates": 0,
        "n_fonts": len(faces),
        "n_families": sum(count),
        "test_families": sorted(set(families.tolist())),
    }
    return Split(images, labels, test_images, test_labels, data, families)


def _rendered(
    faces: Sequence[Font], each: int, seed: tuple[int, int], labels: Sequence[str]
) -> tuple[NDArray[np.uint8], NDArray[np.str_], NDArray[np.str_]]:
    """Pictures, their labels, and the family of the font of each."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(np.repeat(np.array(labels), each))
    which = pick_fonts(faces, len(chosen), rng)
    families = np.array([font.family for font in faces])[which]
    return draw(faces, which, chosen, rng), chosen, families


def _tested_only(dataset: Dataset, seed: int) -> Split:
    """All of a set to test on, and print of its classes, in all fonts, to train on."""
    faces = fonts()
    classes = np.unique(dataset.labels).tolist()
    images, labels, _ = _rendered(faces, TRAIN_EACH, (seed, 0), classes)
    text = f"all to test on; print in {len(faces)} fonts to train on"
    data = splits.about(dataset, text, len(labels), len(dataset.labels))
    data["n_fonts"] = len(faces)
    return Split(images, labels, dataset.images, dataset.labels, data, dataset.groups)


def _with_text(dataset: Dataset) -> Dataset:
    """The data set with labels that are strings."""
    test = dataset.test_labels
    return replace(
        dataset,
        labels=dataset.labels.astype(np.str_),
        test_labels=None if test is None else test.astype(np.str_),
    )


def sha256_of(*arrays: NDArray[Any]) -> str:
    """The sha256 of the arrays' values, one after the other, in hexadecimal."""
    whole = hashlib.sha256()
    for array in arrays:
        whole.update(array.tobytes())
    return whole.hexdigest()
