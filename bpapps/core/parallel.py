"""A batch in parts: microbatches on a team of threads, each with a gradient of its own.

A batch is cut into microbatches of a fixed size and the parameters into chunks of a fixed size;
the microbatches' gradients are added in a fixed order. So the result is the same bits on any
number of threads.
"""

from __future__ import annotations

import dataclasses
import warnings
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.core import ops
from bpapps.core.draws import Draw, take
from bpapps.core.layers import Layer, output
from bpapps.core.losses import Loss
from bpapps.core.optimizers import CHUNK, Optimizer, State, clip_norm
from bpapps.core.params import Gradient, Params, Shape
from bpapps.core.randomness import LateGenerator
from bpapps.core.solvers import Recording, Tally, listener, not_converged
from bpapps.core.spatial import Conv2D
from bpapps.core.threads import Team, cut, quiet, team

SMALL_WORK = 13_000_000
"""Products of parameters and samples in a batch from which a second thread brings more than it
costs: measured on 784-h-10 with batches of 16 to 128, one and two threads were equally fast at 13
(h = 128 and 256) to 17 million (h = 800). Waking a thread takes 20 to 50 µs, and they wait for
each other at the interpreter's lock."""


def microbatch_size(
    network: Layer, params: Params, in_shape: Shape, batch_size: int, augmented: bool = False
) -> int:
    """How many samples to work on at a time; never by the number of threads.

    Half a batch suits two threads, and larger parts are quicker, since each call of NumPy costs
    the same; but they must fit a core's cache with all that convolutions make of them. Of 16, 32
    and 64 pictures of 28×28 pixels, 64 were a tenth faster than 32 with two threads, on nets of
    16 and 32 and of 32 and 64 filters; of 8×8 pixels, half a batch of 60 was a sixth faster
    than 16. Dense nets: batches are cut in two, and above 256 into parts of 128; small ones are
    not, unless the inputs are augmented, which takes longer than such a net: for 784-32-10 with
    elastic distortion halves of 64 pictures were a tenth faster on two threads, of 32 slower.
    """
    half = -(-batch_size // 2)
    if contains(network, Conv2D):
        return max(1, min(half, 64 * 28 * 28 // prod(in_shape)))
    if params.size * batch_size < SMALL_WORK and not (augmented and half >= 64):
        return batch_size
    return min(half, 128)


def contains(layer: Any, kind: type) -> bool:
    """Whether a layer is of a kind, or has one inside."""
    if isinstance(layer, tuple):
        return any(contains(inner, kind) for inner in layer)
    if not dataclasses.is_dataclass(layer):
        return False
    fields = (getattr(layer, field.name) for field in dataclasses.fields(layer))
    return isinstance(layer, kind) or any(contains(inner, kind) for inner in fields)


_NOTHING_HEARD = Recording()


class BatchGradient:
    """Value and gradient of the loss over a batch, microbatch by microbatch.

    Args:
        microbatch: samples worked on at a time.
        draw: ``draw(X, y, rows, rng)`` makes a microbatch, see :data:`bpapps.core.draws.Draw`;
            None takes the rows as they are.
        seed: with a step's and a microbatch's number it seeds all that is random in them.
    """

    def __init__(
        self,
        network: Layer,
        params: Params,
        loss: Loss,
        microbatch: int,
        draw: Draw | None = None,
        seed: int = 0,
    ) -> None:
        self.network = network
        self.params = params
        self.loss = loss
        self.microbatch = microbatch
        self.draw = draw
        self.seed = seed
        self._gradients: list[Params] = []
        self.forward, self.backward = Tally(), Tally()

    def restart_tallies(self) -> None:
        """Count the solves of fixed points, ``forward`` and ``backward``, anew."""
        self.forward, self.backward = Tally(), Tally()

    def solves(self) -> dict[str, Any]:
        """What the record of an epoch says of its fixed points."""
        return self.forward.fields("forward") | self.backward.fields("backward")

    def warn(self, place: str, *further: str) -> None:
        """Say how many fixed points were not found, if any, to the caller's caller."""
        told = self.forward.told("forward"), self.backward.told("backward")
        warning = not_converged(place, *told, *further)
        if warning is not None:
            warnings.warn(warning, stacklevel=3)

    def __call__(
        self,
        members: Team,
        X: NDArray,
        y: NDArray,
        weights: NDArray | None,
        rows: NDArray,
        step: int,
    ) -> tuple[float, list[NDArray]]:
        """The mean loss over ``rows``, weighted, and the gradients whose sum is its gradient.

        There is one for each microbatch; they are the caller's to change until the next call.
        """
        parts = cut(len(rows), self.microbatch)
        while len(self._gradients) < len(parts):
            self._gradients.append(Gradient.like(self.params))
        records = [_NOTHING_HEARD] * len(parts)
        shares = None if weights is None else weights[rows]
        if shares is not None:
            shares = shares / shares.sum()

        def work(number: int) -> float:
            part = parts[number]
            chosen = rows[part]
            rng: Any = LateGenerator(self.seed, 1, step, number)
            if self.draw is None:
                x, wanted = take(X, chosen), y[chosen]
            else:
                x, wanted = self.draw(X, y, chosen, rng.made)
            gradient = self._gradients[number]
            gradient.restart()
            share = 1.0 / len(rows) if shares is None else shares[part]
            mass = len(chosen) / len(rows) if shares is None else float(shares[part].sum())
            with Recording(mass) as record:
                logits, back = self.network(self.params, x, rng)
                value, dlogits = self.loss(logits, wanted, share)
                back(dlogits, gradient, need_dx=False)
            gradient.settle()
            records[number] = record
            return value + record.penalty

        value = sum(members.map(work, range(len(parts))))
        for record in records:
            if record.forward:
                self.forward.add(record.forward)
                self.backward.add(record.backward)
        return value, [gradient.vector for gradient in self._gradients[: len(parts)]]


class Update:
    """One step of an optimiser from the microbatches' gradients, chunk by chunk on the team.

    A chunk of them is added, penalised and used while it is in the processor's cache.

    Args:
        state: what the optimiser remembers, to go on from and to be changed; empty at first.
    """

    def __init__(self, optimizer: Optimizer, params: Params, state: State) -> None:
        self.optimizer = optimizer
        self.params = params
        self.state = state
        state.update(optimizer.init(params.vector) | state)
        self._chunks = cut(params.size, CHUNK)
        weights = _weight_slices(params)
        self._weights = [_overlaps(chunk, weights) for chunk in self._chunks]

    def __call__(
        self,
        members: Team,
        gradients: list[NDArray],
        learning_rate: float,
        penalty: float = 0.0,
        max_norm: float | None = None,
    ) -> float:
        """Change the parameters in place; returns the penalty's part of the loss.

        Args:
            gradients: whose sum, in this order, is the gradient; the first becomes it.
            penalty: strength of ``penalty / 2 Σ W²`` over the weights.
            max_norm: the gradient is scaled down to this norm where it is longer.
        """
        vector, total = self.params.vector, gradients[0]
        change = self.optimizer.rule(self.state, learning_rate)

        def add(number: int) -> float:
            part = total[self._chunks[number]]
            for other in gradients[1:]:
                part += other[self._chunks[number]]
            if not penalty:
                return 0.0
            return sum(_penalize(vector[w], total[w], penalty) for w in self._weights[number])

        def step(number: int) -> None:
            part = self._chunks[number]
            change(part, vector[part], total[part])

        def add_and_step(number: int) -> float:
            value = add(number)
            step(number)
            return value

        numbers = range(len(self._chunks))
        if max_norm is None:
            return sum(members.map(add_and_step, numbers))
        value = sum(members.map(add, numbers))
        clip_norm(total, max_norm)
        members.map(step, numbers)
        return value


def penalize(params: Params, gradient: NDArray, strength: float) -> float:
    """strength / 2 Σ W² over all weights; its gradient is added in place."""
    parts = _weight_slices(params)
    return sum(_penalize(params.vector[part], gradient[part], strength) for part in parts)


def _penalize(w: NDArray, gradient: NDArray, strength: float) -> float:
    ops.add_scaled(gradient, w, w.dtype.type(strength))
    return 0.5 * strength * float(w @ w)


def _weight_slices(params: Params) -> list[slice]:
    """Where in the flat vector the weights are, without the biases."""
    parts, start = [], 0
    for name, view in params.items():
        if name.rpartition(".")[2] == "W":
            parts.append(slice(start, start + view.size))
        start += view.size
    return parts


def _overlaps(chunk: slice, parts: list[slice]) -> list[slice]:
    both = (slice(max(chunk.start, p.start), min(chunk.stop, p.stop)) for p in parts)
    return [part for part in both if part.start < part.stop]


def forward(
    network: Layer, params: Params, X: NDArray, microbatch: int, threads: int = 1
) -> NDArray:
    """The network's output for all of X, in bounded memory: shape (n, *out_shape).

    Fixed points that were not found are told to the caller's :func:`recording`; where there is
    none, by one ``NotConvergedWarning`` with their count.
    """

    if X.shape[0] == 1:  # at once: to hold BLAS to one thread takes as long as a small net
        with quiet(), Recording() as record:
            y = output(network, params, take(X, slice(None)))
        if record.forward:
            _pass_on([record])
        return y

    def work(part: slice) -> tuple[NDArray, Recording]:
        with Recording() as record:
            return output(network, params, take(X, part)), record

    parts = cut(X.shape[0], microbatch)
    with team(min(threads, len(parts))) as members:
        answers = members.map(work, parts)
    _pass_on([record for _, record in answers])
    return np.concatenate([y for y, _ in answers])


def _pass_on(records: list[Recording]) -> None:
    """What was heard in the team's threads, to whoever listens in this one."""
    infos = [info for record in records for info in record.forward]
    if not infos:
        return
    outer, tally = listener(), Tally()
    if outer is not None:
        outer.forward += infos
        return
    tally.add(infos)
    warning = not_converged("prediction", tally.told("samples"))
    if warning is not None:
        warnings.warn(warning, stacklevel=3)
