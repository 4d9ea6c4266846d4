"""Accuracy under corruptions of the pictures, by severity."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpapps.evaluation import NoiseCurve, NoisePoint, png_uri
from bpapps.experiments.common import Progress, share_of, share_right, silent, which_right
from bpapps.pictures import noise
from bpapps.pictures.arrays import Pictures
from bpapps.pictures.noise import Corruption

DROP = 0.05  # the loss of accuracy at which a net counts as hurt: 5 points


def noise_sweep(
    predict: Callable[[Any], ArrayLike],
    images: Pictures,
    labels: ArrayLike,
    *,
    corruptions: Iterable[Corruption | str] | None = None,
    severities: Iterable[int] = range(noise.MAX_SEVERITY + 1),
    seed: int = 0,
    progress: Progress | None = None,
) -> list[NoiseCurve]:
    """Measure accuracy under each corruption at each severity, with Wilson's 95% intervals.

    ``predict`` takes float32 pictures (n, h, w) in [0, 1], or a list of (h, w) each where they
    differ in size, and returns n labels; ``images`` are such test pictures, ``labels`` (n,)
    their true labels. ``corruptions`` are corruptions or their names, all of them by default.
    Severity 0, the clean pictures, is measured once and begins every curve. The sample picture
    is the same for all points, drawn by the seed from those that are read rightly when clean.
    ``progress(done, total, text)`` is called after each measurement. Raises ValueError for
    unknown names or severities and for arrays that do not fit.
    """
    chosen = [
        noise.find(one) if isinstance(one, str) else one
        for one in (noise.CORRUPTIONS.values() if corruptions is None else corruptions)
    ]
    levels = sorted({0, *map(noise.checked_severity, severities)})
    truth = np.asarray(labels)
    if isinstance(images, np.ndarray):
        images = images.astype(np.float32, copy=False)
    if not len(truth) or len(images) != len(truth):
        raise ValueError(f"there are {len(images)} pictures and {len(truth)} labels")
    report = progress or silent
    done, total = 1, 1 + len(chosen) * (len(levels) - 1)

    right = which_right(predict(images), truth)
    clean = share_of(right)
    sample = _sample(right, seed)
    report(done, total, "clean")

    curves: list[NoiseCurve] = []
    for corruption in chosen:
        points = [NoisePoint(0, corruption.setting(0), clean, png_uri(images[sample]))]
        for severity in levels[1:]:
            rng = point_generator(seed, corruption.name, severity)
            spoil = corruption if isinstance(images, np.ndarray) else corruption.each
            spoilt = spoil(images, severity, rng)  # type: ignore[arg-type]
            accuracy = share_right(predict(spoilt), truth)
            setting, picture = corruption.setting(severity), png_uri(spoilt[sample])
            points.append(NoisePoint(severity, setting, accuracy, picture))
            done += 1
            report(done, total, f"{corruption.title.lower()}, severity {severity}")
        curves.append(NoiseCurve(corruption.name, corruption.title, points, drop_severity(points)))
    return curves


def drop_severity(points: Sequence[NoisePoint]) -> float | None:
    """Severity at which accuracy first falls 5 points below that of the first, clean point.

    Linear between the measured severities; None if it never does.
    """
    clean = points[0].accuracy.value
    for before, after in itertools.pairwise(points):
        lost, loses = clean - before.accuracy.value, clean - after.accuracy.value
        if loses >= DROP - 1e-12:  # 0.95 - 0.90 must count as 5 points
            share = (DROP - lost) / (loses - lost)
            return before.severity + min(share, 1.0) * (after.severity - before.severity)
    return None


def point_generator(seed: int, name: str, severity: int) -> np.random.Generator:
    """Return the generator of one point; crc32, as Python's own hash differs by process."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), severity])


def _sample(right: NDArray[np.bool_], seed: int) -> int:
    """Choose the test picture to show, one that is read rightly if there is any."""
    candidates = np.flatnonzero(right) if right.any() else np.arange(len(right))
    return int(np.random.default_rng(seed).choice(candidates))
