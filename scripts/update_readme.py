"""Write the README's tables anew from ``reports/*/results.json``.

    python scripts/update_readme.py [--picture]

The benchmark's table stays as it is where there is no benchmark here. With ``--picture`` it also
takes the README's picture from the report on digits, with Chromium.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import click

from bpapps.report import benchmark_table, results_table
from bpapps.writing import write

README = Path("README.md")
REPORTS = Path("reports")
PICTURE = REPORTS / "digits" / "preview.png"
BENCHMARK = REPORTS / "benchmark" / "results.json"


@click.command()
@click.option("--picture", is_flag=True, help="Also take the picture anew (needs Chromium).")
def main(picture: bool) -> None:
    """Bring the README up to date with the reports."""
    text = README.read_text(encoding="utf-8")
    text = _fill(text, "results", results_table(REPORTS))
    if BENCHMARK.exists():
        text = _fill(text, "benchmark", benchmark_table(BENCHMARK))
    write(README, text)
    if picture:
        _take_picture()


def _fill(text: str, name: str, content: str) -> str:
    """Put content between the marks of a block."""
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    return marked.sub(lambda m: f"{m[1]}{content}\n{m[2]}", text)


def _take_picture() -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise click.ClickException("no Chromium here to take the picture with")
    page = (REPORTS / "digits" / "index.html").resolve().as_uri()
    with tempfile.TemporaryDirectory() as profile:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        flags += [f"--user-data-dir={profile}", "--disable-background-networking", "--disable-sync"]
        size = ["--window-size=1100,1000", f"--screenshot={PICTURE}"]
        subprocess.run([browser, *flags, *size, page], check=True, capture_output=True)


if __name__ == "__main__":
    main()
