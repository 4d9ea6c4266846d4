"""Write the README's table of results anew from ``reports/*/results.json``.

    python scripts/update_readme.py [--picture]

With ``--picture`` it also takes the README's picture from the report on digits, with Chromium.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import click

from bpapps.report import results_table

README = Path("README.md")
REPORTS = Path("reports")
PICTURE = REPORTS / "digits" / "preview.png"
MARKED = re.compile(r"(<!-- results -->\n).*?(<!-- end of results -->)", re.DOTALL)


@click.command()
@click.option("--picture", is_flag=True, help="Also take the picture anew (needs Chromium).")
def main(picture: bool) -> None:
    """Bring the README up to date with the reports."""
    text = README.read_text(encoding="utf-8")
    table = results_table(REPORTS)
    README.write_text(MARKED.sub(lambda m: f"{m[1]}{table}\n{m[2]}", text), encoding="utf-8")
    if picture:
        _take_picture()


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
