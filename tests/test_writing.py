"""Text files: whoever writes one leaves the old one as it was where the new one fails half-way."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import test_report as whole
import tools

from bpapps.report import write_index
from bpapps.results import Score
from bpapps.runs import folder as folders
from bpapps.tasks.characters.font_cache import FontCache
from bpapps.writing import write

SCORE = Score("n", "p", 0.9, 0.0, [0.9], None, "", "c")


def scores() -> ModuleType:
    """What the training scripts share."""
    path = Path(__file__).parents[1] / "scripts" / "scores.py"
    spec = importlib.util.spec_from_file_location("scores", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def keep_score(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = scores()
    monkeypatch.setattr(module, "REPORTS", folder)
    module.keep("digits", SCORE)


def keep_fonts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    cache = FontCache("rules")
    cache.found(Path(__file__), lambda _: ["a"])
    cache.save()


WRITERS: dict[str, tuple[str, Callable[[Path, pytest.MonkeyPatch], Any]]] = {
    "a text": ("a.txt", lambda folder, _: write(folder / "a.txt", "text")),
    "results": ("a.json", lambda folder, _: whole.make_results().save(folder / "a.json")),
    "a run's records": ("a.json", lambda folder, _: folders.write_json(folder / "a.json", [1, 2])),
    "an index": ("index.html", lambda folder, _: write_index(folder, {})),
    "fonts": ("bpapps/fonts.json", keep_fonts),
    "scores": ("digits/scores.json", keep_score),
}


@pytest.mark.parametrize(("name", "writer"), WRITERS.values(), ids=WRITERS)
def test_a_file_is_written_whole_or_not_at_all(
    name: str,
    writer: Callable[[Path, pytest.MonkeyPatch], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer(tmp_path, monkeypatch)
    assert [n for n, digest in tools.contents(tmp_path).items() if digest] == [name]
    old = "[]" if name.endswith(".json") else "old"
    (tmp_path / name).write_text(old, encoding="utf-8")
    full = Path.write_text

    def cut_off(path: Path, text: str, *options: Any, **named: Any) -> int:
        full(path, text[: len(text) // 2], *options, **named)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", cut_off)
    with contextlib.suppress(OSError, ValueError):
        writer(tmp_path, monkeypatch)
    assert [n for n, digest in tools.contents(tmp_path).items() if digest] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == old


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for path in (tmp_path / "file" / "a.txt", tmp_path / "none" / "a.txt", tmp_path):
        with pytest.raises(OSError):
            write(path, "text")
    assert sorted(tools.contents(tmp_path)) == ["file"]
