"""All figures of a trained model on the test part of some data, for a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from bpapps import experiments, models, verifiers
from bpapps.core import outline
from bpapps.data.splits import OwnerSplit, Split
from bpapps.evaluation import (
    DependencePoint,
    Results,
    evaluate,
    group_scores,
    grouping_scores,
    made,
)
from bpapps.experiments import rivals
from bpapps.experiments.rivals import Contender
from bpapps.models import Model
from bpapps.pictures.arrays import Pictures, as_pictures, shrink, take
from bpapps.pictures.ink import WORK
from bpapps.runs.folder import Run
from bpapps.runs.testing import about_data, trained_on

Progress = Callable[[int, int, str], None]


NOISE_PICTURES = 2000
"""Test pictures that the noise sweep takes at most, drawn by the seed."""


QUICK_PICTURES = 300


LINES, QUICK_LINES = 200, 40
"""Lines that are read, where a task reads lines: its ``trial.py`` has ``line_scores``."""


BATCH = 512
"""Pictures that are taken to measure the memory of a training step on: a batch at least."""


DEPENDENCE_EPOCHS = 0.1
"""Share of the epochs for the trainings on less data and on wrong labels."""


def measure(
    run: Run,
    split: Split | OwnerSplit,
    command: str,
    *,
    noise: bool = True,
    dependence: bool = True,
    quick: bool = False,
    seed: int | None = None,
    against: Sequence[Contender] = (),
    scored: verifiers.ScoredSplit | None = None,
    progress: Progress | None = None,
) -> Results:
    """All figures of a trained model on the test part of some data.

    Args:
        command: what the report says it was made by.
        against: other nets, of the same task, that are measured beside it on the same pictures.
        noise: also under corruptions; dependence: also train anew on less and on worse data.
        quick: fewer pictures for the noise, and no further trainings.
        seed: for what is drawn to make noise; by default the run's.
        scored: of a verifier the pairs of the split, where they are scored already.

    Raises:
        ValueError: the data have a class that the model does not know, or a net to be measured
            beside it does another task.
    """
    start = time.perf_counter()
    seed = run.config.seed if seed is None else seed
    _check_rivals(run, against)
    if isinstance(split, OwnerSplit):
        results = _of_verifier(run, split, noise, dependence, quick, seed, scored, progress)
    else:
        results = _of_classifier(run, split, noise, dependence, quick, seed, progress)
        if against:
            _measure_rivals(results, [contender(run), *against], split, quick, seed, progress)
    seconds = run.model.metadata.get("training", {}).get("seconds", 0.0)
    results.made = made(command, seed, seconds + time.perf_counter() - start)
    return results


def _of_classifier(
    run: Run,
    split: Split,
    noise: bool,
    dependence: bool,
    quick: bool,
    seed: int,
    progress: Progress | None,
) -> Results:
    model = run.model
    _check_classes(model, split.test_labels)
    probabilities = model.predict_proba(split.test_images)
    pictures = _pictures(split.test_images)
    results = Results(
        **_about(run, split),
        speed=experiments.prediction_speed(model.pipeline.predict, split.test_images[:1000]),
        **evaluate(probabilities, split.test_labels, model.classes, list(pictures)),
    )
    answers = (probabilities, split.test_labels, model.classes)
    results.grouping_scores = grouping_scores(*answers, model.task.groupings, model.task.merge)
    if split.test_groups is not None:
        results.group_scores = group_scores(*answers, split.test_groups)
    if model.task.reads_lines and split.data["name"] == model.task.default_data:  # lines are print
        results.lines = model.task.line_scores(
            model.pipeline, QUICK_LINES if quick else LINES, seed=seed, noise=noise,
            progress=progress,
        )  # fmt: skip
    if noise:
        rows = _some(len(pictures), QUICK_PICTURES if quick else NOISE_PICTURES, seed)
        results.noise = experiments.noise_sweep(
            model.pipeline.predict, take(pictures, rows), split.test_labels[rows], seed=seed,
            progress=progress,
        )  # fmt: skip
        results.noise_reading = experiments.noise_reading(results.noise)
    if dependence and not quick:
        _measure_dependence(results, run, split, progress)
    return results


def contender(run: Run, name: str = "") -> Contender:
    """A run to be measured beside others, under a name, by default its preset's."""
    training = run.model.metadata.get("training", {})
    return Contender(
        run.model.task.name, name or run.config.preset or run.model.task.name, run.model.pipeline,
        run.history, training.get("seconds", 0.0), training.get("epochs", 0),
    )  # fmt: skip


def _check_rivals(run: Run, against: Sequence[Contender]) -> None:
    for other in against:
        if other.task != run.model.task.name or run.model.task.verifies:
            raise ValueError(
                f"a model for {other.task} cannot be measured beside one for "
                f"{run.model.task.name}; only recognisers of one task can"
            )


def _measure_rivals(
    results: Results,
    contenders: Sequence[Contender],
    split: Split,
    quick: bool,
    seed: int,
    progress: Progress | None,
) -> None:
    """Put the nets side by side; the first one's noise is measured already."""
    pictures = _pictures(split.test_images)
    rows = _some(len(pictures), QUICK_PICTURES if quick else NOISE_PICTURES, seed)
    batch = split.train_images[:BATCH], split.train_labels[:BATCH]
    names: list[str] = []
    for net in contenders:
        curves = results.noise
        if names and curves:
            curves = experiments.noise_sweep(
                net.pipeline.predict, take(pictures, rows), split.test_labels[rows],
                seed=seed, progress=progress,
            )  # fmt: skip
        again = names.count(net.name)
        names.append(net.name)
        named = replace(net, name=f"{net.name} {again + 1}") if again else net
        found = rivals.rival(named, split.test_images, split.test_labels, batch, curves)
        results.rivals.append(found)
        if not results.step_memory:
            values = net.pipeline[:-1].transform(batch[0])
            results.step_memory = rivals.step_memory(net.pipeline[-1], values, batch[1])


def _of_verifier(
    run: Run,
    split: OwnerSplit,
    noise: bool,
    dependence: bool,
    quick: bool,
    seed: int,
    scored: verifiers.ScoredSplit | None,
    progress: Progress | None,
) -> Results:
    model, task = run.model, run.model.task
    own = split.data["sha256"] == trained_on(model).get("sha256")
    corruptions = task.corruptions if noise else ()
    if scored is None:
        split = verifiers.with_ink(model.pipeline[0], split)
    measured, calibration = verifiers.scores(
        model.pipeline, split, task.traits, corruptions[:2] if quick else corruptions,
        scored or verifiers.score_split(model.pipeline, split, own=own, seed=seed),
        seed=seed, progress=progress,
    )  # fmt: skip
    results = Results(
        **_about(run, split),
        speed=verifiers.comparison_speed(model.pipeline, split.test),
        accuracy=verifiers.accuracy(measured.one.rates[0]),
        classes=["different", "same"],
        per_class=[],
        confusion=[],
        calibration=calibration,
        mistakes=[],
        verifier=measured,
    )
    if dependence and not quick:
        _measure_verifier_dependence(results, run, split, progress)
    return results


def _about(run: Run, split: Split | OwnerSplit) -> dict[str, Any]:
    """The fields of results that tell what was trained, on what, and how long."""
    model, data = run.model, about_data(run.model, split)
    net, training = model.pipeline[-1], model.metadata.get("training", {})
    seconds, epochs = training.get("seconds", 0.0), training.get("epochs", 0)
    return {
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


def _check_classes(model: Model, labels: NDArray[Any]) -> None:
    known = [str(name) for name in model.classes]
    if strange := sorted({str(label) for label in labels} - set(known)):
        also = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise ValueError(
            f"the data have the class {strange[0]}{also}, which the model does not know; "
            f"it knows {len(known)}, {known[0]} to {known[-1]}"
        )


def _measure_dependence(
    results: Results, run: Run, split: Split, progress: Progress | None
) -> None:
    """Train anew, for a share of the epochs, on less data and on wrong labels."""
    make, short = _shortened(run)
    data = (split.train_images, split.train_labels, split.test_images, split.test_labels)
    seed = run.config.seed
    results.learning_curve = experiments.learning_curve(make, *data, seed=seed, progress=progress)
    wrong = experiments.label_noise(
        make, *data, shares=(0.1, 0.2, 0.4), seed=seed, progress=progress
    )
    whole = results.learning_curve[-1]
    results.label_noise = [replace(whole, share=0.0), *wrong]
    reading = experiments.dependence_reading(results.learning_curve, results.label_noise)
    results.dependence_reading = f"{short} {reading}"


def _measure_verifier_dependence(
    results: Results, run: Run, split: OwnerSplit, progress: Progress | None
) -> None:
    """Train anew, for a share of the epochs, on fewer writers and on wrong flags of genuine."""
    make, short = _shortened(run)

    def trained_with(spoil: verifiers.Spoil, *shares: float) -> list[DependencePoint]:
        return verifiers.dependence(make, split, shares, spoil, run.config.seed, progress)

    results.learning_curve = trained_with(verifiers.fewer_writers, 0.1, 0.25, 0.5, 1.0)
    wrong = trained_with(verifiers.wrong_flags, 0.1, 0.2, 0.4)
    results.label_noise = [replace(results.learning_curve[-1], share=0.0), *wrong]
    reading = experiments.dependence_reading(results.learning_curve, results.label_noise)
    results.dependence_reading = (
        f"{short} Accuracy is 1 - average error at the fixed threshold; less data are fewer "
        f"writers, and a wrong label calls a genuine signature forged, or the reverse. {reading}"
    )


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


def _pictures(given: Any) -> Pictures:
    """The test pictures to spoil and to show, large ones of different sizes shrunk as if read."""
    pictures = as_pictures(given)
    if isinstance(pictures, np.ndarray):
        return pictures
    return [shrink(picture, WORK) for picture in pictures]


def _some(n: int, most: int, seed: int) -> NDArray[np.intp]:
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
