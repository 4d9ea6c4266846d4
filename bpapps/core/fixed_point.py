"""Recurrent backpropagation: a layer whose output is the fixed point of a cell.

Activations are fed forward until they settle, z = cell(z) + inject(x); only then is the error
propagated back, until it settles too, u = u ∂cell/∂z + dz (Pineda 1987; Almeida 1987; with
today's solvers, Bai, Kolter & Koltun 2019). The weights then learn from one backward pass of the
cell at the fixed point, so memory does not grow with the number of iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

import numpy as np
from numpy.typing import NDArray

from bpapps.core.combine import check_layers
from bpapps.core.jacobian import JacobianPenalty
from bpapps.core.layers import Back, Layer, Rng, prepare
from bpapps.core.params import Params, Shape, Tree
from bpapps.core.randomness import LateGenerator
from bpapps.core.solvers import (
    Anderson,
    Solver,
    SolverInfo,
    listener,
    relative_residual,
    require_count,
    require_share,
)

GRADIENTS = ("implicit", "jacobian-free", "phantom", "unrolled")
Cell = Callable[[NDArray], tuple[NDArray, Back]]
Adjoint = Callable[[NDArray, Params | None], NDArray]
"""``adjoint(dz, grad)`` gives the gradient with respect to what was injected."""


@dataclass(frozen=True)
class FixedPoint:
    """z* = cell(z*) + inject(x): ``FixedPoint(Chain(ReLU(), Dense(h)), inject=Dense(h))``.

    With the cell in this order z is what the neurons receive, and a ReLU() after the layer reads
    what they send. A normalised picture's cell is ``Chain(ReLU(), Conv2D(c, 3, padding="same"),
    GroupNorm(g))``. A cell that draws random numbers, as Dropout does, draws the same at every
    application in a pass: there is one mask for the whole solve and its adjoint.

    Args:
        cell: any layer from the state's shape to itself.
        inject: any layer from x to the state's shape; worked out once a pass.
        solver: of :mod:`bpapps.core.solvers`.
        tol: relative residual, |cell(z) + inject(x) - z| / |…|, of a sample that is settled.
        max_iter: most evaluations of the cell, and so for ``backward_max_iter``.
        backward_solver, backward_tol, backward_max_iter: for the adjoint; as forward unless given.
        gradient: ``implicit``, exact; or cheaper: ``jacobian-free``, u = dz (Fung et al. 2022);
            ``phantom``, ``steps`` damped steps of the adjoint (Geng et al. 2021); ``unrolled``,
            backpropagation through time over ``steps`` damped steps from the start, which do
            without the solver, and remember all of them.
        steps: for ``phantom`` and ``unrolled``.
        damping: share of each such step, in (0, 1].
        warm_start: begin from a parameter, ``start``, that training pulls to the mean of the
            fixed points (the gradient of ½|start - z*|², which no other loss has a part in).
            Without, from zero.
        jacobian_penalty: strength of a penalty on |∂cell/∂z|² / size at the fixed point while
            training; see :class:`bpapps.core.jacobian.JacobianPenalty`.

    How the solves went is told to :func:`bpapps.core.solvers.recording`.
    """

    cell: Layer
    inject: Layer
    solver: Solver = field(default_factory=Anderson)
    tol: float = 1e-4
    max_iter: int = 50
    backward_solver: Solver | None = None
    backward_tol: float | None = None
    backward_max_iter: int | None = None
    gradient: str = "implicit"
    steps: int = 5
    damping: float = 1.0
    warm_start: bool = False
    jacobian_penalty: float = 0.0

    def __post_init__(self) -> None:
        check_layers("FixedPoint", self.cell, self.inject)
        for solver in (self.solver, self.backward_solver or self.solver):
            if not isinstance(solver, Solver):
                raise ValueError(f"FixedPoint: {solver!r} is not a solver")
        if self.gradient not in GRADIENTS:
            raise ValueError(
                f"FixedPoint: gradient must be one of {', '.join(GRADIENTS)}, not {self.gradient!r}"
            )
        require_count(
            "FixedPoint",
            max_iter=self.max_iter,
            backward_max_iter=self._or_forward("max_iter"),
            steps=self.steps,
        )
        require_share("FixedPoint", damping=self.damping)
        for tol in (self.tol, self._or_forward("tol")):
            if not 0 < tol < inf:
                raise ValueError(f"FixedPoint: tol must be a number above 0, not {tol!r}")
        if not 0 <= self.jacobian_penalty < inf:
            raise ValueError(
                f"FixedPoint: jacobian_penalty must be 0 or above, not {self.jacobian_penalty!r}"
            )

    def _or_forward(self, name: str):  # type: ignore[no-untyped-def] # of many types
        given = getattr(self, f"backward_{name}")
        return getattr(self, name) if given is None else given

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """The arrays of ``inject`` and ``cell``, and ``start`` where there is one."""
        inject, shape = self.inject.init(in_shape, rng)
        cell, same_shape = self.cell.init(shape, rng)
        if shape != same_shape:
            raise ValueError(f"FixedPoint: inject gives {shape}, of which cell makes {same_shape}")
        tree = {"inject": inject, "cell": cell}
        tree = {name: inner for name, inner in tree.items() if inner}
        return tree | ({"start": np.zeros(shape)} if self.warm_start else {}), shape

    def __call__(
        self, p: Params, x: NDArray, rng: Rng = None, z0: NDArray | None = None
    ) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`; ``z0`` is a start of the caller's, or None.

        Inputs that follow each other, as the frames of a film do, are solved in fewer iterations
        from the last one's fixed point.
        """
        injected, inject_back = self.inject(p.part("inject"), x, rng)
        cell = self._cell(p, rng)
        z0 = self._start(p, injected) if z0 is None else z0
        find = self._unroll if self.gradient == "unrolled" else self._solve
        z, adjoint = find(cell, injected, z0)
        penalty = None
        if rng is not None and self.jacobian_penalty:
            penalty = JacobianPenalty(self.jacobian_penalty, _seed(rng))

        def back(dz: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray | None:
            inject_grad, cell_grad = (
                None if grad is None else grad.part(name) for name in ("inject", "cell")
            )
            if penalty is not None:
                dz = dz + penalty(cell, z, cell_grad)
            if self.warm_start and rng is not None and grad is not None:
                grad.start += _share_of_batch(z) * (p.start - z.mean(axis=0))
            return inject_back(adjoint(dz, cell_grad), inject_grad, need_dx)

        return z, back

    def _cell(self, p: Params, rng: Rng) -> Cell:
        """The cell of one pass: with what its parameters alone decide, and the same mask."""
        inner = p.part("cell")
        layer = prepare(self.cell, inner)
        if rng is None:
            return lambda z: layer(inner, z)
        seed = _seed(rng)
        return lambda z: layer(inner, z, LateGenerator(seed))  # type: ignore[arg-type]

    def _start(self, p: Params, injected: NDArray) -> NDArray:
        if self.warm_start:
            return np.tile(p.start, (len(injected), *(1 for _ in p.start.shape)))
        return np.zeros(injected.shape, injected.dtype)

    def _solve(self, cell: Cell, injected: NDArray, z0: NDArray) -> tuple[NDArray, Adjoint]:
        """The fixed point by the solver, and the adjoint at it."""
        seen: list = []

        def f(z: NDArray) -> NDArray:
            y, cell_back = cell(z)
            seen[:] = [z, cell_back]
            return y + injected

        z, info = self.solver(f, z0, self.tol, self.max_iter)
        _tell("forward", info)
        last, cell_back = seen
        if last is not z:  # some did not converge, and are back at an earlier iterate
            cell_back = None

        def adjoint(dz: NDArray, grad: Params | None) -> NDArray:
            back = cell(z)[1] if cell_back is None else cell_back
            u = self._settled_error(back, dz)
            if grad is not None:
                back(u, grad, need_dx=False)
            return u

        return z, adjoint

    def _settled_error(self, cell_back: Back, dz: NDArray) -> NDArray:
        """u = u ∂cell/∂z + dz, or what is taken for it."""
        if self.gradient == "jacobian-free":
            return dz
        if self.gradient == "phantom":
            share = dz.dtype.type(self.damping)
            u = share * dz
            for _ in range(self.steps - 1):
                u = u + share * (cell_back(u) + dz - u)
            return u
        solver = self.backward_solver or self.solver
        tol, max_iter = self._or_forward("tol"), self._or_forward("max_iter")
        u, info = solver(lambda u: cell_back(u) + dz, dz, tol, max_iter)
        _tell("backward", info)
        return u

    def _unroll(self, cell: Cell, injected: NDArray, z0: NDArray) -> tuple[NDArray, Adjoint]:
        """Some steps of plain iteration, and backpropagation through all of them.

        The residual told is the last one known: it belongs to the last iterate but one.
        """
        share = injected.dtype.type(self.damping)
        backs, trajectory, z = [], [], z0
        for _ in range(self.steps):
            y, cell_back = cell(z)
            backs.append(cell_back)
            y = y + injected
            trajectory.append(relative_residual(y, y - z))
            z = y if share == 1 else z + share * (y - z)
        last = trajectory[-1]
        iterations = np.full(len(z), self.steps)
        _tell("forward", SolverInfo(iterations, last, last <= self.tol, np.array(trajectory)))

        def adjoint(dz: NDArray, grad: Params | None) -> NDArray:
            injected_back = np.zeros_like(dz)
            for t in reversed(range(self.steps)):
                step = share * dz
                injected_back += step
                before = backs[t](step, grad, need_dx=t > 0)
                dz = dz - step + before if t > 0 else dz
            return injected_back

        return z, adjoint


def _tell(direction: str, info: SolverInfo) -> None:
    record = listener()
    if record is not None:
        getattr(record, direction).append(info)


def _share_of_batch(z: NDArray) -> NDArray:
    record = listener()
    return z.dtype.type(1.0 if record is None else record.share)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**63))
