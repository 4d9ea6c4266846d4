"""Storage: the same bits come back, or one clear line says why not; nothing is half-written."""

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from bpapps.core import (
    Chain,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GroupNorm,
    Identity,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    Params,
    ReLU,
    Reshape,
    Residual,
    StorageError,
    initial_params,
    load_network,
    save_network,
)
from bpapps.core.storage import FORMAT, read_tensors, write_tensors

NETWORKS: list[tuple[Any, tuple[int, ...]]] = [
    (Dense(3, "lecun_uniform"), (2,)),
    (Chain(), (3,)),
    (Chain(Flatten(), ReLU()), (3,)),
    (Chain(Dense(4), LeakyReLU(0.2), Dropout(0.5), Dense(2)), (3,)),
    (
        Chain(
            Reshape((6, 6, 1)),
            Conv2D(4, 3, padding="same"),
            GroupNorm(2),
            Residual(Chain(Conv2D(4, 3, padding=1), ReLU()), Conv2D(4, 1)),
            MaxPool2D(3, 2),
            Flatten(),
            LayerNorm(1e-3),
            Dense(10),
        ),
        (36,),
    ),
    (Chain(*(Dense(2) for _ in range(12))), (2,)),
]


@pytest.mark.parametrize(("network", "in_shape"), NETWORKS, ids=[str(n)[:40] for n, _ in NETWORKS])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip_bit_for_bit(network: Any, in_shape: tuple, dtype: Any, tmp_path: Path) -> None:
    params = initial_params(network, in_shape, seed=3, dtype=dtype)
    file = tmp_path / "model.bpapps"
    save_network(file, network, params, {})
    again, same, _ = load_network(file)
    assert again == network
    assert same.shapes == params.shapes
    assert same.vector.tobytes() == params.vector.tobytes()
    if params.size:
        assert same.vector.dtype == dtype
        assert same.vector.flags.writeable
    x = np.random.default_rng(0).normal(size=(4, *in_shape)).astype(dtype)
    assert again(same, x)[0].tobytes() == network(params, x)[0].tobytes()
    assert [f.name for f in tmp_path.iterdir()] == [file.name]


def test_numbers_that_are_no_ordinary_ones_come_back(tmp_path: Path) -> None:
    odd = np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 1e-45, 3.4e38, 1], np.float32)
    save_network(tmp_path / "m", Identity(), Params(odd, {"W": (2, 4)}), {})
    assert load_network(tmp_path / "m")[1].vector.tobytes() == odd.tobytes()


def test_metadata_comes_back_as_plain_data(tmp_path: Path) -> None:
    given = {
        "classes": np.arange(3),
        "accuracy": np.float32(0.5),
        "path": Path("data/mnist"),
        "name": "Größe 字 \n \"'",
        "nested": {"list": [1, 2.5, None, True], "empty": {}},
    }
    save_network(tmp_path / "m", Dense(2), initial_params(Dense(2), (2,)), given)
    metadata = load_network(tmp_path / "m")[2]
    assert metadata == {
        **given,
        "classes": [0, 1, 2],
        "accuracy": 0.5,
        "path": str(Path("data/mnist")),
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan")])
def test_metadata_that_is_not_json_is_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save_network(tmp_path / "m", Identity(), initial_params(Identity(), (2,)), {"loss": value})
    assert list(tmp_path.iterdir()) == []


def test_own_layers_are_named_when_loading(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Own(Identity):
        size: int = 3

    save_network(tmp_path / "m", Chain(Own(5)), initial_params(Own(), (2,)), {})
    assert load_network(tmp_path / "m", {"Own": Own})[0] == Chain(Own(5))
    with pytest.raises(StorageError, match="unknown layer 'Own'"):
        load_network(tmp_path / "m")


# --- files that must be refused


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("good") / "model.bpapps"
    network = Chain(Dense(5), ReLU(), Dense(3))
    save_network(file, network, initial_params(network, (4,)), {"classes": ["a", "b", "c"]})
    return file.read_bytes()


def assert_refused(file: Path, content: bytes | None = None, match: str | None = None) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StorageError, match=match) as caught:
        load_network(file)
    message = str(caught.value)
    assert str(file) in message
    assert "\n" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_truncated_anywhere(good: bytes, tmp_path: Path) -> None:
    for length in [*range(0, len(good), 7), len(good) - 1]:
        assert_refused(tmp_path / "m", good[:length])


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_any_flipped_byte(good: bytes, tmp_path: Path, flip: int) -> None:
    for position in range(0, len(good), 1 if flip == 0x01 else 5):
        spoilt = bytearray(good)
        spoilt[position] ^= flip
        assert_refused(tmp_path / "m", bytes(spoilt))


def test_something_appended(good: bytes, tmp_path: Path) -> None:
    assert_refused(tmp_path / "m", good + b"\0")


def header_of(content: bytes) -> tuple[dict, bytes]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(header: dict, body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


ALTERED: list[tuple[str, Callable[[dict], Any], str]] = [
    ("newer", lambda m: m.update(format=str(FORMAT + 1)), "format 2.*update bpapps"),
    ("no format", lambda m: m.pop("format"), "format None"),
    ("other classes", lambda m: m.update(bpapps=m["bpapps"].replace('"b"', '"d"')), "altered"),
    ("other layer", lambda m: m.update(bpapps=m["bpapps"].replace("ReLU", "Tanh")), "altered"),
    ("no checksum", lambda m: m.pop("sha256"), "altered"),
    ("foreign", lambda m: m.pop("bpapps"), "not one that bpapps wrote"),
    ("no JSON", lambda m: m.update(bpapps="{"), "damaged"),
    ("deep JSON", lambda m: m.update(bpapps="[" * 100_000), "damaged"),
    ("a number", lambda m: m.update(bpapps=5), "damaged"),
]


@pytest.mark.parametrize(
    ("alter", "match"), [row[1:] for row in ALTERED], ids=[r[0] for r in ALTERED]
)
def test_altered_metadata(alter: Callable, match: str, good: bytes, tmp_path: Path) -> None:
    header, body = header_of(good)
    (tmp_path / "same").write_bytes(with_header(header, body))
    load_network(tmp_path / "same")
    alter(header["__metadata__"])
    assert_refused(tmp_path / "m", with_header(header, body), match)


def test_exchanged_tensors(good: bytes, tmp_path: Path) -> None:
    header, body = header_of(good)
    header["0.W"]["shape"] = header["0.W"]["shape"][::-1]
    assert_refused(tmp_path / "m", with_header(header, body), "altered")


def a_zip(tmp_path: Path) -> bytes:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a", "b" * 100)
    return (tmp_path / "z.zip").read_bytes()


FOREIGN: list[tuple[str, Callable[[Path], bytes], str]] = [
    ("empty", lambda _: b"", "not a bpapps file"),
    ("short", lambda _: b"\x08\0\0", "not a bpapps file"),
    ("text", lambda _: b"epoch,loss\n1,0.5\n" * 20, "not a bpapps file"),
    ("json", lambda _: b'{"layer": "Dense"}', "not a bpapps file"),
    ("zeros", lambda _: bytes(1000), "not a bpapps file"),
    ("ones", lambda _: b"\xff" * 1000, "not a bpapps file"),
    ("png", lambda _: b"\x89PNG\r\n\x1a\n" + bytes(100), "not a bpapps file"),
    ("pickle", lambda _: pickle.dumps({"weights": np.zeros(9)}), "not a bpapps file"),
    ("zip", a_zip, "not a bpapps file"),
    ("safetensors", lambda _: save({"W": np.zeros(3)}), "not one that bpapps wrote"),
    ("safetensors 2", lambda _: save({"W": np.zeros(3)}, {"format": "pt"}), "not one that bpapps"),
    ("header is a list", lambda _: with_header([1], b""), "not a bpapps file"),  # type: ignore[arg-type]
    ("metadata is a list", lambda _: with_header({"__metadata__": [1]}, b""), "not a bpapps file"),
]


@pytest.mark.parametrize(
    ("make", "match"), [row[1:] for row in FOREIGN], ids=[r[0] for r in FOREIGN]
)
def test_foreign_files(make: Callable, match: str, tmp_path: Path) -> None:
    assert_refused(tmp_path / "m", make(tmp_path), match)


def test_missing_and_folder(tmp_path: Path) -> None:
    assert_refused(tmp_path / "missing", match="cannot be read")
    assert_refused(tmp_path, match="cannot be read")
    (tmp_path / "file").write_text("")
    assert_refused(tmp_path / "file" / "m", match="cannot be read")


DENSE = {"layer": "Dense", "units": 2, "initializer": "he_normal"}
CRAFTED: list[tuple[str, Any]] = [
    ("os.system", {"layer": "os.system", "command": "touch pwned"}),
    ("builtin", {"layer": "eval", "source": "open('pwned', 'w')"}),
    ("open", {"layer": "open", "file": "pwned", "mode": "w"}),
    ("import", {"layer": "__import__", "name": "antigravity"}),
    ("not a layer", {"layer": "Params", "vector": [1], "shapes": {}}),
    ("a loss", {"layer": "SoftmaxCrossEntropy"}),
    ("base class", {"layer": "Activation"}),
    ("protocol", {"layer": "Layer"}),
    ("inside", {"layer": "Chain", "layers": [DENSE, {"layer": "os.system"}]}),
    ("as a value", {"layer": "Dense", "units": {"layer": "os.system"}}),
    ("as a name", {"layer": ["os", "system"]}),
    ("a string", "os.system"),
    ("a list", [DENSE]),
    ("a number", 3),
    ("nothing", None),
    ("no name", {"units": 3}),
    ("a string inside", {"layer": "Chain", "layers": ["os.system"]}),
    ("no layers", {"layer": "Chain"}),
    ("layers is a number", {"layer": "Chain", "layers": 3}),
    ("unknown hyperparameter", {**DENSE, "bias": True}),
    ("missing hyperparameter", {"layer": "Dense"}),
    ("out of range", {"layer": "Dense", "units": -1}),
    ("wrong type", {"layer": "Dropout", "rate": "0.5"}),
    ("wrong inner type", {"layer": "Residual", "inner": 3}),
]


@pytest.mark.parametrize("architecture", [row[1] for row in CRAFTED], ids=[r[0] for r in CRAFTED])
def test_a_crafted_description_builds_and_runs_nothing(
    architecture: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "m"
    write_tensors(file, {}, {"architecture": architecture, "parameters": []})
    assert_refused(file, match="no network that this version knows")
    assert os.listdir(tmp_path) == ["m"]  # noqa: PTH208


def deep(levels: int) -> Any:
    description: Any = DENSE
    for _ in range(levels):
        description = {"layer": "Chain", "layers": [description]}
    return description


METADATA: list[tuple[str, Any]] = [
    ("a list", [1, 2]),
    ("a string", "text"),
    ("a number", 5),
    ("nothing", None),
    ("no architecture", {"parameters": []}),
    ("no parameters", {"architecture": DENSE}),
    ("parameters is a number", {"architecture": DENSE, "parameters": 3}),
    ("parameters of another file", {"architecture": DENSE, "parameters": ["V"]}),
    ("parameters that are no names", {"architecture": DENSE, "parameters": [["W"]]}),
    ("a parameter twice", {"architecture": DENSE, "parameters": ["W", "W"]}),
    ("very deep", {"architecture": deep(400), "parameters": []}),
]


@pytest.mark.parametrize("metadata", [row[1] for row in METADATA], ids=[r[0] for r in METADATA])
def test_crafted_metadata(metadata: Any, tmp_path: Path) -> None:
    file = tmp_path / "m"
    write_tensors(file, {"W": np.zeros((2, 2)), "b": np.zeros(2)}, metadata)
    assert_refused(file, match="no network that this version knows")


# --- writing that fails


def _unwritable(tmp_path: Path) -> Path:
    if os.geteuid() == 0:  # whom no permission stops
        return Path("/proc")
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    return folder


FAILING: list[tuple[str, Callable[[Path], Path]]] = [
    ("no such folder", lambda folder: folder / "missing" / "m"),
    ("a file as folder", lambda folder: folder / "existing" / "m"),
    ("a folder as file", lambda folder: folder / "sub"),
    ("an unwritable folder", lambda folder: _unwritable(folder) / "m"),
    ("a long name", lambda folder: folder / ("m" * 300)),
]


@pytest.mark.skipif(os.name != "posix", reason="folders are locked in another way there")
@pytest.mark.parametrize("where", [row[1] for row in FAILING], ids=[row[0] for row in FAILING])
def test_a_file_that_cannot_be_written(where: Callable, tmp_path: Path) -> None:
    (tmp_path / "existing").write_text("kept")
    (tmp_path / "sub").mkdir()
    file = where(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StorageError, match="cannot be written") as caught:
        save_network(file, Dense(2), initial_params(Dense(2), (2,)), {})
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "existing").read_text() == "kept"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, good: bytes) -> None:
    resource = pytest.importorskip("resource", reason="limits the size of files")
    file = tmp_path / "m"
    file.write_bytes(good)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StorageError, match="cannot be written"):
            write_tensors(file, {"W": np.zeros(10_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == good
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "interruption", [OSError(28, "No space left on device"), KeyboardInterrupt()]
)
def test_an_interrupted_write_leaves_the_old_file(
    interruption: BaseException, tmp_path: Path, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "m"
    file.write_bytes(good)

    def fail(*_: Any) -> None:
        raise interruption

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises((StorageError, KeyboardInterrupt)):
        write_tensors(file, {"W": np.zeros(3)}, {})
    assert file.read_bytes() == good
    assert list(tmp_path.iterdir()) == [file]


def test_tensors_of_any_kind(tmp_path: Path) -> None:
    tensors: dict[str, np.ndarray] = {
        "scalar": np.array(3.5),
        "empty": np.zeros((0, 4), np.float32),
        "steps": np.array([7], np.int64),
        "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "every second": np.arange(10, dtype=np.float32)[::2],
        "flags": np.array([True, False]),
    }
    write_tensors(tmp_path / "t", tensors, {"note": "text"})
    again, metadata = read_tensors(tmp_path / "t")
    assert metadata == {"note": "text"}
    assert set(again) == set(tensors)
    for name, tensor in tensors.items():
        assert again[name].dtype == tensor.dtype
        np.testing.assert_array_equal(np.squeeze(again[name]), np.squeeze(tensor))
