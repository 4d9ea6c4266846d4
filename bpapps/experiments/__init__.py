"""The three complaints about backpropagation, measured: noise, dependence on data, time.

Each experiment takes a callable or a maker of estimators and arrays, and returns plain records
of :mod:`bpapps.evaluation`; the readings put the records into words. Nothing here knows a task,
and nothing draws. Every point has its own random generator, seeded by what the point is, so
that no figure depends on which others were measured, or in what order.
"""

from bpapps.experiments.common import Progress, share_right
from bpapps.experiments.dependence import label_noise, learning_curve
from bpapps.experiments.lines import LINE_CORRUPTIONS, line_scores
from bpapps.experiments.noise import drop_severity, noise_sweep, point_generator
from bpapps.experiments.speed import prediction_speed
from bpapps.experiments.words import dependence_reading, noise_reading

__all__ = [
    "LINE_CORRUPTIONS",
    "Progress",
    "dependence_reading",
    "drop_severity",
    "label_noise",
    "learning_curve",
    "line_scores",
    "noise_reading",
    "noise_sweep",
    "point_generator",
    "prediction_speed",
    "share_right",
]
