"""``bpapps evaluate`` and ``bpapps noise``: a trained model measured on test data."""

from __future__ import annotations

from pathlib import Path

import click

from bpapps.cli.options import options
from bpapps.cli.printing import bar, command, print_json, tell


@click.command()
@click.argument("model")
@options("data", "data_dir", "seed", "json")
def evaluate(model: str, data: str | None, data_dir: Path | None, seed: int, as_json: bool) -> None:
    """Measure a model on test data.

    MODEL is a run's folder, a model file, or a task's name, which means the model that comes with
    the package. Without --data it is measured on the test part of what it was trained on.
    """
    _measure(model, data, data_dir, seed, as_json, noise=False, quick=False)


@click.command()
@click.argument("model")
@options("data", "data_dir", "seed", "quick", "json")
def noise(
    model: str, data: str | None, data_dir: Path | None, seed: int, quick: bool, as_json: bool
) -> None:
    """Measure how a model bears corrupted pictures.

    MODEL is a run's folder, a model file, or a task's name, which means the model that comes with
    the package. Without --data it is measured on the test part of what it was trained on.
    """
    _measure(model, data, data_dir, seed, as_json, noise=True, quick=quick)


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
    with bar("measuring") as progress:
        results = runs.measure(
            run, split, command(),
            noise=noise, dependence=False, quick=quick, seed=seed, progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(results.figures())
        return
    tell(results.headline)
    for line in results.details.told()[: 1 if noise else None]:
        click.echo(line)
    for sweep in results.noise:
        for curve in sweep.curves:
            line = "  ".join(f"{point.score.value:6.1%}" for point in curve.points)
            name = curve.points[0].figures[0].name
            click.echo(f"  {curve.title:<18} {line}  ({sweep.title.lower()}: {name})")
        if sweep.reading:
            click.echo(sweep.reading)
