"""Combinators: layers made of layers. A network is one of these, and obeys the same contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.core.layers import Back, Layer, Rng, output, prepare
from bpapps.core.params import Params, Shape, Tree


@dataclass(frozen=True, init=False)
class Chain:
    """One layer after another: ``Chain(Dense(100), ReLU(), Dense(10))``."""

    layers: tuple[Layer, ...]

    def __init__(self, *layers: Layer) -> None:
        check_layers("Chain", *layers)
        object.__setattr__(self, "layers", tuple(layers))

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """The arrays of layer i under the name ``"i"``; ValueError names a layer that won't fit."""
        tree, shape = {}, in_shape
        for i, layer in enumerate(self.layers):
            try:
                inner, shape = layer.init(shape, rng)
            except ValueError as error:
                raise ValueError(f"layer {i}: {error}") from None
            if inner:
                tree[str(i)] = inner
        return tree, shape

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        backs = []
        for i, layer in enumerate(self.layers):
            x, back = layer(p[i], x, rng)
            backs.append(back)

        def chain_back(
            dy: NDArray, grad: Params | None = None, need_dx: bool = True
        ) -> NDArray | None:
            first = 0 if need_dx else self._first_with_parameters(p)
            for i in reversed(range(first, len(backs))):
                dy = backs[i](dy, None if grad is None else grad[i], need_dx or i > first)
            return dy if need_dx else None

        return x, chain_back

    def output(self, p: Params, x: NDArray) -> NDArray:
        """See :func:`bpapps.core.layers.output`."""
        for i, layer in enumerate(self.layers):
            x = output(layer, p[i], x)
        return x

    def prepare(self, p: Params) -> Chain:
        """See :func:`bpapps.core.layers.prepare`."""
        return Chain(*(prepare(layer, p[i]) for i, layer in enumerate(self.layers)))

    def _first_with_parameters(self, p: Params) -> int:
        """Below this layer nothing learns, so no gradient is needed there."""
        for i in range(len(self.layers)):
            if p[i].shapes:
                return i
        return len(self.layers)


@dataclass(frozen=True)
class Residual:
    """``y = inner(x) + shortcut(x)``; without a shortcut, x itself (He et al. 2016)."""

    inner: Layer
    shortcut: Layer | None = None

    def __post_init__(self) -> None:
        branches = [self.inner] if self.shortcut is None else [self.inner, self.shortcut]
        check_layers("Residual", *branches)

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """The arrays of both branches, which must agree in their output shape."""
        inner, out_shape = self.inner.init(in_shape, rng)
        shortcut, same_shape = (
            self.shortcut.init(in_shape, rng) if self.shortcut else ({}, in_shape)
        )
        if out_shape != same_shape:
            raise ValueError(
                f"Residual: branches give {out_shape} and {same_shape}; add a shortcut"
            )
        branches = {"inner": inner, "shortcut": shortcut}
        return {name: tree for name, tree in branches.items() if tree}, out_shape

    def prepare(self, p: Params) -> Residual:
        """See :func:`bpapps.core.layers.prepare`."""
        shortcut = self.shortcut and prepare(self.shortcut, p.part("shortcut"))
        return replace(self, inner=prepare(self.inner, p.part("inner")), shortcut=shortcut)

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        y, inner_back = self.inner(p.part("inner"), x, rng)
        if self.shortcut is None:
            same, shortcut_back = x, None
        else:
            same, shortcut_back = self.shortcut(p.part("shortcut"), x, rng)

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray | None:
            inner_grad = None if grad is None else grad.part("inner")
            dx = inner_back(dy, inner_grad, need_dx)
            if shortcut_back is None:
                return dx + dy if need_dx else None
            shortcut_grad = None if grad is None else grad.part("shortcut")
            dx2 = shortcut_back(dy, shortcut_grad, need_dx)
            return dx + dx2 if need_dx else None

        return y + same, back

    def output(self, p: Params, x: NDArray) -> NDArray:
        """See :func:`bpapps.core.layers.output`."""
        same = x if self.shortcut is None else output(self.shortcut, p.part("shortcut"), x)
        return output(self.inner, p.part("inner"), x) + same


@dataclass(frozen=True)
class Beside:
    """Flat values through two layers: the last ``extra`` through ``other``, the rest ``inner``.

    Both give vectors, which are put side by side: for what is known of a picture besides its
    pixels.
    """

    inner: Layer
    other: Layer
    extra: int

    def __post_init__(self) -> None:
        check_layers("Beside", self.inner, self.other)
        if self.extra < 1:
            raise ValueError(f"Beside: extra must be 1 or more, not {self.extra}")

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """The arrays of both."""
        if len(in_shape) != 1 or in_shape[0] <= self.extra:
            raise ValueError(f"Beside needs more than {self.extra} flat values, got {in_shape}")
        inner, one = self.inner.init((in_shape[0] - self.extra,), rng)
        other, two = self.other.init((self.extra,), rng)
        if len(one) != 1 or len(two) != 1:
            raise ValueError(f"Beside: both must give vectors, not {one} and {two}; add Flatten()")
        trees = {"inner": inner, "other": other}
        return {name: tree for name, tree in trees.items() if tree}, (one[0] + two[0],)

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        y, inner_back = self.inner(p.part("inner"), x[:, : -self.extra], rng)
        z, other_back = self.other(p.part("other"), x[:, -self.extra :], rng)

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray | None:
            grads = [None if grad is None else grad.part(name) for name in ("inner", "other")]
            dx = inner_back(dy[:, : y.shape[1]], grads[0], need_dx)
            dx2 = other_back(dy[:, y.shape[1] :], grads[1], need_dx)
            return np.concatenate([dx, dx2], axis=1) if need_dx else None

        return np.concatenate([y, z], axis=1), back

    def output(self, p: Params, x: NDArray) -> NDArray:
        """See :func:`bpapps.core.layers.output`."""
        y = output(self.inner, p.part("inner"), x[:, : -self.extra])
        z = output(self.other, p.part("other"), x[:, -self.extra :])
        return np.concatenate([y, z], axis=1)


@dataclass(frozen=True)
class Branches:
    """Several layers side by side: their outputs are joined along the last axis.

    Each is given all of the input, or with ``split`` an equal share of its last axis. So several
    nets become one: what the first ``Branches`` joins, a second one with ``split`` takes apart.
    """

    layers: Sequence[Layer]
    split: bool = False

    def __post_init__(self) -> None:
        check_layers("Branches", *self.layers)
        if not self.layers:
            raise ValueError("Branches: give one layer at least")
        object.__setattr__(self, "layers", tuple(self.layers))

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """The arrays of branch i under the name ``"i"``."""
        count = len(self.layers)
        if self.split:
            if not in_shape or in_shape[-1] % count:
                raise ValueError(f"Branches: cannot split shape {in_shape} in {count} shares")
            in_shape = (*in_shape[:-1], in_shape[-1] // count)
        trees, shapes = zip(*(layer.init(in_shape, rng) for layer in self.layers), strict=True)
        if len({shape[:-1] for shape in shapes}) > 1 or not all(shapes):
            raise ValueError(f"Branches: outputs {list(shapes)} cannot stand side by side")
        out_shape = (*shapes[0][:-1], sum(shape[-1] for shape in shapes))
        return {str(i): tree for i, tree in enumerate(trees) if tree}, out_shape

    def prepare(self, p: Params) -> Branches:
        """See :func:`bpapps.core.layers.prepare`."""
        return replace(self, layers=[prepare(layer, p[i]) for i, layer in enumerate(self.layers)])

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        results = [
            layer(p[i], part, rng)
            for i, (layer, part) in enumerate(zip(self.layers, self._inputs(x), strict=True))
        ]
        edges = np.cumsum([y.shape[-1] for y, _ in results])[:-1]

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray | None:
            dx = [
                one_back(part, None if grad is None else grad[i], need_dx)
                for i, ((_, one_back), part) in enumerate(
                    zip(results, np.split(dy, edges, axis=-1), strict=True)
                )
            ]
            if not need_dx:
                return None
            return np.concatenate(dx, axis=-1) if self.split else sum(dx[1:], start=dx[0])

        return np.concatenate([y for y, _ in results], axis=-1), back

    def output(self, p: Params, x: NDArray) -> NDArray:
        """See :func:`bpapps.core.layers.output`."""
        pairs = zip(self.layers, self._inputs(x), strict=True)
        ys = [output(layer, p[i], part) for i, (layer, part) in enumerate(pairs)]
        return np.concatenate(ys, axis=-1)

    def _inputs(self, x: NDArray) -> list[NDArray]:
        """What each branch is given of x."""
        count = len(self.layers)
        return np.split(x, count, axis=-1) if self.split else [x] * count


def check_layers(place: str, *parts: Any) -> None:
    """Raise ValueError for a class instead of its instance, a list, or anything else."""
    for part in parts:
        if isinstance(part, type) or not callable(getattr(part, "init", None)):
            raise ValueError(f"{place}: {part!r} is not a layer")
