"""The equilibrium net in PyTorch: with the solver of :class:`bpapps.core.Anderson`, step for step.

Activations are solved for without a graph, then applied once more with one; a hook on what comes
out solves for the error that is propagated back, as deep equilibrium models are written in PyTorch
(Bai, Kolter & Koltun 2019).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

MEMORY, TOL, MAX_ITER = 5, 1e-4, 50
Map = Callable[[Tensor], Tensor]


class Equilibrium(nn.Module):
    """z = W relu(z) + inject(x), and relu(z) read out to classes."""

    def __init__(self, inputs: int, state: int, classes: int) -> None:
        super().__init__()
        self.inject = nn.Linear(inputs, state)
        self.cell = nn.Linear(state, state)
        self.out = nn.Linear(state, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) for x of shape (n, inputs)."""
        injected = self.inject(x)
        with torch.no_grad():
            z = anderson(lambda z: self.cell(z.relu()) + injected, torch.zeros_like(injected))
        if not torch.is_grad_enabled():
            return self.out(z.relu())
        z = self.cell(z.relu()) + injected
        z0 = z.detach().requires_grad_()
        again = self.cell(z0.relu())

        def settled(dz: Tensor) -> Tensor:
            def f(u: Tensor) -> Tensor:
                return torch.autograd.grad(again, z0, u, retain_graph=True)[0] + dz

            return anderson(f, dz)

        z.register_hook(settled)
        return self.out(z.relu())


def anderson(f: Map, z0: Tensor) -> Tensor:
    """The fixed point of each row of z0, (n, values); a row that has converged stays."""
    n, values = z0.shape
    ridge = 10 * torch.finfo(z0.dtype).eps
    tiny = torch.finfo(z0.dtype).tiny
    steps, gaps = z0.new_empty((2, n, MEMORY, values))
    gram = torch.zeros((n, MEMORY, MEMORY), dtype=torch.float64)
    active = torch.ones(n, dtype=torch.bool)
    z, before = z0, None
    for count in range(MAX_ITER):
        fz = f(z)
        g = fz - z
        active = active & (g.norm(dim=1) / (fz.norm(dim=1) + tiny) > TOL)
        if not active.any():
            break
        following = fz
        if before is not None:
            slot, used = (count - 1) % MEMORY, min(count, MEMORY)
            torch.sub(fz, before[0], out=steps[:, slot])
            torch.sub(g, before[1], out=gaps[:, slot])
            row = torch.bmm(gaps[:, :used], gaps[:, slot, :, None])[:, :, 0].double()
            gram[:, slot, :used] = row
            gram[:, :used, slot] = row
            right = torch.bmm(gaps[:, :used], g[:, :, None]).double()
            system = gram[:, :used, :used].clone()
            diagonal = system.diagonal(dim1=1, dim2=2)
            diagonal *= 1 + ridge
            diagonal[diagonal == 0] = 1
            gamma = torch.linalg.solve(system, right).to(z0.dtype)
            following = fz - torch.bmm(gamma.mT, steps[:, :used])[:, 0]
        before = fz, g
        z = following if active.all() else torch.where(active[:, None], following, z)
    return z
