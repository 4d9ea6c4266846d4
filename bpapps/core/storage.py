"""Networks on disk: safetensors with JSON metadata, never pickle.

Loading runs no code from the file: the architecture is data, and only layer classes that the
program already knows are built from it. A checksum over the metadata and all numbers tells an
altered file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.core import activations, combine, fixed_point, layers, pairing, solvers, spatial, stable
from bpapps.core.combine import check_layers
from bpapps.core.layers import Layer
from bpapps.core.params import Params

FORMAT = 1
"""Version of the file's layout; a newer one is refused."""


BESIDE = "metadata."
"""What the names of arrays begin with that are metadata."""


def _dataclasses(*modules: ModuleType) -> dict[str, type]:
    return {
        cls.__name__: cls
        for module in modules
        for cls in vars(module).values()
        if isinstance(cls, type)
        and dataclasses.is_dataclass(cls)
        and cls.__module__ == module.__name__
    }


LAYERS = _dataclasses(layers, spatial, activations, combine, pairing, stable, fixed_point)
"""The layer classes that a file may name."""

SOLVERS = {cls.__name__: cls for cls in (solvers.Damped, solvers.Anderson, solvers.Broyden)}
"""The solvers that a layer may have."""


class StorageError(ValueError):
    """A file that is not a bpapps file, is damaged or altered, or is too new."""


def write_tensors(path: Path, tensors: Mapping[str, NDArray], metadata: Mapping[str, Any]) -> None:
    """Write named arrays and JSON metadata, under a temporary name first."""
    from safetensors.numpy import save

    text = json.dumps(metadata, sort_keys=True, allow_nan=False, default=_plain)
    arrays = {name: np.ascontiguousarray(a) for name, a in tensors.items()}
    header = {"bpapps": text, "format": str(FORMAT), "sha256": _checksum(text, arrays)}
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.write_bytes(save(arrays, header))
        temporary.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        with suppress(OSError):
            temporary.unlink()  # there is one only if the writing failed


def read_tensors(path: Path) -> tuple[dict[str, NDArray], dict[str, Any]]:
    """Read what :func:`write_tensors` wrote; raises :class:`StorageError` for anything else."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from None
    header = _header(content, path)
    if "bpapps" not in header:
        raise StorageError(f"{path}: a safetensors file, but not one that bpapps wrote")
    if header.get("format") != str(FORMAT):
        raise StorageError(
            f"{path}: written in format {header.get('format')}, this version reads format "
            f"{FORMAT}; update bpapps"
        )
    try:
        arrays = load(content)
        metadata = json.loads(header["bpapps"])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError):
        raise StorageError(f"{path}: truncated or damaged; train or download it again") from None
    if _checksum(header["bpapps"], arrays) != header.get("sha256"):
        raise StorageError(f"{path}: altered or damaged (its checksum differs)")
    return arrays, metadata


def save_network(
    path: Path,
    network: Layer,
    params: Params,
    metadata: Mapping[str, Any],
    arrays: Mapping[str, NDArray] | None = None,
) -> None:
    """Write a network: its architecture and further metadata as JSON, its parameters by name.

    arrays: metadata that are too long for JSON.
    """
    own = {"architecture": describe(network), "parameters": list(params.shapes)}
    beside = {f"{BESIDE}{name}": value for name, value in (arrays or {}).items()}
    write_tensors(path, {**dict(params.items()), **beside}, {**metadata, **own})


def load_network(
    path: Path, extra_layers: Mapping[str, type] | None = None
) -> tuple[Layer, Params, dict[str, Any]]:
    """Read a network, its parameters and its metadata.

    Args:
        extra_layers: layer classes of your own that the file may name, besides bpapps' own.

    Raises:
        StorageError: the file is missing, foreign, truncated, altered, or of a newer version.
    """
    tensors, metadata = read_tensors(path)
    try:
        network = build(metadata.pop("architecture"), extra_layers)
        check_layers("architecture", network)
        names = metadata.pop("parameters")
        vector = np.concatenate([tensors[name].ravel() for name in names] or [np.zeros(0)])
        params = Params(vector, {name: tensors[name].shape for name in names})
        beside = [name for name in tensors if name.startswith(BESIDE)]
        metadata |= {name.removeprefix(BESIDE): tensors[name] for name in beside}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise StorageError(f"{path}: holds no network that this version knows ({error})") from None
    return network, params, metadata


def describe(layer: Any) -> Any:
    """A layer as plain JSON data: its class's name and its hyperparameters."""
    if dataclasses.is_dataclass(layer) and not isinstance(layer, type):
        fields = {f.name: describe(getattr(layer, f.name)) for f in dataclasses.fields(layer)}
        return {"layer": type(layer).__name__, **fields}
    if isinstance(layer, list | tuple):
        return [describe(item) for item in layer]
    return layer


def build(description: Any, extra_layers: Mapping[str, type] | None = None) -> Any:
    """The layer that :func:`describe` described; ValueError for a class it does not know."""
    if isinstance(description, list):
        return tuple(build(item, extra_layers) for item in description)
    if not isinstance(description, dict):
        return description
    fields = {key: build(value, extra_layers) for key, value in description.items()}
    name = fields.pop("layer", None)
    cls = {**LAYERS, **SOLVERS, **(extra_layers or {})}.get(name)
    if cls is None:
        raise ValueError(f"unknown layer {name!r}")
    if cls is combine.Chain:
        return combine.Chain(*fields["layers"])
    return cls(**fields)


def _header(content: bytes, path: Path) -> dict[str, str]:
    """The metadata of a safetensors file: 8 bytes of length, then JSON."""
    length = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + length])
        return dict(header.get("__metadata__", {}))
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise StorageError(f"{path}: not a bpapps file, or truncated") from None


def _checksum(text: str, arrays: Mapping[str, NDArray]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.data if array.size else b"")
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """NumPy numbers and arrays, and paths, as JSON data."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON data")
