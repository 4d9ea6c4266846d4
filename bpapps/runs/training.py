"""Train a task's net as a config says, and test it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sklearn.pipeline import Pipeline

from bpapps import models, tasks, verifiers
from bpapps.core import Epoch
from bpapps.data.splits import OwnerSplit, Split
from bpapps.evaluation import evaluate
from bpapps.models import Model
from bpapps.runs.config import Config
from bpapps.runs.folder import CHECKPOINT, Run, log_to, of_model, output_folder, write_json
from bpapps.runs.testing import trained_on


def train(
    config: Config,
    split: Split | OwnerSplit,
    folder: Path | None = None,
    *,
    checkpoint: Path | None = None,
    progress: bool = False,
    callbacks: tuple[Callable[[Epoch, Any], Any], ...] = (),
    n_jobs: int | None = None,
) -> Run:
    """Train as the config says; with a folder, resume from what is in it and keep all there.

    Args:
        checkpoint: without a folder, file to resume from and to write while it trains; it stays.
        progress: show a bar on stderr while it trains (only on a terminal).

    Raises:
        ValueError: bad data or settings, a checkpoint of another training, a folder that cannot
            be written; ``DivergenceError`` where the loss is lost.
    """
    if folder is None:
        return _fit(config, split, checkpoint, progress, callbacks, n_jobs)
    if (folder / models.FILE_NAME).exists():
        raise ValueError(f"{folder}: holds a finished run; give another --out, or remove it")
    checkpoint = folder / CHECKPOINT
    with output_folder(folder):
        callbacks = (log_to(folder, config), *callbacks)
        run = _fit(config, split, checkpoint, progress, callbacks, n_jobs)
        write_json(folder / "history.json", run.history)
        models.save(folder / models.FILE_NAME, run.model)  # the last, for it says: finished
        checkpoint.unlink(missing_ok=True)
    return run


def _fit(
    config: Config,
    split: Split | OwnerSplit,
    checkpoint: Path | None,
    progress: bool,
    callbacks: tuple[Callable[[Epoch, Any], Any], ...],
    n_jobs: int | None,
) -> Run:
    task = tasks.get(config.task)
    pipeline = task.pipeline(config.preset, random_state=config.seed, **config.settings)
    net = pipeline[-1]
    net.set_params(verbose=progress, callbacks=callbacks, checkpoint=checkpoint, n_jobs=n_jobs)
    start = {"start": _begin_from(config, pipeline, split)} if config.start else {}
    figures = _fit_and_test(pipeline, split)
    net.set_params(verbose=False, callbacks=(), checkpoint=None)
    history = [asdict(epoch) for epoch in net.history_]
    metadata = {
        "config": asdict(config),
        "data": dict(split.data),
        **start,
        "training": {"seconds": sum(e["seconds"] for e in history), "epochs": len(history)},
        "figures": figures,
    }
    return Run(config, Model(task, pipeline, metadata), history)


def _begin_from(config: Config, pipeline: Pipeline, split: Split | OwnerSplit) -> dict[str, Any]:
    """Put a trained model's weights into a pipeline, and what is kept of that model.

    ValueError where it will not do.
    """
    start, model = config.start, models.find(config.start)
    if model.task.name != config.task:
        raise ValueError(f"{start}: a model for {model.task.name}, not for {config.task}")
    same_data = trained_on(model).get("sha256") == split.data["sha256"]
    if same_data and of_model(model).config.seed != config.seed:
        raise ValueError(
            f"{start}: trained on another part of these data, and has seen what is to be tested; "
            f"give --seed {of_model(model).config.seed}"
        )
    if repr(model.pipeline[0]) != repr(pipeline[0]):
        raise ValueError(
            f"{start}: its pictures are preprocessed by {model.pipeline[0]}, the preset's by "
            f"{pipeline[0]}; choose another --preset"
        )
    try:
        pipeline[-1].begin_from(model.pipeline[-1])
    except ValueError as error:
        raise ValueError(f"{start}: {error}; choose another --preset") from None
    return models.as_start(start, model)


def _fit_and_test(pipeline: Pipeline, split: Split | OwnerSplit) -> dict[str, Any]:
    """Train, and the accuracy on the test part; of a verifier also the error rates there."""
    if isinstance(split, OwnerSplit):
        split = verifiers.with_ink(pipeline[0], split)
        verifiers.fit(pipeline, split)
        return verifier_figures(pipeline, split)
    pipeline.fit(split.train_images, split.train_labels)
    probabilities = pipeline.predict_proba(split.test_images)
    found = evaluate(probabilities, split.test_labels, pipeline[-1].classes_)
    return {"accuracy": asdict(found["accuracy"])}


def verifier_figures(pipeline: Pipeline, split: OwnerSplit) -> dict[str, Any]:
    """What a verifier reached on its test writers: its accuracy, which is 1 - average error, and
    the error rates for each number of references."""
    rates = verifiers.tested_rates(verifiers.score(pipeline, split.test), pipeline[-1])
    accuracy = verifiers.accuracy(rates[1])
    return {"accuracy": asdict(accuracy), "rates": {str(k): asdict(r) for k, r in rates.items()}}
