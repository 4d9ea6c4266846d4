"""Nets side by side: what is measured of each, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tools
from numpy.typing import NDArray

from bpapps import models, runs, tasks
from bpapps import report as pages
from bpapps.core import Chain, Dense, FixedPoint, Flatten, ReLU, Residual
from bpapps.data.splits import Part, Split
from bpapps.experiments import rivals
from bpapps.kinds import load_results, parse_results
from bpapps.measures.intervals import wilson
from bpapps.pictures.png import PNG_URI
from bpapps.results import Results
from bpapps.runs import Config, Run

pytestmark = pytest.mark.slow

SETTLING = FixedPoint(Chain(ReLU(), Dense(24, "glorot_uniform")), inject=Dense(24))
KIND = tasks.get("digits").kind
SETTINGS = {"max_iter": 4, "batch_size": 32, "augment": None}


def render(results: Results) -> str:
    return pages.render(results, KIND.sections)


@pytest.fixture(scope="module")
def split() -> Split:
    """A few digits."""
    whole = tasks.get("digits").load_data("digits")
    return Split(
        whole.train.take(np.arange(200)), None, whole.test.take(np.arange(60)),
        {**whole.data, "n_train": 200, "n_test": 60},
    )  # fmt: skip


def trained(split: Split, **settings: object) -> Run:
    return runs.train(Config("digits", "digits", "small", 0, {**SETTINGS, **settings}), split)


@pytest.fixture(scope="module")
def results(split: Split) -> Results:
    recurrent = trained(split, layers=[Flatten(), SETTLING, ReLU()])
    static = trained(split, layers=None, hidden_layer_sizes=[64])
    return runs.measure(
        recurrent,
        split,
        "a command",
        dependence=False,
        quick=True,
        against=[runs.contender(static), runs.contender(static)],
    )


@dataclass
class Knows:
    """A pipeline that answers rightly, and has nothing that was fitted."""

    answers: NDArray
    steps: tuple = ()

    def predict(self, images: NDArray) -> NDArray:
        return self.answers[: len(images)]


@pytest.mark.parametrize(
    ("answers", "labels"),
    [(int, int), (float, int), (int, str), (str, int), (object, str)],
)
def test_answers_are_compared_as_numbers_or_as_text(answers: type, labels: type) -> None:
    """As they are for the accuracy that the net's own report tells."""
    truth = np.arange(20) % 10
    model = SimpleNamespace(task=tasks.get("digits"), pipeline=Knows(truth.astype(answers)))
    part = Part(np.zeros((20, 8, 8)), truth.astype(labels))
    given = Split(part.take(np.arange(0)), None, part, {"name": "digits"})
    probe = KIND.probes(model, given, seed=0, quick=False, whole=True)[0]
    found = rivals.rival(rivals.Contender(model, "sure", [], 1.0, 1), probe, part, None)
    assert found.figure.interval == wilson(20, 20)
    assert found.noise == {}


def test_each_net_is_measured_on_the_same_pictures(results: Results, split: Split) -> None:
    recurrent, static, again = results.rivals
    assert [net.name for net in results.rivals] == ["small", "small 2", "small 3"]
    assert recurrent.figure == results.headline.score
    assert {net.figure.interval.n for net in results.rivals} == {len(split.test)}
    (sweep,) = results.noise
    assert set(recurrent.noise) == set(static.noise) == {curve.title for curve in sweep.curves}
    blur = next(curve for curve in sweep.curves if curve.name == "blur")
    mean = np.mean([point.score.value for point in blur.points[1:]])
    assert recurrent.noise[blur.title] == pytest.approx(mean)
    assert recurrent.n_parameters == 2 * 24 + 64 * 24 + 24 * 24 + 24 * 10 + 10
    assert (static.n_parameters, static.iterations) == (64 * 64 + 64 + 640 + 10, None)
    assert recurrent.iterations is not None
    assert 2 < recurrent.iterations < 50
    assert recurrent.backward_iterations is not None
    assert recurrent.unsettled == 0
    assert static.figure == again.figure
    assert parse_results(results.to_json()).rivals == results.rivals


def test_memory_grows_with_the_iterations_only_where_all_are_remembered(results: Results) -> None:
    points = results.step_memory
    assert [point.iterations for point in points] == list(rivals.ITERATIONS)
    first, last = points[0], points[-1]
    assert last.implicit < 1.5 * first.implicit
    assert last.unrolled > 3 * first.unrolled


def test_settings_of_fixed_points_change_wherever_they_are() -> None:
    changed = replace(SETTLING, max_iter=7)
    for wrap in (lambda layer: layer, lambda layer: Chain(ReLU(), layer), Residual):
        assert rivals.with_fixed_points(wrap(SETTLING), max_iter=7) == wrap(changed)
    assert rivals.with_fixed_points(Chain(Dense(3)), max_iter=7) == Chain(Dense(3))


def test_the_section_shows_every_net(results: Results, tmp_path: Path) -> None:
    page = render(results)
    assert 'id="rivals"' in page
    for net in results.rivals:
        assert f'<th scope="row">{net.name}</th>' in page
    assert "Memory of a training step" in page
    assert results.figures()["rivals"]["small"]["n_parameters"] == results.rivals[0].n_parameters
    alone = replace(results, rivals=[], step_memory=[])
    assert 'id="rivals"' not in render(alone)
    bare = replace(results, rivals=[replace(net, noise={}) for net in results.rivals])
    assert "Under noise" not in render(bare)
    assert pages.write_report(results, KIND.sections, tmp_path).exists()


def test_the_curves_show_how_long_it_took_to_settle(results: Results) -> None:
    assert "Iterations to settle" in render(results)
    history = [{**record, "forward_unconverged": 2} for record in results.training["history"]]
    told = render(replace(results, training={**results.training, "history": history}))
    assert "in 4 epochs: activations of 8 pictures, errors of 0." in told
    assert "Not settled" not in render(results)
    static = [{**record, "forward_iterations": None} for record in history]
    page = render(replace(results, training={**results.training, "history": static}))
    assert "Iterations to settle" not in page


def test_a_report_without_pictures_shows_none(results: Results) -> None:
    bare = results.without_pictures()
    assert PNG_URI in render(results)
    assert PNG_URI not in bare.to_json() + render(bare)
    assert bare.data["notes"] == "pictures of the data are left out"
    assert bare.headline == results.headline


def test_models_of_two_tasks_are_not_set_side_by_side(split: Split) -> None:
    with pytest.raises(ValueError, match="a model for signatures cannot be measured beside one"):
        runs.measure(
            runs.find("digits"),
            split,
            "a command",
            against=[runs.contender(runs.find("signatures"))],
        )


def test_against_on_the_command_line(tmp_path: Path) -> None:
    answer = tools.call(
        "report", "digits", "--quick", "--set=max_iter=2", "--against=digits", "--no-pictures",
        "--out", tmp_path / "report",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    kept = load_results(tmp_path / "report" / "results.json")
    assert [net.name for net in kept.rivals] == ["small", "cnn"]
    assert PNG_URI not in kept.to_json()
    assert models.find("digits").metadata["config"]["preset"] == "cnn"
