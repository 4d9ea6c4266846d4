"""A network in lines, one for each layer; what is inside a layer stands indented below it."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import fields, is_dataclass
from typing import Any

from bpapps.core.combine import Branches, Chain

_LONGEST = 60  # characters of one value


def outline(layer: Any) -> list[str]:
    """The lines of a layer: for a chain the lines of each layer in turn."""
    if isinstance(layer, Chain):
        return [line for one in layer for line in outline(one)]
    if not is_dataclass(layer):
        return [repr(layer)]
    values = {field.name: getattr(layer, field.name) for field in fields(layer)}
    inside = {name: value for name, value in values.items() if hasattr(value, "init")}
    if isinstance(layer, Branches):
        values.pop("layers")
        inside = _branches(layer)
    told = ", ".join(_told(name, value) for name, value in values.items() if name not in inside)
    lines = [f"{type(layer).__name__}({told})"]
    for name, value in inside.items():
        below = outline(value)
        if len(inside) > 1 or isinstance(layer, Branches):
            below = [f"{name}:", *(f"  {line}" for line in below)]
        lines += [f"  {line}" for line in below]
    return lines


def _branches(layer: Branches) -> dict[str, Any]:
    """Each branch by its number; branches that are all alike once, under their count."""
    if len(layer.layers) > 1 and len(set(map(repr, layer.layers))) == 1:
        return {f"each of {len(layer.layers)}": layer.layers[0]}
    return {f"branch {i}": branch for i, branch in enumerate(layer.layers, start=1)}


def _told(name: str, value: Any) -> str:
    """``name=value``, or of a long list how many there are."""
    text = repr(value)
    many = len(text) > _LONGEST and isinstance(value, Sized)
    return f"{name}: {len(value)}" if many else f"{name}={text}"
