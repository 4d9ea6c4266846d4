"""Figures under corruptions of the pictures, by severity."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from bpapps.experiments.findings import noise_reading
from bpapps.experiments.probe import Probe, Progress, silent
from bpapps.pictures import noise
from bpapps.pictures.noise import Corruption
from bpapps.pictures.png import png_uri
from bpapps.results import NoiseCurve, NoisePoint, NoiseSweep

DROP = 0.05  # the loss of THE score at which a net counts as hurt: 5 points


def noise_sweep(probe: Probe, *, seed: int = 0, progress: Progress | None = None) -> NoiseSweep:
    """Measure a probe's figures under each of its corruptions at each of its severities.

    Severity 0, the clean pictures, is measured once and begins every curve. The sample picture is
    the same for all points. Each point has its own random generator, seeded by what the point is.

    Raises ValueError for unknown names or severities, and where there is no picture.
    """
    names = noise.CORRUPTIONS if probe.corruptions is None else probe.corruptions
    chosen = [noise.find(name) for name in names]
    levels = sorted({noise.checked_severity(level) for level in probe.severities} - {0})
    pictures = probe.pictures
    if isinstance(pictures, np.ndarray):
        pictures = pictures.astype(np.float32, copy=False)
    if not len(pictures):
        raise ValueError(f"{probe.title}: no pictures to put through corruptions")
    steps = itertools.count(1)
    total = 1 + len(chosen) * len(levels)

    def tell(text: str) -> None:
        (progress or silent)(next(steps), total, text)

    answers = probe.ask(pictures)
    clean, sample = list(probe.score(answers)), probe.shown(answers)
    tell("clean")

    def point(corruption: Corruption, severity: int) -> NoisePoint:
        setting = corruption.setting(severity)
        if not severity:
            return NoisePoint(0, setting, clean, png_uri(pictures[sample]))
        spoilt = _spoilt(corruption, pictures, severity, seed)
        figures = list(probe.score(probe.ask(spoilt)))
        tell(f"{corruption.title.lower()}, severity {severity}")
        return NoisePoint(severity, setting, figures, png_uri(spoilt[sample]))

    curves = []
    for corruption in chosen:
        points = [point(corruption, severity) for severity in (0, *levels)]
        curves.append(NoiseCurve(corruption.name, corruption.title, points, drop_severity(points)))
    reading = "" if clean[0].lower_is_better else noise_reading(curves)
    return NoiseSweep(probe.title, curves, reading)


def _spoilt(corruption: Corruption, pictures: Any, severity: int, seed: int) -> Any:
    rng = point_generator(seed, corruption.name, severity)
    spoil = corruption if isinstance(pictures, np.ndarray) else corruption.each
    return spoil(pictures, severity, rng)


def drop_severity(points: Sequence[NoisePoint]) -> float | None:
    """Severity at which THE score is first 5 points worse than at the first, clean point.

    Linear between the measured severities; None if it never is.
    """
    way = points[0].figures[0].way
    clean = way * points[0].score.value
    for before, after in itertools.pairwise(points):
        lost, loses = clean - way * before.score.value, clean - way * after.score.value
        if loses >= DROP - 1e-12:  # 0.95 - 0.90 must count as 5 points
            share = (DROP - lost) / (loses - lost)
            return before.severity + min(share, 1.0) * (after.severity - before.severity)
    return None


def point_generator(seed: int, name: str, severity: int) -> np.random.Generator:
    """Return the generator of one point; crc32, as Python's own hash differs by process."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), severity])
