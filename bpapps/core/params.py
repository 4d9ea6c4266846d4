"""All parameters of a network in one flat vector, with a name for every part of it.

An optimiser then makes one pass over one array, a snapshot of the best weights is one copy,
and storage is one loop. Layers never see the vector: they read ``p.W`` and ``p.b``, which are
views into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Shape = tuple[int, ...]
SMALL_PARAMS = 50_000
"""Numbers that are filled with zeros sooner than :class:`Gradient` has looked at its arrays."""

Tree = Mapping[str, Any]
"""Initial arrays by name; a value may be another tree (the parameters of an inner layer)."""


class Params:
    """Named views into one flat vector.

    ``p.W`` is an array of a layer, ``p.inner`` the parameters of an inner layer, ``p[0]`` those
    of the first layer of a chain. Full names join the steps with dots: ``"0.W"``.

    Args:
        vector: 1-D array that holds all parameters; it is kept, not copied.
        shapes: full name -> shape, in the order of the vector.
    """

    def __init__(self, vector: NDArray, shapes: Mapping[str, Shape]) -> None:
        size = sum(prod(shape) for shape in shapes.values())
        if vector.shape != (size,):
            raise ValueError(f"these shapes need a vector of {size}, not of shape {vector.shape}")
        self.vector = vector
        self.shapes = dict(shapes)
        start = 0
        for head, inner in _by_first_step(self.shapes).items():
            stop = start + sum(prod(shape) for shape in inner.values())
            part = vector[start:stop]
            is_array = "" in inner
            self.__dict__[head] = part.reshape(inner[""]) if is_array else type(self)(part, inner)
            start = stop

    def __getitem__(self, index: int) -> Params:
        return self.__dict__.get(str(index), _NOTHING)

    def part(self, name: str) -> Params:
        """The parameters of an inner layer; empty for one that has none."""
        return self.__dict__.get(name, _NOTHING)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"no parameter {name!r}; there are {list(self.shapes)}")

    def add_product(self, name: str, a: NDArray, b: NDArray) -> None:
        """``self.name += a @ b``."""
        out = getattr(self, name)
        out += a @ b

    def restart(self) -> None:
        """All zeros, to be added to."""
        self.vector.fill(0)

    def settle(self) -> None:
        """To be called before the vector of a gradient is read."""

    if TYPE_CHECKING:  # ``grad.W += …`` adds in place, then sets the name to the same view

        def __setattr__(self, name: str, value: Any) -> None: ...

    def __reduce__(self) -> tuple:
        return Params, (self.vector, self.shapes)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.vector.size

    def items(self) -> Iterator[tuple[str, NDArray]]:
        """Full name and view of every array, in the order of the vector."""
        start = 0
        for name, shape in self.shapes.items():
            stop = start + prod(shape)
            yield name, self.vector[start:stop].reshape(shape)
            start = stop

    def zeros_like(self) -> Params:
        """The same names over a new vector of zeros, such as a gradient."""
        return Params(np.zeros_like(self.vector), self.shapes)

    def copy(self) -> Params:
        """The same names over a copy of the vector."""
        return Params(self.vector.copy(), self.shapes)

    def astype(self, dtype: DTypeLike) -> Params:
        """The same names over a copy of the vector with another type."""
        return Params(self.vector.astype(dtype), self.shapes)


class Gradient(Params):
    """A gradient to be used again and again, that is filled with zeros only where it must be.

    Zeros are for adding to; but what a large product is the first to be added to can hold the
    product at once, which saves three passes over memory: a sixth of a step of 784-800-10. So
    arrays that got a product the last time are cleared late: when somebody looks at them, or by
    :meth:`settle`. Small ones are quicker with the zeros.
    """

    def __init__(self, vector: NDArray, shapes: Mapping[str, Shape]) -> None:
        super().__init__(vector, shapes)
        self._of_products: set[str] = set()
        self._stale: dict[str, NDArray] = {}

    @classmethod
    def like(cls, params: Params) -> Params:
        """A gradient of zeros with the names of some parameters, of the quicker kind."""
        if params.size < SMALL_PARAMS:
            return params.zeros_like()
        return cls(np.zeros_like(params.vector), params.shapes)

    def restart(self) -> None:
        """All zeros, some of them late."""
        for name, part in list(self.__dict__.items()):
            if isinstance(part, Gradient):
                part.restart()
            elif name in self._of_products:
                self._stale[name] = self.__dict__.pop(name)
            elif name in self.shapes:
                part.fill(0)

    def settle(self) -> None:
        """Fill what nobody added to, so that the vector can be read."""
        for name in list(self._stale):
            getattr(self, name)
        for part in self.__dict__.values():
            if isinstance(part, Gradient):
                part.settle()

    def add_product(self, name: str, a: NDArray, b: NDArray) -> None:
        """``self.name += a @ b``."""
        self._of_products.add(name)
        out = self._stale.pop(name, None)
        if out is None:
            super().add_product(name, a, b)
        else:
            self.__dict__[name] = np.matmul(a, b, out=out)

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("_stale", ()):
            array = self.__dict__[name] = self._stale.pop(name)
            array.fill(0)
            return array
        return super().__getattr__(name)


def pack(tree: Tree, dtype: DTypeLike = np.float32) -> Params:
    """Lay the arrays of a tree out in one new vector of the given type."""
    arrays = dict(_flatten(tree))
    vector = np.empty(sum(a.size for a in arrays.values()), dtype)
    params = Params(vector, {name: a.shape for name, a in arrays.items()})
    for name, view in params.items():
        view[...] = arrays[name]
    return params


def initial_params(
    network: Any, in_shape: Shape, seed: int = 0, dtype: DTypeLike = np.float32
) -> Params:
    """The initial parameters of a network for samples of a shape; ValueError if it won't fit."""
    tree, _ = network.init(tuple(in_shape), np.random.default_rng(seed))
    return pack(tree, dtype)


def _flatten(tree: Tree, prefix: str = "") -> Iterator[tuple[str, NDArray]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, np.asarray(value)


def _by_first_step(shapes: Mapping[str, Shape]) -> dict[str, dict[str, Shape]]:
    """``{"0.W": s, "0.b": t}`` -> ``{"0": {"W": s, "b": t}}``; an array itself is ``""``."""
    groups: dict[str, dict[str, Shape]] = {}
    for name, shape in shapes.items():
        head, _, rest = name.partition(".")
        groups.setdefault(head, {})[rest] = shape
    return groups


_NOTHING = Params(np.zeros(0, np.float32), {})
