"""Pictures of writers from files: folders, CSV files, and published sets of signatures.

Targets are an array (n,) with the fields ``owner``, whose each picture is or pretends to be, and
``genuine``, false for a skilled forgery.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpapps.data.readers import (
    DataError,
    Labelled,
    as_one,
    digest_of,
    digest_of_all,
    pictures_in,
    read_all,
    read_small,
    visible,
    warn_of,
)
from bpapps.pictures.arrays import Pictures
from bpapps.pictures.files import PictureError

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


Signer = tuple[str, bool]
"""Whose a picture is, or pretends to be, and whether it is."""


def targets_of(owners: ArrayLike, genuine: ArrayLike) -> NDArray[Any]:
    """Targets (n,) of owners (n,), strings, and flags (n,)."""
    names = np.asarray(owners).astype(np.str_)
    targets = np.empty(len(names), [("owner", names.dtype), ("genuine", np.bool_)])
    targets["owner"], targets["genuine"] = names, genuine
    return targets


def signed_rows(path: Path, header: list[str], rows: Any) -> Labelled:
    """The pictures of a CSV file of writers with the columns ``file,writer,genuine``.

    The last is 1 or 0, true or false, or a word of :data:`IS_GENUINE`.
    """
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
            pictures.append(read_small(path.parent / name))
        except PictureError as error:
            raise DataError(f"{where}: {error}") from None
        marks.append((path.parent / name, (writer, is_genuine)))
    if not marks:
        raise DataError(f"{path} has no rows; give a header and a row a picture")
    return _signed(path, pictures, marks)


def read_writers(folder: Path) -> Labelled:
    """The pictures ``folder/<writer>/genuine/*.png`` and ``…/forged/*.png``.

    The folders of a writer are called by the words of :data:`IS_GENUINE`; that of forgeries may
    be missing. Pictures that cannot be read are skipped, with one warning.

    Raises:
        DataError: as :func:`read_signed`; for a writer's folder of another name, and for pictures
            that lie in none.
    """
    files = []
    for writer in visible(folder, Path.is_dir):
        if pictures_in(writer):
            raise DataError(f"{writer} has pictures outside of genuine and forged; {OF_WRITERS}")
        for sub in visible(writer, Path.is_dir):
            found = pictures_in(sub)
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
    pictures, marks, problems = read_all(folder, marked)
    warn_of(problems, folder, len(files))
    return _signed(folder, pictures, marks)


def _signed(path: Path, pictures: Pictures, marks: list[tuple[Path, Signer]]) -> Labelled:
    first: dict[bytes, tuple[Path, Signer]] = {}
    kept = []
    for picture, mark in zip(pictures, marks, strict=True):
        digest = digest_of(picture)
        if digest not in first:
            kept.append(picture)
        _deny_another_hand(first.setdefault(digest, mark), mark)
    signers = [signer for _, signer in first.values()]
    _check_writers(path, signers)
    return Labelled(
        images=as_one(kept),
        labels=targets_of(*zip(*signers, strict=True)),
        sha256=digest_of_all(first, signers),
        n_duplicates=len(marks) - len(kept),
        groups=np.array([writer for writer, _ in signers]),
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
