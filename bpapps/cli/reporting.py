"""``bpapps report``: a net trained, measured, and told of on one page."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bpapps import tasks
from bpapps.cli.options import config_of, deny, options
from bpapps.cli.printing import bar, command, keeping, one_line, print_json, tell

if TYPE_CHECKING:
    from bpapps.data.splits import Split
    from bpapps.results import Results
    from bpapps.runs import Config, Run

INDEX_MARK = "<h1>Evaluation reports</h1>"
"""What an index.html must hold to be replaced by a new index."""


@dataclass(frozen=True)
class Asked:
    """What ``report`` was told: an argument and its options, by their names."""

    task: str
    data: str | None
    data_dir: Path | None
    preset: str | None
    settings: tuple[str, ...]
    start: str | None
    seed: int
    model: str | None
    against: tuple[str, ...]
    no_pictures: bool
    out: Path | None
    n_jobs: int | None
    quick: bool
    markdown: bool
    as_json: bool


@click.command()
@click.argument("task")
@options("data", "data_dir", "preset", "settings", "start", "seed")
@click.option("--model", metavar="MODEL", help="Report on this model, and train none.")
@click.option(
    "--against", metavar="MODEL", multiple=True,
    help="Measure this model of the same task beside it, on the same pictures; may be repeated.",
)  # fmt: skip
@click.option(
    "--no-pictures", is_flag=True,
    help="Show none of the data's pictures, for data that must not be passed on.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the report [default: reports/TASK…]."
)
@options("jobs", "quick")
@click.option("--markdown", is_flag=True, help="Print the figures as tables in Markdown.")
@options("json")
@click.pass_context
def report(ctx: click.Context, **told: Any) -> None:
    """Train a net for TASK, measure it, and write a report.

    The report's folder holds one HTML page, and the figures as JSON; an index of all reports is
    written beside the folder.
    """
    asked = Asked(**told)
    if asked.as_json:
        deny(ctx, "--json", "markdown")
    if asked.model:
        deny(ctx, "--model", "preset", "settings", "start", "n_jobs")
    _write(asked, _rivals(asked), *_planned(asked))  # the data last: they may take long


def _planned(asked: Asked) -> tuple[Config | Run, str, Split]:
    """What to train, or the run that is trained already; the name of its data; and them."""
    from bpapps import runs

    task = tasks.get(asked.task)
    if not asked.model:
        plan = config_of(
            asked.task, asked.data, asked.preset, asked.settings, asked.start, asked.seed,
            asked.quick,
        )  # fmt: skip
        return plan, plan.data, task.load_data(plan.data, asked.data_dir, asked.seed)
    run = runs.find(asked.model)
    if run.model.task.name != task.name:
        raise click.UsageError(
            f"{asked.model} is a model for {run.model.task.name}, not for {task.name}"
        )
    source = asked.data or run.config.data
    return run, source, runs.data_for(run, source, asked.data_dir, asked.seed)


def _write(asked: Asked, rivals: list[Run], plan: Config | Run, source: str, split: Split) -> None:
    """Train if need be, measure, and write the report."""
    from bpapps import runs
    from bpapps.report import write_report

    others = [runs.contender(rival) for rival in rivals]
    task = tasks.get(asked.task)
    folder = asked.out.resolve() if asked.out else Path("reports") / task.report_name(source)
    scores = runs.scores_in(folder)
    checkpoint = folder / runs.CHECKPOINT
    with runs.output_folder(folder), keeping(checkpoint) as resumed:
        run = plan
        if isinstance(run, runs.Config):
            run = runs.train(
                run, split, checkpoint=checkpoint,
                progress=True, callbacks=(resumed,), n_jobs=asked.n_jobs,
            )  # fmt: skip
        with bar("measuring") as progress:
            own = bool(run.history) and runs.is_its_own(run.model, split)  # not a model alone
            results = runs.measure(
                run, split, command(), dependence=own, quick=asked.quick, seed=asked.seed,
                against=others, progress=progress,
            )  # fmt: skip
        results.scores = scores
        shown = results.without_pictures() if asked.no_pictures else results
        page = write_report(shown, task.kind.sections, folder)
        checkpoint.unlink(missing_ok=True)
    _tell(asked, results, page, _write_index(folder.parent))


def _tell(asked: Asked, results: Results, page: Path, index: Path | None) -> None:
    """What was measured, as it was asked for."""
    from bpapps.report import to_markdown

    if asked.as_json:
        print_json({**results.figures(), "report": str(page)})
    elif asked.markdown:
        sections = tasks.get(asked.task).kind.sections
        click.echo(to_markdown(results, sections), nl=False)
    else:
        tell(results.headline)
        click.echo(f"report   {page}")
        if index:
            click.echo(f"index    {index}")


def _rivals(asked: Asked) -> list[Run]:
    """The models to measure beside another; wrong use where the task is not theirs."""
    from bpapps import runs

    found = [runs.find(name) for name in asked.against]
    for name, run in zip(asked.against, found, strict=True):
        if run.model.task.name != asked.task:
            raise click.UsageError(
                f"--against: {name} is a model for {run.model.task.name}, not for {asked.task}"
            )
    return found


def _write_index(folder: Path) -> Path | None:
    """Write the index of a folder's reports; a warning, and None, where that cannot be."""
    from bpapps.kinds import load_results
    from bpapps.report import results_in, write_index

    page = folder / "index.html"
    try:
        if page.exists() and INDEX_MARK not in page.read_text(encoding="utf-8"):
            raise ValueError(f"{page} is another's page")
        reports = {path.parent.name: load_results(path) for path in results_in(folder)}
        return write_index(folder, reports)
    except (ValueError, OSError) as error:
        warnings.warn(f"no index was written: {one_line(error)}", stacklevel=2)
        return None
