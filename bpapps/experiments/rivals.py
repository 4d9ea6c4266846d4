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

from bpapps.core import Chain, FixedPoint
from bpapps.core.parallel import contains
from bpapps.core.solvers import NotConvergedWarning, Tally, recording
from bpapps.data.splits import Part
from bpapps.experiments.probe import Probe
from bpapps.experiments.speed import clock
from bpapps.results import NoiseCurve, NoiseSweep, Rival, StepMemory

ITERATIONS = (5, 10, 20, 40)
"""Iterations that the memory of a step is measured at."""


@dataclass(frozen=True)
class Contender:
    """A trained model of a task with a name, and how it was trained.

    ``model`` has a ``task`` and a fitted ``pipeline``. ``history`` holds a record an epoch,
    ``seconds`` are those of the whole training.
    """

    model: Any
    name: str
    history: Sequence[Mapping[str, Any]]
    seconds: float
    epochs: int


def rival(
    contender: Contender,
    probe: Probe,
    batch: Part,
    sweep: NoiseSweep | None,
    timed: Probe | None = None,
) -> Rival:
    """What a contender reaches and costs.

    Args:
        probe: all test pictures, who answers them, and how good answers are.
        batch: of the training part, a batch or more, to take a training step on.
        sweep: how it bore corruptions, where that was measured.
        timed: what one answer is timed by, where ``probe`` does not answer one picture alone.
    """
    pipeline = contender.model.pipeline
    answers, tally = _solved(probe)
    fitted = [step.params_.size for _, step in pipeline.steps if hasattr(step, "params_")]
    last = contender.history[-1] if contender.history else {}
    curves = sweep.curves if sweep else []
    one = timed or probe
    return Rival(
        name=contender.name,
        figure=probe.score(answers)[0],
        noise={curve.title: _mean_under_noise(curve) for curve in curves},
        n_parameters=int(sum(fitted)),
        seconds=contender.seconds,
        epochs=contender.epochs,
        milliseconds_one=clock(replace(one, pictures=one.pictures[:1])).milliseconds_one,
        step_bytes=_step_bytes(pipeline, batch) if len(fitted) == 1 else None,
        iterations=tally.iterations / tally.solved if tally.solved else None,
        backward_iterations=last.get("backward_iterations"),
        unsettled=tally.unconverged,
    )


def _step_bytes(pipeline: Pipeline, batch: Part) -> int | None:
    """The memory of a training step of the one net, where it takes single batches."""
    if not hasattr(pipeline[-1], "partial_fit"):
        return None
    return step_bytes(pipeline[-1], pipeline[:-1].transform(batch.pictures), batch.targets)


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
    pipeline: Pipeline, batch: Part, iterations: Sequence[int] = ITERATIONS
) -> list[StepMemory]:
    """How a step's memory grows with the iterations; nothing for nets without a fixed point.

    batch: of the training part, a batch or more.
    """
    net = pipeline[-1]
    if not contains(net.network_, FixedPoint):
        return []
    X, y = pipeline[:-1].transform(batch.pictures), batch.targets
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


def _solved(probe: Probe) -> tuple[Any, Tally]:
    """Answers, and how the fixed points of the net went meanwhile."""
    tally = Tally()
    with recording() as record:
        answers = probe.ask(probe.pictures)
    tally.add(record.forward)
    return answers, tally


def _mean_under_noise(curve: NoiseCurve) -> float:
    return fmean(point.score.value for point in curve.points if point.severity)
