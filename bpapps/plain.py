"""Dataclasses to plain JSON data and back."""

from __future__ import annotations

import dataclasses
import math
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any

import numpy as np


def to_plain(value: Any, where: str) -> Any:
    """Turn dataclasses, NumPy values and containers into what JSON knows.

    ``where`` names the value in an error. Raises ValueError for what has no place in JSON.
    """
    if dataclasses.is_dataclass(value):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): to_plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError(f"{where} is a {type(value).__name__}, which has no place in JSON")


def from_plain(kind: Any, value: Any, where: str) -> Any:
    """Build a value of a declared type from plain data; ValueError that says where it fails."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _fields(kind, value, where)
    if origin is types.UnionType:  # only "X | None" is used
        return None if value is None else from_plain(inner[0], value, where)
    if origin is list and isinstance(value, list):
        return [from_plain(inner[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return value
    if kind is float and type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    words = {float: "number", int: "whole number", str: "text", bool: "true or false"}
    wanted = words.get(kind, str(origin or kind))
    raise ValueError(f"{where} must be a {wanted}, not {value!r:.40}")


def _fields(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must have fields, not be {value!r:.40}")
    hints = typing.get_type_hints(kind)
    required = [
        f.name
        for f in dataclasses.fields(kind)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    missing = [name for name in required if name not in value]
    if missing:
        raise ValueError(f"{where} lacks {', '.join(missing)}")
    return kind(
        **{
            name: from_plain(hint, value[name], f"{where}.{name}")
            for name, hint in hints.items()
            if name in value
        }
    )
