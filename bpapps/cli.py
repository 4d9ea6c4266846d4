"""The ``bpapps`` command: thin words around what the package does.

Heavy modules are imported by the commands that need them. Wrong use ends with exit code 2, bad
input with 1 and one line on stderr, Ctrl-C with 130.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bpapps import __version__, tasks

if TYPE_CHECKING:
    from bpapps.models import Model
    from bpapps.runs import Config, Run
    from bpapps.splits import Split

QUICK_EPOCHS = 0.1
"""Share of the epochs that ``--quick`` trains."""


class _Group(click.Group):
    """A group whose commands report bad input in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except tasks.UnknownNameError as error:
            raise click.UsageError(str(error)) from None
        except (ValueError, OSError) as error:
            raise click.ClickException(_one_line(error)) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bpapps")
def main() -> None:
    """Recognise things with networks trained by their own backpropagation."""


def _options(*names: str) -> Callable:
    """The options of these names, so that every command spells them alike."""
    known = {
        "data": click.option(
            "--data", metavar="NAME|PATH", help="Data set, folder of pictures, or CSV file."
        ),
        "data_dir": click.option(
            "--data-dir",
            type=click.Path(path_type=Path, file_okay=False),
            help="Where data sets lie [default: $BPAPPS_DATA, then the user's data folder].",
        ),
        "preset": click.option("--preset", metavar="NAME", help="Net to train."),
        "settings": click.option(
            "--set", "settings", metavar="KEY=VALUE", multiple=True,
            help="Parameter of the estimator, such as max_iter=20; may be repeated.",
        ),
        "seed": click.option("--seed", type=click.IntRange(0), default=0, show_default=True),
        "quick": click.option("--quick", is_flag=True, help="A rough result in seconds."),
        "json": click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        "jobs": click.option(
            "--n-jobs", type=int, help="Threads [default: as many as there are cores]."
        ),
    }  # fmt: skip

    def decorate(command: Callable) -> Callable:
        for name in reversed(names):
            command = known[name](command)
        return command

    return decorate


@main.command("list")
@_options("json")
def list_tasks(as_json: bool) -> None:
    """List the tasks with their data and presets."""
    found = [tasks.get(name) for name in tasks.names()]
    if as_json:
        rows = [
            {
                "task": task.name,
                "title": task.title,
                "data": dict(task.data),
                "presets": {name: preset.summary for name, preset in task.presets.items()},
            }
            for task in found
        ]
        _print_json(rows)
        return
    for task in found:
        click.echo(f"{task.name}: {task.summary}")
        for name, title in task.data.items():
            click.echo(f"  --data {name:<16} {title}")
        for name, preset in task.presets.items():
            click.echo(f"  --preset {name:<14} {preset.summary}")


@main.command()
@click.argument("task", required=False)
@_options("data", "data_dir", "preset", "settings", "seed")
@click.option("--config", type=click.Path(path_type=Path), help="config.json of a run to repeat.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run [default: runs/…].")
@_options("jobs", "quick", "json")
def train(
    task: str | None,
    data: str | None,
    data_dir: Path | None,
    preset: str | None,
    settings: tuple[str, ...],
    seed: int,
    config: Path | None,
    out: Path | None,
    n_jobs: int | None,
    quick: bool,
    as_json: bool,
) -> None:
    """Train TASK's net and keep the run in a folder; the same command resumes a run cut off."""
    from bpapps import models, runs
    from bpapps.evaluation import evaluate

    if (task is None) == (config is None):
        raise click.UsageError("give either a TASK or --config FILE")
    plan = (
        runs.Config.load(config) if config else _config(task, data, preset, settings, seed, quick)
    )
    folder = out or Path("runs") / plan.name
    split = tasks.get(plan.task).load_data(plan.data, data_dir, plan.seed)
    run = _train(plan, split, folder, n_jobs)
    probabilities = run.model.predict_proba(split.test_images)
    accuracy = evaluate(probabilities, split.test_labels, run.model.classes)["accuracy"]
    if as_json:
        figures = {"run": str(folder), "model": str(folder / models.FILE_NAME)}
        _print_json({**figures, "accuracy": vars(accuracy), "config": vars(plan)})
    else:
        click.echo(f"{folder / models.FILE_NAME}: accuracy {_interval(accuracy)}")


@main.command()
@click.argument("model")
@_options("data", "data_dir", "seed", "json")
def evaluate(model: str, data: str | None, data_dir: Path | None, seed: int, as_json: bool) -> None:
    """Measure MODEL (a file, a run's folder, or a task's shipped model) on test data."""
    _measure(model, data, data_dir, seed, as_json, noise=False, quick=False)


@main.command()
@click.argument("model")
@_options("data", "data_dir", "seed", "quick", "json")
def noise(
    model: str, data: str | None, data_dir: Path | None, seed: int, quick: bool, as_json: bool
) -> None:
    """Measure how MODEL (a file, a run's folder, or a task's) bears corrupted pictures."""
    _measure(model, data, data_dir, seed, as_json, noise=True, quick=quick)


@main.command()
@click.argument("task")
@_options("data", "data_dir", "preset", "settings", "seed")
@click.option("--model", help="Report on this model instead of training one: a file or a run.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder [default: reports/TASK…].")
@_options("jobs", "quick", "json")
def report(
    task: str,
    data: str | None,
    data_dir: Path | None,
    preset: str | None,
    settings: tuple[str, ...],
    seed: int,
    model: str | None,
    out: Path | None,
    n_jobs: int | None,
    quick: bool,
    as_json: bool,
) -> None:
    """Train TASK's net, measure it, and write the report: one HTML file, and the figures."""
    from bpapps import runs
    from bpapps.report import write_index, write_report

    plan = _config(task, data, preset, settings, seed, quick)
    split = tasks.get(task).load_data(plan.data, data_dir, seed)
    folder = out or Path("reports") / tasks.get(task).report_name(plan.data)
    run = _existing(model, task, split, seed) if model else _train(plan, split, None, n_jobs)
    with _bar("measuring") as progress:
        results = runs.measure(
            run, split, _command(), dependence=model is None, quick=quick, progress=progress
        )
    results.scores = runs.scores_in(folder)
    page = write_report(results, folder)
    index = write_index(folder.parent)
    if as_json:
        _print_json({**results.figures(), "report": str(page)})
    else:
        click.echo(f"accuracy {_interval(results.accuracy)}")
        click.echo(f"report   {page}\nindex    {index}")


@main.command()
@click.argument("model")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@_options("json")
def predict(model: str, files: tuple[Path, ...], as_json: bool) -> None:
    """Recognise the pictures FILES with MODEL (a file, a run's folder, or a task's name).

    Exit code 1 when a file could not be read, or shows nothing that can be recognised.
    """
    from bpapps import models

    readings = models.find(model).read(files)
    if as_json:
        _print_json([reading.plain() for reading in readings])
    for reading in readings:
        if reading.problem:
            click.echo(f"{reading.file}: {reading.problem}", err=True)
        elif not as_json:
            click.echo(str(reading))
    if any(reading.problem for reading in readings):
        sys.exit(1)


@main.group()
def data() -> None:
    """List, fetch and check data sets."""


@data.command("list")
@_options("data_dir", "json")
def data_list(data_dir: Path | None, as_json: bool) -> None:
    """List the data sets and whether they are here."""
    from bpapps import datasets

    rows = [
        {
            "name": name,
            "title": source.title,
            "licence": source.licence,
            "here": datasets.is_here(name, data_dir),
        }
        for name, source in datasets.DATASETS.items()
    ]
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        here = "here" if row["here"] else "not here"
        click.echo(f"{row['name']:<16} {here:<9} {row['title']} ({row['licence']})")


@data.command("fetch")
@click.argument("name")
@_options("data_dir")
def data_fetch(name: str, data_dir: Path | None) -> None:
    """Download the data set NAME; a download that was cut off goes on."""
    from bpapps import datasets

    click.echo(datasets.fetch(name, data_dir, progress=True))


@data.command("check")
@click.argument("name")
@_options("data_dir")
def data_check(name: str, data_dir: Path | None) -> None:
    """Check that the files of the data set NAME are here, whole and unaltered."""
    from bpapps import datasets

    for line in datasets.check(name, data_dir):
        click.echo(line)


def _config(
    task: str | None,
    data: str | None,
    preset: str | None,
    settings: tuple[str, ...],
    seed: int,
    quick: bool,
) -> Config:
    """What the options ask for; a name that is not known is a wrong use."""
    from bpapps import runs

    chosen = tasks.get(str(task))
    source = data or chosen.default_data
    name = preset or chosen.preset_name(source)
    values = dict(_setting(text) for text in settings)
    pipeline = chosen.pipeline(name, **values)
    if quick:
        values["max_iter"] = max(1, round(QUICK_EPOCHS * pipeline[-1].max_iter))
    return runs.Config(chosen.name, source, name, seed, values)


def _setting(text: str) -> tuple[str, Any]:
    """``"max_iter=20"`` -> ("max_iter", 20): JSON where the value is JSON, else the text."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.UsageError(f"--set takes KEY=VALUE, not {text!r}")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _train(plan: Config, split: Split, folder: Path | None, n_jobs: int | None) -> Run:
    from bpapps import runs

    if folder is not None and (folder / "checkpoint.safetensors").exists():
        click.echo(f"going on from the checkpoint in {folder}", err=True)
    try:
        return runs.train(plan, split, folder, progress=True, n_jobs=n_jobs)
    except KeyboardInterrupt:
        if folder is not None and (folder / "checkpoint.safetensors").exists():
            again = f"the same command goes on from the checkpoint in {folder}"
        else:
            again = "nothing was kept; the same command starts anew"
        click.echo(f"\ninterrupted; {again}", err=True)
        sys.exit(130)


def _existing(model: str, task: str, split: Split, seed: int) -> Run:
    """A trained model as a run, with its history where it lies in a run's folder."""
    from bpapps import models, runs

    if (Path(model) / models.FILE_NAME).exists():
        return runs.load(Path(model))
    found = models.find(model)
    if found.task.name != task:
        raise click.UsageError(f"{model} is a model for {found.task.name}, not for {task}")
    return runs.of_model(found, seed)


def _measure(
    name: str,
    data: str | None,
    data_dir: Path | None,
    seed: int,
    as_json: bool,
    noise: bool,
    quick: bool,
) -> None:
    from bpapps import models, runs

    model: Model = models.find(name)
    split = model.task.load_data(data or model.task.default_data, data_dir, seed)
    with _bar("measuring") as progress:
        results = runs.measure(
            runs.of_model(model, seed), split, _command(),
            noise=noise, dependence=False, quick=quick, progress=progress,
        )  # fmt: skip
    if as_json:
        _print_json(results.figures())
        return
    click.echo(f"accuracy {_interval(results.accuracy)}")
    click.echo(f"calibration error {results.calibration.ece:.2%}")
    if not noise:
        for score in results.per_class:
            precision, recall = score.precision.value, score.recall.value
            click.echo(f"  {score.label:>4}  precision {precision:.1%}  recall {recall:.1%}")
    for curve in results.noise:
        line = "  ".join(f"{point.accuracy.value:6.1%}" for point in curve.points)
        click.echo(f"  {curve.title:<18} {line}")
    if results.noise_reading:
        click.echo(results.noise_reading)


@contextmanager
def _bar(text: str) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on stderr, silent when that is not a terminal."""
    from tqdm import tqdm

    with tqdm(desc=text, disable=None, leave=False) as bar:

        def show(done: int, total: int, what: str) -> None:
            bar.total, bar.n = total, done
            bar.set_postfix_str(what)

        yield show


def _interval(interval: Any) -> str:
    low, high = 100 * interval.low, 100 * interval.high
    return f"{100 * interval.value:.2f}% (95% interval {low:.2f} to {high:.2f}, n = {interval.n})"


def _command() -> str:
    """The command line as a user would type it."""
    return shlex.join(["bpapps", *sys.argv[1:]])


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, allow_nan=False, default=str))
