"""Data of writers: published sets by name, one's own pictures, and splits by writer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from bpapps.data import readers, registry
from bpapps.data.readers import DataError
from bpapps.data.registry import Dataset, Source, lying, put
from bpapps.data.splits import Fold, Split, about
from bpapps.kinds.verification.readers import read_signed, read_writers, signed_rows


def load(name_or_path: str, data_dir: Path | None, sources: Mapping[str, Source]) -> Dataset:
    """Pictures of writers by name, or one's own; see :func:`bpapps.data.registry.load`.

    One's own lie in ``<writer>/genuine`` and ``<writer>/forged``, or are told by a CSV file with
    the columns ``file,writer,genuine``. A folder whose pictures lie and are called as those of a
    named set is read as that set.
    """

    def own(path: Path, text: str) -> Dataset:
        if not path.is_dir():
            read = readers.read_csv(registry.checked_csv(path), signed_rows)
            return registry.as_own(path, text, read)
        for name, source in sources.items():
            if source.layouts and signatures_in(path, source):
                return replace(source.reader(name, source, [path]), name=text)
        return registry.as_own(path, text, read_writers(path))

    return registry.load(name_or_path, data_dir, sources=sources, own=own)


def by_owner(dataset: Dataset, fold: Fold, text: str, synthetic: bool = False) -> Split:
    """A fold of a set of writers; ``text`` says which fold it is.

    A fold without development rows has no development part. synthetic: whether no human wrote
    them, which reports must say.
    """
    train, chosen, test = (
        dataset.whole.take(rows) for rows in (fold.train, fold.development, fold.test)
    )
    counts = [len(np.unique(part.targets["owner"])) for part in (train, chosen, test)]
    text += (
        f"; {counts[0]} writers to train on, {counts[1]} to choose thresholds on, "
        f"{counts[2]} others to test on"
    )
    data = {**about(dataset, text, len(train), len(test)), "synthetic": synthetic}
    return Split(train, chosen if len(chosen) else None, test, data)


def read_named(name: str, source: Source, paths: list[Path]) -> Dataset:
    """A set whose files' names tell the writer and, in a word, who really wrote.

    The name of a folder that is a number goes before the writer's number in the file's name: in
    BHSig260 the Hindi folder 123 holds files named 124.
    """
    files = []
    for file, found in signatures_in(paths[0], source):
        parent = file.parent.name
        writer = int(parent if parent.isdecimal() else found["writer"])
        number = int(re.findall("[0-9]+", file.stem)[-1])
        is_genuine = found["kind"].lower() in _SIGNED_GENUINE
        files.append((writer, not is_genuine, number, file))
    if not files:
        raise DataError(f"{paths[0]} has no pictures of the set's names; {put(source, paths[0])}")
    signed = [(file, (str(who), not forged)) for who, forged, _, file in sorted(files)]
    read = read_signed(paths[0], signed)
    return Dataset.of(name, source.title, source.source, source.licence, read)


def signatures_in(folder: Path, source: Source) -> list[tuple[Path, re.Match]]:
    """The pictures that lie and are called as a set's, and what their names tell."""
    named = re.compile(source.stems, re.IGNORECASE)
    found = [(file, named.fullmatch(file.stem)) for file in lying(folder, source.layouts)]
    return [
        (file, match) for file, match in found if match and file.suffix.lower() in readers.SUFFIXES
    ]


_SIGNED_GENUINE = ("original", "c", "v", "g")
"""How published sets call a genuine signature in a file's name (v: verdadera)."""
