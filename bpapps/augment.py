"""Random distortions of training pictures: a net sees each picture anew in every epoch.

Elastic distortions are those of Simard, Steinkraus & Platt 2003: each pixel is moved by a
random field smoothed with a Gaussian. They come together with affine ones (shift, rotation,
scale, shear), a change of stroke thickness, and of gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Distortion:
    """``distortion(x, rng)`` distorts flat pictures, shape (n, height · width), values in [0, 1].

    One random distortion serves ``group`` pictures, which costs little variety (the groups are
    shuffled anew in each epoch) and saves most of the time.

    Args:
        shape: height and width of the pictures.
        shift: standard deviation of the translation, in pixels.
        rotation: standard deviation of the angle, in degrees.
        scale, shear: standard deviations of the logarithm of each axis's scale, and of the shear.
        elastic: standard deviation of the elastic displacement, in pixels.
        smoothness: standard deviation of the Gaussian that smooths it, in pixels.
        thickness: largest share by which strokes are blended with their thickened (or thinned)
            selves, in [0, 1].
        gain: standard deviation of the logarithm of a factor on all values.
        noise: standard deviation of Gaussian noise added to each value.
    """

    shape: tuple[int, int]
    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0
    smoothness: float = 4.0
    thickness: float = 0.0
    gain: float = 0.0
    noise: float = 0.0
    group: int = 16

    def __call__(self, x: NDArray, rng: np.random.Generator) -> NDArray:
        """A distorted copy of x."""
        out = np.empty_like(x)
        for start in range(0, len(x), self.group):
            rows = slice(start, start + self.group)
            out[rows] = self._distort(x[rows], rng)
        return out

    def _distort(self, x: NDArray, rng: np.random.Generator) -> NDArray:
        x = resample(x, self.shape, *self._sources(rng))
        if self.thickness:
            x = self._thicken(x, rng.uniform(-self.thickness, self.thickness))
        if self.gain:
            x = x * x.dtype.type(np.exp(rng.normal(0, self.gain)))
        if self.noise:
            x = x + x.dtype.type(self.noise) * rng.standard_normal(x.shape, np.float32)
        return x

    def _sources(self, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        """For each pixel of the result, the row and column of the source it is taken from."""
        height, width = self.shape
        middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
        y, x = np.mgrid[:height, :width].astype(np.float32)
        y -= middle_y
        x -= middle_x
        angle, skew = np.deg2rad(rng.normal(0, self.rotation)), rng.normal(0, self.shear)
        scale_y, scale_x = np.exp(rng.normal(0, self.scale, 2))
        cos, sin = np.cos(angle), np.sin(angle)
        shift_y, shift_x = rng.normal(0, self.shift, 2)
        source_y = scale_y * (cos * y - sin * x) + middle_y + shift_y
        source_x = scale_x * (sin * y + cos * x + skew * y) + middle_x + shift_x
        if self.elastic:
            smooth_y, smooth_x = (_smoothing(side, self.smoothness) for side in self.shape)
            field = smooth_y @ rng.standard_normal((2, height, width), np.float32) @ smooth_x.T
            source_y += self.elastic * field[0]
            source_x += self.elastic * field[1]
        return source_y.astype(np.float32), source_x.astype(np.float32)

    def _thicken(self, x: NDArray, share: float) -> NDArray:
        """Blend with the brightest of each pixel's cross of neighbours, or with the darkest."""
        pick = np.maximum if share > 0 else np.minimum
        pictures = x.reshape(len(x), *self.shape)
        extreme = pictures.copy()
        pick(extreme[:, 1:], pictures[:, :-1], out=extreme[:, 1:])
        pick(extreme[:, :-1], pictures[:, 1:], out=extreme[:, :-1])
        pick(extreme[:, :, 1:], pictures[:, :, :-1], out=extreme[:, :, 1:])
        pick(extreme[:, :, :-1], pictures[:, :, 1:], out=extreme[:, :, :-1])
        return x + x.dtype.type(abs(share)) * (extreme.reshape(x.shape) - x)


def resample(x: NDArray, shape: tuple[int, int], rows: NDArray, columns: NDArray) -> NDArray:
    """Pictures read at other places, bilinearly; beyond the border they are 0.

    Args:
        x: flat pictures, shape (n, height · width).
        shape: height and width.
        rows, columns: where each pixel of the result is read, shape (height, width).
    """
    height, width = shape
    top, left = np.floor(rows).astype(np.intp).ravel(), np.floor(columns).astype(np.intp).ravel()
    down, right = rows.ravel() - top, columns.ravel() - left
    by_pixel = np.ascontiguousarray(x.T)  # a pixel's values in all pictures lie side by side
    out = np.zeros_like(by_pixel)
    for i, weight_y in ((top, 1 - down), (top + 1, down)):
        for j, weight_x in ((left, 1 - right), (left + 1, right)):
            inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
            weight = (weight_y * weight_x * inside).astype(x.dtype)
            source = np.where(inside, i * width + j, 0)
            out += by_pixel[source] * weight[:, np.newaxis]
    return np.ascontiguousarray(out.T)


@cache
def _smoothing(side: int, deviation: float) -> NDArray[np.float32]:
    """Gaussian smoothing of white noise along one axis, as a matrix that keeps variance 1."""
    place = np.arange(side)
    matrix = np.exp(-0.5 * ((place[:, None] - place[None, :]) / deviation) ** 2)
    return (matrix / np.sqrt((matrix**2).sum(axis=1, keepdims=True))).astype(np.float32)
