"""The three complaints about backpropagation, measured: noise, dependence on data, time.

One sweep over a :class:`Probe` measures noise, one loop over spoilt training data dependence, one
clock the time. Each returns plain records of :mod:`bpapps.results`; the readings put the records
into words. Nothing here knows a task or a kind, and nothing draws. Every point has its own random
generator, seeded by what the point is, so that no figure depends on which others were measured,
or in what order.
"""

from bpapps.experiments.dependence import LESS, WRONG, Spoil, dependence
from bpapps.experiments.findings import dependence_reading, noise_reading
from bpapps.experiments.noise import drop_severity, noise_sweep, point_generator
from bpapps.experiments.probe import Probe, Progress
from bpapps.experiments.speed import clock

__all__ = [
    "LESS",
    "WRONG",
    "Probe",
    "Progress",
    "Spoil",
    "clock",
    "dependence",
    "dependence_reading",
    "drop_severity",
    "noise_reading",
    "noise_sweep",
    "point_generator",
]
