"""The ``bpapps`` command: thin words around what the package does.

Heavy modules are imported by the commands that need them. Wrong use ends with exit code 2, bad
input with 1 and one line on stderr, Ctrl-C with 130.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bpapps import __version__, tasks
from bpapps.malloc import keep_freed_memory
from bpapps.names import UnknownNameError, nearest

if TYPE_CHECKING:
    from PIL.Image import Image

    from bpapps.core import Epoch
    from bpapps.evaluation import Results
    from bpapps.models import Model
    from bpapps.runs import Config, Run
    from bpapps.verdicts import Verdict

QUICK_EPOCHS = 0.1
"""Share of the epochs that ``--quick`` trains."""

INDEX_MARK = "<h1>Evaluation reports</h1>"
"""What an index.html must hold to be replaced by a new index."""


class _Group(click.Group):
    """A group whose commands tell of bad input, of warnings and of Ctrl-C in one line each."""

    def invoke(self, ctx: click.Context) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            try:
                return super().invoke(ctx)
            except UnknownNameError as error:
                raise click.UsageError(str(error)) from None
            except BrokenPipeError:  # as in ``bpapps list | head -1``, which click knows
                raise
            except (ValueError, OSError) as error:
                raise click.ClickException(_one_line(error)) from None
            except KeyboardInterrupt:
                click.echo("interrupted", err=True)
                sys.exit(130)


def _show_warning(message: Warning | str, *_: Any) -> None:
    click.echo(f"Warning: {' '.join(str(message).split())}", err=True)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bpapps")
def main() -> None:
    """Recognise things with networks trained by their own backpropagation."""
    keep_freed_memory()


def _options(*names: str) -> Callable:
    """The options of these names, so that every command spells them alike."""
    known = {
        "data": click.option(
            "--data", metavar="NAME|PATH",
            help="Data set; folder of pictures CLASS/*.png, or of signatures WRITER/genuine/*.png "
            "and WRITER/forged/*.png, of which the latter may be missing; or CSV file with "
            "path,label, or with file,writer,genuine.",
        ),
        "data_dir": click.option(
            "--data-dir",
            type=click.Path(path_type=Path, file_okay=False),
            help="Where data sets lie [default: $BPAPPS_DATA, data/, or the user's data folder].",
        ),
        "preset": click.option(
            "--preset", metavar="NAME", help="Net to train; bpapps list names them."
        ),
        "settings": click.option(
            "--set", "settings", metavar="KEY=VALUE", multiple=True,
            help="Parameter of the estimator, such as max_iter=20; may be repeated.",
        ),
        "start": click.option(
            "--start", metavar="MODEL",
            help="Train this model further: a run's folder, a model file, or a task's name.",
        ),
        "seed": click.option(
            "--seed", metavar="N", type=click.IntRange(0), default=0, show_default=True,
            help="Seed of all that is drawn at random.",
        ),
        "quick": click.option(
            "--quick", is_flag=True, help="Rough figures: a tenth of the epochs, less measured."
        ),
        "json": click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        "jobs": click.option(
            "--n-jobs", metavar="N", type=click.IntRange(1),
            help="Threads [default: as many as cores].",
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
@_options("data", "data_dir", "preset", "settings", "start", "seed")
@click.option("--config", type=click.Path(path_type=Path), help="config.json of a run to repeat.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the run [default: runs/TASK-…]."
)
@_options("jobs", "quick", "json")
@click.pass_context
def train(
    ctx: click.Context,
    task: str | None,
    data: str | None,
    data_dir: Path | None,
    preset: str | None,
    settings: tuple[str, ...],
    start: str | None,
    seed: int,
    config: Path | None,
    out: Path | None,
    n_jobs: int | None,
    quick: bool,
    as_json: bool,
) -> None:
    """Train a net for TASK.

    The run's folder holds the model, the config that made it, the history and the log. A training
    that was cut off goes on with the same command.
    """
    from bpapps import models, runs

    if config:
        _deny(ctx, "--config", "task", "data", "preset", "settings", "start", "seed", "quick")
        plan = runs.Config.load(config)
    elif task:
        plan = _config(task, data, preset, settings, start, seed, quick)
    else:
        raise click.UsageError("give a TASK, or --config FILE")
    folder = out or Path("runs") / plan.name
    split = tasks.get(plan.task).load_data(plan.data, data_dir, plan.seed)
    with _keeping(folder / runs.CHECKPOINT) as tell:
        run = runs.train(plan, split, folder, progress=True, callbacks=(tell,), n_jobs=n_jobs)
    file = folder / models.FILE_NAME
    figures = run.model.metadata["figures"]
    if as_json:
        _print_json({"run": str(folder), "model": str(file), **figures, "config": vars(plan)})
    elif "rates" not in figures:
        click.echo(f"{file}: accuracy {_interval(**figures['accuracy'])}")
    else:
        click.echo(f"{file}:")
        _tell_rates(**figures["rates"]["1"])


@main.command()
@click.argument("model")
@_options("data", "data_dir", "seed", "json")
def evaluate(model: str, data: str | None, data_dir: Path | None, seed: int, as_json: bool) -> None:
    """Measure a model on test data.

    MODEL is a run's folder, a model file, or a task's name, which means the model that comes with
    the package. Without --data it is measured on the test part of what it was trained on.
    """
    _measure(model, data, data_dir, seed, as_json, noise=False, quick=False)


@main.command()
@click.argument("model")
@_options("data", "data_dir", "seed", "quick", "json")
def noise(
    model: str, data: str | None, data_dir: Path | None, seed: int, quick: bool, as_json: bool
) -> None:
    """Measure how a model bears corrupted pictures.

    MODEL is a run's folder, a model file, or a task's name, which means the model that comes with
    the package. Without --data it is measured on the test part of what it was trained on.
    """
    _measure(model, data, data_dir, seed, as_json, noise=True, quick=quick)


@main.command()
@click.argument("task")
@_options("data", "data_dir", "preset", "settings", "start", "seed")
@click.option("--model", metavar="MODEL", help="Report on this model, and train none.")
@click.option(
    "--against", metavar="MODEL", multiple=True,
    help="Measure this model beside it, on the same pictures; may be repeated; "
    "for tasks that recognise, not for signatures.",
)  # fmt: skip
@click.option(
    "--no-pictures", is_flag=True,
    help="Show none of the data's pictures, for data that must not be passed on.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the report [default: reports/TASK…]."
)
@_options("jobs", "quick")
@click.option("--markdown", is_flag=True, help="Print the figures as tables in Markdown.")
@_options("json")
@click.pass_context
def report(
    ctx: click.Context,
    task: str,
    data: str | None,
    data_dir: Path | None,
    preset: str | None,
    settings: tuple[str, ...],
    start: str | None,
    seed: int,
    model: str | None,
    against: tuple[str, ...],
    no_pictures: bool,
    out: Path | None,
    n_jobs: int | None,
    quick: bool,
    markdown: bool,
    as_json: bool,
) -> None:
    """Train a net for TASK, measure it, and write a report.

    The report's folder holds one HTML page, and the figures as JSON; an index of all reports is
    written beside the folder.
    """
    from bpapps import runs
    from bpapps.report import to_markdown, write_report

    if as_json:
        _deny(ctx, "--json", "markdown")
    chosen = tasks.get(task)
    rivals = _rivals(chosen, against)
    if model:
        _deny(ctx, "--model", "preset", "settings", "start", "n_jobs")
        run = runs.find(model)
        if run.model.task.name != task:
            raise click.UsageError(f"{model} is a model for {run.model.task.name}, not for {task}")
        source = data or run.config.data
        split = runs.data_for(run, source, data_dir, seed)
    else:
        plan = _config(task, data, preset, settings, start, seed, quick)
        source = plan.data
        split = chosen.load_data(source, data_dir, seed)
    others = [runs.contender(rival) for rival in rivals]
    folder = out.resolve() if out else Path("reports") / chosen.report_name(source)
    scores = runs.scores_in(folder)
    checkpoint = folder / runs.CHECKPOINT
    with runs.output_folder(folder), _keeping(checkpoint) as tell:
        if not model:
            run = runs.train(
                plan, split, checkpoint=checkpoint,
                progress=True, callbacks=(tell,), n_jobs=n_jobs,
            )  # fmt: skip
        with _bar("measuring") as progress:
            own = bool(run.history) and source == run.config.data  # not a model alone
            results = runs.measure(
                run, split, _command(),
                dependence=own, quick=quick, seed=seed, against=others, progress=progress,
            )  # fmt: skip
        results.scores = scores
        page = write_report(results.without_pictures() if no_pictures else results, folder)
        checkpoint.unlink(missing_ok=True)
    index = _write_index(folder.parent)
    if as_json:
        _print_json({**results.figures(), "report": str(page)})
        return
    if markdown:
        click.echo(to_markdown(results), nl=False)
        return
    _tell(results)
    click.echo(f"report   {page}")
    if index:
        click.echo(f"index    {index}")


def _rivals(task: tasks.Task, names: tuple[str, ...]) -> list[Run]:
    """The models to measure beside another; wrong use where the task is not theirs, or compares."""
    from bpapps import runs

    if names and task.verifies:
        raise click.UsageError(
            f"--against: only models that recognise are measured side by side, not for "
            f"{task.name}; leave it out"
        )
    found = [runs.find(name) for name in names]
    for name, run in zip(names, found, strict=True):
        if run.model.task.name != task.name:
            raise click.UsageError(
                f"--against: {name} is a model for {run.model.task.name}, not for {task.name}"
            )
    return found


class _WithReferences(click.Command):
    """A command whose option ``--reference`` takes all files that follow it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        spread: list[str] = []
        taking = False
        for arg in args:
            name, equals, file = arg.partition("=")
            if arg.startswith("-"):
                taking = name == "--reference"
                if not taking:
                    spread.append(arg)
                elif equals:
                    spread += [name, file]
            else:
                spread += ["--reference", arg] if taking else [arg]
        if taking and args[-1] == "--reference":
            spread.append("--reference")  # click says that it lacks an argument
        try:
            return super().parse_args(ctx, list(spread))  # which is used up
        except click.MissingParameter as error:
            if "--reference" not in spread or not error.param:
                raise
            raise click.UsageError(
                f"no {error.param.human_readable_name} left: --reference takes all that follow it; "
                "put the model and the pictures to be asked about first",
                ctx,
            ) from None


class _Named(click.Path):
    """A file whose name is not empty."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not value:
            self.fail("the name is empty; give that of a file", param, ctx)
        return super().convert(value, param, ctx)


@main.command(cls=_WithReferences)
@click.argument("model")
@click.argument("files", nargs=-1, required=True, type=_Named(path_type=Path))
@click.option(
    "--reference",
    "references",
    metavar="FILE...",
    multiple=True,
    type=_Named(path_type=Path),
    help="Genuine pictures that FILES are compared with; takes all that follow, "
    "so that FILES go before it.",
)
@click.option(
    "--classes",
    metavar="NAME",
    help="Groups of classes to answer with: balanced, caseless, letters, upper or digits.",
)
@click.option(
    "--annotate", metavar="OUT", type=_Named(path_type=Path, dir_okay=False),
    help="Also draw what was read, or compared, and write it to this file.",
)  # fmt: skip
@_options("json")
def predict(
    model: str,
    files: tuple[Path, ...],
    references: tuple[Path, ...],
    classes: str | None,
    annotate: Path | None,
    as_json: bool,
) -> None:
    """Recognise pictures, or with --reference compare signatures.

    MODEL is a run's folder, a model file, or a task's name, which means the model that comes with
    the package. The exit code is 1 when a file cannot be read, or shows nothing to recognise.
    """
    from bpapps import models

    found = models.find(model)
    if bool(references) != found.task.verifies:
        raise click.UsageError(
            f"{found.task.name} compares with references: give --reference FILE..."
            if found.task.verifies
            else f"--reference: {found.task.name} compares with nothing"
        )
    if annotate:
        _check_annotate(found.task, (*files, *references), len(files), annotate)
    if classes is not None:
        _check_groupings(found.task)
        nearest(classes, found.task.groupings, f"grouping of {found.task.name}")
    readings: Sequence[Any]
    if found.task.verifies:
        readings = _compared(found, files, references)
    else:
        readings = found.read(files, classes)
    if as_json:
        _print_json([reading.plain() for reading in readings])
    else:
        for reading in readings:
            if not reading.problem:
                click.echo(str(reading))
    problems = dict.fromkeys(reading.problem for reading in readings if reading.problem)
    for problem in problems:
        click.echo(f"Error: {problem}", err=True)
    if annotate and not problems:
        _drawing(found.task, files[0], readings[0]).save(annotate)
    if problems:
        sys.exit(1)


def _check_groupings(task: tasks.Task) -> None:
    """Wrong use of --classes where a task has no groups of classes to answer with."""
    if not task.groupings:
        raise click.UsageError(
            f"--classes: there are no classes of {task.name} to group; leave it out"
        )


def _compared(model: Model, files: tuple[Path, ...], references: tuple[Path, ...]) -> list[Verdict]:
    """Verdicts on files; where a reference cannot be used, that is the problem of each."""
    from bpapps import verdicts
    from bpapps.pictures.files import PictureError

    try:
        return verdicts.compare(model, files, references)
    except PictureError as error:
        known = [str(file) for file in references]
        return [verdicts.Verdict(str(file), known, str(error)) for file in files]


def _drawing(task: tasks.Task, file: Path, reading: Any) -> Image:
    """A picture with what was read, or what was compared with what."""
    from bpapps import verdicts

    return verdicts.draw(reading) if task.verifies else task.annotate(file, reading.line)


def _check_annotate(task: tasks.Task, shown: tuple[Path, ...], n_files: int, out: Path) -> None:
    """Wrong use where there is nothing to draw, or too much for one file."""
    if not task.reads_lines and not task.verifies:
        raise click.UsageError(f"--annotate: {task.name} has nothing to draw on a picture")
    if n_files > 1:
        raise click.UsageError("--annotate takes one picture at a time")
    if out.resolve() in [file.resolve() for file in shown]:
        raise click.UsageError(f"--annotate {out} would overwrite the picture")
    _check_picture_name(out)


def _check_picture_name(out: Path) -> None:
    """Wrong use where no picture of this name can be written; better known before any work."""
    from PIL import Image

    if Image.registered_extensions().get(out.suffix.lower()) not in Image.SAVE:
        raise click.UsageError(
            f"--annotate {out}: its name does not end as a picture's that can be written; "
            f"call it {out.stem}.png"
        )
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise click.UsageError(
            f"--annotate {out}: there is no folder {out.parent} to write to; make it, or choose "
            "another"
        )


@main.command()
@click.argument("problem", metavar="[xor|spirals|digits]", default="xor")
@click.option("--recurrent", is_flag=True, help="A net whose activations settle, and its error.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False),
    help="File of the page [default: reports/explain/index.html].",
)  # fmt: skip
@click.option("--text", "as_text", is_flag=True, help="Print it for the terminal; write no page.")
@_options("seed", "json")
@click.pass_context
def explain(
    ctx: click.Context,
    problem: str,
    recurrent: bool,
    out: Path | None,
    as_text: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Explain backpropagation with the numbers of a small training.

    Trains a net on XOR (unless told otherwise), two spirals or digits, and writes one page that
    goes through it step by step: the input, the weights, the outputs, the error, the gradients,
    the iterations.
    """
    from bpapps import explain as explained

    nearest(problem, explained.PROBLEMS, "problem to explain")
    if as_text:
        _deny(ctx, "--text", "out", "as_json")
    if as_json:
        _deny(ctx, "--json", "out")
    with _bar("explaining", delay=2) as progress:
        records = explained.run(problem, seed, recurrent, _command(), progress)
    if as_json:
        _print_json(records)
    elif as_text:
        click.echo(explained.to_text(records))
    else:
        page = explained.write_page(records, out or Path("reports/explain/index.html"))
        click.echo(f"page     {page}")


@main.group()
def data() -> None:
    """List, fetch and check data sets."""


@data.command("list")
@_options("data_dir", "json")
def data_list(data_dir: Path | None, as_json: bool) -> None:
    """List the data sets and whether they are here."""
    from bpapps.data import registry

    rows = [
        {
            "name": name,
            "title": source.title,
            "licence": source.licence,
            "here": registry.is_here(name, data_dir),
        }
        for name, source in registry.DATASETS.items()
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
    """Download a data set; a download that was cut off goes on."""
    from bpapps.data import registry

    click.echo(registry.fetch(name, data_dir, progress=True))


@data.command("check")
@click.argument("name")
@_options("data_dir")
def data_check(name: str, data_dir: Path | None) -> None:
    """Check that a data set's files are whole and as published."""
    from bpapps.data import registry

    for line in registry.check(name, data_dir):
        click.echo(line)


def _config(
    task: str,
    data: str | None,
    preset: str | None,
    settings: tuple[str, ...],
    start: str | None,
    seed: int,
    quick: bool,
) -> Config:
    """What the options ask for; a name or a value that they do not take is a wrong use."""
    from bpapps import runs

    chosen = tasks.get(task)
    source = data or chosen.default_data
    name = preset or chosen.preset_name(source)
    values = dict(_setting(text) for text in settings)
    try:
        net = chosen.pipeline(name, **values)[-1]
        if quick:
            values["max_iter"] = max(1, round(QUICK_EPOCHS * net.max_iter))
        return runs.Config(chosen.name, source, name, seed, values, start or "")
    except ValueError as error:
        raise click.UsageError(_one_line(error)) from None


def _setting(text: str) -> tuple[str, Any]:
    """``"max_iter=20"`` -> ("max_iter", 20): JSON where the value is JSON, else the text."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.UsageError(f"--set takes KEY=VALUE, not {text!r}")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _deny(ctx: click.Context, option: str, *names: str) -> None:
    """Wrong use where one of these parameters was given beside an option that rules it out."""
    for parameter in ctx.command.params:
        source = ctx.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} cannot be given together with {option}")


@contextmanager
def _keeping(checkpoint: Path) -> Iterator[Callable[[Epoch, Any], None]]:
    """Tell after Ctrl-C what is kept; gives the callback that tells of a training that resumes."""
    resumes = checkpoint.exists()

    def tell(epoch: Epoch, _: Any) -> None:
        if resumes and epoch.epoch == 1:
            click.echo(f"going on from {checkpoint}", err=True)

    try:
        yield tell
    except KeyboardInterrupt:
        again = "nothing was kept yet, the same command starts anew"
        if checkpoint.exists():
            again = f"the same command goes on from {checkpoint}"
        click.echo(f"interrupted; {again}", err=True)
        sys.exit(130)


def _write_index(folder: Path) -> Path | None:
    """Write the index of a folder's reports; a warning, and None, where that cannot be."""
    from bpapps.report import write_index

    page = folder / "index.html"
    try:
        if page.exists() and INDEX_MARK not in page.read_text(encoding="utf-8"):
            raise ValueError(f"{page} is another's page")
        return write_index(folder)
    except (ValueError, OSError) as error:
        warnings.warn(f"no index was written: {_one_line(error)}", stacklevel=2)
        return None


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

    run = runs.of_model(models.find(name))
    split = runs.data_for(run, data, data_dir, seed)
    with _bar("measuring") as progress:
        results = runs.measure(
            run, split, _command(),
            noise=noise, dependence=False, quick=quick, seed=seed, progress=progress,
        )  # fmt: skip
    if as_json:
        _print_json(results.figures())
        return
    _tell(results)
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
    for worse in results.verifier.noise if results.verifier else []:
        line = "  ".join(f"{point.eer.value:6.1%}" for point in worse.points)
        click.echo(f"  {worse.title:<18} {line}  (EER)")


def _tell(results: Results) -> None:
    """The accuracy; of a verifier its error rates, whose intervals are over writers."""
    from bpapps.verifiers import CENTRED

    if results.verifier is None:
        click.echo(f"accuracy {_interval(**vars(results.accuracy))}")
        if results.lines:
            clean = results.lines.clean
            click.echo(f"lines: character error rate {_interval(**vars(clean.error_rate))}")
            click.echo(f"lines without an error: {_interval(**vars(clean.exact))}")
        return
    if results.verifier.warning:
        click.echo(results.verifier.warning)
    one = results.verifier.one
    for rates in one.rates:
        _tell_rates(**asdict(rates))
    for apart in (one.skilled, one.random):
        if apart:
            name = f"EER, {apart.against} forgeries"
            click.echo(f"{name:<26} {_interval(**vars(apart.eer))}, threshold chosen afterwards")
    for more in results.verifier.several:
        rates = more.rates[0]
        far = rates.far_skilled or rates.far_random
        if far and more.protocol.endswith(CENTRED):
            click.echo(f"{more.protocol}: FRR {rates.frr.value:.2%}, FAR {far.value:.2%}")


def _tell_rates(
    rule: str,
    frr: dict[str, Any],
    far_skilled: dict[str, Any] | None,
    far_random: dict[str, Any] | None,
    **_: Any,
) -> None:
    """The error rates at a threshold that was fixed by a rule, each as plain data."""
    click.echo(f"threshold fixed on development writers, {rule}:")
    for name, rate in (
        ("FRR", frr),
        ("FAR, skilled forgeries", far_skilled),
        ("FAR, random forgeries", far_random),
    ):
        if rate:
            click.echo(f"  {name:<24} {_interval(**rate)}")


@contextmanager
def _bar(text: str, delay: float = 0) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on stderr, after some seconds; silent when that is not a terminal."""
    from tqdm import tqdm

    begin = time.monotonic()
    with tqdm(desc=text, disable=None, leave=False, delay=delay) as bar:

        def show(done: int, total: int, what: str) -> None:
            bar.total, bar.n = total, done
            bar.set_postfix_str(what, refresh=time.monotonic() >= begin + delay)

        yield show


def _interval(value: float, low: float, high: float, n: int) -> str:
    return f"{100 * value:.2f}% (95% interval {100 * low:.2f} to {100 * high:.2f}, n = {n})"


def _command() -> str:
    """The command line as a user would type it."""
    return shlex.join(["bpapps", *sys.argv[1:]])


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, allow_nan=False, default=str))
