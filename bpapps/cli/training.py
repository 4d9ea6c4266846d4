"""``bpapps train``: a net trained, and kept as a run."""

from __future__ import annotations

from pathlib import Path

import click

from bpapps import tasks
from bpapps.cli.options import config_of, deny, options
from bpapps.cli.printing import keeping, print_json


@click.command()
@click.argument("task", required=False)
@options("data", "data_dir", "preset", "settings", "start", "seed")
@click.option("--config", type=click.Path(path_type=Path), help="config.json of a run to repeat.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the run [default: runs/TASK-…]."
)
@options("jobs", "quick", "json")
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
        deny(ctx, "--config", "task", "data", "preset", "settings", "start", "seed", "quick")
        plan = runs.Config.load(config)
    elif task:
        plan = config_of(task, data, preset, settings, start, seed, quick)
    else:
        raise click.UsageError("give a TASK, or --config FILE")
    folder = out or Path("runs") / plan.name
    split = tasks.get(plan.task).load_data(plan.data, data_dir, plan.seed)
    with keeping(folder / runs.CHECKPOINT) as tell:
        run = runs.train(plan, split, folder, progress=True, callbacks=(tell,), n_jobs=n_jobs)
    file = folder / models.FILE_NAME
    figures = run.model.metadata["figures"]
    if as_json:
        print_json({"run": str(folder), "model": str(file), **figures, "config": vars(plan)})
        return
    first, *others = run.model.task.kind.told(figures)
    for line in (f"{file}: {first}", *others):
        click.echo(line)
