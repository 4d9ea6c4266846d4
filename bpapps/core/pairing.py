"""Layers for samples of several items: one network for all of them, and what compares two.

A sample has the shape (items, …). :class:`Each` applies one layer to every item with the same
parameters, which is the siamese network of Bromley et al. (1993); :class:`Pairs` picks pairs of
items; :class:`Difference` compares two vectors and :class:`Alignment` two maps of features, place
by place. What comes after a comparison is applied to either order of the pair and averaged by
:class:`Average`, so that the answer does not depend on which of the two came first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bpapps.core.combine import check_layers
from bpapps.core.layers import Back, Layer, Rng, output
from bpapps.core.params import Params, Shape, Tree
from bpapps.core.threads import cut

SHARPNESS, NEARNESS = 10.0, 0.125
"""What :class:`Alignment` starts from: weight of a cosine, and of a square of a distance."""
LEAST = -60.0
"""The least logarithm of a weight: too far for any sum to change by it, and e^-90, which float32
holds only as a subnormal number, makes a product of matrices ten times as slow on Intel's cores."""


@dataclass(frozen=True)
class Each:
    """The same layer, with the same parameters, for each item: (items, …) to (items, …).

    Args:
        inner: the layer.
        at_once: the most items that it is given at once, or None for all. Few that stay in a
            core's cache are quicker: comparisons of 38 pairs of maps of 12×24×32 took 4.9 ms a
            pair all at once, and 1.5 ms by fours.
    """

    inner: Layer
    at_once: int | None = None

    def __post_init__(self) -> None:
        check_layers("Each", self.inner)
        if self.at_once is not None and self.at_once < 1:
            raise ValueError(f"Each: at_once must be 1 or more, not {self.at_once}")

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """The arrays of the layer, once."""
        if not in_shape:
            raise ValueError("Each needs samples of several items, (items, …)")
        tree, shape = self.inner.init(in_shape[1:], rng)
        return ({"inner": tree} if tree else {}), (in_shape[0], *shape)

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        results = [self.inner(p.part("inner"), some, rng) for some in self._parts(x)]

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray | None:
            inner_grad = None if grad is None else grad.part("inner")
            dx = [
                inner_back(some, inner_grad, need_dx)
                for some, (_, inner_back) in zip(self._parts(dy), results, strict=True)
            ]
            return _joined(dx).reshape(x.shape) if need_dx else None

        y = _joined([y for y, _ in results])
        return y.reshape(*x.shape[:2], *y.shape[1:]), back

    def output(self, p: Params, x: NDArray) -> NDArray:
        """See :func:`bpapps.core.layers.output`."""
        y = _joined([output(self.inner, p.part("inner"), some) for some in self._parts(x)])
        return y.reshape(*x.shape[:2], *y.shape[1:])

    def _parts(self, x: NDArray) -> list[NDArray]:
        """The items of all samples, as many of them as are given at once."""
        items = x.reshape(-1, *x.shape[2:])
        return [items[part] for part in cut(len(items), self.at_once or len(items))]


def _joined(parts: list[NDArray]) -> NDArray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


@dataclass(frozen=True)
class Pairs:
    """Pairs of the items, by their numbers: (items, …) to (pairs, 2, …)."""

    pairs: Sequence[tuple[int, int]]

    def __post_init__(self) -> None:
        pairs = tuple((int(a), int(b)) for a, b in self.pairs)
        if not pairs or min(min(pair) for pair in pairs) < 0:
            raise ValueError(f"Pairs: needs pairs of item numbers from 0 on, not {self.pairs!r}")
        object.__setattr__(self, "pairs", pairs)

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """No parameters."""
        last = max(max(pair) for pair in self.pairs)
        if not in_shape or last >= in_shape[0]:
            raise ValueError(f"Pairs: there is no item {last} in samples of shape {in_shape}")
        return {}, (len(self.pairs), 2, *in_shape[1:])

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        chosen = np.array(self.pairs)
        where = [np.flatnonzero(chosen.ravel() == item) for item in range(x.shape[1])]

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
            flat = dy.reshape(len(dy), chosen.size, *dy.shape[3:])
            return np.stack([flat[:, places].sum(axis=1) for places in where], axis=1)

        return np.ascontiguousarray(x)[:, chosen], back


@dataclass(frozen=True)
class Average:
    """The mean over the items: (items, …) to (…)."""

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """No parameters."""
        if not in_shape:
            raise ValueError("Average needs samples of several items, (items, …)")
        return {}, in_shape[1:]

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        share = x.dtype.type(1 / x.shape[1])

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
            return np.broadcast_to((share * dy)[:, np.newaxis], x.shape)

        return x.sum(axis=1) * share, back


@dataclass(frozen=True)
class Difference:
    """Two vectors by their distance and their product, value by value: (2, k) to (2 k).

    The order of the two makes no difference.
    """

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """No parameters."""
        if len(in_shape) != 2 or in_shape[0] != 2:
            raise ValueError(f"Difference needs two vectors, (2, k), got shape {in_shape}")
        return {}, (2 * in_shape[1],)

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        gap = x[:, 0] - x[:, 1]

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
            of_gap, of_product = np.split(dy, 2, axis=1)
            towards = np.sign(gap) * of_gap
            dx = [towards + x[:, 1] * of_product, x[:, 0] * of_product - towards]
            return np.stack(dx, axis=1)

        return np.concatenate([np.abs(gap), x[:, 0] * x[:, 1]], axis=1), back


@dataclass(frozen=True)
class Alignment:
    """Two maps of features, each against the other bent to it: (2, h, w, k) to (2, h, w, k + 3).

    For every place of one map, what the other has to set against it is a mean over the other's
    places, weighted by ``softmax(sharpness · cos - nearness · distance²)`` with the cosine between
    the features and the distance in places down and across: a soft alignment that bends as far as
    likeness pays. Given are |p - q̂| for each feature, 1 - cos(p, q̂), and how far down and across
    the other was bent, in places. It is the attention of Bahdanau et al. (2015) from one picture
    to another, with a locality that is learned: of ``nearness`` there is a weight for each axis.
    """

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """sharpness, (1,), and nearness, (2,)."""
        if len(in_shape) != 4 or in_shape[0] != 2:
            raise ValueError(f"Alignment needs two maps, (2, height, width, k), got {in_shape}")
        start = {"sharpness": np.array([SHARPNESS]), "nearness": np.array([NEARNESS] * 2)}
        return start, (*in_shape[:-1], in_shape[-1] + 3)

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        n, two, height, width, k = x.shape
        squares, places = _geometry(height, width, x.dtype)
        mine = x.reshape(n, two, height * width, k)
        length, unit = _unit(mine)
        # At most exp(0), so no largest value needs to be found; the place itself has distance 0.
        weight = (p.sharpness * unit[:, 0]) @ unit[:, 1].swapaxes(1, 2)
        weight -= p.nearness[0] * squares[0] + p.nearness[1] * squares[1] + p.sharpness
        np.exp(np.maximum(weight, LEAST, out=weight), out=weight)
        # Seen from the second map the weights are the same, the other way round. Beside the
        # features, the places and a column of ones are averaged: where from, and the divisor.
        beside = np.broadcast_to(places, (n, two, *places.shape))
        seen = np.concatenate([mine, beside], axis=3)
        found = _across(weight, seen)
        inverse = 1 / (found[..., -1:] + np.finfo(x.dtype).tiny)
        found = found[..., :-1] * inverse
        gap = mine - found[..., :k]
        bent = found[..., k:] - places[:, :2]
        found_length, found_unit = _unit(found[..., :k])
        cosine = (unit * found_unit).sum(axis=3, keepdims=True)
        y = np.concatenate([np.abs(gap), 1 - cosine, bent], axis=3)

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
            dy = dy.reshape(y.shape)
            of_gap = np.sign(gap) * dy[..., :k]
            of_cosine = -dy[..., k : k + 1]
            of_unit = of_cosine * found_unit
            of_found = np.concatenate([dy[..., :k], dy[..., k + 1 :]], axis=3)
            of_found[..., :k] = _through_unit(of_cosine * unit, found_unit, found_length) - of_gap
            of_found *= inverse
            # As in Dao et al. (2022): Σ weight · dweight is the product of found and its gradient.
            less = (of_found * found).sum(axis=3, keepdims=True)
            of_seen = np.concatenate([of_found, -less], axis=3)
            # The weights serve either order: both gradients in one product, side by side.
            first = np.concatenate([of_seen[:, 0], seen[:, 0]], axis=2)
            second = np.concatenate([seen[:, 1], of_seen[:, 1]], axis=2)
            of_score = first @ second.swapaxes(1, 2)
            of_score *= weight
            along = _across(of_score, unit)
            if grad is not None:
                grad.sharpness += (along[:, 0] * unit[:, 0]).sum() - of_score.sum()
                by_pair = of_score.sum(axis=0)
                grad.nearness -= np.array([np.vdot(by_pair, square) for square in squares])
            of_unit += p.sharpness * along
            of_theirs = _across(weight, of_found[..., :k])
            dx = of_gap + of_theirs + _through_unit(of_unit, unit, length)
            return dx.reshape(x.shape)

        return y.reshape(n, two, height, width, k + 3), back


def _across(weight: NDArray, values: NDArray) -> NDArray:
    """Sums of the other map's values, (n, 2, places, k), by the weights from the first to it."""
    return np.stack([weight @ values[:, 1], weight.swapaxes(1, 2) @ values[:, 0]], axis=1)


def _unit(vectors: NDArray) -> tuple[NDArray, NDArray]:
    """Lengths, (…, 1), and the vectors (…, k) divided by them."""
    length = np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True) + vectors.dtype.type(1e-6))
    return length, vectors / length


def _through_unit(dy: NDArray, unit: NDArray, length: NDArray) -> NDArray:
    """The gradient with respect to vectors, from that with respect to their :func:`_unit`."""
    return (dy - unit * (dy * unit).sum(axis=-1, keepdims=True)) / length


@cache
def _geometry(height: int, width: int, dtype: DTypeLike) -> tuple[NDArray, NDArray]:
    """Squares of the distances down and across between all places, (2, places, places).

    And the row and the column of each place, and a one, (places, 3).
    """
    row, column = np.divmod(np.arange(height * width), width)
    by_axis = [np.square(np.subtract.outer(place, place)) for place in (row, column)]
    squares = np.array(by_axis, dtype)
    places = np.stack([row, column, np.ones_like(row)], axis=1).astype(dtype)
    squares.flags.writeable = places.flags.writeable = False
    return squares, places
