"""PyTorch's way to each of our layers, as functions of our parameters."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; these tests compare to it")

from bpapps.core import (  # noqa: E402
    Params,
)

F = torch.nn.functional


def assert_close(ours: Any, theirs: Any) -> None:
    single = np.asarray(ours).dtype == np.float32 or theirs.dtype == np.float32
    rtol, atol = (1e-4, 2e-5) if single else (1e-10, 1e-11)
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


def leaf(array: np.ndarray) -> Any:
    return torch.tensor(array, requires_grad=True)


class Leaves:
    """Parameters as PyTorch's own, under the same names."""

    def __init__(self, params: Params) -> None:
        self.tensors = {name: leaf(view) for name, view in params.items()}

    def part(self, prefix: str) -> "Leaves":
        inner = object.__new__(Leaves)
        start = prefix + "."
        found = self.tensors.items()
        inner.tensors = {n.removeprefix(start): t for n, t in found if n.startswith(start)}
        return inner

    def __getattr__(self, name: str) -> Any:
        return self.tensors[name]

    def gradient(self) -> np.ndarray:
        parts = [t.grad.numpy().ravel() for t in self.tensors.values()]
        return np.concatenate(parts) if parts else np.zeros(0)


def channels_first(function: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda p, x: function(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def convolution(stride: int, padding: int) -> Callable[[Any, Any], Any]:
    def run(p: Any, x: Any) -> Any:
        y = F.conv2d(x.permute(0, 3, 1, 2), p.W.permute(3, 2, 0, 1), p.b, stride, padding)
        return y.permute(0, 2, 3, 1)

    return run


def group_norm(groups: int) -> Callable[[Any, Any], Any]:
    def run(p: Any, x: Any) -> Any:
        y = F.group_norm(x.movedim(-1, 1), groups, p.scale, p.shift)
        return y.movedim(1, -1)

    return run


def layer_norm(p: Any, x: Any) -> Any:
    return F.layer_norm(x, x.shape[-1:], p.scale, p.shift)


def dense(p: Any, x: Any) -> Any:
    return x @ p.W + p.b


def chain(*functions: Callable) -> Callable[[Any, Any], Any]:
    def run(p: Any, x: Any) -> Any:
        for i, function in enumerate(functions):
            x = function(p.part(str(i)), x)
        return x

    return run


def pool(function: Callable, size: int, stride: int | None) -> Callable[[Any, Any], Any]:
    return channels_first(lambda x: function(x, size, stride))


def elementwise(function: Callable) -> Callable[[Any, Any], Any]:
    return lambda p, x: function(x)


def lenet(p: Any, x: Any) -> Any:
    x = x.reshape(-1, 8, 8, 1)
    x = torch.relu(convolution(1, 1)(p.part("1"), x))
    x = x + torch.tanh(convolution(1, 1)(p.part("3").part("inner.0"), x))
    x = channels_first(lambda x: F.max_pool2d(x, 2))(p, x)
    x = F.gelu(layer_norm(p.part("6"), dense(p.part("5.1"), x.flatten(1))))
    return dense(p.part("8"), x)


def aligned(p: Any, x: Any) -> Any:
    """The definition, with a softmax: ours goes without the largest value, and in place."""
    n, two, height, width, k = x.shape
    mine, theirs = x.flatten(2, 3), x.flip(1).flatten(2, 3)
    row, column = np.divmod(np.arange(height * width), width)
    down, across = (torch.tensor((a[:, None] - a) ** 2).to(x.dtype) for a in (row, column))
    cosines = unit(mine) @ unit(theirs).mT
    score = p.sharpness * cosines - p.nearness[0] * down - p.nearness[1] * across
    found = score.softmax(-1) @ theirs
    apart = 1 - (unit(mine) * unit(found)).sum(-1)
    places = torch.tensor(np.stack([row, column], 1)).to(x.dtype)
    bent = score.softmax(-1) @ places - places
    y = torch.cat([(mine - found).abs(), apart[..., None], bent], -1)
    return y.reshape(n, two, height, width, k + 3)


def unit(x: Any) -> Any:
    return x / (x.square().sum(-1, keepdim=True) + 1e-6).sqrt()


def each_dense(p: Any, x: Any) -> Any:
    return dense(p.part("inner"), x.flatten(0, 1)).unflatten(0, x.shape[:2])


def differences(p: Any, x: Any) -> Any:
    return torch.cat([(x[:, 0] - x[:, 1]).abs(), x[:, 0] * x[:, 1]], 1)


def monotone(margin: float) -> Callable[[Any, Any], Any]:
    def run(p: Any, x: Any) -> Any:
        W = (1 - margin) * torch.eye(len(p.A), dtype=x.dtype) - p.A.T @ p.A + p.B - p.B.T
        return x @ W

    return run


def symmetric(p: Any, x: Any) -> Any:
    return x @ (p.W + p.W.T) / 2


class Scaled:
    """Parameters with each unit's incoming weights scaled down to a bound."""

    def __init__(self, p: Any, bound: float) -> None:
        total = p.W.abs().sum(tuple(range(p.W.ndim - 1)))
        self.W, self.b = p.W * (bound / total).clamp(max=1), p.b


def bounded(function: Callable, bound: float) -> Callable[[Any, Any], Any]:
    return lambda p, x: function(Scaled(p, bound), x)


def settled(cell: Callable, inject: Callable, steps: int = 150) -> Callable[[Any, Any], Any]:
    """The fixed point by so many plain iterations, through which autograd differentiates."""

    def run(p: Any, x: Any) -> Any:
        injected = inject(p.part("inject"), x)
        z = torch.zeros_like(injected)
        for _ in range(steps):
            z = cell(p.part("cell"), z) + injected
        return z

    return run
