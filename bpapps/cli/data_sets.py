"""``bpapps data``: data sets listed, fetched and checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bpapps.cli.options import options
from bpapps.cli.printing import print_json
from bpapps.names import nearest

if TYPE_CHECKING:
    from bpapps.data.registry import Source


@click.group()
def data() -> None:
    """List, fetch and check data sets."""


@data.command("list")
@options("data_dir", "json")
def data_list(data_dir: Path | None, as_json: bool) -> None:
    """List the data sets and whether they are here."""
    from bpapps import tasks
    from bpapps.data import registry

    rows = [
        {
            "name": name,
            "title": source.title,
            "licence": source.licence,
            "here": registry.is_here(name, source, data_dir),
        }
        for name, source in tasks.sources().items()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        here = "here" if row["here"] else "not here"
        click.echo(f"{row['name']:<16} {here:<9} {row['title']} ({row['licence']})")


@data.command("fetch")
@click.argument("name")
@options("data_dir")
def data_fetch(name: str, data_dir: Path | None) -> None:
    """Download a data set; a download that was cut off goes on."""
    from bpapps.data import registry

    click.echo(registry.fetch(name, _source(name), data_dir, progress=True))


@data.command("check")
@click.argument("name")
@options("data_dir")
def data_check(name: str, data_dir: Path | None) -> None:
    """Check that a data set's files are whole and as published."""
    from bpapps.data import registry

    for line in registry.check(name, _source(name), data_dir):
        click.echo(line)


def _source(name: str) -> Source:
    """The row of a data set; UnknownNameError suggests the nearest."""
    from bpapps import tasks

    known = tasks.sources()
    return known[nearest(name, known, "data set")]
