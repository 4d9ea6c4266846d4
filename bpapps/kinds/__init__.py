"""Kinds of recognition: which question is asked, and what an answer is.

A new kind is a folder here. It declares itself as ``KIND`` in ``bpapps/kinds/<name>/__init__.py``,
and is found by its folder's name. All of them keep the contract of
:class:`bpapps.kinds.base.Kind`, and whatever stands above asks a kind through that contract,
without knowing which one it is.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

from bpapps.names import nearest

if TYPE_CHECKING:
    from bpapps.kinds.base import Kind
    from bpapps.results import Results


def names() -> list[str]:
    """The names of all kinds."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)


def get(name: str) -> Kind:
    """The kind of a name, with nothing chosen of it; UnknownNameError suggests the nearest."""
    module = importlib.import_module(f"{__name__}.{nearest(name, names(), 'kind')}")
    return module.KIND


def parse_results(text: str) -> Results:
    """Results from the text of a ``results.json``, of this schema or an older one.

    Raises ValueError that names what is wrong.
    """
    from bpapps.results import SCHEMA, Results, schema_of

    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"results are not JSON ({error})") from None
    if schema_of(plain) < SCHEMA:
        plain = _upgraded(plain)
    kind = plain.get("kind")
    if not isinstance(kind, str) or kind not in names():
        raise ValueError(
            f"results of the kind {kind!r:.40}, this version knows {', '.join(names())}: "
            "update bpapps"
        )
    return Results.from_plain(plain, get(kind).details)


def load_results(path: str | os.PathLike[str]) -> Results:
    """Read a file that :meth:`Results.save` wrote; ValueError that names the file otherwise."""
    try:
        return parse_results(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not results of bpapps, not even text") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _upgraded(plain: dict) -> dict:
    """Plain results of schema 1, which named no kind, as those of schema 2."""
    from bpapps.kinds.schema_1 import upgrade

    return next(filter(None, (upgrade(plain, get(name)) for name in names())), plain)
