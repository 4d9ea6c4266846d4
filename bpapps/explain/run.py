"""Train a small net, and keep plain records of all that happened: numbers, names, lists.

Iteration 0 is the net as initialised; an iteration is one pass over the whole data and one change
of the weights, -learning rate · gradient. The first iteration is explained in detail.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps import __version__
from bpapps.core import SGD, Chain, FixedPoint, Params, Plan, evaluate, forward, train
from bpapps.core.solvers import recording
from bpapps.explain import measure, nets
from bpapps.explain.passes import batch_gradient, follow, settle
from bpapps.explain.problems import PROBLEMS, Problem

KEPT = 50
"""About how many iterations are kept, close together at first."""

GRID = 41
"""Points to each side of the decision surface."""

ALIKE = 32
"""Most samples in the batch on which backpropagation is compared with finite differences."""

Progress = Callable[[int, int, str], None]
Records = dict[str, Any]


def run(
    name: str,
    seed: int = 0,
    recurrent: bool = False,
    command: str = "",
    progress: Progress = lambda done, total, what: None,
) -> Records:
    """Train on a problem of :data:`PROBLEMS`, measure, and return the records."""
    problem = PROBLEMS[name]()

    def make(hidden: int) -> Chain:
        build = nets.build_recurrent if recurrent else lambda h, o: nets.build((h,), o)
        return build(hidden, problem.outputs)

    network = (
        make(problem.recurrent_hidden) if recurrent else nets.build(problem.hidden, problem.outputs)
    )
    params = nets.start(network, problem.X.shape[1], seed)
    records: Records = {
        "problem": name,
        "title": problem.title,
        "recurrent": recurrent,
        "seed": seed,
        "command": command,
        "version": __version__,
        "classes": list(problem.classes),
        "learning_rate": problem.learning_rate,
        "batch": len(problem.y),
        "unseen": len(problem.unseen[1]) if problem.unseen else 0,
        "net": _net(problem, network, params),
        "samples": _samples(problem),
        "first": _first(problem, network, params),
    }
    total = problem.recurrent_iterations if recurrent else problem.iterations
    records |= _train(problem, network, params, total, progress)
    progress(total, total, "measuring")
    few = np.linspace(0, len(problem.y) - 1, min(ALIKE, len(problem.y))).astype(int)
    records["matrices"] = measure.matrices(
        network, params, problem.loss, problem.X, problem.y, seed
    )
    records["directions"] = measure.directions(
        make, recurrent, problem.loss, problem.X[few], problem.y[few], seed
    )
    records["directions_batch"] = len(few)
    return records


def _net(problem: Problem, network: Chain, params: Params) -> Records:
    """The neurons, layer by layer, and the wires between them."""
    layers, wires = nets.wires(network, params)
    last = max(layers)
    names = []
    for layer in range(last + 1):
        count = layers.count(layer)
        if layer == 0:
            names += list(problem.inputs) or _pixels(count)
        elif layer == last:
            names += ["y"] if count == 1 else [f"“{label}”" for label in problem.classes]
        else:
            letter = "hgf"[layer - 1]
            names += [f"{letter}{_below(i + 1)}" for i in range(count)]
    return {
        "layers": layers,
        "names": names,
        "pictured": not problem.inputs,
        "output": "sigmoid" if problem.outputs == 1 else "softmax",
        "wires": [[wire.source, wire.target, wire.weight] for wire in wires],
        "size": params.size,
    }


def _pixels(count: int) -> list[str]:
    """Row and column of each pixel of a picture of 8×8."""
    return [f"pixel {i // 8 + 1},{i % 8 + 1}" for i in range(count)]


def _samples(problem: Problem) -> list[Records]:
    return [
        {
            "name": name,
            "inputs": problem.X[row].tolist(),
            "label": problem.classes[problem.y[row]],
            "desired": _desired(problem, int(problem.y[row])),
        }
        for name, row in problem.shown.items()
    ]


def _desired(problem: Problem, label: int) -> list[float]:
    """What each output should be."""
    if problem.outputs == 1:
        return [float(label)]
    return np.eye(problem.outputs)[label].tolist()


def _first(problem: Problem, network: Chain, params: Params) -> Records:
    """Steps 1 to 5 of the first iteration: the passes of the samples shown, and the change."""
    rows = [(problem.X[[row]], problem.y[[row]]) for row in problem.shown.values()]
    passes = [follow(network, params, problem.loss, x, y) for x, y in rows]
    for one in passes:
        del one["gradient"]  # of each weight, it is δ times the input: what is shown
    loss, gradient = batch_gradient(network, params, problem.loss, problem.X, problem.y)
    change = -problem.learning_rate * gradient
    first = {
        "weights": nets.effective(network, params).tolist(),
        "passes": passes,
        "loss": loss,
        "gradient": gradient.tolist(),
        "change": change.tolist(),
        "after": (params.vector + change).tolist(),
    }
    if isinstance(network.layers[0], FixedPoint):
        first["settling"] = [settle(network, params, problem.loss, x, y) for x, y in rows]
    return first


def _train(
    problem: Problem, network: Chain, params: Params, total: int, progress: Progress
) -> Records:
    """Train ``params``, and keep the loss of each iteration and a picture of some."""
    steps = {0, *np.round(np.geomspace(1, total, KEPT)).astype(int).tolist()}
    plan = Plan(
        loss=problem.loss,
        optimizer=SGD(),
        learning_rate=problem.learning_rate,
        batch_size=len(problem.y),
        microbatch=len(problem.y),
        max_epochs=total,
        shuffle=False,
    )
    kept = [_kept(problem, network, params, 0)]
    losses = []
    for epoch in train(network, params, problem.X, problem.y, plan):
        losses.append(epoch.loss)  # of the weights before their change
        if epoch.epoch in steps:
            kept.append(_kept(problem, network, params, epoch.epoch))
        if epoch.epoch % (total // 20 or 1) == 0:
            progress(epoch.epoch, total, "training")
    losses.append(evaluate(network, params, problem.X, problem.y, problem.loss)[0])
    return {"kept": kept, "losses": _rounded(losses), "range": _range(problem)}


def _kept(problem: Problem, network: Chain, params: Params, iteration: int) -> Records:
    """What the net is at an iteration: to six digits, its weights to four."""
    with recording() as solves:
        logits = forward(network, params, problem.X, len(problem.X))
    value = problem.loss(logits, problem.y)[0]
    outputs = problem.loss.predict(logits[list(problem.shown.values())])
    record: Records = {
        "iteration": iteration,
        "loss": _round(value),
        "right": problem.right(logits, problem.y),
        "weights": _rounded(nets.effective(network, params), 4),
        "outputs": [_rounded(row) for row in outputs],
    }
    if solves.forward:
        record["settled_in"] = int(solves.forward[0].iterations.max())
    if problem.unseen:
        X, y = problem.unseen
        record["unseen_right"] = problem.right(forward(network, params, X, len(X)), y)
    else:
        grid = _grid(problem)
        levels = problem.loss.predict(forward(network, params, grid, len(grid)))
        record["surface"] = _bytes(levels[:, 0])
    return record


def _range(problem: Problem) -> Records | None:
    """The part of the plane that is drawn, the points on it, and the surface's sides."""
    if problem.X.shape[1] != 2:
        return None
    low, high = problem.X.min(), problem.X.max()
    margin = 0.15 * (high - low)
    return {
        "low": float(low - margin),
        "high": float(high + margin),
        "side": GRID,
        "points": [[*_rounded(x), int(y)] for x, y in zip(problem.X, problem.y, strict=True)],
    }


def _grid(problem: Problem) -> NDArray:
    """Points of the plane, row by row from the top."""
    plane = _range(problem)
    assert plane is not None
    x = np.linspace(plane["low"], plane["high"], GRID)
    across, up = np.meshgrid(x, x[::-1])
    return np.stack([across.ravel(), up.ravel()], axis=1)


def _bytes(shares: NDArray) -> str:
    """Shares in [0, 1] as base64 of a byte each."""
    return base64.b64encode(np.round(255 * shares).astype(np.uint8).tobytes()).decode()


def _rounded(values: Any, digits: int = 6) -> list[float]:
    return [_round(value, digits) for value in values]


def _round(value: float, digits: int = 6) -> float:
    return float(f"{value:.{digits}g}")


def _below(number: int) -> str:
    """1 -> ₁."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
