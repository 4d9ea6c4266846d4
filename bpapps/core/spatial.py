"""Layers for pictures, (height, width, channels): convolution, pooling and normalisation.

A convolution is a matrix product with every patch under the kernel as a column ("im2col",
Chellapilla et al. 2006), for each row of the output by itself. In memory rows come first and the
batch last, (height, channels, width, n): then patches are unfolded along the width only, which
copies k values for each and not k·k, in runs as long as NumPy likes them; and k rows that follow
each other are the patches. Whoever sees such an array sees it as (n, height, width, channels),
and work on each number by itself keeps its order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpapps.core import ops
from bpapps.core.initializers import check_initializer, initialize
from bpapps.core.layers import Back, Rng, _above_zero, _positive, _scale_and_shift
from bpapps.core.params import Params, Shape, Tree
from bpapps.core.threads import cut

_AT_ONCE = 1 << 18
"""Values of the rows' own weight gradients that are added at a time: a core's cache holds them."""
_UNCOPIED = 1_000_000
"""Multiplications of a product of matrices up to which OpenBLAS takes the factors as they lie."""


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
        rows = _rows_first(x, self._pad)
        bands = _bands(rows, self.kernel_size, self.stride)
        columns = _columns(bands, self.kernel_size, self.stride)
        kernel = p.W.reshape(-1, self.filters)
        y = _matmul_in_blocks(kernel.T, columns)
        y += p.b[:, np.newaxis]

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray | None:
            dy = _rows_first(dy).reshape(y.shape)
            if grad is not None:
                for part in cut(len(dy), max(1, _AT_ONCE // kernel.size)):
                    dW = _sum_of_products(columns[part], dy[part])
                    grad.W += dW.reshape(grad.W.shape)
                grad.b += np.einsum("rfp->f", dy)  # in a third of the time that sum() takes
            return self._back_to_input(p.W, dy, rows.shape) if need_dx else None

        return _batch_first(y.reshape(*y.shape[:2], -1, len(x))), back

    def _back_to_input(self, W: NDArray, dy: NDArray, padded: Shape) -> NDArray:
        """dx: each row of the input hears from the rows of dy whose windows it was in."""
        k, stride, pad = self.kernel_size, self.stride, self._pad
        height, channels, width, n = padded
        turned = W.reshape(k, -1, self.filters)[::-1].transpose(1, 0, 2).copy()
        dbands = np.empty((height, k * channels, dy.shape[2]), dy.dtype)
        for h in range(height):
            first = max(0, -(-(h - k + 1) // stride))
            heard = dy[first : h // stride + 1]
            start = k - 1 - (h - stride * first)
            share = turned[:, start : start + stride * len(heard) : stride]
            np.matmul(share.reshape(len(turned), -1), heard.reshape(-1, dy.shape[2]), out=dbands[h])
        dx = np.zeros(padded, dy.dtype)
        dbands = dbands.reshape(height, k, channels, -1, n)
        for j in range(k):
            dx[:, :, j : j + stride * dbands.shape[3] : stride] += dbands[:, j]
        return _batch_first(dx[pad : height - pad, :, pad : width - pad])


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
        shape = _pooled_shape("MaxPool2D", x.shape[1:], self.size, stride)
        if self.size == stride == 2:
            return _largest_of_4(x, shape)
        along_rows, back_along_rows = _largest(x, 2, self.size, stride)
        y, back_down_columns = _largest(along_rows, 1, self.size, stride)

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
            return back_along_rows(back_down_columns(dy))

        return y, back


def _largest_of_4(x: NDArray, shape: Shape) -> tuple[NDArray, Back]:
    """Max pooling of 2×2 pixels, by far the most common, in a quicker way."""
    rows = _rows_first(x)
    y = np.empty((shape[0], shape[2], shape[1], len(x)), x.dtype)
    ops.largest_of_4(rows, y)

    def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
        even = x.shape[1] % 2 == x.shape[2] % 2 == 0
        dx = np.empty_like(rows) if even else np.zeros_like(rows)
        ops.largest_of_4_back(rows, y, _rows_first(dy), dx)
        return _batch_first(dx)

    return _batch_first(y), back


def _largest(
    x: NDArray, axis: int, size: int, stride: int
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """The largest of each ``size`` neighbours along an axis; its gradient goes to the first."""
    count = (x.shape[axis] - size) // stride + 1

    def neighbours(a: NDArray, i: int) -> NDArray:
        return a[(slice(None),) * axis + (slice(i, i + stride * count, stride),)]

    y = neighbours(x, 0)
    for i in range(1, size):
        y = np.maximum(y, neighbours(x, i))

    def back(dy: NDArray) -> NDArray:
        whole = stride == size and count * stride == x.shape[axis]
        dx = np.empty_like(x) if whole else np.zeros_like(x)
        left = dy
        for i in range(size - 1):
            share = left * (neighbours(x, i) == y)
            put(neighbours(dx, i), share)
            left = left - share
        put(neighbours(dx, size - 1), left)
        return dx

    def put(place: NDArray, share: NDArray) -> None:
        if stride >= size:  # no pixel is in two windows
            place[...] = share
        else:
            place += share

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


@dataclass(frozen=True)
class GlobalPool2D:
    """The mean and the maximum of each channel: (height, width, channels) to (2 channels)."""

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """No parameters."""
        return {}, (2 * _picture_shape("GlobalPool2D", in_shape)[2],)

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        flat = x.reshape(len(x), -1, x.shape[3])
        share = x.dtype.type(1 / flat.shape[1])
        where = flat.argmax(axis=1)[:, np.newaxis]

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray:
            of_mean, of_largest = np.split(dy[:, np.newaxis], 2, axis=2)
            dx = np.empty_like(x)  # in the order of memory that the layers below work in
            dx[...] = (share * of_mean)[:, np.newaxis]
            row, column = np.divmod(where, x.shape[2])
            sample, channel = np.arange(len(x))[:, None, None], np.arange(x.shape[3])
            dx[sample, row, column, channel] += of_largest
            return dx

        largest = np.take_along_axis(flat, where, axis=1)
        return np.concatenate([flat.sum(axis=1) * share, largest[:, 0]], axis=1), back


@dataclass(frozen=True)
class GroupNorm:
    """Normalises each picture over its pixels and a group of channels (Wu & He 2018)."""

    groups: int
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        _positive("GroupNorm", groups=self.groups)
        _above_zero("GroupNorm", epsilon=self.epsilon)

    def init(self, in_shape: Shape, rng: np.random.Generator) -> tuple[Tree, Shape]:
        """Scale and shift, one of each a channel."""
        if not in_shape or in_shape[-1] % self.groups:
            raise ValueError(f"GroupNorm({self.groups}) cannot divide the channels of {in_shape}")
        return _scale_and_shift(in_shape[-1]), in_shape

    def __call__(self, p: Params, x: NDArray, rng: Rng = None) -> tuple[NDArray, Back]:
        """See :class:`bpapps.core.layers.Layer`."""
        as_picture = (len(x), -1, x.shape[-2] if x.ndim > 2 else 1, x.shape[-1])
        rows = _rows_first(x.reshape(as_picture))
        height, channels, width, n = rows.shape
        together = channels // self.groups
        share = x.dtype.type(1 / (height * width * together))

        def means(sums: NDArray) -> NDArray:
            """Means over each group, (groups, n), from sums over its pixels or over its rows."""
            return sums.reshape(self.groups, -1, n).sum(axis=1) * share

        def spread(by_group: NDArray) -> NDArray:
            """Values (groups, n) at each place of a row, (channels·width·n,)."""
            return by_group.repeat(together * width, axis=0).reshape(-1)

        # Sums come first, so that what is left to do by group is small. Rows are whole in the
        # loops over all of x: a channel's few samples would be too short to be quick.
        given = rows.reshape(height, -1)
        centred = given - spread(means(_down(given)))
        squares = np.square(centred)
        inverse = 1 / np.sqrt(means(_down(squares)) + x.dtype.type(self.epsilon))
        factor = spread(inverse) * p.scale.repeat(width * n)
        y = np.multiply(centred, factor, out=squares)  # in their memory, which is at hand
        y += p.shift.repeat(width * n)

        def back(dy: NDArray, grad: Params | None = None, need_dx: bool = True) -> NDArray | None:
            dy = _rows_first(dy.reshape(as_picture)).reshape(given.shape)
            total = _down(dy).reshape(channels, width, n).sum(axis=1)
            product = _down(dy * centred).reshape(channels, width, n).sum(axis=1)
            if grad is not None:
                grad.scale += (product * inverse.repeat(together, axis=0)).sum(axis=1)
                grad.shift += total.sum(axis=1)
            if not need_dx:
                return None
            scale = p.scale[:, np.newaxis]
            dx = dy * factor
            dx -= centred * spread(means(product * scale) * inverse**3)
            dx -= spread(means(total * scale) * inverse)
            return _batch_first(dx.reshape(rows.shape)).reshape(x.shape)

        return _batch_first(y.reshape(rows.shape)).reshape(x.shape), back


def _down(rows: NDArray) -> NDArray:
    """Sums over each column, (channels·width·n,), of rows; BLAS adds faster than ``sum``."""
    return np.ones(len(rows), rows.dtype) @ rows


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


def _rows_first(x: NDArray, pad: int = 0) -> NDArray:
    """(n, height, width, channels) as (height, channels, width, n), with a border of zeros."""
    rows = x.transpose(1, 3, 2, 0)
    if pad == 0:
        return np.ascontiguousarray(rows)
    height, channels, width, n = rows.shape
    padded = np.zeros((height + 2 * pad, channels, width + 2 * pad, n), x.dtype)
    padded[pad:-pad, :, pad:-pad] = rows
    return padded


def _batch_first(rows: NDArray) -> NDArray:
    """Undo :func:`_rows_first`, without a copy."""
    return rows.transpose(3, 0, 2, 1)


def _bands(rows: NDArray, k: int, stride: int) -> NDArray:
    """Patches one pixel high: (height, k·channels, places·n), for each place of the kernel."""
    height, channels, width, n = rows.shape
    places = (width - k) // stride + 1
    s0, s1, s2, s3 = rows.strides
    shape, strides = (height, k, channels, places, n), (s0, s2, s1, s2 * stride, s3)
    patches = _view(rows, shape, strides)
    return np.ascontiguousarray(patches).reshape(height, k * channels, places * n)


def _columns(bands: NDArray, k: int, stride: int) -> NDArray:
    """Patches k pixels high, (rows of places, k·k·channels, places·n): a view, nothing is copied.

    Since rows come first, k bands that follow each other are one matrix.
    """
    height, depth, places = bands.shape
    s0, s1, s2 = bands.strides
    shape = ((height - k) // stride + 1, k * depth, places)
    return _view(bands, shape, (s0 * stride, s1, s2))


def _view(x: NDArray, shape: Shape, strides: Shape) -> NDArray:
    """``as_strided`` of a contiguous array, in an eighth of the time; its bounds are checked."""
    return np.ndarray(shape, x.dtype, x, strides=strides)


def _matmul_in_blocks(a: NDArray, b: NDArray) -> NDArray:
    """``a @ b`` for each b, in blocks where that takes OpenBLAS's quicker way.

    Small ones go without copying the factors to a buffer first: with 32 filters of 400 weights,
    230 against 150 GFLOP/s (AVX-512), and at 7 places with 128 filters of 1,152 weights 71 against
    28; where OpenBLAS has no such way (AVX2), it costs 5%.
    """
    (filters, depth), places = a.shape, b.shape[-1]
    if filters * depth * places <= _UNCOPIED:
        return a @ b
    for height in (filters, -(-filters // 2)):
        for width in (64, 32, places):
            fits = height * depth * width <= _UNCOPIED
            if fits and filters % height == 0 and places % width == 0:
                blocks = a.reshape(-1, 1, height, depth)
                y = np.empty((*b.shape[:-2], filters, places), b.dtype)
                columns = b.reshape(*b.shape[:-1], -1, width).swapaxes(-2, -3)
                by_block = y.reshape(*b.shape[:-2], -1, height, places // width, width)
                np.matmul(blocks, columns[..., np.newaxis, :, :, :], out=by_block.swapaxes(-2, -3))
                return y
    return a @ b


def _sum_of_products(a: NDArray, b: NDArray) -> NDArray:
    """Σ ``a[i] @ b[i].T``. Rows of over 768 are cut: of 1,536, products ran at half the speed."""
    width = a.shape[2]
    while width > 768 and width % 2 == 0:
        width //= 2
    a, b = (c.reshape(*c.shape[:2], -1, width).swapaxes(1, 2) for c in (a, b))
    return (a @ b.swapaxes(2, 3)).sum(axis=(0, 1))


def _window(x: NDArray, i: int, j: int, stride: int, height: int, width: int) -> NDArray:
    """The pixels that lie at (i, j) of each window: a view of shape (n, height, width, …)."""
    return x[:, i : i + stride * height : stride, j : j + stride * width : stride]
