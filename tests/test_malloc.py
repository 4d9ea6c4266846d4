"""How the process gives memory back is changed by the command line, and by no library call."""

import subprocess
import sys

import pytest

FIT = """
import numpy as np
from bpapps.core import Conv2D, MaxPool2D, Reshape
from bpapps.estimators import BackpropClassifier
X, y = np.random.default_rng(0).random((60, 64)), np.arange(60) % 3
layers = [Reshape((8, 8, 1)), Conv2D(4, 3), MaxPool2D()]
net = BackpropClassifier(layers=layers, max_iter=2, n_iter_no_change=9, n_jobs=2, tol=0)
net.set_params(learning_rate="cosine").fit(X, y).predict_proba(X)
"""
COMMAND = """
from bpapps.cli import main
main(["data", "list"], standalone_mode=False)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("program", "changes"), [(FIT, 0), (COMMAND, 1)], ids=["fit", "command"])
def test_who_changes_it(program: str, changes: int) -> None:
    told = "\nfrom bpapps.core.malloc import keep_freed_memory as keep"
    told += "\nprint(keep.cache_info().misses)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program + told],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout.split()[-1]) == changes
