"""Options that several commands share, and what those of a training ask for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bpapps import tasks
from bpapps.cli.printing import one_line

if TYPE_CHECKING:
    from bpapps.runs import Config

QUICK_EPOCHS = 0.1
"""Share of the epochs that ``--quick`` trains."""


def options(*names: str) -> Callable:
    """The options of these names, so that every command spells them alike."""
    known = {
        "data": click.option(
            "--data", metavar="NAME|PATH",
            help="Data set; folder of one's own pictures, such as CLASS/*.png, or a CSV file; "
            "docs/command-line.md shows the layouts.",
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


def config_of(
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
        raise click.UsageError(one_line(error)) from None


def _setting(text: str) -> tuple[str, Any]:
    """``"max_iter=20"`` -> ("max_iter", 20): JSON where the value is JSON, else the text."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.UsageError(f"--set takes KEY=VALUE, not {text!r}")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def deny(ctx: click.Context, option: str, *names: str) -> None:
    """Wrong use where one of these parameters was given beside an option that rules it out."""
    for parameter in ctx.command.params:
        source = ctx.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} cannot be given together with {option}")
