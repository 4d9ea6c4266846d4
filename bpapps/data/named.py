"""Published sets of pictures with labels: where each is, and how its files are read."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.data import readers, registry
from bpapps.data.readers import DataError
from bpapps.data.registry import Dataset, Source, put
from bpapps.data.splits import Part


def _mnist_like(name: str, source: Source, paths: list[Path]) -> Dataset:
    """Four IDX files: pictures and labels to train on, then to test on."""
    count = len(source.classes) or 10
    images, labels, digests = readers.read_idx(paths[0], paths[1], count)
    test_images, test_labels, test_digests = readers.read_idx(paths[2], paths[3], count)
    if images.shape[1:] != test_images.shape[1:]:
        raise DataError(
            f"{paths[0]} and {paths[2]} hold pictures of different sizes; take all from one source"
        )
    found = dict(zip(source.files, digests + test_digests, strict=True))
    _deny_another(name, source, found, paths[0].parent)
    altered = bool(source.sha256) and found != source.sha256
    return Dataset(
        name=name,
        title=f"{source.title}, not as published" if altered else source.title,
        source=source.source,
        licence=source.licence,
        whole=Part(images, _named(labels, source, paths[1])),
        sha256=readers.sha256("".join(found.values()).encode()),
        test=Part(test_images, _named(test_labels, source, paths[3])),
    )


def _named(numbers: NDArray[np.int64], source: Source, path: Path) -> NDArray[Any]:
    """The classes that numbers stand for; DataError for a number that is not used."""
    if not source.classes:
        return numbers
    labels = np.array(source.classes)[numbers]
    unused = labels == ""
    if unused.any():
        at = int(unused.argmax())
        raise DataError(
            f"{path}: label {at} is {numbers[at]}, which {source.title} does not use; "
            "the file is damaged or of another data set"
        )
    return labels


def _deny_another(name: str, source: Source, found: Mapping[str, str], folder: Path) -> None:
    """DataError where files are known to be another set's: MNIST and KMNIST call them alike."""
    for other, row in DATASETS.items():
        if other != name and not found.items().isdisjoint(row.sha256.items()):
            own = folder if folder.name == name else folder / name
            raise DataError(f"{folder} holds {row.title}, not {source.title}; {put(source, own)}")


def _emnist(name: str, source: Source, paths: list[Path]) -> Dataset:
    """As MNIST, but each picture is stored column by column."""
    dataset = _mnist_like(name, source, paths)
    assert dataset.test is not None
    return replace(dataset, whole=_upright(dataset.whole), test=_upright(dataset.test))


def _upright(part: Part) -> Part:
    columns = np.asarray(part.pictures).transpose(0, 2, 1)
    return replace(part, pictures=np.ascontiguousarray(columns))


def _hand62(name: str, source: Source, paths: list[Path]) -> Dataset:
    """Photos called CAP_A_0, SMALL_i_83 or DIGIT_7_12; one of them is of 1×2 pixels."""
    pattern = re.compile("(?:CAP|SMALL|DIGIT)_(.)_[0-9]+")
    dataset = _named_pictures(name, source, paths[0], pattern)
    return replace(dataset, whole=replace(dataset.whole, groups=None))


def _plate_characters(name: str, source: Source, paths: list[Path]) -> Dataset:
    """Crops called by their class, a number, and the plate or the time of the photo."""
    return _named_pictures(name, source, paths[0], re.compile("(.)-[0-9]+-(.+)"))


def _named_pictures(name: str, source: Source, folder: Path, pattern: re.Pattern) -> Dataset:
    """Pictures whose files' names hold the label and the group."""

    def about(stem: str) -> tuple[str, str] | None:
        found = pattern.fullmatch(stem)
        return None if found is None else (found[1], found[found.lastindex or 0])

    read = readers.read_named(folder, about)
    read = read._replace(labels=read.labels.astype(str))
    return Dataset.of(name, source.title, source.source, source.licence, read)


def _sklearn_digits(name: str, source: Source, paths: list[Path]) -> Dataset:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = (bunch.images / 16).astype(np.float32)
    labels = bunch.target.astype(np.int64)
    digest = readers.sha256(images.tobytes() + labels.tobytes())
    whole = Part(images, labels)
    return Dataset(name, source.title, source.source, source.licence, whole, digest)


_IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


_CAPITALS = tuple(string.digits + string.ascii_uppercase)


_EMNIST: dict[str, tuple[str, ...]] = {
    "ByClass": (*_CAPITALS, *string.ascii_lowercase),
    "ByMerge": (*_CAPITALS, *"abdefghnqrt"),
    "Balanced": (*_CAPITALS, *"abdefghnqrt"),
    "Letters": ("", *string.ascii_uppercase),
    "Digits": (),
    "MNIST": (),
}
"""The splits of EMNIST and their classes; small letters written as capitals count as these."""


DATASETS: dict[str, Source] = {
    "digits": Source(
        title="scikit-learn's digits",
        source="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
        licence="CC BY 4.0",
        reader=_sklearn_digits,
    ),
    "mnist": Source(
        title="MNIST",
        source="https://yann.lecun.com/exdb/mnist/",
        licence="CC BY-SA 3.0",
        reader=_mnist_like,
        files=_IDX,
        urls=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://yann.lecun.com/exdb/mnist/",
        ),
        sha256={
            _IDX[0]: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            _IDX[1]: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            _IDX[2]: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            _IDX[3]: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    "kmnist": Source(
        title="Kuzushiji-MNIST",
        source="http://codh.rois.ac.jp/kmnist/",
        licence="CC BY-SA 4.0",
        reader=_mnist_like,
        files=_IDX,
    ),
    **{
        f"emnist-{name.lower()}": Source(
            title=f"EMNIST {name}",
            source="https://www.nist.gov/itl/products-and-services/emnist-dataset",
            licence="not stated; from NIST Special Database 19",
            reader=_emnist,
            files=tuple(f"emnist-{name.lower()}-{file.replace('t10k', 'test')}" for file in _IDX),
            classes=classes,
        )
        for name, classes in _EMNIST.items()
    },
    "hand62": Source(
        title="hand62, phone photos of handwritten characters",
        source="the set of Bishwaprotap Ray, 2025",
        licence="MIT",
        reader=_hand62,
        files=("PNG/",),
    ),
    "plate-chars": Source(
        title="printed characters of British number plates",
        source="https://github.com/openalpr/train-ocr",
        licence="AGPL-3.0",
        reader=_plate_characters,
        files=("gb/",),
    ),
}


def load(name_or_path: str, data_dir: Path | None = None) -> Dataset:
    """One of these sets, or one's own labelled pictures; see :func:`bpapps.data.registry.load`."""
    return registry.load(name_or_path, data_dir, sources=DATASETS)


def is_here(name: str, data_dir: Path | None = None) -> bool:
    """Whether the files of one of these sets lie in the data folder."""
    return registry.is_here(name, DATASETS[name], data_dir)
