"""A run: train a task's net, keep all of it in one folder, and measure it.

The folder holds ``config.json`` (what made it; a rerun with it gives the same bits),
``model.safetensors``, ``history.json`` (a record an epoch), ``log.txt``, and while it trains
``checkpoint.safetensors``, from which a run that was cut off goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps import experiments, images, models, tasks
from bpapps.core import Epoch
from bpapps.evaluation import Results, Score, evaluate, made
from bpapps.models import Model
from bpapps.splits import Split

Progress = Callable[[int, int, str], None]

NOISE_PICTURES = 2000
"""Test pictures that the noise sweep takes at most, drawn by the seed."""

QUICK_PICTURES = 300
DEPENDENCE_EPOCHS = 0.15
"""Share of the epochs for the trainings on less data and on wrong labels."""


@dataclass(frozen=True)
class Config:
    """What makes a run; ``settings`` are estimator parameters that replace the preset's."""

    task: str
    data: str
    preset: str
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Config:
        """Read ``config.json``; ValueError that names the file otherwise."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
        except (ValueError, TypeError):
            raise ValueError(f"{path}: not the config.json of a run") from None

    @property
    def name(self) -> str:
        """A folder's name for it."""
        return f"{self.task}-{Path(self.data).name}-{self.preset}-{self.seed}"


@dataclass(frozen=True)
class Run:
    """A trained model, the config and the records of its training."""

    config: Config
    model: Model
    history: list[dict[str, Any]]


def train(
    config: Config,
    split: Split,
    folder: Path | None = None,
    *,
    progress: bool = False,
    callbacks: tuple[Callable[[Epoch, Any], Any], ...] = (),
    n_jobs: int | None = None,
) -> Run:
    """Train as the config says; with a folder, resume from what is in it and keep all there.

    Args:
        progress: show a bar on stderr while it trains (only on a terminal).

    Raises:
        ValueError: bad data or settings, a checkpoint of another training, a folder that cannot
            be written; ``DivergenceError`` where the loss is lost.
    """
    task = tasks.get(config.task)
    settings = dict(config.settings)
    pipeline = task.pipeline(config.preset, random_state=config.seed, **settings)
    if folder is not None:
        callbacks = (*callbacks, _start(folder, config))
        pipeline[-1].set_params(checkpoint=folder / "checkpoint.safetensors")
    pipeline[-1].set_params(verbose=progress, callbacks=callbacks, n_jobs=n_jobs)
    pipeline.fit(split.train_images, split.train_labels)
    pipeline[-1].set_params(verbose=False, callbacks=(), checkpoint=None)
    history = [asdict(epoch) for epoch in pipeline[-1].history_]
    metadata = {"preset": config.preset, "config": asdict(config), "data": dict(split.data)}
    metadata["training"] = {"seconds": sum(e["seconds"] for e in history), "epochs": len(history)}
    model = Model(task, pipeline, metadata)
    if folder is not None:
        models.save(folder / models.FILE_NAME, model)
        _write_json(folder / "history.json", history)
        (folder / "checkpoint.safetensors").unlink(missing_ok=True)
    return Run(config, model, history)


def load(folder: Path) -> Run:
    """Read a finished run's folder; ValueError that names what is missing or damaged."""
    model = models.load(folder / models.FILE_NAME)
    try:
        history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ValueError(f"{folder / 'history.json'}: missing or damaged; train again") from None
    return Run(Config.load(folder / "config.json"), model, history)


def of_model(model: Model, seed: int = 0) -> Run:
    """A model by itself as a run: without a history, measured with a seed."""
    config = model.metadata.get("config", {})
    preset = config.get("preset", "")
    settings = config.get("settings", {})
    return Run(Config(model.task.name, config.get("data", ""), preset, seed, settings), model, [])


def scores_in(folder: Path) -> list[Score]:
    """The scores over several seeds that ``scores.json`` in a report's folder holds, if any."""
    path = folder / "scores.json"
    if not path.exists():
        return []
    try:
        return [Score(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        raise ValueError(f"{path}: damaged; remove it and measure the scores again") from None


def measure(
    run: Run,
    split: Split,
    command: str,
    *,
    noise: bool = True,
    dependence: bool = True,
    quick: bool = False,
    progress: Progress | None = None,
) -> Results:
    """All figures of a trained model on the test part of its data."""
    start = time.perf_counter()
    model, seed = run.model, run.config.seed
    probabilities = model.predict_proba(split.test_images)
    pictures = _pictures(model, split.test_images)
    net = model.pipeline[-1]
    n_trained = split.data["n_train"] * len(run.history)
    seconds = sum(epoch["seconds"] for epoch in run.history)
    results = Results(
        task=model.task.name,
        title=f"{model.task.title}: {split.data['title']}",
        summary=model.task.summary,
        made={},
        data=dict(split.data),
        model={
            "preset": run.config.preset,
            "layers": [str(layer) for layer in net.network_],
            "n_parameters": int(net.params_.size),
            "settings": dict(run.config.settings),
        },
        training={
            "seconds": seconds,
            "epochs": len(run.history),
            "samples_per_second": n_trained / seconds if seconds else None,
            "stopped": run.history[-1]["stop"] if run.history else "",
            "history": run.history,
        },
        speed=experiments.prediction_speed(model.pipeline.predict, split.test_images[:1000]),
        **evaluate(probabilities, split.test_labels, model.classes, list(pictures)),
    )
    if noise:
        rows = _some(len(pictures), QUICK_PICTURES if quick else NOISE_PICTURES, seed)
        results.noise = experiments.noise_sweep(
            model.pipeline.predict, pictures[rows], split.test_labels[rows], seed=seed,
            progress=progress,
        )  # fmt: skip
        results.noise_reading = experiments.noise_reading(results.noise)
    if dependence and not quick:
        _measure_dependence(results, run, split, progress)
    results.made = made(command, seed, seconds + time.perf_counter() - start)
    return results


def _measure_dependence(
    results: Results, run: Run, split: Split, progress: Progress | None
) -> None:
    """Train anew, for a share of the epochs, on less data and on wrong labels."""
    full = run.model.task.pipeline(run.config.preset, **run.config.settings)[-1].max_iter
    epochs = max(1, round(DEPENDENCE_EPOCHS * full))
    settings = {**run.config.settings, "random_state": run.config.seed, "max_iter": epochs}

    def make() -> Any:
        return run.model.task.pipeline(run.config.preset, **settings)

    data = (split.train_images, split.train_labels, split.test_images, split.test_labels)
    seed = run.config.seed
    results.learning_curve = experiments.learning_curve(make, *data, seed=seed, progress=progress)
    wrong = experiments.label_noise(
        make, *data, shares=(0.1, 0.2, 0.4), seed=seed, progress=progress
    )
    whole = results.learning_curve[-1]
    results.label_noise = [replace(whole, share=0.0), *wrong]
    results.dependence_reading = experiments.dependence_reading(
        results.learning_curve, results.label_noise
    )


def _pictures(model: Model, given: Any) -> NDArray[np.float32]:
    """The test pictures as one array: as they are, or normalised where their sizes differ."""
    pictures = images.as_pictures(given)
    if isinstance(pictures, np.ndarray):
        return pictures
    flat = model.pipeline[:-1].transform(given)
    side = round(flat.shape[1] ** 0.5)
    return flat.reshape(len(flat), side, side)


def _some(n: int, most: int, seed: int) -> NDArray[np.intp]:
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _start(folder: Path, config: Config) -> Callable[[Epoch, Any], None]:
    """Make the run's folder and write its config; gives the callback that keeps the log."""
    if (folder / models.FILE_NAME).exists():
        raise ValueError(f"{folder}: holds a finished run; give another --out, or remove it")
    kept = folder / "config.json"
    if kept.exists() and Config.load(kept) != config:
        raise ValueError(f"{folder}: holds a run with another config; give another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_json(kept, asdict(config))
        log = folder / "log.txt"
        log.write_text("", encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{folder}: cannot be written ({error.strerror})") from None

    def write_line(epoch: Epoch, _: Any) -> None:
        values = {key: value for key, value in asdict(epoch).items() if value not in (None, "")}
        line = "  ".join(f"{key} {_short(value)}" for key, value in values.items())
        with log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    return write_line


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _write_json(path: Path, content: Any) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    temporary.replace(path)
