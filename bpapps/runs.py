"""A run: train a task's net, keep all of it in one folder, and measure it.

The folder holds ``config.json`` (what made it; a rerun with it gives the same bits),
``model.safetensors``, ``history.json`` (a record an epoch), ``log.txt``, and while it trains
``checkpoint.safetensors``, from which a run that was cut off goes on.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from bpapps import experiments, images, models, rivals, tasks, verifiers
from bpapps.core import Epoch, outline
from bpapps.evaluation import (
    DependencePoint,
    Results,
    Score,
    evaluate,
    group_scores,
    grouping_scores,
    made,
)
from bpapps.models import Model
from bpapps.rivals import Contender
from bpapps.splits import OwnerSplit, Split
from bpapps.writing import write

Progress = Callable[[int, int, str], None]

CHECKPOINT = "checkpoint.safetensors"

OWN = {"callbacks", "checkpoint", "n_jobs", "random_state", "verbose"}
"""Parameters of the estimator that a run sets itself."""

NOISE_PICTURES = 2000
"""Test pictures that the noise sweep takes at most, drawn by the seed."""

QUICK_PICTURES = 300
LINES, QUICK_LINES = 200, 40
"""Lines that are read, where a task reads lines: its ``trial.py`` has ``line_scores``."""

BATCH = 512
"""Pictures that are taken to measure the memory of a training step on: a batch at least."""

DEPENDENCE_EPOCHS = 0.1
"""Share of the epochs for the trainings on less data and on wrong labels."""


@dataclass(frozen=True)
class Config:
    """What makes a run.

    ``settings`` are estimator parameters that replace the preset's. ``start`` names a trained
    model, as :func:`bpapps.models.find` takes it, that is trained further; else a new net is.
    """

    task: str
    data: str
    preset: str
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    start: str = ""

    def __post_init__(self) -> None:
        names = (self.task, self.data, self.preset, self.start)
        if not all(isinstance(name, str) for name in names) or not isinstance(self.seed, int):
            raise ValueError("a config has text for task, data, preset and start, and a whole seed")
        if not isinstance(self.settings, Mapping):
            raise ValueError("a config's settings map names to values")
        for name in OWN & self.settings.keys():
            raise ValueError(f"setting {name} is the run's own; use the seed, or leave it out")

    @classmethod
    def load(cls, path: Path) -> Config:
        """Read ``config.json``; ValueError that names the file otherwise."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
        except (ValueError, TypeError, RecursionError):
            raise ValueError(f"{path}: not the config.json of a run") from None

    @property
    def name(self) -> str:
        """A folder's name for it; other settings than the preset's add a mark of their own."""
        data = tasks.get(self.task).data_name(self.data)
        name = f"{self.task}-{data}-{self.preset}-{self.seed}"
        special = {**self.settings, **({"start": self.start} if self.start else {})}
        if not special:
            return name
        return f"{name}-{zlib.crc32(json.dumps(special, sort_keys=True).encode()):08x}"


@dataclass(frozen=True)
class Run:
    """A trained model, the config and the records of its training."""

    config: Config
    model: Model
    history: list[dict[str, Any]]


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
        callbacks = (_log(folder, config), *callbacks)
        run = _fit(config, split, checkpoint, progress, callbacks, n_jobs)
        _write_json(folder / "history.json", run.history)
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
    same_data = _trained_on(model).get("sha256") == split.data["sha256"]
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


@contextmanager
def output_folder(folder: Path) -> Iterator[None]:
    """Make a folder to write to, and those above; they go again if nothing came to be in them.

    Raises:
        ValueError: it cannot be written; better to know that before any work is done for it.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"{folder}: cannot be written ({error.strerror}); give another --out"
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):
            for path in new:
                path.rmdir()  # which only an empty one suffers


def load(folder: Path) -> Run:
    """Read a finished run's folder; ValueError that names what is missing or damaged."""
    model = models.load(folder / models.FILE_NAME)
    path = folder / "history.json"
    try:
        history = json.loads(path.read_text(encoding="utf-8"))
        return replace(of_model(model), history=[asdict(Epoch(**record)) for record in history])
    except (OSError, ValueError, TypeError):
        raise ValueError(f"{path}: missing or damaged; train again") from None


def of_model(model: Model) -> Run:
    """A model by itself as a run, without a history."""
    config = model.metadata.get("config") or {
        "task": model.task.name, "data": model.task.default_data, "preset": "",
    }  # fmt: skip
    return Run(Config(**config), model, [])


def find(name: str | Path) -> Run:
    """A trained model as a run, with its history where it lies in a run's folder.

    Args:
        name: a run's folder, a model file, or a task that ships a model.

    Raises:
        ValueError: there is none, or it is damaged.
    """
    if (Path(name) / models.FILE_NAME).exists():
        return load(Path(name))
    return of_model(models.find(name))


def data_for(
    run: Run, source: str | None = None, data_dir: Path | None = None, seed: int = 0
) -> Split | OwnerSplit:
    """Data to measure a trained model on; by default those that it was trained on.

    Whatever the seed, nothing that it was trained on is among the test part: of its own data
    the same part is held out as then. Of other data a verifier's test part is all writers.
    """
    task, own = run.model.task, run.config
    source = source or own.data
    split = (task.load_data if source == own.data else task.load_to_test)(source, data_dir, seed)
    same = split.data["sha256"] == _trained_on(run.model).get("sha256")
    if same and (source, seed) != (own.data, own.seed):
        return task.load_data(source, data_dir, own.seed)
    return split


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
            model.pipeline.predict, images.take(pictures, rows), split.test_labels[rows], seed=seed,
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
                net.pipeline.predict, images.take(pictures, rows), split.test_labels[rows],
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
    own = split.data["sha256"] == _trained_on(model).get("sha256")
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
    model, data = run.model, _data(run.model, split)
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

    def trained_on(spoil: verifiers.Spoil, *shares: float) -> list[DependencePoint]:
        return verifiers.dependence(make, split, shares, spoil, run.config.seed, progress)

    results.learning_curve = trained_on(verifiers.fewer_writers, 0.1, 0.25, 0.5, 1.0)
    wrong = trained_on(verifiers.wrong_flags, 0.1, 0.2, 0.4)
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


def _trained_on(model: Model) -> Mapping[str, Any]:
    return model.metadata.get("data", {})


def _data(model: Model, split: Split | OwnerSplit) -> dict[str, Any]:
    """What the figures were measured on, and what else the model was trained on."""
    trained = _trained_on(model)
    if trained.get("sha256") in (None, split.data["sha256"]):
        return dict(split.data)
    count = trained["n_train"]
    what = f"other data: {trained['title']}"
    if trained["title"] == split.data["title"]:
        what = "another drawing from the same source"
    note = f"the model was trained on {what}, {count:,} pictures"
    return {**split.data, "n_train": count, "notes": note}


def _pictures(given: Any) -> images.Pictures:
    """The test pictures to spoil and to show, large ones of different sizes shrunk as if read."""
    pictures = images.as_pictures(given)
    if isinstance(pictures, np.ndarray):
        return pictures
    return [images.shrink(picture, images.WORK) for picture in pictures]


def _some(n: int, most: int, seed: int) -> NDArray[np.intp]:
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _log(folder: Path, config: Config) -> Callable[[Epoch, Any], None]:
    """The callback that writes a line an epoch; the config is written with the first."""
    path = folder / "log.txt"

    def write_line(epoch: Epoch, _: Any) -> None:
        if epoch.epoch == 1:  # a resumed training also begins with it
            _write_json(folder / "config.json", asdict(config))
            path.write_text("", encoding="utf-8")
        values = {key: value for key, value in asdict(epoch).items() if value not in (None, "")}
        line = "  ".join(f"{key} {_short(value)}" for key, value in values.items())
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    return write_line


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _write_json(path: Path, content: Any) -> None:
    write(path, json.dumps(content, indent=1) + "\n")
