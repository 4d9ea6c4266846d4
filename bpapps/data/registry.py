"""Data sets by name: where each comes from, its licence, its files, and how they are read.

One's own pictures are read by path: a folder with one subfolder a class, or a writer, or a CSV
file.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bpapps.data import readers
from bpapps.data.download import download
from bpapps.data.readers import DataError as DataError
from bpapps.data.splits import Dataset as Dataset
from bpapps.names import nearest


@dataclass(frozen=True)
class Source:
    """A row of the registry.

    Args:
        title, source, licence: what it is, its homepage, its terms of use.
        reader: (name, its row, paths of its files) -> Dataset.
        files: names of its files, without ``.gz``, or of a folder of pictures, with a slash at
            the end; none for a set that another package holds.
        urls: folders on the network that serve each file as ``<name>.gz``.
        sha256: file name -> that of its content, unpacked; empty where none is on record.
        classes: what the numbers 0, 1, … in IDX files stand for, "" for one that is not used;
            none where they stand for themselves, 0 to 9.
        layouts: instead of files, the ways in which pictures lie about, the usual one first:
            each the patterns (of ``Path.glob``) of its pictures. The first that is found whole is
            read.
        stems: what these pictures are called, without their suffix: a regular expression that
            finds the writer, and in a word who really wrote, the kind.
    """

    title: str
    source: str
    licence: str
    reader: Callable[[str, Source, list[Path]], Dataset]
    files: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    sha256: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    layouts: tuple[tuple[str, ...], ...] = ()
    stems: str = ""


def data_dir(given: Path | None = None) -> Path:
    """Where data sets lie.

    The folder given; else $BPAPPS_DATA; else ``data`` beside the package's checkout or in the
    current folder, where that holds anything but its README; else the user's data folder,
    $XDG_DATA_HOME/bpapps or ~/.local/share/bpapps.
    """
    if given is not None:
        return Path(given)
    if os.environ.get("BPAPPS_DATA"):
        return Path(os.environ["BPAPPS_DATA"]).expanduser()
    checkout = Path(__file__).parents[2]
    places = [checkout / "data"] if (checkout / "pyproject.toml").is_file() else []
    for folder in (*places, Path("data")):
        if folder.is_dir() and any(
            path.name != "README.md" and path.name[0] != "." for path in folder.iterdir()
        ):
            return folder
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "bpapps"


_root = data_dir  # for the functions that have an argument of that name


def load(
    name_or_path: str,
    data_dir: Path | None = None,
    *,
    sources: Mapping[str, Source],
    own: Callable[[Path, str], Dataset] | None = None,
) -> Dataset:
    """The data set of a name, or one's own pictures in a folder or a CSV file.

    A name goes before a path: a folder called ``mnist`` is ``./mnist``. Files of a named set are
    looked for in ``<data_dir>/<name>``, then in ``data_dir``; what is missing is downloaded
    where the set has mirrors.

    Args:
        sources: the named sets.
        own: reads one's own pictures from a path, which the user called by a text; by default
            those of a folder with one subfolder a class, or of a CSV file with labels.

    Raises:
        UnknownNameError: neither; the nearest name is suggested.
        DataError: files that are missing and cannot be had, or that cannot be used.
    """
    text = str(name_or_path)
    if text not in sources and _looks_like_a_path(text):
        path = Path(text).expanduser()
        if not path.exists():
            raise DataError(f"{path}: no such file or folder; check the name")
        return (own or read_own)(path, text)
    source = sources[nearest(text, sources, "data set")]
    folder = _folder(text, source, _root(data_dir))
    for file in _missing(source, folder):
        _fetch_file(text, source, file, folder, progress=True)
    return source.reader(text, source, list(_paths(source, folder).values()))


def read_own(path: Path, text: str) -> Dataset:
    """One's own pictures. They are called as the user wrote it, which no registered name is."""
    if path.is_dir():
        return as_own(path, text, readers.read_folder(path))
    return as_own(path, text, readers.read_csv(checked_csv(path)))


def checked_csv(path: Path) -> Path:
    """The path, if it is called as a CSV file is; DataError otherwise."""
    if path.suffix.lower() != ".csv":
        raise DataError(f"{path} is neither a folder of pictures nor a CSV file; give one of them")
    return path


def as_own(path: Path, text: str, read: readers.Labelled) -> Dataset:
    """What was read of one's own pictures."""
    kind = "Folder" if path.is_dir() else "CSV file"
    return Dataset.of(text, f"{kind} {path.resolve().name}", str(path), "not stated", read)


def is_here(name: str, source: Source, data_dir: Path | None = None) -> bool:
    """Whether the files of a named set lie in the data folder, or come with the package."""
    return not _missing(source, _folder(name, source, _root(data_dir)))


def fetch(name: str, source: Source, data_dir: Path | None = None, progress: bool = False) -> Path:
    """Download what is missing of a named set, or is not as published; the folder it lies in.

    Raises:
        DataError: it cannot be had; the message says which files to put where.
    """
    if not source.files and not source.layouts:
        return _embedded()
    root = _root(data_dir)
    if is_here(name, source, root) and not _altered(source, _folder(name, source, root)):
        return _folder(name, source, root)
    own = root / name
    for file in _missing(source, own) + _altered(source, own):
        _fetch_file(name, source, file, own, progress)
    return own


def check(name: str, source: Source, data_dir: Path | None = None) -> list[str]:
    """A line on each file of a named set, all of which are as published.

    Files of which no checksum is on record are read instead, and their sha256 is told.

    Raises:
        DataError: files are missing, altered or unreadable.
    """
    folder = _folder(name, source, _root(data_dir))
    if _missing(source, folder):
        raise DataError(f"{source.title}: not here; {put(source, folder)}")
    paths = _paths(source, folder)
    if altered := _altered(source, folder):
        raise DataError(
            f"{source.title}: {', '.join(altered)} in {folder} not as published; "
            f"bpapps data fetch {name} gets it anew"
        )
    if source.sha256:
        return [f"{path}: as published" for path in paths.values()]
    dataset = source.reader(name, source, list(paths.values()))
    if not paths:
        return [f"{_embedded()}: {len(dataset.whole)} pictures, sha256 {dataset.sha256}"]
    if any(path.is_dir() for path in paths.values()):
        count = f"{len(dataset.whole)} pictures and {dataset.n_duplicates} copies"
        return [f"{paths.popitem()[1]}: {count}, sha256 {dataset.sha256} (none on record)"]
    return [
        f"{path}: readable, sha256 {readers.sha256(readers.content(path))} (none on record)"
        for path in paths.values()
    ]


def _folder(name: str, source: Source, root: Path) -> Path:
    """Where all files of a set lie, or else where they belong."""
    own = root / name
    return next((folder for folder in (own, root) if not _missing(source, folder)), own)


def _paths(source: Source, folder: Path) -> dict[str, Path]:
    """The files of a set that lie in a folder, by their names in the registry."""
    if source.layouts:
        return {} if _missing(source, folder) else {source.title: folder}
    found = {file: _find(folder, file) for file in source.files}
    return {file: path for file, path in found.items() if path is not None}


def _find(folder: Path, file: str) -> Path | None:
    """The file, gzipped or not, in either spelling that is about: …-idx3-… and ….idx3-…

    Or the folder, where the name ends in a slash.
    """
    if file.endswith("/"):
        return folder / file if (folder / file).is_dir() else None
    for stem in (file, file.replace("-idx", ".idx")):
        for path in (folder / f"{stem}.gz", folder / stem):
            if path.is_file():
                return path
    return None


def _missing(source: Source, folder: Path) -> list[str]:
    layouts = source.layouts
    if layouts:
        return [] if lying(folder, layouts, first_only=True) else list(layouts[0])
    return [file for file in source.files if file not in _paths(source, folder)]


def _altered(source: Source, folder: Path) -> list[str]:
    """Those of a set's files in a folder that are not what its authors published."""
    return [
        file
        for file, path in _paths(source, folder).items()
        if not _as_published(path, source.sha256.get(file))
    ]


def _as_published(path: Path, sha256: str | None) -> bool:
    """Whether a file's content has a sha256; true where none is on record."""
    if path.is_dir():
        return True
    try:
        return sha256 in (None, readers.sha256(readers.content(path)))
    except DataError:  # damaged
        return False


def _fetch_file(name: str, source: Source, file: str, folder: Path, progress: bool) -> None:
    if not source.urls:
        raise DataError(f"{source.title} is not here; {put(source, folder)}")
    try:
        download(
            [f"{url}{file}.gz" for url in source.urls],
            folder / f"{file}.gz",
            lambda part: _as_published(part, source.sha256[file]),
            progress,
        )
    except OSError as error:
        raise DataError(
            f"{source.title} is not here and cannot be downloaded ({error}); {put(source, folder)}"
        ) from None


def put(source: Source, folder: Path) -> str:
    """What the user is to put where."""
    missing = _missing(source, folder) or source.files
    files = ", ".join(
        file if file.endswith("/") or source.layouts else f"{file}.gz" for file in missing
    )
    return f"put {files} from {source.source} into {folder}"


def _embedded() -> Path:
    """Where scikit-learn keeps its digits."""
    import sklearn.datasets

    return Path(sklearn.datasets.__file__).parent / "data"


def lying(
    folder: Path, layouts: tuple[tuple[str, ...], ...], first_only: bool = False
) -> list[Path]:
    """The files of the first layout that is found whole, or only the first of each pattern."""
    for patterns in layouts:
        found = [itertools.islice(folder.glob(pattern), first_only or None) for pattern in patterns]
        files = [list(part) for part in found]
        if all(files):
            return [file for part in files for file in part]
    return []


def _looks_like_a_path(text: str) -> bool:
    separators = [separator for separator in (os.sep, os.altsep) if separator]
    return (
        any(separator in text for separator in separators)
        or text.lower().endswith(".csv")
        or Path(text).exists()
    )
