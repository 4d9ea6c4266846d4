"""Nets side by side: what each reaches on the same pictures, and what it costs to train and use.

Also how the memory of a training step grows with the iterations to a fixed point, which is what
recurrent backpropagation was invented to avoid.
"""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from bpapps import experiments
from bpapps.core import Chain, FixedPoint
from bpapps.core.parallel import contains
from bpapps.core.solvers import NotConvergedWarning, Tally, recording
from bpapps.evaluation import NoiseCurve, Rival, StepMemory

ITERATIONS = (5, 10, 20, 40)
"""Iterations that the memory of a step is measured at."""


@dataclass(frozen=True)
class Contender:
    """A fitted pipeline of a task with a name, and how it was trained.

    ``history`` holds a record an epoch, ``seconds`` are those of the whole training.
    """

    task: str
    name: str
    pipeline: Pipeline
    history: Sequence[Mapping[str, Any]]
    seconds: float
    epochs: int


def rival(
    contender: Contender,
    images: Any,
    labels: NDArray[Any],
    train: tuple[Any, NDArray[Any]],
    noise: Sequence[NoiseCurve],
) -> Rival:
    """What a contender reaches and costs.

    Args:
        images, labels: to test on, as the pipeline takes them.
        train: pictures and labels of a batch or more, to take a training step on.
        noise: its curves, as :func:`bpapps.experiments.noise_sweep` measures them.
    """
    pipeline = contender.pipeline
    answers, tally = _solved(pipeline, images)
    fitted = [step.params_.size for _, step in pipeline.steps if hasattr(step, "params_")]
    alone = len(fitted) == 1  # a net that is trained by itself, no other one before it
    last = contender.history[-1] if contender.history else {}
    return Rival(
        name=contender.name,
        accuracy=experiments.share_right(answers, labels),
        noise={curve.title: _mean_under_noise(curve) for curve in noise},
        n_parameters=int(sum(fitted)),
        seconds=contender.seconds,
        epochs=contender.epochs,
        milliseconds_one=experiments.prediction_speed(pipeline.predict, images[:1])[
            "milliseconds_one"
        ],
        step_bytes=step_bytes(pipeline[-1], pipeline[:-1].transform(train[0]), train[1])
        if alone
        else None,
        iterations=tally.iterations / tally.solved if tally.solved else None,
        backward_iterations=last.get("backward_iterations"),
        unsettled=tally.unconverged,
    )


def step_bytes(net: Any, X: NDArray[Any], y: NDArray[Any]) -> int:
    """The most bytes that a training step on a batch takes besides the weights, on one thread."""
    fresh = clone(net).set_params(
        n_jobs=1, callbacks=(), checkpoint=None, early_stopping=False, warm_start=False, verbose=0
    )
    size = min(len(X), 200 if fresh.batch_size == "auto" else fresh.batch_size)
    batch = X[:size], y[:size]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)  # of a net that is hardly trained
        fresh.partial_fit(*batch, classes=np.unique(y))
        tracemalloc.start()
        try:
            fresh.partial_fit(*batch)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def step_memory(
    net: Any, X: NDArray[Any], y: NDArray[Any], iterations: Sequence[int] = ITERATIONS
) -> list[StepMemory]:
    """How a step's memory grows with the iterations; nothing for nets without a fixed point."""
    if not contains(net.network_, FixedPoint):
        return []
    points = []
    for count in iterations:
        changes = (
            {"gradient": "implicit", "tol": 1e-30, "max_iter": count},
            {"gradient": "unrolled", "tol": 1e-30, "steps": count},
        )
        measured = []
        for change in changes:
            layers = [with_fixed_points(layer, **change) for layer in net.layers]
            measured.append(step_bytes(clone(net).set_params(layers=layers), X, y))
        points.append(StepMemory(count, *measured))
    return points


def with_fixed_points(layer: Any, **changes: Any) -> Any:
    """The same layer, and all in it, with other settings of its fixed points."""
    if isinstance(layer, Chain):
        return Chain(*(with_fixed_points(inner, **changes) for inner in layer))
    if isinstance(layer, FixedPoint):
        return replace(layer, **changes)
    if not is_dataclass(layer):
        return layer
    inner = {f.name: getattr(layer, f.name) for f in fields(layer) if f.init}
    changed = {name: with_fixed_points(value, **changes) for name, value in inner.items()}
    return replace(layer, **changed) if changed != inner else layer  # type: ignore[type-var]


def _solved(pipeline: Pipeline, images: Any) -> tuple[Any, Tally]:
    """Answers, and how the fixed points of the net went meanwhile."""
    tally = Tally()
    with recording() as record:
        answers = pipeline.predict(images)
    tally.add(record.forward)
    return answers, tally


def _mean_under_noise(curve: NoiseCurve) -> float:
    return fmean(point.accuracy.value for point in curve.points if point.severity)
