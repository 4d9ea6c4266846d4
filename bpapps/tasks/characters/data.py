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

from bpapps.data import named, splits
from bpapps.data.registry import Dataset
from bpapps.data.splits import Part, Split
from bpapps.names import UnknownNameError, nearest
from bpapps.tasks.characters import TASK
from bpapps.tasks.characters.classes import CHARACTERS
from bpapps.tasks.characters.render import Font, draw, fonts, pick_fonts, split_families

SOURCES = named.DATASETS
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
    dataset = _read(source, data_dir)
    if dataset.name == "plate-chars":
        return _tested_only(dataset, seed)
    if dataset.test is not None:
        return splits.official(dataset)
    return splits.holdout(dataset, seed)


def load_to_test(source: str, data_dir: Path | None = None, seed: int = 0) -> Split:
    """The same for a model that was trained on other data: all of a set is to test on.

    Of print, which is rendered anew, those in the families of fonts that are kept for testing.
    """
    if source == PRINT:
        return printed(fonts(), seed)
    return splits.all_to_test(_read(source, data_dir))


def _read(source: str, data_dir: Path | None) -> Dataset:
    try:
        return _with_text(named.load(source, data_dir))
    except UnknownNameError:
        nearest(source, {**TASK.data, **SOURCES}, "data set")
        raise


def printed(
    faces: Sequence[Font], seed: int = 0, each: tuple[int, int] = (TRAIN_EACH, TEST_EACH)
) -> Split:
    """Rendered pictures, so many of each character to train on and to test on."""
    train, test = split_families(faces)
    parts = [
        _rendered(of, count, (seed, number), CHARACTERS)
        for number, (of, count) in enumerate(zip((train, test), each, strict=True))
    ]
    count = [len({font.family for font in part}) for part in (train, test)]
    data = {
        "name": PRINT,
        "title": "printed characters, unseen families of fonts",
        "source": f"rendered from {len(faces)} fonts of {sum(count)} families found here",
        "licence": "made by bpapps; the fonts keep their own",
        "sha256": sha256_of(*(array for part in parts for array in (part.pictures, part.targets))),
        "split": f"{count[0]} families to train on, {count[1]} others to test on",
        "n_train": len(parts[0]),
        "n_test": len(parts[1]),
        "n_duplicates": 0,
        "n_fonts": len(faces),
        "n_families": sum(count),
        "test_families": np.unique(np.asarray(parts[1].groups)).tolist(),
    }
    return Split(parts[0], None, parts[1], data)


def _rendered(
    faces: Sequence[Font], each: int, seed: tuple[int, int], labels: Sequence[str]
) -> Part:
    """Pictures, their labels, and the family of the font of each."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(np.repeat(np.array(labels), each))
    which = pick_fonts(faces, len(chosen), rng)
    families = np.array([font.family for font in faces])[which]
    return Part(draw(faces, which, chosen, rng), chosen, families)


def _tested_only(dataset: Dataset, seed: int) -> Split:
    """All of a set to test on, and print of its classes, in all fonts, to train on."""
    faces = fonts()
    classes = np.unique(dataset.whole.targets).tolist()
    train = _rendered(faces, TRAIN_EACH, (seed, 0), classes)
    text = f"all to test on; print in {len(faces)} fonts to train on"
    data = splits.about(dataset, text, len(train), len(dataset.whole))
    data["n_fonts"] = len(faces)
    return Split(train, None, dataset.whole, data)


def _with_text(dataset: Dataset) -> Dataset:
    """The data set with labels that are strings."""

    def as_text(part: Part) -> Part:
        return replace(part, targets=part.targets.astype(np.str_))

    test = dataset.test and as_text(dataset.test)
    return replace(dataset, whole=as_text(dataset.whole), test=test)


def sha256_of(*arrays: NDArray[Any]) -> str:
    """The sha256 of the arrays' values, one after the other, in hexadecimal."""
    whole = hashlib.sha256()
    for array in arrays:
        whole.update(array.tobytes())
    return whole.hexdigest()
