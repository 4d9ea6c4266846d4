"""The ``bpapps`` command: thin words around what the package does.

Heavy modules are imported by the commands that need them. Wrong use ends with exit code 2, bad
input with 1 and one line on stderr, Ctrl-C with 130.
"""

from __future__ import annotations

import click

from bpapps import __version__, tasks
from bpapps.cli.data_sets import data
from bpapps.cli.explaining import explain
from bpapps.cli.measuring import evaluate, noise
from bpapps.cli.options import options
from bpapps.cli.predicting import predict
from bpapps.cli.printing import Group, print_json
from bpapps.cli.reporting import report
from bpapps.cli.training import train


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bpapps")
def main() -> None:
    """Recognise things with networks trained by their own backpropagation."""
    from bpapps.core.malloc import keep_freed_memory

    keep_freed_memory()


@main.command("list")
@options("json")
def list_tasks(as_json: bool) -> None:
    """List the tasks: the question, kind, data and presets of each."""
    found = [tasks.get(name) for name in tasks.names()]
    if as_json:
        rows = [
            {
                "task": task.name,
                "title": task.title,
                "kind": task.kind.name,
                "question": task.summary,
                "data": dict(task.data),
                "presets": {name: preset.summary for name, preset in task.presets.items()},
            }
            for task in found
        ]
        print_json(rows)
        return
    for task in found:
        click.echo(f"{task.name} ({task.kind.name}: {task.kind.question}): {task.summary}")
        for name, title in task.data.items():
            click.echo(f"  --data {name:<16} {title}")
        for name, preset in task.presets.items():
            click.echo(f"  --preset {name:<14} {preset.summary}")


for _command in (train, evaluate, noise, report, predict, explain, data):
    main.add_command(_command)
