"""What was found in font files, kept for the next time: to look at a thousand takes half a minute.

It is kept in ``fonts.json`` in $XDG_CACHE_HOME/bpapps or ~/.cache/bpapps, and holds as long as a
file's size and time stay the same, and the rules by which fonts are chosen. Where it cannot be
read or written, all files are looked at anew.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bpapps.writing import write


class FontCache:
    """Findings by font file; each is plain JSON data.

    Args:
        rules: text that differs where other fonts would be found in the same files.
    """

    def __init__(self, rules: str) -> None:
        self._rules = rules
        self._before: dict[str, list] = {}
        self._now: dict[str, list] = {}
        with contextlib.suppress(OSError, ValueError, RecursionError, KeyError, TypeError):
            kept = json.loads(_path().read_text(encoding="utf-8"))
            if kept["rules"] == rules:
                self._before = dict(kept["files"])

    def found(self, path: Path, look: Callable[[Path], Any]) -> Any:
        """What was found in a file; ``look(path)`` where the file has changed since."""
        status = path.stat()
        stamp = [status.st_mtime_ns, status.st_size]
        kept = self._before.get(str(path))
        if not isinstance(kept, list) or kept[:1] != [stamp]:
            kept = [stamp, look(path)]
        self._now[str(path)] = kept
        return kept[1]

    def save(self) -> None:
        """Keep what is known of the files asked for, for the next process."""
        if self._now == self._before:
            return
        path = _path()
        text = json.dumps({"rules": self._rules, "files": self._now})
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, text)


def _path() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "bpapps" / "fonts.json"
