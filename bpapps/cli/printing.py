"""What commands print: figures, JSON, bars, and one line on whatever is wrong."""

from __future__ import annotations

import json
import shlex
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bpapps.names import UnknownNameError

if TYPE_CHECKING:
    from bpapps.core import Epoch
    from bpapps.results import Headline


class Group(click.Group):
    """A group whose commands tell of bad input, of warnings and of Ctrl-C in one line each."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was given."""
        with warnings.catch_warnings():
            warnings.showwarning = show_warning  # type: ignore[assignment]
            try:
                return super().invoke(ctx)
            except UnknownNameError as error:
                raise click.UsageError(str(error)) from None
            except BrokenPipeError:  # as in ``bpapps list | head -1``, which click knows
                raise
            except (ValueError, OSError) as error:
                raise click.ClickException(one_line(error)) from None
            except KeyboardInterrupt:
                click.echo("interrupted", err=True)
                sys.exit(130)


def show_warning(message: Warning | str, *_: Any) -> None:
    """Tell of a warning in one line on stderr."""
    click.echo(f"Warning: {' '.join(str(message).split())}", err=True)


def tell(headline: Headline) -> None:
    """The figures of a model with their intervals, below what is to be read before them."""
    for line in filter(None, (headline.warning, headline.label)):
        click.echo(line)
    for figure in headline.figures:
        click.echo(str(figure))


@contextmanager
def keeping(checkpoint: Path) -> Iterator[Callable[[Epoch, Any], None]]:
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


@contextmanager
def bar(text: str, delay: float = 0) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on stderr, after some seconds; silent when that is not a terminal."""
    from tqdm import tqdm

    begin = time.monotonic()
    with tqdm(desc=text, disable=None, leave=False, delay=delay) as shown:

        def show(done: int, total: int, what: str) -> None:
            shown.total, shown.n = total, done
            shown.set_postfix_str(what, refresh=time.monotonic() >= begin + delay)

        yield show


def command() -> str:
    """The command line as a user would type it."""
    return shlex.join(["bpapps", *sys.argv[1:]])


def one_line(error: Exception) -> str:
    """What an error says, in one line; of a file, its name and what is wrong with it."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def print_json(value: Any) -> None:
    """Print JSON; what has no form of its own there is printed as text."""
    click.echo(json.dumps(value, indent=2, allow_nan=False, default=str))
