"""From files to pictures and labels: IDX files, folders of pictures, CSV files.

Whatever is wrong with a file ends in a DataError, one line that names it.
"""

from __future__ import annotations

import csv
import hashlib
import math
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures.arrays import Pictures, as_pictures, shrink
from bpapps.pictures.files import MIN_SIDE, PictureError, read_picture

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}


LONGEST = 1024
"""Pixels of the longest side above which a picture is averaged down, so that many fit in memory."""


_GZIP = b"\x1f\x8b"


_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


Mark = TypeVar("Mark")


Rows = Callable[[Path, list[str], Any], "Labelled"]
"""(path, header, what a csv.reader gives) -> what the rows hold."""


class DataError(ValueError):
    """Data that cannot be used: which file, what is wrong, and what to do."""


class Labelled(NamedTuple):
    """Pictures (n, h, w), or a list of (h, w) where sizes differ; labels (n,); their sha256.

    ``groups``, (n,), says which pictures belong together, where that is known; ``files``, (n,), are
    the pictures' files, as seen from the data's folder, where they lie in files.
    """

    images: Pictures
    labels: NDArray[Any]
    sha256: str
    n_duplicates: int
    groups: NDArray[Any] | None = None
    files: NDArray[np.str_] | None = None


def read_idx(
    images: Path, labels: Path, classes: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[str]]:
    """Pictures (n, h, w), 0 to 255, and labels (n,), 0 to classes - 1, of a pair of IDX files.

    The format is that of MNIST's authors, gzipped or not. Also returns the sha256 of each file's
    content, header included.
    """
    raw = [content(images), content(labels)]
    pictures, marks = _idx(raw[0], images, 3), _idx(raw[1], labels, 1)
    if len(pictures) != len(marks):
        raise DataError(
            f"{images} holds {len(pictures)} pictures, but {labels} {len(marks)} labels; "
            "take both from one source"
        )
    if marks.max() >= classes:
        at = int((marks >= classes).argmax())
        raise DataError(
            f"{labels}: label {at} is {marks[at]}, out of the range 0 to {classes - 1}; "
            "the file is damaged or of another data set"
        )
    return pictures, marks.astype(np.int64), [sha256(data) for data in raw]


def sha256(data: bytes) -> str:
    """The sha256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def content(path: Path) -> bytes:
    """What is in a file, unpacked where it is gzipped, whatever its name."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from None
    if not data.startswith(_GZIP):
        return data
    try:
        return _gunzip(data)
    except (EOFError, zlib.error):
        raise DataError(
            f"{path} is damaged or cut short (gzip); delete it and download it again"
        ) from None


def _gunzip(data: bytes) -> bytes:
    """The members of a gzip file, one after the other. Raises EOFError where one is cut off."""
    parts = []
    while data.startswith(_GZIP):
        unpacker = zlib.decompressobj(wbits=31)
        parts.append(unpacker.decompress(data))
        if not unpacker.eof:
            raise EOFError
        data = unpacker.unused_data
    return b"".join(parts)


def _idx(data: bytes, path: Path, dimensions: int) -> NDArray[np.uint8]:
    again = "delete it and download it again"
    if not data:
        raise DataError(f"{path} is empty; {again}")
    magic = 0x800 + dimensions  # unsigned bytes, so many dimensions
    head = 4 + 4 * dimensions
    found = int.from_bytes(data[:4], "big")
    if found != magic:
        kind = {0x801: ", that of labels", 0x803: ", that of pictures"}.get(found, "")
        raise DataError(f"{path} has the magic number {found}{kind}, not {magic}; {again}")
    if len(data) < head:
        raise DataError(f"{path} ends within its header; {again}")
    shape = struct.unpack(f">{dimensions}I", data[4:head])
    size = math.prod(shape)
    if size == 0:
        raise DataError(f"{path} holds nothing: its header says {_times(shape)}; {again}")
    if len(data) - head != size:
        raise DataError(
            f"{path} should hold {_times(shape)} = {size} bytes after its header, "
            f"but holds {len(data) - head}; {again}"
        )
    return np.frombuffer(data, dtype=np.uint8, offset=head).reshape(shape)


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def read_folder(folder: Path) -> Labelled:
    """The pictures ``folder/<class>/*.png`` and so on; a class is called what its folder is.

    Classes and files come in sorted order; hidden files and deeper folders are passed over.
    Pictures that cannot be read are skipped, with one warning.
    """
    try:
        classes = visible(folder, Path.is_dir)
        files = [
            (file, sub.name)
            for sub in classes
            for file in visible(sub, Path.is_file)
            if file.suffix.lower() in SUFFIXES
        ]
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read ({error.strerror})") from None
    layout = "put the pictures of each class into a subfolder of its name"
    if not classes:
        raise DataError(f"{folder} has no subfolders; {layout}")
    if not files:
        raise DataError(f"{folder} has no pictures in its subfolders; {layout}")
    pictures, names, problems = read_all(folder, files)
    warn_of(problems, folder, len(files))
    return _labelled(folder, pictures, names)


def warn_of(problems: list[PictureError], folder: Path, n_files: int) -> None:
    """One warning that counts the pictures that were skipped, where there are any."""
    if problems:
        warnings.warn(
            f"{folder}: skipped {len(problems)} of {n_files} pictures; the first: {problems[0]}",
            stacklevel=3,
        )


def read_named(folder: Path, about: Callable[[str], tuple[str, str] | None]) -> Labelled:
    """The pictures of a published set whose files' names tell what they show.

    What is known to be wrong with such a set (pictures that cannot be read, or that equal one of
    another class) is dropped without a warning.

    Args:
        about: a file's name without its suffix -> label and group; None passes it over.
    """
    told = [(file, about(file.stem)) for file in pictures_in(folder)]
    known = [(file, about) for file, about in told if about is not None]
    if not known:
        raise DataError(f"{folder} has no pictures of the set's names; put the set's files there")
    pictures, marks, _ = read_all(folder, known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels, groups = zip(*marks, strict=True)
        return _labelled(folder, pictures, list(labels), list(groups))


def pictures_in(folder: Path) -> list[Path]:
    """The pictures right in a folder, sorted; DataError where it cannot be read."""
    try:
        return [file for file in visible(folder, Path.is_file) if file.suffix.lower() in SUFFIXES]
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror})") from None


def read_all(
    folder: Path, files: list[tuple[Path, Mark]]
) -> tuple[list[NDArray[np.float32]], list[Mark], list[PictureError]]:
    """The pictures that can be read, what each is marked with, and what is wrong with others."""
    pictures, marks, problems = [], [], []
    for file, mark in files:
        try:
            pictures.append(read_small(file))
            marks.append(mark)
        except PictureError as problem:
            problems.append(problem)
    if not pictures:
        raise DataError(f"{folder}: none of its {len(files)} pictures can be read: {problems[0]}")
    return pictures, marks, problems


def visible(folder: Path, kind: Any) -> list[Path]:
    """What lies in a folder, sorted and not hidden: ``kind`` tells files from folders."""
    return sorted(path for path in folder.iterdir() if kind(path) and path.name[0] != ".")


def read_csv(path: Path, rows_of: Rows | None = None) -> Labelled:
    """Pictures and labels of a CSV file with a header. A line that cannot be used is an error.

    rows_of: reads what is below the header; by default ``path,label``, with paths relative to the
        file's folder, or ``label,pixel0,…``: the pixels of square pictures row by row, 0 to 255,
        0 to 16 or 0 to 1.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            header = [name.strip().lower() for name in next(rows, [])]
            return (rows_of or _labelled_rows)(path, header, rows)
    except UnicodeDecodeError:
        raise DataError(f"{path} is not a text file in UTF-8; save it as such") from None
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num}: {error}; mend the line") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from None


def _labelled_rows(path: Path, header: list[str], rows: Any) -> Labelled:
    pictures, labels = _rows(path, header, rows)
    if not labels:
        raise DataError(f"{path} has no rows; give a header and a row a picture")
    return _labelled(path, pictures, labels)


def _rows(path: Path, header: list[str], rows: Any) -> tuple[Pictures, list[str]]:
    label_at, path_at = _columns(path, header)
    pictures: list[NDArray[np.float32]] = []
    labels = []
    for row in filter(None, rows):
        try:
            if len(row) != len(header):
                raise ValueError(f"has {len(row)} fields, but the header {len(header)}")
            label = row.pop(label_at).strip()
            if not label:
                raise ValueError("has no label")
            labels.append(label)
            pictures.append(
                _square(row) if path_at is None else read_small(path.parent / row[path_at])
            )
        except PictureError as error:
            raise DataError(f"{path}, line {rows.line_num}: {error}") from None
        except ValueError as error:
            message = f"{path}, line {rows.line_num} {error}; mend or delete the line"
            raise DataError(message) from None
    if path_at is None and pictures:
        return as_pictures(np.stack(pictures)), labels
    return pictures, labels


def _columns(path: Path, header: list[str]) -> tuple[int, int | None]:
    """Where the label is, and where, in what else there is, the path: None in a file of pixels."""
    if "label" not in header:
        raise DataError(
            f"{path}, line 1 is no header with a column 'label'; "
            "give path,label or label,pixel0,pixel1,… with commas between"
        )
    label_at = header.index("label")
    others = header[:label_at] + header[label_at + 1 :]
    if "path" in others:
        return label_at, others.index("path")
    if len(others) < MIN_SIDE**2 or math.isqrt(len(others)) ** 2 != len(others):
        raise DataError(
            f"{path}, line 1 names {len(others)} pixels; give the h·h of square pictures of "
            f"at least {MIN_SIDE} a side, or a column 'path'"
        )
    return label_at, None


def _square(row: list[str]) -> NDArray[np.float32]:
    try:
        pixels = np.array([float(text) for text in row], dtype=np.float32)
    except ValueError:
        raise ValueError("has a pixel that is not a number") from None
    if not (pixels.min() >= 0 and pixels.max() <= 255):  # written so that NaN fails
        raise ValueError("has a pixel out of the range 0 to 255")
    side = math.isqrt(len(row))
    return pixels.reshape(side, side)


def read_small(path: Path) -> NDArray[np.float32]:
    """A picture, (h, w) in [0, 1], no side above :data:`LONGEST`; PictureError for none."""
    return shrink(read_picture(path), LONGEST)


def _labelled(
    path: Path,
    pictures: Iterable[NDArray[np.float32]],
    names: list[str],
    groups: list[str] | None = None,
) -> Labelled:
    """Without exact duplicates, lest a picture be both trained on and tested on.

    The first of equal pictures stays, with its label; where another has a different label, which
    of them is wrong cannot be known, and a warning says so.
    """
    first: dict[bytes, str] = {}
    kept: list[NDArray[np.float32]] = []
    rows = []
    doubtful = []
    for row, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        digest = digest_of(picture)
        if digest not in first:
            first[digest] = name
            kept.append(picture)
            rows.append(row)
        elif first[digest] != name:
            doubtful.append(f"{name!r}, kept as {first[digest]!r}")
    labels = _as_labels(list(first.values()))
    if len(np.unique(labels)) < 2:
        raise DataError(f"{path} has one class only, {labels[0]!s}; give at least two")
    if doubtful:
        warnings.warn(
            f"{path}: {len(doubtful)} of {len(names)} pictures equal one of another class and "
            f"are dropped; the first is of class {doubtful[0]}",
            stacklevel=2,
        )
    of_kept = None if groups is None else np.array(groups)[rows]
    whole = digest_of_all(first, labels)
    return Labelled(as_one(kept), labels, whole, len(names) - len(kept), of_kept)


def digest_of(picture: NDArray[np.float32]) -> bytes:
    """The sha256 of one picture, its shape included."""
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).digest()


def digest_of_all(digests: Iterable[bytes], texts: Iterable[Any]) -> str:
    """The sha256 of pictures, by theirs, and of what is said of each."""
    whole = hashlib.sha256()
    for digest, text in zip(digests, texts, strict=True):
        whole.update(digest + str(text).encode("utf-8", "surrogatepass") + b"\n")
    return whole.hexdigest()


def as_one(pictures: list[NDArray[np.float32]]) -> Pictures:
    """An array (n, h, w), where all are of one size."""
    return np.stack(pictures) if len({picture.shape for picture in pictures}) == 1 else pictures


def _as_labels(names: list[str]) -> NDArray[Any]:
    """Integers where every name is a whole number, else strings; (n,)."""
    whole = all(_WHOLE_NUMBER.fullmatch(name) for name in names)
    return np.array([int(name) for name in names], dtype=np.int64) if whole else np.array(names)
