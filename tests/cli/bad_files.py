"""Rows of bad files: pictures, data and models."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tools
from cli.cases import BAD_INPUT, Case, Make, Place
from PIL import Image
from safetensors.numpy import save_file

from bpapps.core import Chain, Dense, Params, initial_params
from bpapps.core.storage import save_network


def predict(make_file: Callable[[Place], Path]) -> Make:
    return lambda place: ["predict", place.trained, make_file(place)]


def photo(place: Place) -> Path:
    return tools.write_photo(place.folder / "photo.png", tools.digits()[0][0])


def converted(name: str, mode: str) -> Callable[[Place], Path]:
    def make(place: Place) -> Path:
        Image.open(photo(place)).convert(mode).save(place.folder / name)
        return place.folder / name

    return make


def deep(place: Place) -> Path:
    values = np.asarray(Image.open(photo(place))).astype(np.uint16) * 257
    Image.fromarray(values).save(place.folder / "deep.png")
    return place.folder / "deep.png"


def claims(width: int, height: int) -> bytes:
    """A tiny PNG whose header claims a size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


def animated(place: Place) -> Path:
    frames = [Image.new("L", (20, 20), value) for value in (0, 90, 180)]
    path = place.folder / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


def truncated(place: Place) -> Path:
    return place.file("short.png", photo(place).read_bytes()[:300])


def blank(place: Place) -> Path:
    Image.new("L", (64, 64), 255).save(place.folder / "blank.png")
    return place.folder / "blank.png"


PICTURES = [
    Case(
        "missing",
        predict(lambda p: p.folder / "no.png"),
        BAD_INPUT,
        r"no\.png does not exist",
        True,
    ),
    Case("a folder", predict(lambda p: p.folder), BAD_INPUT, "is a folder"),
    Case("empty", predict(lambda p: p.file("e.png", b"")), BAD_INPUT, r"e\.png is empty"),
    Case("truncated", predict(truncated), BAD_INPUT, r"short\.png is damaged or cut short"),
    Case("1×1", predict(lambda p: p.file("1.png", claims(1, 1))), BAD_INPUT, "only 1×1 pixels"),
    Case(
        "30,000×30,000",
        predict(lambda p: p.file("vast.png", claims(30_000, 30_000))),
        BAD_INPUT,
        r"vast\.png has more than 50 megapixels",
    ),
    Case("animated", predict(animated), BAD_INPUT, "has 3 frames"),
    Case(
        "text", predict(lambda p: p.file("t.png", "words")), BAD_INPUT, r"t\.png is not a picture"
    ),
    Case("blank", predict(blank), BAD_INPUT, r"blank\.png: nothing to recognise"),
]
ACCEPTED = {
    "CMYK": converted("photo.jpg", "CMYK"),
    "16 bits": deep,
    "palette": converted("photo.gif", "P"),
}


def train(*options: object) -> Make:
    return lambda place: ["train", "digits", *tools.TINY, "--out", place.folder / "run", *options]


def train_on(make_data: Callable[[Place], Path]) -> Make:
    return lambda place: train("--data", make_data(place))(place)


def evaluate_on(make_data: Callable[[Place], Path]) -> Make:
    return lambda place: ["evaluate", place.trained, "--data", make_data(place)]


def stranger(place: Place) -> Path:
    """Pictures of two classes, one of which is no digit's."""
    folder = tools.write_classes(place.folder / "data", [1, 7], each=6)
    (folder / "7").rename(folder / "x")
    return folder


def train_mnist(spoil: Callable[[Path], None]) -> Make:
    """Train on a few digits in MNIST's files, one of which is spoilt."""

    def make(place: Place) -> list[object]:
        spoil(tools.write_mnist(place.folder / "mnist"))
        return train("--data=mnist", "--data-dir", place.folder)(place)

    return make


def spoil(which: int, array: np.ndarray, **header: int) -> Callable[[Path], None]:
    """Write another array, or header, in place of one of MNIST's files."""

    def make(folder: Path) -> None:
        for old in folder.glob(f"{tools.IDX_FILES[which]}*"):
            old.unlink()
        tools.write_idx(folder / tools.IDX_FILES[which], array, **header)

    return make


LABELS = np.arange(60) % 10
IMAGES = np.zeros((60, 28, 28), dtype=np.uint8)
DATA = [
    Case(
        "IDX magic",
        train_mnist(spoil(0, IMAGES, magic=0x801)),
        BAD_INPUT,
        "magic number 2049",
    ),
    Case(
        "IDX count", train_mnist(spoil(1, LABELS[:59])), BAD_INPUT, "60 pictures, but .* 59 labels"
    ),
    Case(
        "IDX short body", train_mnist(spoil(0, IMAGES, count=61)), BAD_INPUT, "should hold 61×28×28"
    ),
    Case(
        "IDX label", train_mnist(spoil(1, LABELS + 1)), BAD_INPUT, "is 10, out of the range 0 to 9"
    ),
    Case("IDX one class", train_mnist(spoil(1, LABELS * 0 + 3)), BAD_INPUT, "class"),
    Case(
        "one class",
        train_on(lambda p: tools.write_classes(p.folder / "data", [7])),
        BAD_INPUT,
        "one class only, 7; give at least two",
        True,
    ),
    Case(
        "one picture a class",
        train_on(lambda p: tools.write_classes(p.folder / "data", [1, 7], each=1)),
        BAD_INPUT,
        "class 1 has one picture; each needs at least two",
    ),
    Case(
        "no classes",
        train_on(lambda p: p.file("data/photo.png", b"").parent),
        BAD_INPUT,
        "no subfolders",
    ),
    Case(
        "CSV header",
        train_on(lambda p: p.file("data.csv", "a,b\n1,2\n")),
        BAD_INPUT,
        r"data\.csv, line 1",
    ),
    Case(
        "a class that the model does not know",
        evaluate_on(stranger),
        BAD_INPUT,
        "the data have the class x, which the model does not know; it knows 10, 0 to 9",
    ),
    Case(
        "a report on such data",
        lambda p: ["report", "digits", "--model", *evaluate_on(stranger)(p)[1:]],
        BAD_INPUT,
        "the data have the class x, which the model does not know",
    ),
    Case("missing data", train("--data=nowhere/pictures"), BAD_INPUT, "no such file or folder"),
    Case("missing CSV", train("--data=no.csv"), BAD_INPUT, r"no\.csv: no such file"),
]


def evaluate(content: Callable[[Place], bytes | str]) -> Make:
    return lambda place: ["evaluate", place.file("model.safetensors", content(place))]


def foreign(place: Place) -> bytes:
    path = place.folder / "foreign"
    save_file({"w": np.zeros(3, dtype=np.float32)}, path)
    content = path.read_bytes()
    path.unlink()
    return content


def newer(place: Place) -> bytes:
    return place.model.replace(b'"format":"1"', b'"format":"9"')


def altered(place: Place) -> bytes:
    return place.model[:-1] + bytes([place.model[-1] ^ 1])


def network(**metadata: object) -> Callable[[Place], bytes]:
    """A network that the core wrote, which is no task's model."""

    def make(place: Place) -> bytes:
        chain = Chain(Dense(3))
        params: Params = initial_params(chain, (64,), seed=0)
        save_network(place.folder / "n", chain, params, metadata)
        content = (place.folder / "n").read_bytes()
        (place.folder / "n").unlink()
        return content

    return make


STATED = {"task": "digits", "preprocessing": {}, "classes": [1, 2, 3], "input_shape": [64]}
MODELS = [
    Case("missing model", lambda p: ["evaluate", "no.safetensors"], BAD_INPUT, "cannot be read"),
    Case(
        "missing run", lambda p: ["evaluate", "runs/none"], BAD_INPUT, "runs/none: cannot be read"
    ),
    Case("no run", lambda p: ["evaluate", p.folder], BAD_INPUT, "no trained model in this folder"),
    Case("empty", evaluate(lambda p: b""), BAD_INPUT, "not a bpapps file, or truncated"),
    Case("text", evaluate(lambda p: "a model"), BAD_INPUT, "not a bpapps file, or truncated"),
    Case("truncated", evaluate(lambda p: p.model[:-100]), BAD_INPUT, "truncated or damaged"),
    Case("altered", evaluate(altered), BAD_INPUT, "altered or damaged"),
    Case("foreign", evaluate(foreign), BAD_INPUT, "not one that bpapps wrote"),
    Case("newer", evaluate(newer), BAD_INPUT, "format 9, this version reads format 1", True),
    Case("a mere network", evaluate(network()), BAD_INPUT, "not a model of a task.*'task'"),
    Case(
        "classes",
        evaluate(network(**{**STATED, "classes": [1, 2]})),
        BAD_INPUT,
        "its outputs are not 2 classes",
    ),
    Case(
        "a task to come",
        evaluate(network(**{**STATED, "task": "x"})),
        BAD_INPUT,
        "unknown task 'x'",
    ),
    Case(
        "a kind to come",
        evaluate(network(**{**STATED, "kind": "divination"})),
        BAD_INPUT,
        "of the kind 'divination', this version knows classification, .*: update bpapps",
    ),
    Case(
        "a kind that is not its task's",
        evaluate(network(**{**STATED, "kind": "verification"})),
        BAD_INPUT,
        "of the kind verification, but digits is of classification",
    ),
    Case(
        "report of a model of another kind",
        lambda p: [
            *("report", "digits", "--out", p.file("report/index.html", "mine").parent),
            *("--model", p.file("m.safetensors", network(**STATED, kind="verification")(p))),
        ],
        BAD_INPUT,
        "of the kind verification, but digits is of classification",
    ),
    Case(
        "a kind that is no text",
        evaluate(network(**{**STATED, "kind": ["classification"]})),
        BAD_INPUT,
        "of the kind .'classification'., this version knows",
    ),
    Case(
        "report of a damaged model",
        lambda p: ["report", "digits", "--model", p.file("m.safetensors", p.model[:-9])],
        BAD_INPUT,
        "truncated or damaged",
    ),
]
