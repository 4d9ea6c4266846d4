"""The Jacobian of a cell at its fixed point: how fast it settles, and a penalty that keeps it so.

Near the fixed point an error in z is multiplied by J = ∂cell/∂z at each plain iteration. It dies
out where the spectral radius of J is below 1, and the sooner the smaller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpapps.core.layers import Back, Layer
from bpapps.core.params import Params
from bpapps.core.solvers import listener

PROBE = 0.01
"""How far the penalty steps away from the fixed point, in each value of z."""


def spectral_radius(
    cell: Layer, p: Params, z: NDArray, iterations: int = 100, seed: int = 0
) -> NDArray:
    """The largest |eigenvalue| of ∂cell/∂z at each sample of z: (n, ...) to (n,).

    By power iteration on vector-Jacobian products, which have the same eigenvalues. Taken is the
    mean growth over the second half, since with a pair of complex ones each step's growth swings.

        z, _ = layer(p, x)
        radius = spectral_radius(layer.cell, p.part("cell"), z)
        radius.mean(), radius.max()
    """
    _, back = cell(p, z)
    u = np.random.default_rng(seed).normal(size=z.shape).astype(z.dtype)
    tiny = np.finfo(z.dtype).tiny
    logs = np.zeros(len(z))
    skipped = iterations // 2
    for i in range(iterations):
        u = back(u)
        size = np.sqrt(np.square(u).reshape(len(z), -1).sum(axis=1)) + tiny
        u = u / size.reshape(-1, *(1 for _ in z.shape[1:]))
        if i >= skipped:
            logs += np.log(size)
    return np.exp(logs / (iterations - skipped))


@dataclass(frozen=True)
class JacobianPenalty:
    """``strength`` times the mean over the samples of |J v|² / size, with random signs v.

    |J v|² has |J|², the sum of the squares of all entries, as its mean (Hutchinson 1990), which
    bounds the spectral radius and was proposed as a penalty by Bai, Koltun & Kolter (2021). J v is
    taken by the difference of the cell at z + hv and at z, whose gradients are one ordinary
    backward pass at each: exact for the difference, without second derivatives. That is also what
    tells a rectifier's kinks nearby, where J itself sees none.
    """

    strength: float
    seed: int

    def __call__(
        self, cell: Callable[[NDArray], tuple[NDArray, Back]], z: NDArray, grad: Params | None
    ) -> NDArray:
        """Its gradient with respect to z; the cell's parameters' gradient is added to ``grad``.

        The value goes to whoever records, and the strength is the share of the batch.
        """
        signs = np.random.default_rng([self.seed, 1]).integers(0, 2, z.shape, np.int8)
        step = z.dtype.type(PROBE) * (2 * signs - 1).astype(z.dtype)
        (y, back), (y2, back2) = cell(z), cell(z + step)
        along = (y2 - y) / z.dtype.type(PROBE)
        record = listener()
        strength = self.strength * (1.0 if record is None else record.share) / z.size
        if record is not None and grad is not None:
            record.penalty += strength * float(np.vdot(along, along))
        dy = along * z.dtype.type(2 * strength / PROBE)
        return back2(dy, grad) + back(-dy, grad)
