"""The nets that are explained, and each of their connections by itself.

A static net is layers of sums and tanh. In a recurrent one the hidden neurons also hear each
other, and are iterated until they settle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpapps.core import Chain, Dense, FixedPoint, Params, Tanh, initial_params
from bpapps.core.solvers import Damped
from bpapps.core.stable import Bounded

BOUND = 0.9
"""The most that the |w| from a neuron's own layer may sum to: then the net settles."""

START = 0.8
"""What these weights are scaled down to at first, where they sum to more."""

TOL, MAX_ITER = 1e-10, 1000

BIAS = -1
"""The source of a bias: its output is always 1."""


def build(hidden: tuple[int, ...], outputs: int) -> Chain:
    """``Chain(Dense, Tanh, …, Dense)``."""
    layers = [layer for units in hidden for layer in (_dense(units), Tanh())]
    return Chain(*layers, _dense(outputs))


def build_recurrent(hidden: int, outputs: int) -> Chain:
    """``Chain(FixedPoint, Tanh, Dense)``: plain iteration, to ten digits."""
    cell = Chain(Tanh(), Bounded(_dense(hidden), BOUND))
    settled = FixedPoint(cell, _dense(hidden), solver=Damped(), tol=TOL, max_iter=MAX_ITER)
    return Chain(settled, Tanh(), _dense(outputs))


def start(network: Chain, inputs: int, seed: int) -> Params:
    """Initial parameters in double precision, weights among hidden neurons within their bound."""
    params = initial_params(network, (inputs,), seed, np.float64)
    if isinstance(network.layers[0], FixedPoint):
        W = params[0].cell[1].W
        W *= np.minimum(1, START / np.abs(W).sum(axis=0))
    return params


def effective(network: Chain, params: Params) -> NDArray:
    """All weights as they act: weights among hidden neurons are scaled to their bound."""
    acting = params.copy()
    if isinstance(network.layers[0], FixedPoint):
        cell, p = network.layers[0].cell, params[0].cell[1]
        assert isinstance(cell, Chain)
        acting[0].cell[1].W[...] = cell.layers[1](p, np.eye(len(p.W)))[0] - p.b
    return acting.vector


@dataclass(frozen=True)
class Wire:
    """A connection: the neurons at its ends, and where its weight stands in the vector."""

    source: int
    target: int
    weight: int


def wires(network: Chain, params: Params) -> tuple[list[int], list[Wire]]:
    """The layer of each neuron, inputs first, and what each neuron hears."""
    places = _places(params)
    sizes = [places["0.W" if "0.W" in places else "0.inject.W"].shape[0]]
    found: list[Wire] = []
    for i, layer in enumerate(network.layers):
        before, first = sum(sizes[:-1]), sum(sizes)
        if isinstance(layer, Tanh):
            continue
        if isinstance(layer, FixedPoint):
            found += _matrix(places[f"{i}.inject.W"], places[f"{i}.inject.b"], before, first)
            found += _matrix(places[f"{i}.cell.1.W"], places[f"{i}.cell.1.b"], first, first)
        else:
            found += _matrix(places[f"{i}.W"], places[f"{i}.b"], before, first)
        sizes.append(params[i].b.size if "b" in params[i].shapes else params[i].inject.b.size)
    return [layer for layer, size in enumerate(sizes) for _ in range(size)], found


def _dense(units: int) -> Dense:
    return Dense(units, "glorot_normal")


def _places(params: Params) -> dict[str, NDArray]:
    """Where each parameter stands in the vector."""
    numbered = Params(np.arange(params.size), params.shapes)
    return dict(numbered.items())


def _matrix(W: NDArray, b: NDArray, source: int, target: int) -> list[Wire]:
    """The wires of ``x W + b``, target by target, each neuron's bias last."""
    return [
        Wire(source + row if row < len(W) else BIAS, target + column, int(place))
        for column in range(W.shape[1])
        for row, place in enumerate([*W[:, column], b[column]])
    ]
