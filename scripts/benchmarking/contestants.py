"""The contestants, who do a work block by block: ours, PyTorch's and scikit-learn's.

Every block starts from the same weights and takes the same batches in the same order, so that
the losses after it must agree. Each library is imported by the contestant that needs it, as the
memory of its process is measured too.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarking.works import CLASSES, EPOCH, KERNEL, Block, Net, Variant, Work
from bpapps.core.malloc import keep_freed_memory

LOSS_ROWS = 2_000
"""The losses are compared over so many pictures, the first ones."""

Data = tuple[NDArray, NDArray]


class Contestant(Protocol):
    """Who does a block of a work."""

    def start(self) -> None:
        """Go back to the initial weights; not timed."""
        ...

    def run(self) -> None:
        """Do the block."""
        ...

    def loss(self) -> float:
        """The mean loss over the first pictures, after the block."""
        ...


class Ours:
    """The core's training loop and its prediction, called as the estimators call them."""

    def __init__(
        self, work: Work, data: Data, block: Block, threads: int | None, way: str | None = None
    ) -> None:
        from bpapps import core
        from bpapps.core import ops
        from bpapps.core.parallel import microbatch_size
        from bpapps.core.threads import default_threads

        keep_freed_memory()  # as the command line does
        if way == "plain":
            ops.unload()
        else:
            ops.load()  # as every training does that is longer than a block
        self.work, self.block, self.way = work, block, way
        self.X, self.y = data
        self.network, self.params = our_network(work.net)
        self.initial = self.params.vector.copy()
        self.threads = threads or default_threads()
        self.core = core
        shape = (self.network, self.params, work.net.in_shape)
        self.predicted_at_once = microbatch_size(*shape, 256)
        adam = work.optimizer == "adam"
        self.plan = core.Plan(
            loss=core.SoftmaxCrossEntropy(),
            optimizer=core.Adam() if adam else core.SGD(momentum=0.9),
            learning_rate=work.learning_rate,
            batch_size=work.batch_size,
            max_epochs=block.passes,
            shuffle=False,
            microbatch=microbatch_size(*shape, work.batch_size),
        )

    def start(self) -> None:
        """See :class:`Contestant`."""
        self.params.vector[...] = self.initial

    def run(self) -> None:
        """See :class:`Contestant`."""
        X, y = self.X[: self.block.rows], self.y[: self.block.rows]
        if not self.work.predicted:
            for _ in self.core.train(
                self.network, self.params, X, y, self.plan, threads=self.threads
            ):
                pass
        elif self.way == "network call":
            for _ in range(self.block.passes):
                self.network(self.params, X)
        else:
            for _ in range(self.block.passes):
                self._forward(X)

    def loss(self) -> float:
        """See :class:`Contestant`."""
        value, _ = self.plan.loss(self._forward(self.X[:LOSS_ROWS]), self.y[:LOSS_ROWS])
        return float(value)

    def _forward(self, X: NDArray) -> NDArray:
        size = self.predicted_at_once
        return self.core.forward(self.network, self.params, X, size, self.threads)


def our_network(net: Net) -> tuple[Any, Any]:
    """The net and its initial parameters, always the same ones."""
    from bpapps.core import (
        Chain,
        Conv2D,
        Dense,
        FixedPoint,
        Flatten,
        MaxPool2D,
        ReLU,
        initial_params,
    )

    layers: list[Any] = []
    if net.state:
        cell = Chain(ReLU(), Dense(net.state, "glorot_uniform"))
        layers = [FixedPoint(cell, inject=Dense(net.state)), ReLU()]
    for filters in net.filters:
        layers += [Conv2D(filters, KERNEL), MaxPool2D(), ReLU()]
    layers += [Flatten()] if net.filters else []
    for units in net.hidden:
        layers += [Dense(units), ReLU()]
    network = Chain(*layers, Dense(CLASSES, "glorot_uniform"))
    params = initial_params(network, net.in_shape, seed=0)
    if net.state:
        params[0].part("cell")[1].W[...] *= 0.5  # so that all settle, from the first step on
    return network, params


class Torch:
    """PyTorch at its best: batches by index, no value taken off a tensor before the end.

    ``same_weights``: start from our initial weights, for which ours must be imported.
    """

    def __init__(
        self,
        work: Work,
        data: Data,
        block: Block,
        threads: int | None,
        variant: Variant,
        same_weights: bool = True,
    ) -> None:
        import torch

        torch.set_num_threads(threads or os.cpu_count() or 1)
        self.torch, self.work, self.block, self.variant = torch, work, block, variant
        pictures = (-1, 1, work.net.side, work.net.side) if work.net.filters else data[0].shape
        self.X = torch.from_numpy(data[0]).reshape(pictures)
        self.y = torch.from_numpy(data[1])
        self.model = torch_model(work.net)
        if variant.channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        self.initial = torch_weights(work.net) if same_weights else []
        self.batches = torch.arange(block.rows).split(work.batch_size)
        self.forward, self.loss_of = self.model, self._loss_of
        if variant.compiled:
            torch.compiler.reset()
            self.forward = torch.compile(self.model, dynamic=False)
            self.loss_of = torch.compile(self._loss_of, dynamic=False)

    def start(self) -> None:
        """See :class:`Contestant`."""
        with self.torch.no_grad():
            for weights, array in zip(self.model.parameters(), self.initial, strict=False):
                weights.copy_(self.torch.from_numpy(array))
        rate, optim = self.work.learning_rate, self.torch.optim
        fused = True if self.variant.fused else None  # None: PyTorch's own choice
        if self.work.optimizer == "adam":
            self.optimizer = optim.Adam(self.model.parameters(), lr=rate, fused=fused)
        else:
            self.optimizer = optim.SGD(self.model.parameters(), lr=rate, momentum=0.9, fused=fused)

    def run(self) -> None:
        """See :class:`Contestant`."""
        if self.work.predicted:
            X = self.X[: self.block.rows]
            for _ in range(self.block.passes):
                self._predict(X)
            return
        total = self.torch.zeros(())
        for _ in range(self.block.passes):
            for rows in self.batches:
                self.optimizer.zero_grad(set_to_none=True)
                loss = self.loss_of(self._take(rows), self.y.index_select(0, rows))
                loss.backward()
                self.optimizer.step()
                total += loss.detach()
        total.item()

    def loss(self) -> float:
        """See :class:`Contestant`."""
        with self.torch.inference_mode():
            return float(self._loss_of(self.X[:LOSS_ROWS], self.y[:LOSS_ROWS]))

    def _loss_of(self, x: Any, y: Any) -> Any:
        return self.torch.nn.functional.cross_entropy(self.model(x), y)

    def _take(self, rows: Any) -> Any:
        return self._as_wanted(self.X.index_select(0, rows))

    def _as_wanted(self, x: Any) -> Any:
        if self.variant.channels_last:
            return x.contiguous(memory_format=self.torch.channels_last)
        return x

    def _predict(self, X: Any) -> Any:
        with self.torch.inference_mode():
            if self.variant.at_once is None:
                return self.forward(self._as_wanted(X))
            parts = X.split(self.variant.at_once)
            return self.torch.cat([self.forward(self._as_wanted(part)) for part in parts])


def torch_model(net: Net) -> Any:
    """The same net in PyTorch."""
    from torch import nn

    if net.state:
        from benchmarking.equilibrium import Equilibrium

        return Equilibrium(net.widths[0], net.state, CLASSES)
    layers: list[Any] = []
    channels = 1
    for filters in net.filters:
        layers += [nn.Conv2d(channels, filters, KERNEL), nn.MaxPool2d(2), nn.ReLU()]
        channels = filters
    layers += [nn.Flatten()] if net.filters else []
    for before, units in zip(net.widths, net.widths[1:], strict=False):
        layers += [nn.Linear(before, units), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def torch_weights(net: Net) -> list[NDArray]:
    """Our initial weights in the order and the shapes of PyTorch, which has channels first."""
    found: list[NDArray] = []
    for name, array in our_network(net)[1].items():
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)
        elif array.ndim == 2 and net.filters and len(found) == 2 * len(net.filters):
            side, units = net.pooled_side, array.shape[1]
            pictures = array.reshape(side, side, -1, units).transpose(3, 2, 0, 1)
            array = pictures.reshape(units, -1)
        elif name.endswith("W"):
            array = array.T
        found.append(np.ascontiguousarray(array))
    return found


class Estimator:
    """A classifier as scikit-learn's users fit it; ``MLPClassifier`` and ours take the same."""

    def __init__(self, work: Work, data: Data, block: Block, kind: Callable[..., Any]) -> None:
        self.X, self.y = data
        self.block = block
        settings: dict[str, Any] = {
            "hidden_layer_sizes": work.net.hidden,
            "solver": work.optimizer,
            "alpha": 1e-4,
            "batch_size": work.batch_size,
            "learning_rate_init": work.learning_rate,
            "nesterovs_momentum": False,
            "shuffle": False,
            "random_state": 0,
            "tol": 0.0,
            "n_iter_no_change": 10**9,
            "warm_start": True,  # a fit starts from the weights that ``start`` puts there
        }
        self.model = kind(**settings, max_iter=1)
        self.run()
        self.model.set_params(max_iter=block.passes)
        arrays = [array for _, array in our_network(work.net)[1].items()]
        self.initial = list(zip(arrays[::2], arrays[1::2], strict=True))

    def start(self) -> None:
        """See :class:`Contestant`."""
        layers = zip(self.model.coefs_, self.model.intercepts_, self.initial, strict=True)
        for W, b, (initial_W, initial_b) in layers:
            W[...], b[...] = initial_W, initial_b

    def run(self) -> None:
        """See :class:`Contestant`."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has not converged: that is meant
            self.model.fit(self.X[: self.block.rows], self.y[: self.block.rows])

    def loss(self) -> float:
        """See :class:`Contestant`."""
        p = self.model.predict_proba(self.X[:LOSS_ROWS])
        own = p[np.arange(len(p)), self.y[: len(p)]]
        return float(-np.log(np.maximum(own, np.finfo(np.float32).tiny)).mean())


def contestant(
    who: str, work: Work, data: Data, block: Block, threads: int | None, way: Any
) -> Contestant:
    """The contestant of a name; ``way`` is a variant of PyTorch, or a way to call ours."""
    if who == "ours":
        return Ours(work, data, block, threads, way)
    if who == "torch":
        return Torch(work, data, block, threads, way)
    if who == "estimator":
        from bpapps.estimators import BackpropClassifier

        keep_freed_memory()
        return Estimator(work, data, block, BackpropClassifier)
    from sklearn.neural_network import MLPClassifier

    return Estimator(work, data, block, MLPClassifier)


# ------------------------------------------------------------------ data


def samples(net: Net, data_dir: Path | None) -> Data:
    """Inputs (n, *in_shape) of float32 in [0, 1] and their classes, shuffled by seed 0."""
    X, y = _pictures("digits" if net.side == 8 else "mnist", data_dir)
    return X.reshape(len(X), *net.in_shape), y


@cache
def _pictures(name: str, data_dir: Path | None) -> Data:
    from bpapps.data import named

    if not named.is_here(name, data_dir):
        return random_pictures(EPOCH)
    found = named.load(name, data_dir)
    pictures, order = np.asarray(found.whole.pictures), np.random.default_rng(0).permutation(EPOCH)
    order = order[order < len(pictures)]
    scale = np.float32(255 if pictures.dtype == np.uint8 else 1)
    return pictures[order] / scale, found.whole.targets[order].astype(np.int64)


def random_pictures(n: int) -> Data:
    """As many pixels as MNIST has, of random values, and random classes."""
    rng = np.random.default_rng(0)
    X = rng.random((n, Net(()).in_shape[0]), dtype=np.float32)
    return X, rng.integers(CLASSES, size=n)
