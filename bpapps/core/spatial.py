"""Layers for pictures: convolution and pooling over (height, width, channels).

A convolution is one matrix product: every patch under the kernel becomes a row ("im2col",
Chellapilla et al. 2006). With channels last, the product is already the output picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from bpapps.core.initializers import check_initializer, initialize
from bpapps.core.layers import Back, Rng, _positive
from bpapps.core.params import Params, Shape, Tree


@dataclass(frozen=True)
class Conv2D:
    """Cross-correlation of (n, height, width, channels) with ``filters`` square kernels.

    ``padding`` is a number of zero pixels on each side, or ``"same"`` for
    ``kernel_size // 2``, which with an odd kernel and stride 1 keeps the size.
    W has the shape (kernel_size, kernel_size, channels, filters).
    """

    filters: int
    kernel_size: int
    stride: int = 1
    padding: int | str = 0
    initializer: str = "he_normal"

    def __post_init__(self) -> None:
        sizes = {"filters": self.filters, "kernel_size": self.kernel_size, "stride": self.stride}
        _positive("Conv2D", **sizes)
        check_initializer(self.initializer)
        if self.padding != "same" and not (isinstance(self.padding, int) and self.padding >= 0):
            raise ValueError(f"Conv2D: padding must be 'same' or at least 0, not {self.padding!r}")

    @property
    def _pad(self) -> int:
        return self.kernel_size // 2 if self.padding == "same" else int(self.padding)

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """W and b; ValueError where the kernel is larger than the padded picture."""
        height, width, channels = _picture_shape("Conv2D", in_shape)
        k = self.kernel_size
        out = [(side + 2 * self._pad - k) // self.stride + 1 for side in (height, width)]
        if min(out) < 1:
            raise ValueError(f"Conv2D: a {k}×{k} kernel does not fit input of shape {in_shape}")
        shape = (k, k, channels, self.filters)
        W = initialize(self.initializer, shape, k * k * channels, k * k * self.filters, rng)
        return {"W": W, "b": np.zeros(self.filters)}, (out[0], out[1], self.filters)

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        padded = _pad(x, self._pad)
        columns, (height, width) = _patches(padded, self.kernel_size, self.stride)
        kernel = p.W.reshape(-1, self.filters)
        y = columns @ kernel
        y += p.b

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray | None:
            rows = dy.reshape(-1, self.filters)
            if grad is not None:
                grad.W += (columns.T @ rows).reshape(grad.W.shape)
                grad.b += rows.sum(axis=0)
            return self._back_to_input(p, dy, x.shape) if need_dx else None

        return y.reshape(len(x), height, width, self.filters), back

    def _back_to_input(self, p: Params, dy: NDArray, in_shape: Shape) -> NDArray:
        """dx: with stride 1 another convolution, of dy with the kernel turned by 180 degrees."""
        k, reach = self.kernel_size, self.kernel_size - 1 - self._pad
        n, height, width, channels = in_shape
        if self.stride == 1 and reach >= 0:
            turned = p.W[::-1, ::-1].transpose(0, 1, 3, 2).reshape(-1, channels)
            columns, _ = _patches(_pad(dy, reach), k, 1)
            return (columns @ turned).reshape(in_shape)
        pieces = dy @ p.W.reshape(-1, self.filters).T
        pieces = pieces.reshape(*dy.shape[:3], k, k, channels)
        dx = np.zeros((n, height + 2 * self._pad, width + 2 * self._pad, channels), dy.dtype)
        for i in range(k):
            for j in range(k):
                _window(dx, i, j, self.stride, dy.shape[1], dy.shape[2])[...] += pieces[
                    :, :, :, i, j
                ]
        return dx[:, self._pad : self._pad + height, self._pad : self._pad + width]


@dataclass(frozen=True)
class MaxPool2D:
    """The largest value under each window; a tie goes to the window's first pixel.

    ``stride`` is the window's own size unless given. Rows and columns that fill no whole window
    are left out.
    """

    size: int = 2
    stride: int | None = None

    def __post_init__(self) -> None:
        _positive("MaxPool2D", size=self.size, stride=_or(self.stride, self.size))

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """No parameters."""
        return {}, _pooled_shape("MaxPool2D", in_shape, self.size, _or(self.stride, self.size))

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        stride = _or(self.stride, self.size)
        height, width, _ = _pooled_shape("MaxPool2D", x.shape[1:], self.size, stride)
        offsets = [(i, j) for i in range(self.size) for j in range(self.size)]
        y = _window(x, 0, 0, stride, height, width).copy()
        for i, j in offsets[1:]:
            np.maximum(y, _window(x, i, j, stride, height, width), out=y)

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
            dx = np.zeros_like(x)
            left = dy
            for i, j in offsets:
                share = left * (_window(x, i, j, stride, height, width) == y)
                _window(dx, i, j, stride, height, width)[...] += share
                left = left - share
            return dx

        return y, back


@dataclass(frozen=True)
class AveragePool2D:
    """The mean under each window; windows as in :class:`MaxPool2D`."""

    size: int = 2
    stride: int | None = None

    def __post_init__(self) -> None:
        _positive("AveragePool2D", size=self.size, stride=_or(self.stride, self.size))

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """No parameters."""
        return {}, _pooled_shape("AveragePool2D", in_shape, self.size, _or(self.stride, self.size))

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        stride = _or(self.stride, self.size)
        height, width, _ = _pooled_shape("AveragePool2D", x.shape[1:], self.size, stride)
        share = x.dtype.type(1.0 / self.size**2)
        offsets = [(i, j) for i in range(self.size) for j in range(self.size)]
        y = np.zeros((len(x), height, width, x.shape[3]), x.dtype)
        for i, j in offsets:
            y += _window(x, i, j, stride, height, width)
        y *= share

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
            dx = np.zeros_like(x)
            piece = dy * share
            for i, j in offsets:
                _window(dx, i, j, stride, height, width)[...] += piece
            return dx

        return y, back


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _picture_shape(layer: str, in_shape: Shape) -> tuple[int, int, int]:
    if len(in_shape) != 3:
        raise ValueError(f"{layer} needs (height, width, channels), got shape {in_shape}")
    return in_shape[0], in_shape[1], in_shape[2]


def _pooled_shape(layer: str, in_shape: Shape, size: int, stride: int) -> Shape:
    height, width, channels = _picture_shape(layer, in_shape)
    if min(height, width) < size:
        raise ValueError(f"{layer}: a {size}×{size} window does not fit input of shape {in_shape}")
    return (height - size) // stride + 1, (width - size) // stride + 1, channels


def _pad(x: NDArray, pad: int) -> NDArray:
    """A border of zeros around each picture."""
    if pad == 0:
        return x
    n, height, width, channels = x.shape
    padded = np.zeros((n, height + 2 * pad, width + 2 * pad, channels), x.dtype)
    padded[:, pad:-pad, pad:-pad] = x
    return padded


def _patches(x: NDArray, k: int, stride: int) -> tuple[NDArray, tuple[int, int]]:
    """Rows of k·k·channels values, one for each place of the kernel; and the places' grid."""
    n, height, width, channels = x.shape
    out_height, out_width = (height - k) // stride + 1, (width - k) // stride + 1
    columns = np.empty((n, out_height, out_width, k, k * channels), x.dtype)
    if channels == 1:  # runs of k values are too short to copy one by one
        for i in range(k):
            for j in range(k):
                window = _window(x, i, j, stride, out_height, out_width)
                columns[:, :, :, i, j] = window[..., 0]
    else:  # a row of the kernel is one run of k·channels values in memory
        x = np.ascontiguousarray(x)
        s0, s1, s2, s3 = x.strides
        runs = as_strided(x, columns.shape, (s0, s1 * stride, s2 * stride, s1, s3), writeable=False)
        np.copyto(columns, runs)
    return columns.reshape(n * out_height * out_width, -1), (out_height, out_width)


def _window(x: NDArray, i: int, j: int, stride: int, height: int, width: int) -> NDArray:
    """The pixels that lie at (i, j) of each window: a view of shape (n, height, width, …)."""
    return x[:, i : i + stride * height : stride, j : j + stride * width : stride]
