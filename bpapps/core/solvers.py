"""Solvers of fixed points: z with f(z) = z, for every sample of a batch by itself.

A solver is a frozen dataclass of hyperparameters, called as

    z, info = solver(f, z0, tol, max_iter)

with ``z0`` of shape (n, ...) and ``f`` from that shape to itself. Each sample has its own
residual |f(z) - z| / |f(z)|, its own history and its own end: one that has converged stays where
it is, so that a hard sample neither changes the others nor spoils what they reached. One that
does not converge is given back at its best iterate, and the :class:`SolverInfo` says so.

Whoever wants to know how the solves inside a network went listens, without anything to pass
through the layers:

    with recording() as record:
        network(params, x)
    record.forward[0].iterations
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from numbers import Integral
from threading import local

import numpy as np
from numpy.typing import NDArray

from bpapps.core.threads import quiet

Map = Callable[[NDArray], NDArray]
Propose = Callable[[NDArray, NDArray], NDArray]
"""``propose(fz, g)``, both (n, values), gives the next z from f(z) and f(z) - z."""

ROUNDINGS = 10
"""A tolerance below so many roundings of the numbers' type could not be met; it is raised."""


class NotConvergedWarning(RuntimeWarning):
    """Some fixed points were not found to the tolerance within the iterations allowed."""


@dataclass(frozen=True, eq=False)
class SolverInfo:
    """How the solve of a batch of n samples went.

    ``iterations`` (n,) are evaluations of f until the sample's end; ``residuals`` (n,) are the
    relative residuals of the z given back, infinite where f was not finite; ``converged`` (n,)
    says which samples are within the tolerance; ``trajectory`` (evaluations, n) holds the
    residuals of each iterate: a sample that has ended keeps its last residual.
    """

    iterations: NDArray[np.intp]
    residuals: NDArray
    converged: NDArray[np.bool_]
    trajectory: NDArray

    @property
    def largest(self) -> NDArray:
        """The batch's largest residual by iteration."""
        return self.trajectory.max(axis=1)

    @property
    def mean(self) -> NDArray:
        """The batch's mean residual by iteration."""
        return self.trajectory.mean(axis=1)


class Solver:
    """What the solvers share; a subclass proposes the next iterate."""

    def __call__(
        self, f: Map, z0: NDArray, tol: float = 1e-4, max_iter: int = 50
    ) -> tuple[NDArray, SolverInfo]:
        """The fixed point of each sample, and how it was found.

        Args:
            f: from shape (n, ...) to the same; it must treat each sample by itself.
            z0: where to begin, shape (n, ...).
            tol: largest relative residual; raised to ten roundings of the type of ``z0``.
            max_iter: most evaluations of ``f``, 1 or more.

        Where all samples end at the last evaluation, the z given back is the very array that
        ``f`` saw there. A sample that gives no finite value even at ``z0`` is given back as that
        value: what is no number stays none.
        """
        n, shape, kind = len(z0), z0.shape, np.finfo(z0.dtype)
        tol = max(tol, ROUNDINGS * float(kind.eps))
        propose = self.begin(z0.reshape(n, -1))
        z = best = z0
        active, iterations = np.ones(n, bool), np.zeros(n, np.intp)
        lowest, trajectory = np.full(n, inf, z0.dtype), []
        with quiet():  # what is not finite is told by its residual
            for _ in range(max_iter):
                fz = f(z).reshape(n, -1)
                g = fz - z.reshape(n, -1)
                residual = relative_residual(fz, g)
                trajectory.append(residual)
                iterations += active
                better = (residual < lowest) | ~active
                best = z if better.all() else _choose(better, z, best)
                hopeless = active & (residual == inf)
                if hopeless.any():
                    best = _choose(hopeless & (lowest == inf), fz.reshape(shape), best)
                lowest = np.where(active, np.minimum(lowest, residual), lowest)
                active &= (lowest > tol) & ~hopeless
                if not active.any():
                    break
                following = propose(fz, g).reshape(shape)
                z = following if active.all() else _choose(active, following, best)
        return best, SolverInfo(iterations, lowest, lowest <= tol, np.array(trajectory))

    def begin(self, z0: NDArray) -> Propose:
        """The rule that proposes iterates, with a memory of its own, for z of shape (n, values)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Damped(Solver):
    """Plain iteration, z ← (1 - damping) z + damping f(z).

    It is also Euler's method for the continuous-time network τ dz/dt = f(z) - z (Hopfield 1984;
    Pineda 1987) with steps of dt/τ = damping, in (0, 1].
    """

    damping: float = 1.0

    def __post_init__(self) -> None:
        require_share("Damped", damping=self.damping)

    def begin(self, z0: NDArray) -> Propose:
        """See :class:`Solver`."""
        return lambda fz, g: _damped(fz, g, self.damping)


@dataclass(frozen=True)
class Anderson(Solver):
    """Anderson acceleration (Anderson 1965; type II, in the differences of Walker & Ni 2011).

    The residual is taken for linear in between the last ``memory`` + 1 iterates, and z put where
    it is smallest: γ = argmin |g - ΔG γ|, z ← s - ΔS γ, of damped steps s = z + damping · g.
    ``ridge`` is added to the normal equations, as a share of their diagonal; at least ten
    roundings of the numbers' type, which keep them definite.
    """

    memory: int = 5
    ridge: float = 1e-8
    damping: float = 1.0

    def __post_init__(self) -> None:
        require_count("Anderson", memory=self.memory)
        require_share("Anderson", damping=self.damping)
        if not 0 <= self.ridge < inf:
            raise ValueError(f"Anderson: ridge must be 0 or a number above, not {self.ridge!r}")

    def begin(self, z0: NDArray) -> Propose:
        """See :class:`Solver`."""
        (n, values), m = z0.shape, self.memory
        steps, gaps = np.empty((2, n, m, values), z0.dtype)
        gram = np.zeros((n, m, m))
        ridge = max(self.ridge, ROUNDINGS * float(np.finfo(z0.dtype).eps))
        before: list[NDArray] = []
        count = 0

        def propose(fz: NDArray, g: NDArray) -> NDArray:
            nonlocal count
            step = _damped(fz, g, self.damping)
            following = step
            if before:
                slot, used = count % m, min(count + 1, m)
                count += 1
                np.subtract(step, before[0], out=steps[:, slot])
                np.subtract(g, before[1], out=gaps[:, slot])
                row = _dots(gaps[:, :used], gaps[:, slot])
                gram[:, slot, :used] = gram[:, :used, slot] = row
                gamma = _least_squares(gram[:, :used, :used], _dots(gaps[:, :used], g), ridge)
                following = step - _combine(gamma.astype(z0.dtype), steps[:, :used])
            before[:] = [step, g]
            return following

        return propose


@dataclass(frozen=True)
class Broyden(Solver):
    """Broyden's good method (1965) with limited memory, by the Sherman–Morrison formula.

    The inverse Jacobian of g(z) = f(z) - z is kept as B = -I + Σ u vᵀ. At first it is -I, as if f
    were constant. After ``memory`` updates it begins anew.
    """

    memory: int = 20

    def __post_init__(self) -> None:
        require_count("Broyden", memory=self.memory)

    def begin(self, z0: NDArray) -> Propose:
        """See :class:`Solver`."""
        (n, values), m = z0.shape, self.memory
        left, right = np.empty((2, n, m, values), z0.dtype)
        tiny = np.finfo(z0.dtype).tiny
        before: list[NDArray] = []
        count = 0

        def times(outer: NDArray, inner: NDArray, vector: NDArray) -> NDArray:
            """B, or with left and right exchanged its transpose, times a vector."""
            return _combine(_dots(inner[:, :count], vector), outer[:, :count]) - vector

        def propose(fz: NDArray, g: NDArray) -> NDArray:
            nonlocal count
            z = fz - g
            if before:
                count = count % m
                s, y = z - before[0], g - before[1]
                v = times(right, left, s)
                miss = s - times(left, right, y)
                along = np.einsum("nd,nd->n", v, y)
                along = np.where(np.abs(along) > tiny, along, inf)  # then there is no update
                left[:, count], right[:, count] = miss / along[:, np.newaxis], v
                count += 1
            before[:] = [z, g]
            return z - times(left, right, g)

        return propose


class Recording:
    """What the layers of a network told while it ran; see :func:`recording`.

    ``forward`` and ``backward`` hold a :class:`SolverInfo` a solve, in order; ``penalty`` is
    what the layers' own penalties add to the loss. ``share`` is what the samples at work weigh
    in the batch that they are a part of: a layer's own penalty takes it, so that how a batch is
    cut changes nothing.
    """

    __slots__ = ("_outer", "backward", "forward", "penalty", "share")

    def __init__(self, share: float = 1.0) -> None:
        self.share = share
        self.forward: list[SolverInfo] = []
        self.backward: list[SolverInfo] = []
        self.penalty = 0.0

    def __enter__(self) -> Recording:
        self._outer = _of_thread.listener
        _of_thread.listener = self
        return self

    def __exit__(self, *_: object) -> None:
        _of_thread.listener = self._outer


def recording(share: float = 1.0) -> Recording:
    """``with recording() as record``: what is solved in this thread meanwhile is recorded there.

    The innermost one hears it. :func:`bpapps.core.forward` passes on to its caller's what its
    threads heard.
    """
    return Recording(share)


def listener() -> Recording | None:
    """The innermost recording of this thread."""
    return _of_thread.listener


class _OfThread(local):
    listener: Recording | None = None


_of_thread = _OfThread()

LARGEST = 1e30
"""A largest residual above it, or infinite, is told as this: JSON has no infinity."""


@dataclass
class Tally:
    """Sums over solves: samples solved, their iterations, the largest residual, the failures."""

    solved: int = 0
    iterations: int = 0
    residual: float = 0.0
    unconverged: int = 0

    def add(self, infos: list[SolverInfo]) -> None:
        """Count some solves in."""
        for info in infos:
            self.solved += len(info.converged)
            self.iterations += int(info.iterations.sum())
            self.residual = max(self.residual, min(float(info.residuals.max()), LARGEST))
            self.unconverged += int((~info.converged).sum())

    def fields(self, direction: str) -> dict[str, float]:
        """The mean of iterations and so on by name; empty if nothing was solved."""
        if not self.solved:
            return {}
        return {
            f"{direction}_iterations": self.iterations / self.solved,
            f"{direction}_residual": self.residual,
            f"{direction}_unconverged": self.unconverged,
        }

    def told(self, what: str) -> str:
        """``3 of 60 forward (residuals up to 0.2)``, or nothing where all converged."""
        if not self.unconverged:
            return ""
        return f"{self.unconverged} of {self.solved} {what} (residuals up to {self.residual:.1g})"


def not_converged(place: str, *told: str) -> NotConvergedWarning | None:
    """The warning of what :meth:`Tally.told` told, or None where that was nothing."""
    if not any(told):
        return None
    return NotConvergedWarning(
        f"{place}: fixed points not found: {', '.join(filter(None, told))}; raise max_iter, or "
        f"keep the cell's weights small (jacobian_penalty, Bounded, MonotoneDense)"
    )


def _choose(rows: NDArray, one: NDArray, other: NDArray) -> NDArray:
    return np.where(rows.reshape(-1, *(1,) * (one.ndim - 1)), one, other)


def relative_residual(fz: NDArray, g: NDArray) -> NDArray:
    """|g| / |fz| of each sample, (n,), for g = f(z) - z; infinite where that is no number."""
    n = len(fz)
    residual = _norm(g.reshape(n, -1)) / (_norm(fz.reshape(n, -1)) + np.finfo(fz.dtype).tiny)
    residual[~np.isfinite(residual)] = inf
    return residual


def _norm(rows: NDArray) -> NDArray:
    return np.sqrt(np.einsum("nd,nd->n", rows, rows))


def _damped(fz: NDArray, g: NDArray, damping: float) -> NDArray:
    return fz if damping == 1 else fz - fz.dtype.type(1 - damping) * g


def _dots(vectors: NDArray, vector: NDArray) -> NDArray:
    """(n, m, d) and (n, d) to the products along d, (n, m)."""
    return (vectors @ vector[:, :, np.newaxis])[:, :, 0]


def _combine(weights: NDArray, vectors: NDArray) -> NDArray:
    """Σ over m of (n, m) times (n, m, d)."""
    return (weights[:, np.newaxis] @ vectors)[:, 0]


def _least_squares(gram: NDArray, right: NDArray, ridge: float) -> NDArray:
    """Solve n systems of normal equations, (n, m, m) and (n, m)."""
    system = gram.copy()
    diagonal = np.einsum("nii->ni", system)
    diagonal *= 1 + ridge
    diagonal[diagonal == 0] = 1  # of a sample that stands still
    return np.linalg.solve(system, right[:, :, np.newaxis])[:, :, 0]


def require_share(place: str, **values: float) -> None:
    """Raise ValueError unless each is in (0, 1]."""
    for name, value in values.items():
        if not 0 < value <= 1:
            raise ValueError(f"{place}: {name} must be above 0 and at most 1, not {value!r}")


def require_count(place: str, **values: int) -> None:
    """Raise ValueError unless each is a whole number, 1 or more."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{place}: {name} must be a positive whole number, not {value!r}")
