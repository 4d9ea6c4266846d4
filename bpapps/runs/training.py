"""Train a task's net as a config says, and test it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sklearn.pipeline import Pipeline

from bpapps import models, tasks
from bpapps.core import Epoch
from bpapps.data.splits import Split
from bpapps.kinds.base import Kind
from bpapps.models import Model
from bpapps.runs.config import Config
from bpapps.runs.folder import CHECKPOINT, Run, log_to, of_model, output_folder, write_json
from bpapps.runs.testing import SEEN, digests_of, is_its_own


def train(
    config: Config,
    split: Split,
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
    split: Split,
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
    figures = _fit_and_test(task.kind, pipeline, split)
    net.set_params(verbose=False, callbacks=(), checkpoint=None)
    history = [asdict(epoch) for epoch in net.history_]
    metadata = {
        "config": asdict(config),
        "data": dict(split.data),
        **start,
        "training": {"seconds": sum(e["seconds"] for e in history), "epochs": len(history)},
        "figures": figures,
        SEEN: digests_of(split),
    }
    return Run(config, Model(task, pipeline, metadata), history)


def _begin_from(config: Config, pipeline: Pipeline, split: Split) -> dict[str, Any]:
    """Put a trained model's weights into a pipeline, and what is kept of that model.

    ValueError where it will not do.
    """
    start, model = config.start, models.find(config.start)
    if model.task.name != config.task:
        raise ValueError(f"{start}: a model for {model.task.name}, not for {config.task}")
    if is_its_own(model, split) and of_model(model).config.seed != config.seed:
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


def _fit_and_test(kind: Kind, pipeline: Pipeline, split: Split) -> dict[str, Any]:
    """Train, and what is reached on the test part."""
    step, net = pipeline
    step.fit(split.train.pictures)
    ready = prepared(kind, step, split)
    kind.fit(net, ready)
    return kind.figures(net, ready.test)


def prepared(kind: Kind, step: Any, split: Split) -> Split:
    """The split as the net takes it."""
    train, test = (kind.prepare(step, part) for part in (split.train, split.test))
    chosen = split.development and kind.prepare(step, split.development)
    return replace(split, train=train, development=chosen, test=test)
