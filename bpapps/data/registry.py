"""Data sets by name: where each comes from, its licence, its files, and how they are read.

One's own pictures are read by path: a folder with one subfolder a class, or a writer, or a CSV
file.
"""

from __future__ import annotations

import itertools
import os
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.data import readers
from bpapps.data.download import download
from bpapps.data.readers import DataError as DataError
from bpapps.names import nearest
from bpapps.pictures.arrays import Pictures


@dataclass(frozen=True)
class Dataset:
    """Pictures and their labels, and what a report says of them.

    Pictures are an array (n, height, width), of bytes or of float32 in [0, 1]; or a list of such
    float32 arrays where their sizes differ. Labels, (n,), are integers where every label is a
    whole number, else strings. ``sha256`` is of pictures and labels; ``n_duplicates`` counts the
    exact duplicates that were dropped, which IDX files are not searched for. Pictures of one of
    the ``groups``, (n,), are near-copies, and belong on one side of any split.

    Where it is asked who wrote, labels are the writers' names and groups too, and ``genuine``,
    (n,), is false for a skilled forgery of the writer's hand; ``files``, (n,), are the pictures'
    files as seen from the data's folder, where they lie in files.
    """

    name: str
    title: str
    source: str
    licence: str
    images: NDArray[Any] | Pictures
    labels: NDArray[Any]
    sha256: str
    test_images: NDArray[Any] | Pictures | None = None
    test_labels: NDArray[Any] | None = None
    n_duplicates: int = 0
    groups: NDArray[Any] | None = None
    genuine: NDArray[np.bool_] | None = None
    files: NDArray[np.str_] | None = None


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


def load(name_or_path: str, data_dir: Path | None = None, *, of_writers: bool = False) -> Dataset:
    """The data set of a name, or one's own pictures in a folder or a CSV file.

    One's own signatures are told from other pictures by the folders ``<writer>/genuine`` and
    ``<writer>/forged``, or the columns ``file,writer,genuine``. A folder of signatures that lie
    and are called as those of a named set is read as that set.

    A name goes before a path: a folder called ``mnist`` is ``./mnist``. Files of a named set are
    looked for in ``<data_dir>/<name>``, then in ``data_dir``; what is missing is downloaded
    where the set has mirrors.

    Args:
        of_writers: a folder of one's own can only be one of signatures, and is refused where they
            are not laid out as such.

    Raises:
        UnknownNameError: neither; the nearest name is suggested.
        DataError: files that are missing and cannot be had, or that cannot be used.
    """
    text = str(name_or_path)
    if text not in DATASETS and _looks_like_a_path(text):
        return _own(text, of_writers)
    source = DATASETS[nearest(text, DATASETS, "data set")]
    root = _root(data_dir)
    folder = _folder(text, root)
    for file in _missing(text, folder):
        _fetch_file(text, file, folder, progress=True)
    return source.reader(text, source, list(_paths(text, folder).values()))


def is_here(name: str, data_dir: Path | None = None) -> bool:
    """Whether the files of a named set lie in the data folder, or come with the package."""
    nearest(name, DATASETS, "data set")
    return not _missing(name, _folder(name, _root(data_dir)))


def fetch(name: str, data_dir: Path | None = None, progress: bool = False) -> Path:
    """Download what is missing of a named set, or is not as published; the folder it lies in.

    Raises:
        UnknownNameError: no such set; the nearest name is suggested.
        DataError: it cannot be had; the message says which files to put where.
    """
    source = DATASETS[nearest(name, DATASETS, "data set")]
    if not source.files and not source.layouts:
        return _embedded()
    root = _root(data_dir)
    if is_here(name, root) and not _altered(name, _folder(name, root)):
        return _folder(name, root)
    own = root / name
    for file in _missing(name, own) + _altered(name, own):
        _fetch_file(name, file, own, progress)
    return own


def check(name: str, data_dir: Path | None = None) -> list[str]:
    """A line on each file of a named set, all of which are as published.

    Files of which no checksum is on record are read instead, and their sha256 is told.

    Raises:
        UnknownNameError: no such set; the nearest name is suggested.
        DataError: files are missing, altered or unreadable.
    """
    source = DATASETS[nearest(name, DATASETS, "data set")]
    folder = _folder(name, _root(data_dir))
    if _missing(name, folder):
        raise DataError(f"{source.title}: not here; {_put(name, folder)}")
    paths = _paths(name, folder)
    if altered := _altered(name, folder):
        raise DataError(
            f"{source.title}: {', '.join(altered)} in {folder} not as published; "
            f"bpapps data fetch {name} gets it anew"
        )
    if source.sha256:
        return [f"{path}: as published" for path in paths.values()]
    dataset = source.reader(name, source, list(paths.values()))
    if not paths:
        return [f"{_embedded()}: {len(dataset.labels)} pictures, sha256 {dataset.sha256}"]
    if any(path.is_dir() for path in paths.values()):
        count = f"{len(dataset.labels)} pictures and {dataset.n_duplicates} copies"
        return [f"{paths.popitem()[1]}: {count}, sha256 {dataset.sha256} (none on record)"]
    return [
        f"{path}: readable, sha256 {readers.sha256(readers.content(path))} (none on record)"
        for path in paths.values()
    ]


def _folder(name: str, root: Path) -> Path:
    """Where all files of a set lie, or else where they belong."""
    own = root / name
    return next((folder for folder in (own, root) if not _missing(name, folder)), own)


def _paths(name: str, folder: Path) -> dict[str, Path]:
    """The files of a set that lie in a folder, by their names in the registry."""
    if DATASETS[name].layouts:
        return {} if _missing(name, folder) else {name: folder}
    found = {file: _find(folder, file) for file in DATASETS[name].files}
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


def _missing(name: str, folder: Path) -> list[str]:
    layouts = DATASETS[name].layouts
    if layouts:
        return [] if _lying(folder, layouts, first_only=True) else list(layouts[0])
    return [file for file in DATASETS[name].files if file not in _paths(name, folder)]


def _altered(name: str, folder: Path) -> list[str]:
    """Those of a set's files in a folder that are not what its authors published."""
    return [
        file
        for file, path in _paths(name, folder).items()
        if not _as_published(path, DATASETS[name].sha256.get(file))
    ]


def _as_published(path: Path, sha256: str | None) -> bool:
    """Whether a file's content has a sha256; true where none is on record."""
    if path.is_dir():
        return True
    try:
        return sha256 in (None, readers.sha256(readers.content(path)))
    except DataError:  # damaged
        return False


def _fetch_file(name: str, file: str, folder: Path, progress: bool) -> None:
    source = DATASETS[name]
    if not source.urls:
        raise DataError(f"{source.title} is not here; {_put(name, folder)}")
    try:
        download(
            [f"{url}{file}.gz" for url in source.urls],
            folder / f"{file}.gz",
            lambda part: _as_published(part, source.sha256[file]),
            progress,
        )
    except OSError as error:
        raise DataError(
            f"{source.title} is not here and cannot be downloaded ({error}); {_put(name, folder)}"
        ) from None


def _put(name: str, folder: Path) -> str:
    """What the user is to put where."""
    source = DATASETS[name]
    missing = _missing(name, folder) or source.files
    files = ", ".join(
        file if file.endswith("/") or source.layouts else f"{file}.gz" for file in missing
    )
    return f"put {files} from {source.source} into {folder}"


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
    _deny_another(name, found, paths[0].parent)
    altered = bool(source.sha256) and found != source.sha256
    return Dataset(
        name=name,
        title=f"{source.title}, not as published" if altered else source.title,
        source=source.source,
        licence=source.licence,
        images=images,
        labels=_named(labels, source, paths[1]),
        sha256=readers.sha256("".join(found.values()).encode()),
        test_images=test_images,
        test_labels=_named(test_labels, source, paths[3]),
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


def _deny_another(name: str, found: Mapping[str, str], folder: Path) -> None:
    """DataError where files are known to be another set's: MNIST and KMNIST call them alike."""
    for other, row in DATASETS.items():
        if other != name and not found.items().isdisjoint(row.sha256.items()):
            own = folder if folder.name == name else folder / name
            raise DataError(
                f"{folder} holds {row.title}, not {DATASETS[name].title}; {_put(name, own)}"
            )


def _emnist(name: str, source: Source, paths: list[Path]) -> Dataset:
    """As MNIST, but each picture is stored column by column."""
    dataset = _mnist_like(name, source, paths)
    upright = [
        np.ascontiguousarray(np.asarray(images).transpose(0, 2, 1))
        for images in (dataset.images, dataset.test_images)
    ]
    return replace(dataset, images=upright[0], test_images=upright[1])


def _hand62(name: str, source: Source, paths: list[Path]) -> Dataset:
    """Photos called CAP_A_0, SMALL_i_83 or DIGIT_7_12; one of them is of 1×2 pixels."""
    pattern = re.compile("(?:CAP|SMALL|DIGIT)_(.)_[0-9]+")
    return replace(_named_pictures(name, source, paths[0], pattern), groups=None)


def _plate_characters(name: str, source: Source, paths: list[Path]) -> Dataset:
    """Crops called by their class, a number, and the plate or the time of the photo."""
    return _named_pictures(name, source, paths[0], re.compile("(.)-[0-9]+-(.+)"))


def _named_pictures(name: str, source: Source, folder: Path, pattern: re.Pattern) -> Dataset:
    """Pictures whose files' names hold the label and the group."""

    def about(stem: str) -> tuple[str, str] | None:
        found = pattern.fullmatch(stem)
        return None if found is None else (found[1], found[found.lastindex or 0])

    read = readers.read_named(folder, about)
    return Dataset(
        name=name,
        title=source.title,
        source=source.source,
        licence=source.licence,
        images=read.images,
        labels=read.labels.astype(str),
        sha256=read.sha256,
        n_duplicates=read.n_duplicates,
        groups=read.groups,
    )


def _signed(name: str, source: Source, paths: list[Path]) -> Dataset:
    """A set whose files' names tell the writer and, in a word, who really wrote.

    The name of a folder that is a number goes before the writer's number in the file's name: in
    BHSig260 the Hindi folder 123 holds files named 124.
    """
    files = []
    for file, found in _signatures_in(paths[0], source):
        parent = file.parent.name
        writer = int(parent if parent.isdecimal() else found["writer"])
        number = int(re.findall("[0-9]+", file.stem)[-1])
        is_genuine = found["kind"].lower() in _SIGNED_GENUINE
        files.append((writer, not is_genuine, number, file))
    if not files:
        raise DataError(f"{paths[0]} has no pictures of the set's names; {_put(name, paths[0])}")
    signed = [(file, (str(who), not forged)) for who, forged, _, file in sorted(files)]
    return _of_writers(
        readers.read_signed(paths[0], signed), name, source.title, source.source, source.licence
    )


def _signatures_in(folder: Path, source: Source) -> list[tuple[Path, re.Match]]:
    """The pictures that lie and are called as a set's, and what their names tell."""
    named = re.compile(source.stems, re.IGNORECASE)
    found = [(file, named.fullmatch(file.stem)) for file in _lying(folder, source.layouts)]
    return [
        (file, match) for file, match in found if match and file.suffix.lower() in readers.SUFFIXES
    ]


_SIGNED_GENUINE = ("original", "c", "v", "g")
"""How published sets call a genuine signature in a file's name (v: verdadera)."""


def _lying(
    folder: Path, layouts: tuple[tuple[str, ...], ...], first_only: bool = False
) -> list[Path]:
    """The files of the first layout that is found whole, or only the first of each pattern."""
    for patterns in layouts:
        found = [itertools.islice(folder.glob(pattern), first_only or None) for pattern in patterns]
        files = [list(part) for part in found]
        if all(files):
            return [file for part in files for file in part]
    return []


def _of_writers(
    read: readers.Labelled, name: str, title: str, source: str, licence: str
) -> Dataset:
    return Dataset(
        name=name,
        title=title,
        source=source,
        licence=licence,
        images=read.images,
        labels=read.labels,
        sha256=read.sha256,
        n_duplicates=read.n_duplicates,
        groups=read.labels if read.genuine is not None else None,
        genuine=read.genuine,
        files=read.files,
    )


def _sklearn_digits(name: str, source: Source, paths: list[Path]) -> Dataset:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = (bunch.images / 16).astype(np.float32)
    labels = bunch.target.astype(np.int64)
    digest = readers.sha256(images.tobytes() + labels.tobytes())
    return Dataset(name, source.title, source.source, source.licence, images, labels, digest)


def _embedded() -> Path:
    """Where scikit-learn keeps its digits."""
    import sklearn.datasets

    return Path(sklearn.datasets.__file__).parent / "data"


def _looks_like_a_path(text: str) -> bool:
    separators = [separator for separator in (os.sep, os.altsep) if separator]
    return (
        any(separator in text for separator in separators)
        or text.lower().endswith(".csv")
        or Path(text).exists()
    )


def _own(text: str, of_writers: bool) -> Dataset:
    """One's own pictures. They are called as the user wrote it, which no registered name is."""
    path = Path(text).expanduser()
    if path.is_dir():
        for name, source in DATASETS.items():
            if source.layouts and _signatures_in(path, source):
                return replace(source.reader(name, source, [path]), name=text)
        is_by_writer = of_writers or readers.is_by_writer(path)
        read = readers.read_writers(path) if is_by_writer else readers.read_folder(path)
        kind = "Folder"
    elif path.suffix.lower() == ".csv" and path.exists():
        read, kind = readers.read_csv(path), "CSV file"
    elif path.exists():
        raise DataError(f"{path} is neither a folder of pictures nor a CSV file; give one of them")
    else:
        raise DataError(f"{path}: no such file or folder; check the name")
    return _of_writers(read, text, f"{kind} {path.resolve().name}", str(path), "not stated")


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
    # the layouts are those of the archives and of the copies that go round (Kaggle's
    # ishanikathuria/handwritten-signature-datasets and nth2165/bhsig260-hindi-bengali)
    "cedar": Source(
        title="CEDAR signatures",
        source="https://cedar.buffalo.edu/NIJ/data/signatures.rar",
        licence="not stated; for research",
        reader=_signed,
        stems="(?P<kind>original|forgeries)_(?P<writer>[0-9]+)_[0-9]+",
        layouts=(
            ("full_org/original_*", "full_forg/forgeries_*"),
            ("signatures/full_org/original_*", "signatures/full_forg/forgeries_*"),
            ("[0-9]*/original_*", "[0-9]*/forgeries_*"),
            ("CEDAR/[0-9]*/original_*", "CEDAR/[0-9]*/forgeries_*"),
            ("CEDAR/CEDAR/[0-9]*/original_*", "CEDAR/CEDAR/[0-9]*/forgeries_*"),
        ),
    ),
    "gpds": Source(  # GPDS-960 and GPDSsyntheticSignature have the same names
        title="GPDS signatures",
        source="http://gpds.ulpgc.es/downloadnew/download.htm (by a signed licence)",
        licence="by signed agreement, for research",
        reader=_signed,
        stems="(?P<kind>c|cf)-(?P<writer>[0-9]+)-[0-9]+",
        layouts=tuple(
            (f"{folder}[0-9]*/c-*", f"{folder}[0-9]*/cf-*")
            for folder in ("", "firmasSINTESISmanuscritas/", "*/firmasSINTESISmanuscritas/")
        ),
    ),
    "mcyt75": Source(  # its forgeries are called 0003_0002f00, forger and writer, or 0002f00
        title="MCYT-75 signatures",
        source="http://atvs.ii.uam.es (by a signed licence)",
        licence="by signed agreement, for research",
        reader=_signed,
        stems="(?:[0-9]{4}_)?(?P<writer>[0-9]{4})(?P<kind>[vf])[0-9]+",
        layouts=tuple(
            (f"{folder}[0-9]*/*[0-9][vV][0-9]*", f"{folder}[0-9]*/*[0-9][fF][0-9]*")
            for folder in ("", "2004_MCYTDB_OffLineSignSubCorpus/", "MCYTDB/")
        ),
    ),
    **{
        f"bhsig-{script.lower()}": Source(
            title=f"BHSig260 signatures, {script}",
            source="Pal, Alaei, Pal and Blumenstein, DAS 2016 (of the authors)",
            licence="not stated; for research",
            reader=_signed,
            stems=f"{script[0]}-S-(?P<writer>[0-9]+)-(?P<kind>[GF])-[0-9]+",
            layouts=tuple(
                (f"{folder}/{script[0]}-S-*-G-*", f"{folder}/{script[0]}-S-*-F-*")
                for folder in (
                    f"{script}/[0-9]*",
                    f"BHSig260/{script}/[0-9]*",
                    "[0-9]*",
                    f"BHSig260-{script}/[0-9]*",
                    f"BHSig260-{script}/BHSig260-{script}/[0-9]*",
                    f"BHSig{count}_{script}",
                    f"BHSig{count}_{script}/*",
                )
            ),
        )
        for script, count in (("Bengali", 100), ("Hindi", 160))
    },
}
