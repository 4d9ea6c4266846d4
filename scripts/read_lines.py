"""Read 200 rendered lines of print in fonts that no net was trained on, and count the errors.

    python scripts/read_lines.py [--random] [--seed 0]

Tesseract reads the same pictures where it is installed (Debian: ``apt install tesseract-ocr``),
and is scored by the same count: the edit distance, character for character, spaces included. The
words row is kept in ``scores.json`` of the report on characters; ``--random`` has lines of any of
the 62 characters, in which no word helps to tell an I from an l, and is only shown.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image
from scores import errors_in_a_line, in_words, keep, score
from tqdm import tqdm

from bpapps import models
from bpapps.core.malloc import keep_freed_memory
from bpapps.measures.strings import edit_distance
from bpapps.tasks.characters import texts, trial
from bpapps.tasks.characters.lines import read_line

TARGET = 0.98  # a character error rate of 2%


@click.command()
@click.option(
    "--lines", type=click.IntRange(1), default=200, show_default=True, help="How many lines."
)
@click.option("--random", is_flag=True, help="Lines of random characters instead of words.")
@click.option("--seed", default=0, show_default=True)
@click.option("--model", default="characters", show_default=True, help="Model to read them with.")
def main(lines: int, random: bool, seed: int, model: str) -> None:
    """Read rendered lines, by the model and by Tesseract."""
    keep_freed_memory()
    with errors_in_a_line():
        reader = models.find(model).pipeline
        samples = trial.samples(lines, seed, texts.random if random else texts.words)
    truth = [sample.text for sample in samples]
    read = {"bpapps": [_ours(reader, s.picture) for s in tqdm(samples, disable=None)]}
    if shutil.which("tesseract"):
        read["Tesseract"] = [_tesseract(s.picture) for s in tqdm(samples, disable=None)]
    else:
        click.echo("Tesseract is not installed; left out", err=True)
    click.echo(f"{'':<12}{'error rate':>12}{'exact lines':>14}")
    for name, answers in read.items():
        exact = np.mean([a == b for a, b in zip(truth, answers, strict=True)])
        click.echo(f"{name:<12}{_error_rate(truth, answers):>12.2%}{exact:>14.1%}")
    for family in sorted({sample.family for sample in samples}):
        own = [i for i, sample in enumerate(samples) if sample.family == family]
        rates = [_error_rate([truth[i] for i in own], [a[i] for i in own]) for a in read.values()]
        told = ", ".join(f"{name} {rate:.2%}" for name, rate in zip(read, rates, strict=True))
        click.echo(f"  {family} ({len(own)} lines): {told}")
    if not random:
        right = {name: 1 - _error_rate(truth, answers) for name, answers in read.items()}
        row = score(
            "lines of print, characters right",
            f"{lines} lines in font families not trained on, 1 - character error rate",
            [right.pop("bpapps")], TARGET, right,
            f"python scripts/read_lines.py --lines {lines} --seed {seed}",
        )  # fmt: skip
        keep("characters", row)
        click.echo(in_words(row))


def _ours(reader: Any, picture: np.ndarray) -> str:
    try:
        return read_line(picture, reader).text
    except ValueError:
        return ""


def _tesseract(picture: np.ndarray) -> str:
    """What Tesseract reads, told that it is one line."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "line.png"
        Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(file)
        command = ["tesseract", str(file), "stdout", "--psm", "7"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split())


def _error_rate(truth: Sequence[str], read: Sequence[str]) -> float:
    """Errors in all lines over all of their characters."""
    errors = sum(edit_distance(a, b) for a, b in zip(truth, read, strict=True))
    return errors / sum(map(len, truth))


if __name__ == "__main__":
    main()
