"""One sample's way through the net and back: every sum, output and δ, as the core has them.

δ is the slope of the sample's loss along a neuron's sum. It is also the gradient of the neuron's
bias, which is how it is read here from the core's own backward pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.core import Chain, FixedPoint, Loss, Params, Tanh

Record = dict[str, Any]


def follow(network: Chain, params: Params, loss: Loss, x: NDArray, y: NDArray) -> Record:
    """Forward and back with one sample, x of shape (1, inputs).

    ``sums``, ``outputs`` and ``deltas`` have a number for each neuron, inputs first; these have
    no sum and no δ, and count as 0.
    """
    sums, outputs, value = [np.zeros_like(x)], [x], x
    for i, layer in enumerate(network.layers):
        value, _ = layer(params[i], value)
        (outputs if isinstance(layer, Tanh) else sums).append(value)
    outputs.append(loss.predict(value))
    logits, back = network(params, x)
    cost, error = loss(logits, y, 1.0)
    gradient = params.zeros_like()
    back(error, gradient, need_dx=False)
    biases = [
        gradient[i].inject.b if isinstance(layer, FixedPoint) else gradient[i].b
        for i, layer in enumerate(network.layers)
        if not isinstance(layer, Tanh)
    ]
    return {
        "sums": np.concatenate(sums, axis=1)[0].tolist(),
        "outputs": np.concatenate(outputs, axis=1)[0].tolist(),
        "deltas": np.concatenate([np.zeros(x.shape[1]), *biases]).tolist(),
        "loss": cost,
        "gradient": gradient.vector.tolist(),
    }


def batch_gradient(
    network: Chain, params: Params, loss: Loss, X: NDArray, y: NDArray
) -> tuple[float, NDArray]:
    """The mean loss of a batch and its gradient, with the batch as one matrix."""
    logits, back = network(params, X)
    value, error = loss(logits, y)
    gradient = params.zeros_like()
    back(error, gradient, need_dx=False)
    return value, gradient.vector


def settle(network: Chain, params: Params, loss: Loss, x: NDArray, y: NDArray) -> Record:
    """The sums of the recurrent layer settling, then the error settling, iterate by iterate.

    The cell is iterated here once more, outside of the solver, to the solver's own tolerance.
    """
    layer = network.layers[0]
    assert isinstance(layer, FixedPoint)
    p = params[0]
    injected = layer.inject(p.inject, x)[0]
    forward = _iterate(
        lambda z: layer.cell(p.cell, z)[0] + injected, np.zeros_like(injected), layer.tol
    )
    z = np.array(forward["values"][-1])[np.newaxis]
    head = Chain(*network.layers[1:])
    above = Params(params.vector[params[0].size :], _below(params))
    logits, head_back = head(above, z)
    arriving = head_back(loss(logits, y, 1.0)[1])
    _, cell_back = layer.cell(p.cell, z)
    backward = _iterate(lambda u: cell_back(u) + arriving, arriving, layer.tol)
    return {"forward": forward, "backward": backward, "arriving": arriving[0].tolist()}


def _iterate(f: Any, value: NDArray, tol: float, most: int = 1000) -> Record:
    """value ← f(value), with |f(value) - value| / |f(value)| of each, until that is small."""
    values, residuals = [], []
    for _ in range(most):
        following = f(value)
        size = float(np.linalg.norm(following))
        values.append(value[0].tolist())
        residuals.append(float(np.linalg.norm(following - value)) / size if size else 0.0)
        if residuals[-1] <= tol:
            break
        value = following
    return {"values": values, "residuals": residuals}


def _below(params: Params) -> dict[str, tuple[int, ...]]:
    """The shapes of all layers but the first, whose place the second takes."""
    split = (name.partition(".") for name in params.shapes if not name.startswith("0."))
    return {f"{int(i) - 1}.{name}": params.shapes[f"{i}.{name}"] for i, _, name in split}
