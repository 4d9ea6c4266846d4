"""Convolution and pooling are what their loops say, however memory lies."""

import numpy as np
import pytest

from bpapps.core import (
    AveragePool2D,
    Chain,
    Conv2D,
    GroupNorm,
    LayerNorm,
    MaxPool2D,
    pack,
)
from bpapps.core.spatial import _matmul_in_blocks


@pytest.mark.parametrize(
    ("filters", "places", "depth"),
    [(3, 7, 9), (32, 128, 400), (32, 96, 800), (64, 128, 800), (256, 7, 800), (256, 128, 800)],
)
def test_a_product_in_blocks_is_the_product(filters: int, places: int, depth: int) -> None:
    rng = np.random.default_rng(0)
    a = np.asfortranarray(rng.normal(size=(filters, depth)))  # as the kernel is turned
    bands = rng.normal(size=(6, depth, places))
    for b in (bands, bands[::2], bands[:, :, :0]):
        np.testing.assert_allclose(_matmul_in_blocks(a, b), a @ b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kernel_size", [1, 2, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 2])
@pytest.mark.parametrize("n", [1, 32])
def test_convolution_is_what_its_loops_say(
    kernel_size: int, stride: int, padding: int, n: int
) -> None:
    k = kernel_size
    layer = Conv2D(4, k, stride, padding)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 9, 8, 3))
    tree, (height, width, _) = layer.init(x.shape[1:], rng)
    params = pack(tree, np.float64)
    params.b[...] = rng.normal(size=4)
    y, back = layer(params, x)
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    dy = rng.normal(size=y.shape)
    dx, dW = np.zeros_like(padded), np.zeros_like(params.W)
    for r in range(height):
        for c in range(width):
            window = slice(r * stride, r * stride + k), slice(c * stride, c * stride + k)
            patch = padded[:, *window]
            wanted = np.tensordot(patch, params.W, 3) + params.b
            np.testing.assert_allclose(y[:, r, c], wanted, rtol=1e-9, atol=1e-9)
            dx[:, *window] += np.tensordot(dy[:, r, c], params.W, (1, 3))
            dW += np.tensordot(patch, dy[:, r, c], (0, 0))
    grad = params.zeros_like()
    inner = slice(padding, padding + 9), slice(padding, padding + 8)
    np.testing.assert_allclose(back(dy, grad), dx[:, *inner], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(grad.W, dW, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(grad.b, dy.sum(axis=(0, 1, 2)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("row", range(3))
def test_the_order_of_memory_changes_nothing(row: int) -> None:
    layer = [Chain(Conv2D(4, 3), MaxPool2D(), GroupNorm(2)), AveragePool2D(), LayerNorm()][row]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 8, 8, 2))
    tree, _ = layer.init(x.shape[1:], rng)
    params, grads = pack(tree, np.float64), []
    for order in ((0, 1, 2, 3), (3, 0, 2, 1), (1, 3, 2, 0)):
        other = x.transpose(order).copy().transpose(np.argsort(order))
        y, back = layer(params, other)
        grad = params.zeros_like()
        dx = back(np.cos(np.arange(y.size)).reshape(y.shape), grad)
        grads.append((y, dx, grad.vector))
    for same in grads[1:]:
        for a, b in zip(same, grads[0], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_tie_in_max_pool_goes_to_the_first_pixel() -> None:
    _, back = MaxPool2D(2)(pack({}), np.ones((1, 2, 4, 1)))
    dx = back(np.array([3.0, 5.0]).reshape(1, 1, 2, 1))
    np.testing.assert_array_equal(dx[0, :, :, 0], [[3, 0, 5, 0], [0, 0, 0, 0]])
