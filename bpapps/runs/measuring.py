"""All figures of a trained model on the test part of some data, for a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from bpapps import experiments, models
from bpapps.core import outline
from bpapps.data.splits import Part, Split
from bpapps.experiments import LESS, WRONG, Progress, rivals
from bpapps.experiments.rivals import Contender
from bpapps.made import made
from bpapps.measures.intervals import Interval
from bpapps.results import DependencePoint, Figure, Results
from bpapps.runs.folder import Run
from bpapps.runs.testing import about_data, usable
from bpapps.runs.training import prepared

BATCH = 512
"""Pictures that are taken to measure the memory of a training step on: a batch at least."""

DEPENDENCE_EPOCHS = 0.1
"""Share of the epochs for the trainings on less data and on wrong targets."""


def measure(
    run: Run,
    split: Split,
    command: str,
    *,
    noise: bool = True,
    dependence: bool = True,
    quick: bool = False,
    seed: int | None = None,
    against: Sequence[Contender] = (),
    details: Any = None,
    progress: Progress | None = None,
) -> Results:
    """All figures of a trained model on the test part of some data.

    Args:
        command: what the report says it was made by.
        against: other nets, of the same task, that are measured beside it on the same pictures.
        noise: also under corruptions; dependence: also train anew on less and on worse data.
        quick: fewer pictures for the noise, and no further trainings.
        seed: for what is drawn to make noise; by default the run's.
        details: what the kind measures, where it is measured already.

    Raises:
        ValueError: data that the model knows nothing of, or a net to be measured beside it does
            another task.
    """
    start = time.perf_counter()
    seed = run.config.seed if seed is None else seed
    _check_rivals(run, against)
    model, kind = run.model, run.model.task.kind
    split = usable(model, split)
    if details is None:
        details = kind.measure(model, split, seed=seed, quick=quick, progress=progress)
    probes = kind.probes(model, split, seed=seed, quick=quick)
    results = Results(
        **_about(run, split),
        speed=[experiments.clock(probe) for probe in probes if probe.of],
        headline=kind.headline(details, split.data),
        details=details,
    )
    if noise:
        results.noise = [
            experiments.noise_sweep(probe, seed=seed, progress=progress)
            for probe in probes
            if probe.corruptions is None or probe.corruptions
        ]
    if dependence and not quick:
        _measure_dependence(results, run, split, progress)
    if against:
        _measure_rivals(results, run, against, split, quick, seed, progress)
    seconds = model.metadata.get("training", {}).get("seconds", 0.0)
    results.made = made(command, seed, seconds + time.perf_counter() - start)
    return results


def contender(run: Run, name: str = "") -> Contender:
    """A run to be measured beside others, under a name, by default its preset's."""
    training = run.model.metadata.get("training", {})
    return Contender(
        run.model, name or run.config.preset or run.model.task.name,
        run.history, training.get("seconds", 0.0), training.get("epochs", 0),
    )  # fmt: skip


def _check_rivals(run: Run, against: Sequence[Contender]) -> None:
    task = run.model.task.name
    for other in against:
        if other.model.task.name != task:
            raise ValueError(
                f"a model for {other.model.task.name} cannot be measured beside one for {task}; "
                "only models of one task can"
            )


def _measure_rivals(
    results: Results,
    run: Run,
    against: Sequence[Contender],
    split: Split,
    quick: bool,
    seed: int,
    progress: Progress | None,
) -> None:
    """Put the nets side by side; the first one's noise is measured already."""
    batch = split.train.take(np.arange(min(BATCH, len(split.train))))
    for net in _named([contender(run), *against]):
        ask = partial(net.model.task.kind.probes, net.model, split, seed=seed, quick=quick)
        sweep = results.noise[0] if results.noise else None
        if sweep and results.rivals:
            sweep = experiments.noise_sweep(ask()[0], seed=seed, progress=progress)
        probe, *others = ask(whole=True)
        timed = next((other for other in others if other.of), None)
        results.rivals.append(rivals.rival(net, probe, batch, sweep, timed))
        if not results.step_memory:
            results.step_memory = rivals.step_memory(net.model.pipeline, batch)


def _named(nets: Sequence[Contender]) -> list[Contender]:
    """The nets, with a number after a name that another has too."""
    names: list[str] = []
    found = []
    for net in nets:
        again = names.count(net.name)
        names.append(net.name)
        found.append(replace(net, name=f"{net.name} {again + 1}") if again else net)
    return found


def _about(run: Run, split: Split) -> dict[str, Any]:
    """The fields of results that tell what was trained, on what, and how long."""
    model, data = run.model, about_data(run.model, split)
    net, training = model.pipeline[-1], model.metadata.get("training", {})
    seconds, epochs = training.get("seconds", 0.0), training.get("epochs", 0)
    return {
        "kind": model.task.kind.name,
        "task": model.task.name,
        "title": f"{model.task.title}: {split.data['title']}",
        "summary": model.task.summary,
        "made": {},
        "data": data,
        "model": {
            "preset": run.config.preset,
            "layers": outline(net.network_),
            "n_parameters": int(net.params_.size),
            "settings": _settings(run),
            "started_from": model.start,
        },
        "training": {
            "seconds": seconds,
            "epochs": epochs,
            "samples_per_second": data["n_train"] * epochs / seconds if seconds else None,
            "stopped": run.history[-1]["stop"] if run.history else "",
            "history": run.history,
        },
    }


def _measure_dependence(
    results: Results, run: Run, split: Split, progress: Progress | None
) -> None:
    """Train anew, for a share of the epochs, on less data and on wrong targets."""
    kind, seed = run.model.task.kind, run.config.seed
    make, short = _shortened(run)
    step = make()[0].fit(split.train.pictures)
    ready = prepared(kind, step, split)  # once, and not for each training

    def train(part: Part) -> tuple[Figure, float]:
        net = make()[-1]
        start = time.perf_counter()
        kind.fit(net, replace(ready, train=part))
        seconds = time.perf_counter() - start
        name, value = next(iter(kind.figures(net, ready.test).items()))
        score = results.headline.score
        return Figure(name, Interval(**value), of=score.of), seconds

    def trained(spoil: str, shares: Sequence[float], what: str) -> list[DependencePoint]:
        return experiments.dependence(
            train, ready.train, kind.spoils[spoil], shares, what=what, seed=seed, progress=progress
        )

    results.learning_curve = trained("less", LESS, "of the training data")
    wrong = trained("wrong", WRONG, "of the labels wrong")
    results.label_noise = [replace(results.learning_curve[-1], share=0.0), *wrong]
    reading = experiments.dependence_reading(results.learning_curve, results.label_noise)
    results.dependence_reading = " ".join(filter(None, [short, kind.spoilt, reading]))


def _shortened(run: Run) -> tuple[Callable[[], Pipeline], str]:
    """What makes pipelines that train for a share of the epochs only, and a sentence on that."""
    full = run.model.task.pipeline(run.config.preset, **run.config.settings)[-1].max_iter
    epochs = max(1, round(DEPENDENCE_EPOCHS * full))
    settings = {**run.config.settings, "random_state": run.config.seed, "max_iter": epochs}

    def make() -> Pipeline:
        pipeline = run.model.task.pipeline(run.config.preset, **settings)
        if run.config.start:
            pipeline[-1].begin_from(models.find(run.config.start).pipeline[-1])
        return pipeline

    return make, (
        f"To save time, each net of this section was trained for {epochs} of the {full} epochs, "
        "so its figures compare with each other, not with the net above."
    )


def _settings(run: Run) -> dict[str, Any]:
    """What was set of the estimator, by the preset or by the user; the layers stand apart."""
    preset = run.model.task.presets.get(run.config.preset)
    chosen = {**(preset.estimator if preset else {}), **run.config.settings}
    chosen.pop("layers", None)
    chosen.pop("comparison", None)
    plain = (bool, int, float, str, list, tuple, type(None))
    return {key: v if isinstance(v, plain) else str(v) for key, v in chosen.items()}
