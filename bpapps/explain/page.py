"""Records -> one HTML page that opens from disk: the records, a small script, nothing else.

The prose and the measurements are laid out here; what depends on the chosen sample, neuron or
iteration is drawn by the page's script, from the same records. Without scripts the page shows the
text for the terminal.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from pathlib import Path
from typing import Any

from bpapps.explain import numbers
from bpapps.explain.net import Net
from bpapps.explain.text import to_text
from bpapps.report.files import writing_to
from bpapps.writing import write

Records = dict[str, Any]


def write_page(records: Records, path: str | Path) -> Path:
    """Write the page; return its path. Raises ValueError if that cannot be."""
    path = Path(path)
    text = render(records)
    with writing_to(path.parent):
        return write(path, text)


def render(records: Records) -> str:
    """The whole page as HTML."""
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("bpapps.explain"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _read("bpapps.explain", "explain.js")
    return environment.get_template("explain.html").render(
        records=records,
        net=Net(records),
        words=numbers,
        style=Markup(_read("bpapps.report", "style.css") + _read("bpapps.explain", "explain.css")),
        script=Markup(script),
        script_hash=_hash(f"\n{script}\n"),
        text=to_text(records),
    )


def _read(package: str, name: str) -> str:
    return resources.files(package).joinpath("templates", name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """By which the browser knows the page's own script, and runs no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
