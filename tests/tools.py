"""What the tests of the command line share: running it, and files for it to read."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_digits

from bpapps.cli import main

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# 8×8 pictures and a net of one hidden layer: epochs of milliseconds.
TINY = ("--preset=small", "--set=layers=null", "--set=hidden_layer_sizes=[32]", "--set=max_iter=2")


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The lines on stderr, without the usage that click puts before a wrong use."""
        usage = re.compile(r"Usage: .*|Try '.*' for help\.|\s*")
        return [line for line in self.err.splitlines() if not usage.fullmatch(line)]


def call(*arguments: object) -> Answer:
    """Run a command in this process; an exception that would be a traceback is raised."""
    result = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)
    return Answer(result.exit_code, result.stdout, result.stderr)


def start(
    *arguments: object, cwd: Path | None = None, stderr: int = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    command = [sys.executable, "-m", "bpapps", *map(str, arguments)]
    root = str(Path(__file__).parents[1])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True
    )


def finish(process: subprocess.Popen[str]) -> Answer:
    """Wait for a command that was started."""
    out, err = process.communicate(timeout=300)
    return Answer(process.returncode, out, err or "")


def run(*arguments: object, cwd: Path | None = None, stderr: int = subprocess.PIPE) -> Answer:
    """Run a command in a process of its own."""
    return finish(start(*arguments, cwd=cwd, stderr=stderr))


def contents(folder: Path) -> dict[str, str]:
    """The hash of each file below a folder; "" for a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in folder.rglob("*")
    }


def digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's digits: bytes (n, 8, 8), ink bright, and labels."""
    bunch = load_digits()
    return (bunch.images * 255 / 16).astype(np.uint8), bunch.target


def write_photo(path: Path, picture: np.ndarray) -> Path:
    """A digit, enlarged, dark ink on light paper with a margin."""
    ink = Image.fromarray(picture).resize((96, 96), Image.Resampling.BICUBIC)
    paper = np.full((128, 128), 230.0)
    paper[16:112, 16:112] -= np.asarray(ink) * 0.8
    Image.fromarray(paper.astype(np.uint8)).save(path)
    return path


def write_idx(path: Path, array: np.ndarray, magic: int | None = None, count: int = 0) -> None:
    """An IDX file of bytes, gzipped if its name says so; magic number and count as it should be."""
    header = [0x800 + array.ndim if magic is None else magic, count or len(array)]
    numbers = np.array([*header, *array.shape[1:]], dtype=">u4").tobytes()
    data = numbers + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def write_mnist(folder: Path, n_train: int = 60, n_test: int = 20) -> Path:
    """A few digits of 28×28 pixels in files as MNIST's."""
    pictures, labels = digits()
    large = np.zeros((n_train + n_test, 28, 28), dtype=np.uint8)
    large[:, 6:22, 6:22] = pictures[: len(large)].repeat(2, axis=1).repeat(2, axis=2)
    folder.mkdir(parents=True, exist_ok=True)
    for (images, marks), rows in zip(
        (IDX_FILES[:2], IDX_FILES[2:]),
        (slice(n_train), slice(n_train, n_train + n_test)),
        strict=True,
    ):
        write_idx(folder / images, large[rows])
        write_idx(folder / f"{marks}.gz", labels[rows])
    return folder


def picture(seed: int, size: tuple[int, int] = (9, 7)) -> Image.Image:
    """Gray pixels that the seed draws."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8))


def write_folder(root: Path, files: Mapping[str, Any]) -> Path:
    """Files of bytes, pictures, and random pictures of seeds, by their paths in a folder."""
    root.mkdir(exist_ok=True, parents=True)
    for name, what in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, bytes):
            path.write_bytes(what)
        else:
            (what if isinstance(what, Image.Image) else picture(what)).save(path)
    return root


def write_classes(folder: Path, classes: Sequence[int], each: int = 4) -> Path:
    """A folder of pictures with one subfolder a class."""
    pictures, labels = digits()
    for label in classes:
        (folder / str(label)).mkdir(parents=True)
        for i, picture in enumerate(pictures[labels == label][:each]):
            write_photo(folder / str(label) / f"{i}.png", picture)
    return folder
