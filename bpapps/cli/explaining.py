"""``bpapps explain``: how backpropagation works, step by step."""

from __future__ import annotations

from pathlib import Path

import click

from bpapps.cli.options import deny, options
from bpapps.cli.printing import bar, command, print_json
from bpapps.names import nearest


@click.command()
@click.argument("problem", metavar="[xor|spirals|digits]", default="xor")
@click.option("--recurrent", is_flag=True, help="A net whose activations settle, and its error.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False),
    help="File of the page [default: reports/explain/index.html].",
)  # fmt: skip
@click.option("--text", "as_text", is_flag=True, help="Print it for the terminal; write no page.")
@options("seed", "json")
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
        deny(ctx, "--text", "out", "as_json")
    if as_json:
        deny(ctx, "--json", "out")
    with bar("explaining", delay=2) as progress:
        records = explained.run(problem, seed, recurrent, command(), progress)
    if as_json:
        print_json(records)
    elif as_text:
        click.echo(explained.to_text(records))
    else:
        page = explained.write_page(records, out or Path("reports/explain/index.html"))
        click.echo(f"page     {page}")
