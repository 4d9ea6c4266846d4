"""From files to pictures and labels: IDX files, folders of pictures, CSV files.

Whatever is wrong with a file ends in a DataError, one line that names it.
"""

from __future__ import annotations

import csv
import hashlib
import math
import os
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


IS_GENUINE = {
    **dict.fromkeys(("genuine", "original", "originals"), True),
    **dict.fromkeys(("forged", "forgery", "forgeries"), False),
}
"""What a picture is called that is by its writer, or a forgery; of folders, and in CSV files."""


OF_WRITERS = (
    "put signatures into WRITER/genuine/*.png and WRITER/forged/*.png (forged may be missing), or "
    "give a CSV file with file,writer,genuine"
)
"""How signatures are laid out to be read."""


_IS_GENUINE_TOO = {"1": True, "true": True, "0": False, "false": False}


Mark = TypeVar("Mark")


Signer = tuple[str, bool]
"""Whose a picture is, or pretends to be, and whether it is."""


class DataError(ValueError):
    """Data that cannot be used: which file, what is wrong, and what to do."""


class Labelled(NamedTuple):
    """Pictures (n, h, w), or a list of (h, w) where sizes differ; labels (n,); their sha256.

    ``groups``, (n,), says which pictures belong together, where that is known. Where labels are
    writers, ``genuine``, (n,), is false for a forgery of the writer's hand, and ``files``, (n,),
    are the pictures' files, as seen from the data's folder.
    """

    images: Pictures
    labels: NDArray[Any]
    sha256: str
    n_duplicates: int
    groups: NDArray[Any] | None = None
    genuine: NDArray[np.bool_] | None = None
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
        classes = _visible(folder, Path.is_dir)
        files = [
            (file, sub.name)
            for sub in classes
            for file in _visible(sub, Path.is_file)
            if file.suffix.lower() in SUFFIXES
        ]
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read ({error.strerror})") from None
    layout = "put the pictures of each class into a subfolder of its name"
    if not classes:
        raise DataError(f"{folder} has no subfolders; {layout}")
    if not files:
        raise DataError(f"{folder} has no pictures in its subfolders; {layout}")
    pictures, names, problems = _read_all(folder, files)
    _warn_of(problems, folder, len(files))
    return _labelled(folder, pictures, names)


def _warn_of(problems: list[PictureError], folder: Path, n_files: int) -> None:
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
    told = [(file, about(file.stem)) for file in _pictures_in(folder)]
    known = [(file, about) for file, about in told if about is not None]
    if not known:
        raise DataError(f"{folder} has no pictures of the set's names; put the set's files there")
    pictures, marks, _ = _read_all(folder, known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels, groups = zip(*marks, strict=True)
        return _labelled(folder, pictures, list(labels), list(groups))


def _pictures_in(folder: Path) -> list[Path]:
    try:
        return [file for file in _visible(folder, Path.is_file) if file.suffix.lower() in SUFFIXES]
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror})") from None


def _read_all(
    folder: Path, files: list[tuple[Path, Mark]]
) -> tuple[list[NDArray[np.float32]], list[Mark], list[PictureError]]:
    """The pictures that can be read, what each is marked with, and what is wrong with others."""
    pictures, marks, problems = [], [], []
    for file, mark in files:
        try:
            pictures.append(_read(file))
            marks.append(mark)
        except PictureError as problem:
            problems.append(problem)
    if not pictures:
        raise DataError(f"{folder}: none of its {len(files)} pictures can be read: {problems[0]}")
    return pictures, marks, problems


def _visible(folder: Path, kind: Any) -> list[Path]:
    return sorted(path for path in folder.iterdir() if kind(path) and path.name[0] != ".")


def read_csv(path: Path) -> Labelled:
    """Pictures and labels of a CSV file with a header.

    Either ``path,label``, with paths relative to the file's folder, or ``label,pixel0,…``: the
    pixels of square pictures row by row, 0 to 255, 0 to 16 or 0 to 1. Or ``file,writer,genuine``,
    where the last is 1 or 0, true or false, or a word of :data:`IS_GENUINE`. A line that cannot
    be used is an error.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            header = [name.strip().lower() for name in next(rows, [])]
            if "writer" in header and "label" not in header:
                return _signed(path, *_signed_rows(path, header, rows))
            pictures, labels = _rows(path, header, rows)
    except UnicodeDecodeError:
        raise DataError(f"{path} is not a text file in UTF-8; save it as such") from None
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num}: {error}; mend the line") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from None
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
            pictures.append(_square(row) if path_at is None else _read(path.parent / row[path_at]))
        except PictureError as error:
            raise DataError(f"{path}, line {rows.line_num}: {error}") from None
        except ValueError as error:
            message = f"{path}, line {rows.line_num} {error}; mend or delete the line"
            raise DataError(message) from None
    if path_at is None and pictures:
        return as_pictures(np.stack(pictures)), labels
    return pictures, labels


def _signed_rows(
    path: Path, header: list[str], rows: Any
) -> tuple[Pictures, list[tuple[Path, Signer]]]:
    """The pictures of a CSV file of writers, and where and whose each is."""
    wanted = ("path" if "path" in header else "file", "writer", "genuine")
    if missing := set(wanted) - set(header):
        raise DataError(
            f"{path}, line 1 has no column {sorted(missing)[0]!r}; "
            "give file,writer,genuine with commas between"
        )
    pictures, marks = [], []
    for row in filter(None, rows):
        where = f"{path}, line {rows.line_num}"
        if len(row) != len(header):
            raise DataError(f"{where} has {len(row)} fields, but the header {len(header)}; mend it")
        name, writer, word = (row[header.index(column)].strip() for column in wanted)
        is_genuine = (IS_GENUINE | _IS_GENUINE_TOO).get(word.lower())
        if is_genuine is None:
            raise DataError(f"{where}: {word!r} tells not if it is genuine; write 1 or 0")
        if not writer:
            raise DataError(f"{where} has no writer; mend or delete the line")
        try:
            pictures.append(_read(path.parent / name))
        except PictureError as error:
            raise DataError(f"{where}: {error}") from None
        marks.append((path.parent / name, (writer, is_genuine)))
    if not marks:
        raise DataError(f"{path} has no rows; give a header and a row a picture")
    return pictures, marks


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


def _read(path: Path) -> NDArray[np.float32]:
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
        digest = _digest(picture)
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
    whole = _digest_of_all(first, labels)
    return Labelled(_as_one(kept), labels, whole, len(names) - len(kept), of_kept)


def _digest(picture: NDArray[np.float32]) -> bytes:
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).digest()


def _digest_of_all(digests: Iterable[bytes], texts: Iterable[Any]) -> str:
    """The sha256 of pictures, by theirs, and of what is said of each."""
    whole = hashlib.sha256()
    for digest, text in zip(digests, texts, strict=True):
        whole.update(digest + str(text).encode("utf-8", "surrogatepass") + b"\n")
    return whole.hexdigest()


def _as_one(pictures: list[NDArray[np.float32]]) -> Pictures:
    """An array (n, h, w), where all are of one size."""
    return np.stack(pictures) if len({picture.shape for picture in pictures}) == 1 else pictures


def _as_labels(names: list[str]) -> NDArray[Any]:
    """Integers where every name is a whole number, else strings; (n,)."""
    whole = all(_WHOLE_NUMBER.fullmatch(name) for name in names)
    return np.array([int(name) for name in names], dtype=np.int64) if whole else np.array(names)


def is_by_writer(folder: Path) -> bool:
    """Whether a folder holds writers: ``<writer>/genuine`` and so on, and no pictures beside."""
    try:
        writers = _visible(folder, Path.is_dir)
        told = [_visible(writer, Path.is_dir) for writer in writers]
        return any(sub.name.lower() in IS_GENUINE for subs in told for sub in subs) and not any(
            _pictures_in(writer) for writer in writers
        )
    except (OSError, DataError):  # the reader says what is wrong
        return False


def read_writers(folder: Path) -> Labelled:
    """The pictures ``folder/<writer>/genuine/*.png`` and ``…/forged/*.png``.

    The folders of a writer are called by the words of :data:`IS_GENUINE`; that of forgeries may
    be missing. Pictures that cannot be read are skipped, with one warning.

    Raises:
        DataError: as :func:`read_signed`; for a writer's folder of another name, and for pictures
            that lie in none.
    """
    files = []
    for writer in _visible(folder, Path.is_dir):
        if _pictures_in(writer):
            raise DataError(f"{writer} has pictures outside of genuine and forged; {OF_WRITERS}")
        for sub in _visible(writer, Path.is_dir):
            found = _pictures_in(sub)
            if found and sub.name.lower() not in IS_GENUINE:
                raise DataError(f"{sub} holds pictures; call it genuine or forged")
            files += [(file, (writer.name, IS_GENUINE[sub.name.lower()])) for file in found]
    if not files:
        raise DataError(f"{folder} has no pictures in folders of writers; {OF_WRITERS}")
    return read_signed(folder, files)


def read_signed(folder: Path, files: list[tuple[Path, Signer]]) -> Labelled:
    """Pictures of which it is known whose they are, and whether they are genuine.

    Exact duplicates are dropped. Pictures that cannot be read are skipped, with one warning.

    Raises:
        DataError: fewer than two writers; a writer with forgeries only; one picture that is said
            to be both genuine and forged, or of two writers.
    """
    marked = [(file, (file, signer)) for file, signer in files]
    pictures, marks, problems = _read_all(folder, marked)
    _warn_of(problems, folder, len(files))
    return _signed(folder, pictures, marks)


def _signed(path: Path, pictures: Pictures, marks: list[tuple[Path, Signer]]) -> Labelled:
    first: dict[bytes, tuple[Path, Signer]] = {}
    kept = []
    for picture, mark in zip(pictures, marks, strict=True):
        digest = _digest(picture)
        if digest not in first:
            kept.append(picture)
        _deny_another_hand(first.setdefault(digest, mark), mark)
    signers = [signer for _, signer in first.values()]
    _check_writers(path, signers)
    return Labelled(
        images=_as_one(kept),
        labels=np.array([writer for writer, _ in signers]),
        sha256=_digest_of_all(first, signers),
        n_duplicates=len(marks) - len(kept),
        genuine=np.array([is_genuine for _, is_genuine in signers]),
        files=np.array([_seen_from(path, file) for file, _ in first.values()]),
    )


def _seen_from(data: Path, file: Path) -> str:
    """A file by its place in the data's folder, or beside the data's CSV file; else its name."""
    roots = [root for root in (data, data.parent) if file.is_relative_to(root)]
    seen = file.relative_to(roots[0]).as_posix() if roots else file.name
    return os.fsencode(seen).decode("utf-8", "replace")


def _deny_another_hand(one: tuple[Path, Signer], other: tuple[Path, Signer]) -> None:
    """DataError where two files of one content are said to be of different hands."""
    (file, (writer, is_genuine)), (copy, (other_writer, is_other_genuine)) = one, other
    if writer != other_writer:
        said = f"of the writers {writer} and {other_writer}"
    elif is_genuine != is_other_genuine:
        said = "genuine and forged"
    else:
        return
    raise DataError(f"{file} and {copy} are the same picture, but said to be {said}; delete one")


def _check_writers(path: Path, signers: list[Signer]) -> None:
    writers = {writer for writer, _ in signers}
    unknown = writers - {writer for writer, is_genuine in signers if is_genuine}
    if unknown and unknown == writers:
        raise DataError(f"{path} has no genuine picture; without, forgeries tell nothing")
    if unknown:
        raise DataError(
            f"{path}: writer {min(unknown)} has forgeries only; give genuine pictures too"
        )
    if len(writers) < 2:
        raise DataError(f"{path} has fewer than two writers; give at least two")
