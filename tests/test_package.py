"""The package as a whole: quick to import, typed, and its arrows point down."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import bpapps
from bpapps import kinds, tasks
from bpapps.data import named

PACKAGE = Path(bpapps.__file__).parent
HEAVY = {"numpy", "scipy", "sklearn", "matplotlib", "PIL", "pandas", "jinja2", "joblib", "tqdm"}
SLOW = HEAVY - {"numpy", "scipy"}


# ------------------------------------------------------------------ importing


def python(program: str) -> tuple[str, float]:
    """What a program prints, and the seconds of processor time that its process took."""
    command = [sys.executable, "-W", "error", "-c", program]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=PACKAGE.parent
    ) as process:
        assert process.stdout
        out = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return out, used.ru_utime + used.ru_stime


@pytest.mark.parametrize(
    ("module", "banned"),
    [
        ("bpapps", HEAVY),
        ("bpapps.cli", HEAVY),
        ("bpapps.tasks", HEAVY),
        ("bpapps.kinds", HEAVY),
        *((f"bpapps.kinds.{name}", HEAVY) for name in kinds.names()),
        *((f"bpapps.tasks.{name}", HEAVY) for name in tasks.names()),
        ("bpapps.core", SLOW),
    ],
)
def test_importing_loads_nothing_heavy(module: str, banned: set[str]) -> None:
    out, _ = python(f"import sys, {module}; print(*sys.modules)")
    assert not banned & {name.partition(".")[0] for name in out.split()}


@pytest.mark.parametrize("module", ["bpapps", "bpapps.cli"])
def test_importing_takes_no_time(module: str) -> None:
    """Of the processor, whatever else the machine is at; the best of several."""
    assert min(python(f"import {module}")[1] for _ in range(5)) < 0.3


# ------------------------------------------------------------------ what is packed


def test_the_wheel_holds_types_and_templates() -> None:
    """hatchling packs all of the package's folder that git does not ignore."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    build = project["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"] == {"packages": ["bpapps"]}
    assert not {"exclude", "include", "only-include"} & build.keys()
    shown = ["py.typed", "report/templates/report.html", "report/templates/style.css"]
    shown += [f"explain/templates/explain.{kind}" for kind in ("html", "css", "js")]
    for file in shown:
        assert (PACKAGE / file).is_file(), file
    laid_out = sorted(PACKAGE.rglob("templates/**/*.*"))
    files = [*shown, *(path.relative_to(PACKAGE).as_posix() for path in laid_out)]
    for name in kinds.names():
        assert any(file.startswith(f"kinds/{name}/templates/") for file in files), name
    files += [f"tasks/{name}/model.safetensors" for name in tasks.names()]
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", *(f"bpapps/{file}" for file in files)],
        cwd=PACKAGE.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ignored.stdout == ""


def test_what_the_package_ships_is_small() -> None:
    shipped = [tasks.get(name).shipped for name in tasks.names()]
    assert all(path.stat().st_size <= 2e6 for path in shipped if path.exists())


# ------------------------------------------------------------------ arrows


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
PROGRAMS = {f"scripts.{p.stem}": p for p in sorted((PACKAGE.parent / "scripts").glob("*.py"))}


def imports(path: Path) -> Iterator[str]:
    """The modules of bpapps that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            module = str(node.module)
            inner = [f"{module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else module for name in inner]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] == "bpapps")


ARROWS = [
    (module, target) for module, path in {**MODULES, **PROGRAMS}.items() for target in imports(path)
]


FLOORS = {
    room: floor
    for floor, rooms in enumerate(
        (
            ("core", "names", "writing", "measures", "plain", "made"),
            ("pictures",),
            ("results", "data", "estimators"),
            ("experiments", "report"),
            ("explain", "kinds"),
            ("tasks",),
            ("models",),
            ("runs",),
            ("cli",),
            ("__main__", "scripts"),
        )
    )
    for room in rooms
}
"""How high each room stands: it may import what stands no higher."""


def level(module: str) -> int:
    top = module.removeprefix("bpapps.").partition(".")[0]
    if module == "bpapps":
        return 0
    return FLOORS[top]


def inside(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def test_the_arrows_are_seen() -> None:
    """The tests below would pass if nothing were found."""
    assert ("bpapps.core.training", "bpapps.core.params") in ARROWS
    assert ("bpapps.cli.training", "bpapps.runs") in ARROWS  # inside a function
    assert ("bpapps.tasks.digits", "bpapps.kinds.classification") in ARROWS
    assert len(ARROWS) > 80


def test_what_is_imported_is_there() -> None:
    """Inside a function as well, where nobody would see it until it is called."""
    assert [arrow for arrow in ARROWS if arrow[1] not in MODULES] == []


def test_arrows_point_down() -> None:
    assert [arrow for arrow in ARROWS if level(arrow[0]) < level(arrow[1])] == []


def test_the_core_knows_nothing_of_what_is_above_it() -> None:
    outward = [a for a in ARROWS if inside(a[0], "bpapps.core") and not inside(a[1], "bpapps.core")]
    assert outward == []


def test_the_report_reads_results_only() -> None:
    known = [
        f"bpapps.{room}" for room in ("report", "results", "measures", "pictures.png", "writing")
    ]
    outward = [
        arrow
        for arrow in ARROWS
        if inside(arrow[0], "bpapps.report") and not any(inside(arrow[1], room) for room in known)
    ]
    assert outward == []


def test_tasks_do_not_know_each_other_and_nobody_knows_them() -> None:
    """But for the scripts, each of which is of one task."""
    for name in tasks.names():
        rooms = f"bpapps.tasks.{name}", "scripts"
        inward = [a for a in ARROWS if inside(a[1], rooms[0])]
        assert [a for a in inward if not any(inside(a[0], room) for room in rooms)] == []


def test_kinds_do_not_know_each_other_and_nobody_knows_them() -> None:
    """But for the tasks, each of which declares one, and the scripts, each of one task."""
    for name in kinds.names():
        room = f"bpapps.kinds.{name}"
        of_it = [f"bpapps.tasks.{t}" for t in tasks.names() if tasks.get(t).kind.name == name]
        inward = [a for a in ARROWS if inside(a[1], room)]
        allowed = (room, *of_it, "scripts")
        assert [a for a in inward if not any(inside(a[0], each) for each in allowed)] == []


def test_the_kinds_know_no_task() -> None:
    upward = [a for a in ARROWS if inside(a[0], "bpapps.kinds") and inside(a[1], "bpapps.tasks")]
    assert upward == []


def words(path: Path) -> set[str]:
    """All texts in a file's code, its docstrings aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documents
    }


def test_no_module_outside_the_tasks_names_one() -> None:
    """``digits`` is a data set's name too, which the table of those that all tasks share has."""
    for module, path in MODULES.items():
        if inside(module, "bpapps.tasks"):
            continue
        found = words(path) & set(tasks.names())
        assert found <= (set(named.DATASETS) if module == "bpapps.data.named" else set()), module


def test_no_module_outside_the_kinds_names_one() -> None:
    """Not as a whole text, and not as a word of one."""
    for module, path in MODULES.items():
        if not inside(module, "bpapps.kinds"):
            said = {word for text in words(path) for word in re.findall(r"\w+", text)}
            assert not said & set(kinds.names()), module


def test_no_module_asks_which_kind_of_split_it_was_given() -> None:
    """There is one: a kind's own lies in its targets."""
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "isinstance",
                "issubclass",
            ):
                assert "Split" not in ast.unparse(node.args[1]), module
