"""Check gradients against finite differences, along random directions.

For an output y and a random v, the function v·y has one number as its value; its slope along a
random direction d in (parameters, inputs) is measured by central differences and compared with
what ``back`` gives. One direction tests every gradient at once, in double precision
(an idea of Griewank & Walther 2008, chapter 3, and of HIPS/autograd's tests).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bpapps.core.layers import Layer
from bpapps.core.losses import Loss
from bpapps.core.params import Params, Shape, pack

STEP = 1e-5


def slope_error(f: Callable[[float], float], slope: float) -> float:
    """Relative difference between ``slope`` and the measured derivative of f at 0.

    The derivative is taken by central differences at two steps, extrapolated (Richardson).
    """
    coarse = (f(2 * STEP) - f(-2 * STEP)) / (4 * STEP)
    fine = (f(STEP) - f(-STEP)) / (2 * STEP)
    measured = (4 * fine - coarse) / 3
    return abs(measured - slope) / max(abs(measured), abs(slope), 1e-8)


def check_layer(
    layer: Layer, in_shape: Shape, n: int = 3, seed: int = 0, training: bool = False
) -> float:
    """Largest relative error of a layer's, or a network's, gradients in float64.

    Args:
        in_shape: shape of one sample.
        n: samples in the batch.
        training: check it as while training (with the same random numbers at each call).

    Returns:
        The larger of the errors with respect to the parameters and to the inputs.
    """
    rng = np.random.default_rng(seed)
    tree, out_shape = layer.init(in_shape, rng)
    params = pack(tree, np.float64)
    params.vector[...] += 0.1 * rng.normal(size=params.size)
    x = rng.normal(size=(n, *in_shape))
    v = rng.normal(size=(n, *out_shape))

    def output(p: Params, inputs: NDArray) -> float:
        return float((layer(p, inputs, _rng(training, seed))[0] * v).sum())

    _, back = layer(params, x, _rng(training, seed))
    grad = params.zeros_like()
    dx = back(v, grad)
    along_x = rng.normal(size=x.shape)
    errors = [slope_error(lambda t: output(params, x + t * along_x), float((dx * along_x).sum()))]
    if params.size:
        along_p = rng.normal(size=params.size)

        def moved(t: float) -> float:
            return output(Params(params.vector + t * along_p, params.shapes), x)

        errors.append(slope_error(moved, float(grad.vector @ along_p)))
    return max(errors)


def check_loss(
    loss: Loss, logits: NDArray, targets: NDArray, weights: NDArray | None = None, seed: int = 0
) -> float:
    """Relative error of a loss's gradient against its own value, in float64."""
    logits = logits.astype(np.float64)
    direction = np.random.default_rng(seed).normal(size=logits.shape)
    _, dlogits = loss(logits, targets, weights)
    slope = float((dlogits * direction).sum())
    return slope_error(lambda t: loss(logits + t * direction, targets, weights)[0], slope)


def check_network(
    network: Layer, loss: Loss, X: NDArray, y: NDArray, seed: int = 0, training: bool = False
) -> float:
    """Relative error of the loss's gradient with respect to all parameters, in float64."""
    rng = np.random.default_rng(seed)
    params = pack(network.init(X.shape[1:], rng)[0], np.float64)
    X = X.astype(np.float64)

    def value(vector: NDArray) -> float:
        logits, _ = network(Params(vector, params.shapes), X, _rng(training, seed))
        return loss(logits, y)[0]

    logits, back = network(params, X, _rng(training, seed))
    grad = params.zeros_like()
    back(loss(logits, y)[1], grad, need_dx=False)
    along = rng.normal(size=params.size)
    return slope_error(lambda t: value(params.vector + t * along), float(grad.vector @ along))


def _rng(training: bool, seed: int) -> np.random.Generator | None:
    return np.random.default_rng(seed) if training else None
