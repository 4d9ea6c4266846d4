"""Data sets: the readers on files that the tests write, downloads from a server that they run."""

from __future__ import annotations

import gzip
import os
import re
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tools import picture, write_folder

from bpapps.data import named, readers, registry
from bpapps.data.named import DATASETS
from bpapps.data.readers import DataError
from bpapps.data.registry import Source
from bpapps.names import UnknownNameError

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (12, 6, 5), dtype=np.uint8)
LABELS = np.arange(12, dtype=np.uint8) % 10
PART = {"train": slice(0, 8), "t10k": slice(8, 12), "test": slice(8, 12)}
MNIST = DATASETS["mnist"].files
REAL = Path(os.environ.get("BPAPPS_DATA", ""))


def fetch(name: str, data_dir: Path | None = None) -> Path:
    return registry.fetch(name, DATASETS[name], data_dir)


def check(name: str, data_dir: Path | None = None) -> list[str]:
    return registry.check(name, DATASETS[name], data_dir)


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_set(folder: Path, files: tuple[str, ...] = MNIST) -> Path:
    """The four files of a small set, gzipped; EMNIST's with pictures column by column."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        rows = next(rows for part, rows in PART.items() if part in file)
        array = (PICTURES if "images" in file else LABELS)[rows]
        if file.startswith("emnist") and array.ndim == 3:
            array = array.transpose(0, 2, 1)
        (folder / f"{file}.gz").write_bytes(gzip.compress(idx(array)))
    return folder


# ------------------------------------------------------------------ IDX


@pytest.mark.parametrize("spelling", ["-idx", ".idx"])
@pytest.mark.parametrize("suffix", [".gz", ""])
@pytest.mark.parametrize("place", ["mnist", "."])
@pytest.mark.parametrize("name", ["mnist", "kmnist"])
def test_idx_files_of_either_spelling_and_place(
    tmp_path: Path, name: str, place: str, suffix: str, spelling: str
) -> None:
    folder = tmp_path / place.replace("mnist", name)
    folder.mkdir(exist_ok=True)
    for file in write_set(tmp_path / "made").iterdir():
        data = file.read_bytes() if suffix else gzip.decompress(file.read_bytes())
        (folder / (file.stem.replace("-idx", spelling) + suffix)).write_bytes(data)
    dataset = named.load(name, tmp_path)
    assert named.is_here(name, tmp_path)
    np.testing.assert_array_equal(dataset.whole.pictures, PICTURES[:8])
    np.testing.assert_array_equal(dataset.whole.targets, LABELS[:8])
    assert dataset.test is not None
    np.testing.assert_array_equal(dataset.test.pictures, PICTURES[8:])
    np.testing.assert_array_equal(dataset.test.targets, LABELS[8:])
    assert dataset.whole.targets.dtype == np.int64
    assert ("not as published" in dataset.title) == (name == "mnist")


def test_emnist_is_put_upright(tmp_path: Path) -> None:
    files = DATASETS["emnist-digits"].files
    assert "emnist-digits-test-labels-idx1-ubyte" in files
    write_set(tmp_path / "emnist-digits", files)
    dataset = named.load("emnist-digits", tmp_path)
    np.testing.assert_array_equal(dataset.whole.pictures, PICTURES[:8])
    assert dataset.test is not None
    np.testing.assert_array_equal(dataset.test.pictures, PICTURES[8:])


def test_what_is_not_gzipped_though_called_so(tmp_path: Path) -> None:
    for file in write_set(tmp_path).iterdir():
        file.write_bytes(gzip.decompress(file.read_bytes()))
    assert len(named.load("mnist", tmp_path).whole) == 8


def test_sha256_tells_pictures_and_labels(tmp_path: Path) -> None:
    write_set(tmp_path)
    whole = named.load("mnist", tmp_path).sha256
    assert whole == named.load("mnist", tmp_path).sha256
    (tmp_path / f"{MNIST[3]}.gz").write_bytes(idx(LABELS[:4]))
    assert named.load("mnist", tmp_path).sha256 != whole


TRAIN, TRAIN_LABELS, TEST, _ = MNIST
GOOD = idx(PICTURES[:8])
BAD_IDX: dict[str, tuple[str, bytes, str]] = {
    "empty": (TRAIN, b"", "is empty"),
    "empty inside": (TRAIN, gzip.compress(b""), "is empty"),
    "two bytes": (TRAIN, b"\0\0", "magic number 0, not 2051"),
    "labels for pictures": (TRAIN, idx(LABELS), "magic number 2049, that of labels, not 2051"),
    "pictures for labels": (TRAIN_LABELS, GOOD, "magic number 2051, that of pictures, not 2049"),
    "text": (TRAIN, b"<html>not found</html>", "magic number"),
    "floats": (TRAIN, b"\0\0\x0d\x03" + GOOD[4:], "magic number 3331"),
    "header only begun": (TRAIN, GOOD[:9], "ends within its header"),
    "short body": (TRAIN, GOOD[:-1], "8×6×5 = 240 bytes after its header, but holds 239"),
    "long body": (TRAIN, GOOD + b"\0", "but holds 241"),
    "immense": (TRAIN, struct.pack(">4I", 2051, *[2**32 - 1] * 3), "but holds 0"),
    "no pictures": (TRAIN, struct.pack(">4I", 2051, 0, 28, 28), "holds nothing"),
    "fewer labels": (TRAIN_LABELS, idx(LABELS[:7]), "8 pictures, but .* 7 labels"),
    "label 10": (TRAIN_LABELS, idx(np.full(8, 10)), "label 0 is 10, out of the range 0 to 9"),
    "cut gzip": (TRAIN, gzip.compress(GOOD)[:-20], "damaged or cut short"),
    "cut gzip header": (TRAIN, gzip.compress(GOOD)[:5], "damaged or cut short"),
    "altered gzip": (TRAIN, gzip.compress(GOOD)[:-6] + b"abcdef", "damaged or cut short"),
    "other size": (TEST, idx(PICTURES[8:, :5]), "different sizes"),
}


@pytest.mark.parametrize("case", BAD_IDX)
def test_bad_idx_files(tmp_path: Path, case: str) -> None:
    file, data, message = BAD_IDX[case]
    path = write_set(tmp_path / "mnist") / f"{file}.gz"
    path.write_bytes(data)
    assert message_of(DataError, named.load, "mnist", tmp_path, naming=path, saying=message)


def message_of(
    kind: type[Exception], call: Any, *args: Any, naming: object = "", saying: str = ""
) -> str:
    """The message of the error that a call raises: one line, naming and saying these."""
    with pytest.raises(kind) as caught:
        call(*args)
    text = str(caught.value)
    assert "\n" not in text
    assert str(naming) in text
    assert re.search(saying, text), text
    return text


# ------------------------------------------------------------------ folders


def test_folder_of_pictures(tmp_path: Path) -> None:
    root = write_folder(
        tmp_path / "photos",
        {
            "3/b.PNG": 1, "3/a.Jpeg": 2, "10/x.bmp": 3, "10/deeper/y.png": 4, "3/note.txt": b"hi",
            "3/.hidden.png": 5, ".cache/z.png": 6, "top.png": 7,
        },
    )  # fmt: skip
    dataset = named.load(str(root))
    assert isinstance(dataset.whole.pictures, np.ndarray)
    assert (dataset.whole.pictures.shape, dataset.whole.pictures.dtype) == ((3, 9, 7), np.float32)
    assert dataset.whole.targets.tolist() == [10, 3, 3]
    assert dataset.whole.targets.dtype == np.int64
    expected = np.asarray(picture(1), dtype=np.float32) / 255
    np.testing.assert_allclose(dataset.whole.pictures[2], expected, atol=1e-6)
    assert (dataset.title, dataset.test, dataset.n_duplicates) == ("Folder photos", None, 0)


def test_pictures_of_several_sizes_and_named_classes(tmp_path: Path) -> None:
    files = {"a/1.png": picture(1, (5, 8)), "b/1.tiff": picture(2, (20, 10)), "2/1.gif": 3}
    dataset = named.load(str(write_folder(tmp_path, files)))
    assert isinstance(dataset.whole.pictures, list)
    assert [image.shape for image in dataset.whole.pictures] == [(9, 7), (5, 8), (20, 10)]
    assert dataset.whole.targets.tolist() == ["2", "a", "b"]


def test_large_pictures_are_averaged_down(tmp_path: Path) -> None:
    files = {"a/1.png": Image.new("L", (3000, 1500), 51), "b/1.png": 1}
    dataset = named.load(str(write_folder(tmp_path, files)))
    assert dataset.whole.pictures[0].shape == (500, 1000)
    np.testing.assert_allclose(dataset.whole.pictures[0], 0.2, atol=1e-6)


def test_duplicates_are_dropped_and_counted(tmp_path: Path) -> None:
    files = {"0/a.png": 1, "0/b.bmp": 1, "0/c.png": 2, "1/a.png": 3, "1/b.png": 3}
    dataset = named.load(str(write_folder(tmp_path, files)))
    assert dataset.whole.targets.tolist() == [0, 0, 1]
    assert dataset.n_duplicates == 2


def test_equal_pictures_of_two_classes_keep_the_first_label(tmp_path: Path) -> None:
    root = write_folder(tmp_path, {"o/a.png": 1, "0/a.png": 1, "o/b.png": 2})
    with pytest.warns(UserWarning, match="1 of 3 pictures equal.*class 'o', kept as '0'"):
        dataset = named.load(str(root))
    assert dataset.whole.targets.tolist() == ["0", "o"]
    assert dataset.n_duplicates == 1


def test_unreadable_pictures_are_skipped_with_one_warning(tmp_path: Path) -> None:
    files = {"0/a.png": 1, "1/a.png": 2, "1/b.png": b"", "1/c.png": b"text"}
    with pytest.warns(UserWarning, match="skipped") as caught:
        dataset = named.load(str(write_folder(tmp_path, files)))
    assert len(dataset.whole.targets) == 2
    (warning,) = caught
    assert f"skipped 2 of 4 pictures; the first: {tmp_path / '1' / 'b.png'} is empty" in str(
        warning.message
    )


def test_content_alone_decides_the_sha256(tmp_path: Path) -> None:
    one = named.load(str(write_folder(tmp_path / "x", {"0/a.png": 1, "1/b.png": 2})))
    same = named.load(str(write_folder(tmp_path / "y", {"0/c.bmp": 1, "1/d.png": 2})))
    other = named.load(str(write_folder(tmp_path / "z", {"0/a.png": 1, "2/b.png": 2})))
    assert one.sha256 == same.sha256 != other.sha256


BAD_FOLDERS: dict[str, tuple[dict[str, Any], str]] = {
    "empty": ({}, "has no subfolders"),
    "pictures without classes": ({"a.png": 1, "b.png": 2}, "has no subfolders"),
    "no pictures": ({"0/a.txt": b"", "1/b.txt": b""}, "no pictures in its subfolders"),
    "none readable": ({"0/a.png": b"", "1/b.png": b"x"}, "none of its 2 pictures.*a.png is empty"),
    "one class": ({"0/a.png": 1, "0/b.png": 2}, "one class only, 0"),
    "one class, spelled twice": ({"1/a.png": 1, "01/b.png": 2}, "one class only, 1"),
}


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_bad_folders(tmp_path: Path, case: str) -> None:
    files, message = BAD_FOLDERS[case]
    root = write_folder(tmp_path / "own", files)
    assert message_of(DataError, named.load, str(root), naming=root, saying=message)


# ------------------------------------------------------------------ CSV


def pixel_csv(rows: int = 6, side: int = 4, top: float = 255) -> list[str]:
    values = np.random.default_rng(1).integers(0, 256, (rows, side * side)) * (top / 255)
    values[0, 0] = top
    header = ",".join(["label", *(f"pixel{i}" for i in range(side * side))])
    return [header, *(f"{i % 3}," + ",".join(f"{v:.9g}" for v in values[i]) for i in range(rows))]


@pytest.mark.parametrize("top", [255, 16, 1])
def test_csv_of_pixels(tmp_path: Path, top: float) -> None:
    path = tmp_path / "own.csv"
    lines = pixel_csv(top=top)
    path.write_text("\n".join([*lines, "", lines[1]]), encoding="utf-8-sig")
    dataset = named.load(str(path))
    assert isinstance(dataset.whole.pictures, np.ndarray)
    assert dataset.whole.pictures.shape == (6, 4, 4)
    assert dataset.whole.pictures.max() == 1
    first = np.array([float(v) for v in lines[1].split(",")[1:]]) / top
    np.testing.assert_allclose(dataset.whole.pictures[0].ravel(), first, atol=1e-6)
    assert dataset.whole.targets.tolist() == [0, 1, 2, 0, 1, 2]
    assert (dataset.n_duplicates, dataset.title) == (1, "CSV file own.csv")


@pytest.mark.parametrize("header", ["path,label", "Label,Path", "note,path,label"])
def test_csv_of_paths(tmp_path: Path, header: str) -> None:
    write_folder(tmp_path, {"in/a.png": 1, "b.png": 2})
    rows = [{"path": "in/a.png", "label": "x", "note": ""}, {"path": "b.png", "label": "y"}]
    columns = header.lower().split(",")
    lines = [header, *(",".join(row.get(c, "") for c in columns) for row in rows)]
    (tmp_path / "list.CSV").write_text("\n".join(lines))
    dataset = named.load(str(tmp_path / "list.CSV"))
    assert dataset.whole.targets.tolist() == ["x", "y"]
    np.testing.assert_allclose(dataset.whole.pictures[1] * 255, np.asarray(picture(2)), atol=1e-4)


def altered(line: int, new: str) -> bytes:
    lines = pixel_csv()
    lines[line] = new
    return "\n".join(lines).encode()


PIXELS = ",".join("0" * 15)
BAD_CSV: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "line 1 is no header"),
    "no header": (altered(0, "0," + PIXELS + ",0"), "line 1 is no header"),
    "semicolons": (b"label;pixel0\n1;2\n", "line 1 is no header"),
    "label alone": (b"label\n1\n", "line 1 names 0 pixels"),
    "not square": (altered(0, "label," + ",".join("abcdefghijklmnopq")), "line 1 names 17 pixels"),
    "tiny": (b"label,p\n1,2\n", "line 1 names 1 pixels"),
    "no rows": (pixel_csv()[0].encode(), "has no rows"),
    "short row": (altered(3, "1,2,3"), "line 4 has 3 fields, but the header 17"),
    "no label": (altered(2, f" ,{PIXELS},0"), "line 3 has no label"),
    "word": (altered(2, f"1,{PIXELS},x"), "line 3 has a pixel that is not a number"),
    "nan": (altered(2, f"1,{PIXELS},nan"), "line 3 has a pixel out of the range"),
    "infinity": (altered(2, f"1,{PIXELS},inf"), "line 3 has a pixel out of the range"),
    "256": (altered(5, f"1,{PIXELS},256"), "line 6 has a pixel out of the range"),
    "negative": (altered(2, f"1,-1,{PIXELS}"), "line 3 has a pixel out of the range"),
    "one class": ("\n".join(pixel_csv()[:2]).encode(), "one class only, 0"),
    "missing picture": (b"path,label\nno.png,1\n", "line 2: .*no.png does not exist"),
    "empty path": (b"path,label\n\n,1\n", "line 3: .* is a folder"),
    "binary": (b"\x89PNG\xff\xfe\x00", "not a text file"),
    "endless field": (b"label,path\n1," + b"x" * 200_000, "line 2: field larger"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_bad_csv_files(tmp_path: Path, case: str) -> None:
    data, message = BAD_CSV[case]
    path = tmp_path / "own.csv"
    path.write_bytes(data)
    assert message_of(DataError, named.load, str(path), naming=path, saying=message)


# ------------------------------------------------------------------ names and places


def test_the_embedded_digits() -> None:
    dataset = named.load("digits")
    assert isinstance(dataset.whole.pictures, np.ndarray)
    assert (dataset.whole.pictures.shape, dataset.whole.pictures.dtype) == (
        (1797, 8, 8),
        np.float32,
    )
    assert (dataset.whole.pictures.min(), dataset.whole.pictures.max()) == (0, 1)
    assert np.bincount(dataset.whole.targets).tolist() == [
        178,
        182,
        177,
        183,
        181,
        182,
        181,
        179,
        174,
        180,
    ]
    assert named.is_here("digits")
    assert fetch("digits").is_dir()
    assert dataset.sha256 in check("digits")[0]


def test_unknown_names(tmp_path: Path) -> None:
    message_of(UnknownNameError, named.load, "minst", tmp_path, saying="data set 'minst'.*'mnist'")


def test_paths_that_are_nothing_or_something_else(tmp_path: Path) -> None:
    missing, text = tmp_path / "missing", tmp_path / "text.txt"
    text.write_text("label")
    message_of(DataError, named.load, str(missing), naming=missing, saying="no such file or fol")
    message_of(DataError, named.load, "missing.csv", saying="no such file or folder")
    message_of(DataError, named.load, str(text), naming=text, saying="neither a folder")


def test_a_folder_called_as_a_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "digits", {"0/a.png": 1, "1/a.png": 2})
    monkeypatch.chdir(tmp_path)
    assert len(named.load("digits").whole) == 1797
    own = named.load(f".{os.sep}digits")
    assert (len(own.whole), own.title) == (2, "Folder digits")
    assert own.name not in DATASETS


def test_where_data_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "checkout" / "bpapps" / "data" / "x.py"
    monkeypatch.setattr(registry, "__file__", str(own))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("BPAPPS_DATA", raising=False)
    assert registry.data_dir() == tmp_path / "home" / "bpapps"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert registry.data_dir() == Path.home() / ".local" / "share" / "bpapps"
    write_folder(tmp_path / "data", {"README.md": b"", ".gitignore": b""})
    assert registry.data_dir().name == "bpapps"
    write_folder(tmp_path / "data", {"photos/0/a.png": 1})
    assert registry.data_dir() == Path("data")
    write_folder(tmp_path / "checkout", {"data/mnist/x": b""})
    assert registry.data_dir() == Path("data")
    write_folder(tmp_path / "checkout", {"pyproject.toml": b""})
    assert registry.data_dir() == tmp_path / "checkout" / "data"
    monkeypatch.setenv("BPAPPS_DATA", str(tmp_path / "named"))
    assert registry.data_dir() == tmp_path / "named"
    assert registry.data_dir(Path("given")) == Path("given")


def test_sets_without_mirrors_say_what_to_put_where(tmp_path: Path) -> None:
    for call in (named.load, fetch, check):
        message_of(
            DataError, call, "emnist-digits", tmp_path, naming=tmp_path / "emnist-digits",
            saying="put emnist-digits-train-images-idx3-ubyte.gz, .* from https://www.nist.gov",
        )  # fmt: skip
    assert not named.is_here("emnist-digits", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_check_of_a_set_without_checksums(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "kmnist")
    lines = check("kmnist", tmp_path)
    assert len(lines) == 4
    assert str(folder / f"{TRAIN}.gz") in lines[0]
    assert readers.sha256(GOOD) in lines[0]
    (folder / f"{TRAIN}.gz").write_bytes(GOOD[:-1])
    message_of(DataError, check, "kmnist", tmp_path, saying="239")


def test_one_set_is_not_taken_for_another_of_the_same_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_set(tmp_path)
    mnist = Source(
        "MNIST", "", "", DATASETS["mnist"].reader, MNIST, (), {TRAIN: readers.sha256(GOOD)}
    )
    monkeypatch.setitem(DATASETS, "mnist", mnist)
    assert len(named.load("mnist", tmp_path).whole) == 8
    message_of(
        DataError, named.load, "kmnist", tmp_path, naming=tmp_path / "kmnist",
        saying="holds MNIST, not Kuzushiji-MNIST",
    )  # fmt: skip


# ------------------------------------------------------------------ downloads


class Server(ThreadingHTTPServer):
    """Serves a folder: ``/whole/`` knows no Range, ``/range/`` does, the others do it wrong."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.asked: list[tuple[str, str | None]] = []
        self.release = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(SimpleHTTPRequestHandler):
    server: Server

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        _, way, name = self.path.split("/")
        wanted = self.headers["Range"]
        self.server.asked.append((way, wanted))
        if way == "silent":
            self.server.release.wait(10)
        path = self.server.folder / name
        if way == "none" or not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        if way == "altered":
            data = data[:30] + bytes([data[30] ^ 255]) + data[31:]
        if way == "portal":
            data = b"<html>please log in</html>"
        start = 0
        if wanted and way in ("range", "cut"):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                self.send_error(416)
                return
        partial = start > 0 or (wanted is not None and way == "stubborn")
        self.send_response(206 if partial else 200)
        if partial:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = (start + len(data)) // 2 if way in ("cut", "whole-cut") else len(data)
        self.wfile.write(data[start:end])


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    running = Server(write_set(tmp_path / "served"))
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    yield running
    running.release.set()
    running.shutdown()
    thread.join()
    running.server_close()


def register(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    """A registry row ``tiny`` with these mirrors of the set that is served."""
    contents = [idx(a[PART[p]]) for p in ("train", "t10k") for a in (PICTURES, LABELS)]
    sums = {file: readers.sha256(data) for file, data in zip(MNIST, contents, strict=True)}
    row = Source("Tiny", "https://example.org", "", DATASETS["kmnist"].reader, MNIST, urls, sums)
    monkeypatch.setitem(DATASETS, "tiny", row)


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


ALL_FOUR = sorted(f"{file}.gz" for file in MNIST)
WAYS = {
    "the first mirror": ["range"],
    "a server that knows no Range": ["whole"],
    "one without the files": ["none", "range"],
    "altered bytes": ["altered", "range"],
    "a login page": ["portal", "whole"],
    "cut off, then continued": ["cut", "range"],
    "cut off, then begun again": ["cut", "whole"],
    "cut off, then a part of the server's own choice": ["cut", "stubborn"],
    "cut off twice": ["cut", "cut", "range"],
    "cut off by one that knows no Range": ["whole-cut", "range"],
}


@pytest.mark.parametrize("case", WAYS)
def test_fetch(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    ways = WAYS[case]
    register(monkeypatch, *(f"{server.url}/{way}/" for way in ways))
    folder = fetch("tiny", tmp_path / "data")
    assert folder == tmp_path / "data" / "tiny"
    assert files_in(folder) == ALL_FOUR
    assert len(check("tiny", tmp_path / "data")) == 4
    assert [way for way, _ in server.asked] == ways * 4
    continued = [wanted for _, wanted in server.asked if wanted]
    assert len(continued) == (len(ways) - 1) * 4 * ("cut" in case)
    server.asked.clear()
    assert fetch("tiny", tmp_path / "data") == folder
    assert len(named.load("tiny", tmp_path / "data").whole) == 8
    assert server.asked == []


def test_a_download_cut_off_goes_on_with_the_next_call(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, f"{server.url}/cut/")
    message_of(DataError, fetch, "tiny", tmp_path, saying="cut off after .* bytes.*; put")
    part = tmp_path / "tiny" / f"{TRAIN}.gz.part"
    assert files_in(tmp_path / "tiny") == [part.name]
    size = part.stat().st_size
    server.asked.clear()
    register(monkeypatch, f"{server.url}/range/")
    fetch("tiny", tmp_path)
    assert server.asked[0] == ("range", f"bytes={size}-")
    assert files_in(tmp_path / "tiny") == ALL_FOUR


@pytest.mark.parametrize("way", ["range", "whole"])
@pytest.mark.parametrize("rest", [b"x" * 9, b"x" * 100_000], ids=["short", "long"])
def test_the_rest_of_another_file_is_begun_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, rest: bytes
) -> None:
    register(monkeypatch, f"{server.url}/{way}/")
    write_folder(tmp_path / "tiny", {f"{file}.gz.part": rest for file in MNIST})
    fetch("tiny", tmp_path)
    assert files_in(tmp_path / "tiny") == ALL_FOUR


def test_a_whole_part_is_only_renamed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, f"{server.url}/range/")
    served = write_set(tmp_path / "served")
    whole = {f"{file}.gz.part": (served / f"{file}.gz").read_bytes() for file in MNIST}
    write_folder(tmp_path / "tiny", whole)
    fetch("tiny", tmp_path)
    assert files_in(tmp_path / "tiny") == ALL_FOUR


@pytest.mark.parametrize("way", ["altered", "portal"])
def test_nothing_is_kept_of_a_wrong_file(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    register(monkeypatch, f"{server.url}/{way}/")
    message_of(DataError, named.load, "tiny", tmp_path, saying="served another file.*; put")
    assert files_in(tmp_path / "tiny") == []


def test_fetch_mends_what_is_altered_and_load_gets_what_is_missing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, f"{server.url}/range/")
    folder = fetch("tiny", tmp_path)
    (folder / f"{TRAIN}.gz").write_bytes(gzip.compress(idx(PICTURES[:8] // 2)))
    message_of(DataError, check, "tiny", tmp_path, saying=f"{TRAIN} in .* not as publ")
    assert named.load("tiny", tmp_path).title == "Tiny, not as published"
    fetch("tiny", tmp_path)
    assert len(check("tiny", tmp_path)) == 4
    (folder / f"{TEST}.gz").unlink()
    message_of(DataError, check, "tiny", tmp_path, saying=f"put {TEST}.gz from")
    server.asked.clear()
    assert named.load("tiny", tmp_path).title == "Tiny"
    assert len(server.asked) == 1


def test_fetch_leaves_what_lies_loose_in_the_data_folder(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, f"{server.url}/range/")
    root = write_set(tmp_path / "data")
    assert fetch("tiny", root) == root
    mine = gzip.compress(idx(PICTURES[4:]))
    (root / f"{TRAIN}.gz").write_bytes(mine)
    assert fetch("tiny", root) == root / "tiny"
    assert (root / f"{TRAIN}.gz").read_bytes() == mine
    assert len(check("tiny", root)) == 4


def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    register(monkeypatch, "http://127.0.0.1:1/", "http://nowhere.invalid/")
    text = message_of(DataError, named.load, "tiny", tmp_path, naming=tmp_path / "tiny")
    assert all(file in text for file in ALL_FOUR)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bpapps.data.download.CONNECT_SECONDS", 0.1)
    register(monkeypatch, f"{server.url}/silent/")
    start = time.monotonic()
    message_of(DataError, named.load, "tiny", tmp_path, saying="no answer within 0.1 s")
    assert time.monotonic() - start < 5


def test_a_folder_that_cannot_be_made(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, f"{server.url}/range/")
    file = tmp_path / "file"
    file.write_text("")
    text = message_of(DataError, named.load, "tiny", file, naming=file, saying="Not a direct")
    assert server.url not in text


# ------------------------------------------------------------------ the command, the real thing


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["list"], 0, "mnist            not here  MNIST (CC BY-SA 3.0)"),
        (["check", "kmnist"], 0, "sha256"),
        (["check", "mnist"], 1, f"{TRAIN}, .* not as published"),
        (["check", "minst"], 2, "did you mean 'mnist'"),
        (["fetch", "minst"], 2, "did you mean 'mnist'"),
    ],
)
def test_the_command(tmp_path: Path, args: list[str], code: int, words: str) -> None:
    write_set(tmp_path / "kmnist")
    if args[-1] == "mnist":
        write_set(tmp_path / "mnist")
    places = ["--data-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "bpapps", "data", *args, *places], capture_output=True, text=True
    )
    text = done.stdout + done.stderr
    assert done.returncode == code, text
    assert re.search(words, text) or words in text
    assert "Traceback" not in text


@pytest.mark.slow
@pytest.mark.skipif(
    not (REAL / "mnist" / f"{TRAIN}.gz").is_file(), reason="BPAPPS_DATA has no mnist/"
)
def test_the_real_mnist() -> None:
    assert len(check("mnist", REAL)) == 4
    dataset = named.load("mnist", REAL)
    assert dataset.title == "MNIST"
    assert np.shape(dataset.whole.pictures) == (60000, 28, 28)
    assert dataset.test is not None
    assert np.shape(dataset.test.pictures) == (10000, 28, 28)
    assert dataset.whole.targets[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    message_of(DataError, named.load, "kmnist", REAL / "mnist", saying="holds MNIST")


@pytest.mark.skipif(not (REAL / "hand62" / "PNG").is_dir(), reason="BPAPPS_DATA has no hand62/")
def test_real_photos(tmp_path: Path) -> None:
    """Phone photos with alpha, some of them exact duplicates, by symbolic links into classes."""
    for file in sorted((REAL / "hand62" / "PNG").glob("DIGIT_[0-3]_*")):
        folder = tmp_path / file.name.split("_")[1]
        folder.mkdir(exist_ok=True)
        (folder / file.name).symlink_to(file)
    dataset = named.load(str(tmp_path))
    assert len(dataset.whole.targets) + dataset.n_duplicates == 400
    assert set(dataset.whole.targets.tolist()) == {0, 1, 2, 3}
