"""The core knows arrays only: importing it loads nothing heavy and nothing from above it."""

import subprocess
import sys

HEAVY = {"sklearn", "matplotlib", "PIL", "pooch", "jinja2", "click", "joblib", "torch"}


def test_the_core_imports_arrays_only() -> None:
    program = "import sys, bpapps.core; print(*sys.modules, sep='\\n')"
    command = [sys.executable, "-W", "error", "-c", program]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & {name.partition(".")[0] for name in modules}
    ours = {name for name in modules if name.startswith("bpapps")}
    assert {name for name in ours if not name.startswith("bpapps.core")} == {"bpapps"}
