"""Short runs, which the tests of the explanation share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from explain.short import (
    Explained,
    embedded,
    shortened,
)

from bpapps.core import Params
from bpapps.explain import PROBLEMS, measure, nets, run, write_page


@pytest.fixture(scope="module")
def small() -> Iterator[pytest.MonkeyPatch]:
    """Few iterations, and measurements of a moment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, make in list(PROBLEMS.items()):
            patch.setitem(PROBLEMS, name, shortened(make))
        patch.setattr(measure, "BATCHES", (1, 50))
        patch.setattr(measure, "WEIGHTS", (10, 200))
        patch.setattr(measure, "RECURRENT_WEIGHTS", (10, 100))
        yield patch


@pytest.fixture(scope="module")
def explained(
    request: pytest.FixtureRequest,
    small: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Explained:
    """A run, read back from the page that was written of it."""
    name, recurrent = request.param
    made = run(name, 3, recurrent, "bpapps explain")
    page = write_page(made, tmp_path_factory.mktemp("explain") / "page.html")
    records = embedded(page)
    assert records == made
    problem = PROBLEMS[name]()
    network = (
        nets.build_recurrent(problem.recurrent_hidden, problem.outputs)
        if recurrent
        else nets.build(problem.hidden, problem.outputs)
    )
    shapes = nets.start(network, problem.X.shape[1], 3).shapes
    params = Params(np.array(records["first"]["weights"]), shapes)
    return Explained(records, page, problem, network, params)
