"""Random distortions of training pictures: a net sees each picture anew in every epoch.

Elastic distortions are those of Simard, Steinkraus & Platt 2003: each pixel is moved by a smooth
random field. They come together with affine ones (shift, rotation, scale, shear), a change of
stroke thickness, of gain, and noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bpapps.core import ops

Pictures = NDArray[np.floating]


@dataclass(frozen=True)
class Distortion:
    """``distortion(x, rng)`` distorts flat pictures, shape (n, height · width), values in [0, 1].

    Each picture gets a distortion of its own, and each of its channels the same one. Resampling
    softens a picture, so a net that never saw a sharp one reads sharp ones worse: a share
    ``clean`` is left as it is.

    Args:
        shape: height and width of the pictures.
        shift: standard deviation of the translation along each axis, in pixels.
        rotation: standard deviation of the angle, in degrees.
        scale, shear: standard deviations of the logarithm of each axis's scale, and of the shear.
        elastic: standard deviation of the elastic displacement along each axis, in pixels.
        smoothness: standard deviation of the Gaussian that smooths it, in pixels.
        thickness: largest share by which strokes are blended with their thickened (or thinned)
            selves, in [0, 1].
        gain: standard deviation of the logarithm of a factor on all values.
        noise: standard deviation of Gaussian noise added to each value.
        clean: share of the pictures that are left as they are, in [0, 1].
        channels: values of each pixel, which lie side by side.
        lost: share of the pictures whose last channel is emptied, in [0, 1].
        extra: values at the end of each row that are no pixels.
        jitter: standard deviation of the noise that is added to these.
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
    clean: float = 0.0
    channels: int = 1
    lost: float = 0.0
    extra: int = 0
    jitter: float = 0.0

    def __call__(self, x: NDArray, rng: np.random.Generator) -> NDArray:
        """A distorted copy of x, of its shape and type."""
        return self._distort(x, rng, len(x))

    def alike(self, x: NDArray, rng: np.random.Generator) -> NDArray:
        """A copy of x in which every picture is distorted in the same way, whatever n is."""
        return self._distort(x, rng, 1)

    def _distort(self, x: NDArray, rng: np.random.Generator, draws: int) -> NDArray:
        """x distorted in n ways, or in one way, by the number of draws."""
        if not self.extra:
            return self._distort_pixels(x, rng, draws)
        pixels = self._distort_pixels(np.ascontiguousarray(x[:, : -self.extra]), rng, draws)
        noise = self.jitter * rng.standard_normal((draws, self.extra), np.float32)
        return np.concatenate([pixels, x[:, -self.extra :] + noise.astype(x.dtype)], axis=1)

    def _distort_pixels(self, x: NDArray, rng: np.random.Generator, draws: int) -> NDArray:
        n = len(x)
        given = x.reshape(-1, *self.shape, self.channels)
        sources = [np.broadcast_to(s, given.shape[:3]) for s in self._sources(draws, rng)]
        channels = [resample(given[..., i], *sources) for i in range(self.channels)]
        if self.thickness:
            share = rng.uniform(-self.thickness, self.thickness, draws).astype(x.dtype)
            share = np.broadcast_to(share, n)
            channels = [_thicken(pictures, share) for pictures in channels]
        gain = np.exp(rng.normal(0, self.gain, (draws, 1, 1))).astype(x.dtype) if self.gain else 1
        for pictures in channels:
            if self.gain:
                pictures *= gain
            if self.noise:
                noise = rng.standard_normal((draws, *self.shape), np.float32)
                pictures += x.dtype.type(self.noise) * noise
        out = (channels[0] if self.channels == 1 else np.stack(channels, -1)).reshape(x.shape)
        if self.clean:
            left = np.broadcast_to(rng.random(draws) < self.clean, n)
            out[left] = x[left]
        if self.lost:
            some = np.broadcast_to(rng.random(draws) < self.lost, n)
            out.reshape(n, -1, self.channels)[some, :, -1] = 0
        return out

    def _sources(self, n: int, rng: np.random.Generator) -> tuple[Pictures, Pictures]:
        """Row and column, (n, height, width), that each pixel of the result is taken from."""
        height, width = self.shape
        angle = np.deg2rad(rng.normal(0, self.rotation, n))
        skew = rng.normal(0, self.shear, n)
        scale_y, scale_x = np.exp(rng.normal(0, self.scale, (2, n)))
        shift_y, shift_x = rng.normal(0, self.shift, (2, n))
        cos, sin = np.cos(angle), np.sin(angle)
        y = np.arange(height, dtype=np.float32)[:, None] - (height - 1) / 2
        x = np.arange(width, dtype=np.float32)[None, :] - (width - 1) / 2
        rows = _plane(scale_y * cos, -scale_y * sin, shift_y + (height - 1) / 2, y, x)
        columns = _plane(scale_x * (sin + skew), scale_x * cos, shift_x + (width - 1) / 2, y, x)
        if self.elastic:
            bend_y, bend_x = (_bumps(side, self.smoothness) for side in self.shape)
            knots = rng.standard_normal((2, n, bend_y.shape[1], bend_x.shape[1]), np.float32)
            knots *= self.elastic
            rows += bend_y @ knots[0] @ bend_x.T
            columns += bend_y @ knots[1] @ bend_x.T
        return rows, columns


def resample(pictures: Pictures, rows: Pictures, columns: Pictures) -> Pictures:
    """Pictures (n, height, width) read at other places, bilinearly; beyond the border they are 0.

    Args:
        rows, columns: where each pixel of the result is read, shape (n, height, width) each.
    """
    n, height, width = pictures.shape
    padded = np.zeros((n, height + 2, width + 2), pictures.dtype)
    padded[:, 1:-1, 1:-1] = pictures
    rows = np.clip(rows + 1, 0, height + 0.999, dtype=np.float32)
    columns = np.clip(columns + 1, 0, width + 0.999, dtype=np.float32)
    return ops.bilinear(padded, rows, columns)


def _plane(a: NDArray, b: NDArray, c: NDArray, y: Pictures, x: Pictures) -> Pictures:
    """a·y + b·x + c for each picture's a, b and c."""
    a, b, c = (value.astype(np.float32)[:, None, None] for value in (a, b, c))
    return (a * y + c) + b * x


def _thicken(pictures: Pictures, share: NDArray) -> Pictures:
    """Blend with the brightest of each pixel's cross of neighbours, or with the darkest.

    ``share`` (n,) is that of the blend: above 0 it thickens, below 0 it thins.
    """
    out = pictures.copy()
    for pick, chosen in ((np.maximum, share > 0), (np.minimum, share < 0)):
        some = pictures[chosen]
        extreme = some.copy()
        pick(extreme[:, 1:], some[:, :-1], out=extreme[:, 1:])
        pick(extreme[:, :-1], some[:, 1:], out=extreme[:, :-1])
        pick(extreme[:, :, 1:], some[:, :, :-1], out=extreme[:, :, 1:])
        pick(extreme[:, :, :-1], some[:, :, 1:], out=extreme[:, :, :-1])
        extreme -= some
        out[chosen] += np.abs(share[chosen])[:, None, None] * extreme
    return out


@cache
def _bumps(side: int, deviation: float) -> NDArray[np.float32]:
    """Gaussian bumps on knots one deviation apart, (side, knots): smooth noise of variance 1.

    Random values at the knots times these give what smoothing white noise would, at a fraction of
    the cost.
    """
    margin = 2 * deviation
    knots = np.arange(-margin, side - 1 + margin + deviation, deviation)
    bumps = np.exp(-0.5 * ((np.arange(side)[:, None] - knots[None, :]) / deviation) ** 2)
    return (bumps / np.sqrt((bumps**2).sum(axis=1, keepdims=True))).astype(np.float32)
