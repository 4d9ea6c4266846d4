"""``bpapps predict``: pictures recognised, by options that the kinds of recognition declare."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bpapps import tasks
from bpapps.cli.options import options
from bpapps.cli.printing import print_json

if TYPE_CHECKING:
    from bpapps.kinds.base import Option


class _Named(click.Path):
    """A file whose name is not empty."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not value:
            self.fail("the name is empty; give that of a file", param, ctx)
        return super().convert(value, param, ctx)


TYPES = {"text": click.STRING, "file": _Named(path_type=Path)}
"""What the values of an option of a kind are to click."""


class _Predict(click.Command):
    """A command with the options of all kinds, some of which take all values that follow them.

    The options are gathered when the command is first asked for them: kinds are asked through
    their tasks, which may take a moment to import.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        known = {param.name for param in self.params}
        new = [_as_click(*found) for name, found in declared().items() if name not in known]
        self.params[2:2] = new
        return super().get_params(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        self.get_params(ctx)
        many = [f"--{name}" for name, (option, _) in declared().items() if option.many]
        spread: list[str] = []
        taking = ""
        for arg in args:
            name, equals, file = arg.partition("=")
            if arg.startswith("-"):
                taking = name if name in many else ""
                if not taking:
                    spread.append(arg)
                elif equals:
                    spread += [name, file]
            else:
                spread += [taking, arg] if taking else [arg]
        if taking and args[-1] == taking:
            spread.append(taking)  # click says that it lacks an argument
        try:
            return super().parse_args(ctx, list(spread))  # which is used up
        except click.MissingParameter as error:
            given = next((name for name in many if name in spread), None)
            if given is None or not error.param:
                raise
            raise click.UsageError(
                f"no {error.param.human_readable_name} left: {given} takes all that follow it; "
                "put the model and the pictures to be asked about first",
                ctx,
            ) from None


def declared() -> dict[str, tuple[Option, list[str]]]:
    """Each option of a kind by its name, and the tasks that take it."""
    found: dict[str, tuple[Option, list[str]]] = {}
    for name in tasks.names():
        for option in tasks.get(name).kind.options:
            found.setdefault(option.name, (option, []))[1].append(name)
    return found


def _as_click(option: Option, of: list[str]) -> click.Option:
    return click.Option(
        [f"--{option.name}"],
        metavar=option.metavar,
        multiple=option.many,
        type=TYPES[option.type],
        help=f"{option.help} For {', '.join(of)}.",
    )


@click.command(cls=_Predict)
@click.argument("model")
@click.argument("files", nargs=-1, required=True, type=_Named(path_type=Path))
@click.option(
    "--annotate", metavar="OUT", type=_Named(path_type=Path, dir_okay=False),
    help="Also draw what was answered, and write it to this file.",
)  # fmt: skip
@options("json")
@click.pass_context
def predict(
    ctx: click.Context,
    model: str,
    files: tuple[Path, ...],
    annotate: Path | None,
    as_json: bool,
    **told: Any,
) -> None:
    """Recognise pictures.

    MODEL is a run's folder, a model file, or a task's name, which means the model that comes with
    the package. The exit code is 1 when a file cannot be read, or shows nothing to recognise.
    """
    from bpapps import models

    found = models.find(model)
    given = _given(ctx, found.task, told)
    if annotate:
        many = [file for value in given.values() if isinstance(value, tuple) for file in value]
        _check_annotate(found.task, [*files, *many], len(files), annotate)
    answers = found.read(files, **given)
    if as_json:
        print_json([answer.plain() for answer in answers])
    else:
        for answer in answers:
            if not answer.problem:
                click.echo(str(answer))
    problems = dict.fromkeys(answer.problem for answer in answers if answer.problem)
    for problem in problems:
        click.echo(f"Error: {problem}", err=True)
    if annotate and not problems:
        answers[0].draw().save(annotate)
    if problems:
        sys.exit(1)


def _given(ctx: click.Context, task: tasks.Task, told: dict[str, Any]) -> dict[str, Any]:
    """The options that were given; wrong use for one that the task does not take, or lacks."""
    known = {option.name: option for option in task.kind.options}
    given = {
        name: value
        for name, value in told.items()
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    for name in given:
        if name not in known:
            _, takers = declared()[name]
            raise click.UsageError(
                f"--{name}: {task.name} takes none, only {', '.join(takers)} does; leave it out"
            )
    for name, option in known.items():
        if option.required and not given.get(name):
            raise click.UsageError(f"{task.name} needs --{name} {option.metavar}")
    return given


def _check_annotate(task: tasks.Task, shown: list[Path], n_files: int, out: Path) -> None:
    """Wrong use where there is nothing to draw, or too much for one file."""
    if not task.kind.draws:
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
