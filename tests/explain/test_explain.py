"""The explanation: each of its numbers against the core, finite differences and the page."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browser
import numpy as np
import pytest
import tools
from numpy.typing import NDArray

from bpapps.core import SGD, Chain, FixedPoint, Params, Plan, train
from bpapps.explain import PROBLEMS, measure, nets, run, to_text, write_page
from bpapps.explain.net import Net
from bpapps.explain.problems import Problem, xor
from bpapps.explain.words import number, seconds, three
from bpapps.report import write_index

RUNS = [(name, recurrent) for name in PROBLEMS for recurrent in (False, True)]
AS_SHIPPED = {"BATCHES": measure.BATCHES, "WEIGHTS": measure.WEIGHTS}
SHORT = {"iterations": 12, "recurrent_iterations": 12}
STEP = 1e-5


def title(case: tuple[str, bool]) -> str:
    return case[0] + ("-recurrent" if case[1] else "")


@dataclasses.dataclass(frozen=True)
class Explained:
    """A short run, and what it takes to work its numbers out anew."""

    records: dict[str, Any]
    page: Path
    problem: Problem
    network: Chain
    params: Params

    @property
    def net(self) -> Net:
        return Net(self.records)

    def samples(self) -> Iterator[tuple[int, NDArray, NDArray]]:
        for i, row in enumerate(self.problem.shown.values()):
            yield i, self.problem.X[[row]], self.problem.y[[row]]

    def loss(self, vector: NDArray, x: NDArray, y: NDArray) -> float:
        """By the core, with these weights."""
        return self.problem.loss(self.network(Params(vector, self.params.shapes), x)[0], y)[0]

    def slope(self, place: int, x: NDArray, y: NDArray) -> float:
        """Of the loss along one weight, by central differences."""
        moved = [self.params.vector.copy() for _ in range(2)]
        moved[0][place] += STEP
        moved[1][place] -= STEP
        return (self.loss(moved[0], x, y) - self.loss(moved[1], x, y)) / (2 * STEP)


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


def shortened(make: Callable[[], Problem]) -> Callable[[], Problem]:
    return lambda: dataclasses.replace(make(), **SHORT)


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


def embedded(page: Path) -> Any:
    found = re.search(
        r'<script type="application/json" id="records">(.*?)</script>',
        page.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert found
    return json.loads(found[1])


every_run = pytest.mark.parametrize(
    "explained",
    [
        pytest.param(case, id=title(case), marks=[] if case[0] == "xor" else [pytest.mark.slow])
        for case in RUNS
    ],
    indirect=True,
)
both_xor = pytest.mark.parametrize("explained", RUNS[:2], ids=title, indirect=True)


# ------------------------------------------------------------------ the passes


@every_run
def test_each_weight_is_the_one_it_is_called(explained: Explained) -> None:
    """Every weight has one wire, and each neuron's sum is that of its wires."""
    net = explained.net
    assert sorted(wire[2] for wire in net.wires) == list(range(explained.params.size))
    for i, _, _ in explained.samples():
        for neuron in net.summing():
            terms, _ = net.terms(i, neuron, 1000)
            assert sum(term[3] for term in terms) == pytest.approx(net.sum(i, neuron), abs=1e-8)
            assert all(a * b == product for _, a, b, product in terms)


@every_run
def test_outputs_are_those_of_the_core(explained: Explained) -> None:
    net, problem = explained.net, explained.problem
    for i, x, y in explained.samples():
        logits, _ = explained.network(explained.params, x)
        outputs = [j for j in net.summing() if net.layers[j] == net.last]
        np.testing.assert_allclose([net.sum(i, j) for j in outputs], logits[0], rtol=1e-12)
        answers = problem.loss.predict(logits)[0]
        np.testing.assert_allclose([net.output(i, j) for j in outputs], answers, rtol=1e-12)
        for j in net.hidden():
            assert net.output(i, j) == pytest.approx(np.tanh(net.sum(i, j)), rel=1e-12)
        assert net.passes[i]["outputs"][: x.shape[1]] == x[0].tolist()
        assert net.passes[i]["loss"] == pytest.approx(problem.loss(logits, y)[0], rel=1e-12)


@every_run
def test_errors_and_deltas_obey_the_chain_rule(explained: Explained) -> None:
    net = explained.net
    for i, _, y in explained.samples():
        desired = explained.records["samples"][i]["desired"]
        wanted = [float(y[0])] if len(desired) == 1 else np.eye(len(desired))[y[0]].tolist()
        assert desired == wanted
        for j, (_, actual, _, error) in zip(
            [j for j in net.summing() if net.layers[j] == net.last], net.errors(i), strict=True
        ):
            assert actual == net.output(i, j)
            assert net.delta(i, j) == pytest.approx(error, abs=1e-12)
        for j in net.hidden():
            back = net.returned(i, j) * net.slope(i, j)
            assert back == pytest.approx(net.delta(i, j), abs=1e-8)


@every_run
def test_gradients_are_those_of_finite_differences(explained: Explained) -> None:
    """Of each weight of a small net, and of some of a large one; of each sample by itself."""
    net = explained.net
    rng = np.random.default_rng(0)
    tolerance = 1e-6 if net.recurrent else 1e-8
    for i, x, y in explained.samples():
        wires = net.wires
        if len(wires) > 50:
            wires = [wires[k] for k in rng.choice(len(wires), 25, replace=False)]
        for wire in wires:
            measured = explained.slope(wire[2], x, y)
            assert net.gradient(i, wire)["product"] == pytest.approx(measured, abs=tolerance)


@every_run
def test_the_mean_gradient_and_the_change_it_causes(explained: Explained) -> None:
    first, problem = explained.records["first"], explained.problem
    X, y = problem.X, problem.y
    assert first["loss"] == pytest.approx(explained.loss(explained.params.vector, X, y))
    logits, back = explained.network(explained.params, X)
    gradient = explained.params.zeros_like()
    back(problem.loss(logits, y)[1], gradient)
    np.testing.assert_allclose(first["gradient"], gradient.vector, atol=1e-12)
    for place in np.random.default_rng(1).choice(explained.params.size, 12, replace=False):
        assert first["gradient"][place] == pytest.approx(explained.slope(place, X, y), abs=1e-6)
    np.testing.assert_array_equal(
        first["change"], -problem.learning_rate * np.array(first["gradient"])
    )
    np.testing.assert_allclose(
        first["after"], explained.params.vector + first["change"], rtol=1e-12
    )


def test_samples_of_xor_make_up_its_mean_gradient(small: pytest.MonkeyPatch) -> None:
    net = Net(run("xor", 1))
    for wire in net.wires:
        products = [net.gradient(i, wire)["product"] for i in range(4)]
        assert np.mean(products) == pytest.approx(net.gradient(0, wire)["mean"], abs=1e-14)


# ------------------------------------------------------------------ the iterations


@every_run
def test_the_iterations_are_those_of_the_core(explained: Explained) -> None:
    """The loop of the core, from the recorded weights, comes by the recorded losses."""
    records, problem = explained.records, explained.problem
    plan = Plan(
        loss=problem.loss, optimizer=SGD(), learning_rate=problem.learning_rate,
        batch_size=len(problem.y), microbatch=len(problem.y), max_epochs=12, shuffle=False,
    )  # fmt: skip
    params = explained.params.copy()
    kept = {record["iteration"]: record for record in records["kept"]}
    assert set(kept) == set(range(13))
    for epoch in train(explained.network, params, problem.X, problem.y, plan):
        assert records["losses"][epoch.epoch - 1] == pytest.approx(epoch.loss, rel=1e-5)
        record = kept[epoch.epoch]
        acting = nets.effective(explained.network, params)
        np.testing.assert_allclose(record["weights"], acting, rtol=6e-4, atol=1e-9)
        logits, _ = explained.network(params, problem.X)
        assert record["right"] == problem.right(logits, problem.y)
        assert record["loss"] == pytest.approx(problem.loss(logits, problem.y)[0], rel=1e-5)
        answers = problem.loss.predict(logits[list(problem.shown.values())])
        np.testing.assert_allclose(record["outputs"], answers, rtol=1e-5)
    np.testing.assert_allclose(kept[1]["weights"], records["first"]["after"], rtol=6e-4, atol=1e-9)


@both_xor
def test_the_decision_surface(explained: Explained) -> None:
    plane, record = explained.records["range"], explained.records["kept"][0]
    levels = np.frombuffer(base64.b64decode(record["surface"]), np.uint8)
    side = plane["side"]
    x = np.linspace(plane["low"], plane["high"], side)
    for row, column in ((0, 0), (3, 30), (side - 1, side - 1)):
        point = np.array([[x[column], x[side - 1 - row]]])
        answer = explained.problem.loss.predict(explained.network(explained.params, point)[0])
        assert levels[row * side + column] == np.round(255 * answer[0, 0])


@pytest.mark.parametrize("explained", [case for case in RUNS if case[1]], ids=title, indirect=True)
def test_settling_leads_to_what_the_solver_finds(explained: Explained) -> None:
    layer, p = explained.network.layers[0], explained.params[0]
    assert isinstance(layer, FixedPoint)
    net = explained.net
    for i, x, _ in explained.samples():
        settling = explained.records["first"]["settling"][i]
        forward, backward = settling["forward"], settling["backward"]
        z, _ = layer(p, x)
        np.testing.assert_allclose(forward["values"][-1], z[0], atol=1e-9)
        np.testing.assert_allclose(
            backward["values"][-1], [net.delta(i, j) for j in net.hidden()], atol=1e-9
        )
        injected = layer.inject(p.inject, x)[0]
        for before, after in zip(forward["values"][:-1], forward["values"][1:], strict=True):
            following = layer.cell(p.cell, np.array([before]))[0] + injected
            np.testing.assert_allclose(following[0], after, atol=1e-14)
        for one in (forward, backward):
            assert one["residuals"][-1] <= layer.tol
            assert one["residuals"][-1] == min(one["residuals"])


@pytest.mark.slow
def test_a_net_trained_to_the_end_solves_xor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROBLEMS, "xor", xor)
    for name, sizes in AS_SHIPPED.items():
        monkeypatch.setattr(measure, name, sizes)
    records = run("xor")
    assert records["kept"][-1]["right"] == records["batch"] == 4
    assert records["losses"][-1] < 0.05 < records["losses"][0]
    again = run("xor")
    timed = ("matrices", "directions")
    assert {k: v for k, v in again.items() if k not in timed} == {
        k: v for k, v in records.items() if k not in timed
    }
    assert records["matrices"][-1]["ratio"] > 5
    ratios = [row["ratio"] for row in records["directions"]]
    assert ratios == sorted(ratios)
    assert ratios[-1] > 100


# ------------------------------------------------------------------ the measurements


@every_run
def test_both_ways_of_each_measurement_agree(explained: Explained) -> None:
    for row in explained.records["matrices"]:
        assert row["difference"] < 1e-12
        assert row["ratio"] == row["one_by_one"] / row["matrix"] > 0
    for row in explained.records["directions"]:
        assert row["difference"] < 1e-6
        assert row["ratio"] == row["differences"] / row["backpropagation"] > 0
    weights = [row["weights"] for row in explained.records["directions"]]
    assert weights == sorted(set(weights))
    assert len(weights) == 2


# ------------------------------------------------------------------ words and text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1.0, "1"), (-3.0, "−3"), (0.5, "0.500"), (-0.0625, "−0.063"),
        (0.1875, "0.188"), (2e-4, "2.0·10⁻⁴"), (-8.7e-19, "−8.7·10⁻¹⁹"), (12345.6, "1.2·10⁴"),
    ],
)  # fmt: skip
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_seconds_and_ratios() -> None:
    assert [seconds(s) for s in (2.5, 0.0123, 4.56e-5)] == ["2.50 s", "12.3 ms", "45.6 µs"]
    assert [three(v) for v in (1.031, 59.52, 7284.0, 9.996)] == ["1.03", "59.5", "7,280", "10.0"]


@every_run
def test_the_text_fits_a_terminal_and_has_all_steps(explained: Explained) -> None:
    text = to_text(explained.records)
    assert max(map(len, text.splitlines())) <= 88
    for step in range(1, 7):
        assert re.search(rf"^{step}  \w+", text, re.MULTILINE)
    assert "Why matrices" in text
    assert "Why backpropagation" in text


@both_xor
def test_every_number_of_the_text_is_a_record(explained: Explained) -> None:
    net, text = explained.net, to_text(explained.records, sample=2)
    for neuron in net.summing():
        total, output = net.sum(2, neuron), net.output(2, neuron)
        line = f"{net.names[neuron]} = {net.activation(neuron)}({number(total)}) = {number(output)}"
        assert line in text
        for wire in net.incoming(neuron):
            row = net.gradient(2, wire)
            shown = [number(row[key]) for key in ("mean", "change", "before", "after")]
            product = f"{number(row['delta'])} × {number(row['output'])} = {number(row['product'])}"
            line = rf"{re.escape(row['name'])} +{re.escape(product)} +" + " +".join(shown)
            assert re.search(line, text), row
    for neuron in net.hidden():
        assert f"= {number(net.delta(2, neuron))}\n" in text
    for a, b, product in re.findall(r"(−?[\d.]+) × +(−?[\d.]+) = +(−?[\d.]+)$", text, re.MULTILINE):
        one, other, whole = (float(v.replace("−", "-")) for v in (a, b, product))
        assert one * other == pytest.approx(whole, abs=0.0005 * (abs(one) + abs(other) + 1.1))


# ------------------------------------------------------------------ the page


def press(page: browser.Page, key: str, code: int) -> None:
    for kind in ("keyDown", "keyUp"):
        page.call(
            "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code
        )


def text_of(page: browser.Page, name: str) -> str:
    return page.evaluate(f"document.getElementById({name!r}).textContent")


def rows(page: browser.Page, name: str) -> list[list[str]]:
    """The texts of a table's cells, signs between them left out."""
    cells = page.evaluate(
        f"[...document.querySelectorAll('#{name} tbody tr')]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return [[cell for cell in row if cell not in ("", "×", "=", "−")] for row in cells]


def choose(page: browser.Page, name: str, value: int) -> None:
    page.evaluate(
        f"(() => {{ const s = document.getElementById({name!r}); s.value = {value};"
        "s.dispatchEvent(new Event('change')); })()"
    )


@every_run
def test_the_page_needs_nothing_and_fits_a_phone(
    explained: Explained, chromium: browser.Browser
) -> None:
    for width, dark in ((360, False), (1100, True)):
        page = chromium.open(explained.page, width, 800, dark)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.errors == []
        loaded = [url for url in page.requests if not url.startswith("data:")]
        assert loaded == [explained.page.resolve().as_uri()]
        assert page.evaluate("document.querySelectorAll('svg[role=img][aria-label]').length") >= 4
        assert page.evaluate("document.querySelectorAll('svg').length") == page.evaluate(
            "document.querySelectorAll('svg[aria-label]').length"
        )
        assert page.evaluate("[...document.images].every((image) => image.alt)")
        unlabelled = "[...document.querySelectorAll('input, select')].filter((e) => !e.labels[0])"
        assert page.evaluate(f"{unlabelled}.length") == 0


@both_xor
def test_the_page_shows_the_records(explained: Explained, chromium: browser.Browser) -> None:
    """Of every sample and every neuron: the sum, the error, δ, the gradients, the changes."""
    net = explained.net
    page = chromium.open(explained.page, 1100, 800)
    for sample in range(len(net.samples)):
        choose(page, "sample", sample)
        errors = [[name, *map(number, values)] for name, *values in net.errors(sample)]
        assert rows(page, "error-table") == errors
        assert number(net.passes[sample]["loss"]) in text_of(page, "error-table")
        for neuron in net.summing():
            choose(page, "neuron", neuron)
            terms, _ = net.terms(sample, neuron, 8)
            total, output = net.sum(sample, neuron), net.output(sample, neuron)
            shown = [[name, *map(number, values)] for name, *values in terms]
            assert rows(page, "forward-sum") == [*shown, ["sum", number(total)]]
            squashed = f"{net.names[neuron]} = {net.activation(neuron)}({number(total)}) = "
            assert f"{squashed}{number(output)}" in text_of(page, "forward-sum")
            if neuron in net.hidden():
                terms, _ = net.back_terms(sample, neuron, 8)
                shown = [[f"δ of {name}", *map(number, values)] for name, *values in terms]
                back = ["Σ w δ", number(net.returned(sample, neuron))]
                assert rows(page, "back-delta") == [*shown, back]
            assert text_of(page, "back-delta").endswith(f"= {number(net.delta(sample, neuron))}")
            changes = [net.gradient(sample, wire) for wire in net.incoming(neuron)]
            keys = ("product", "mean", "change", "before", "after")
            assert rows(page, "back-all") == [
                [row["name"], *(number(row[key]) for key in keys)] for row in changes
            ]


@both_xor
def test_a_weight_is_chosen(explained: Explained, chromium: browser.Browser) -> None:
    net = explained.net
    page = chromium.open(explained.page, 1100, 800)
    for neuron in net.summing():
        choose(page, "neuron", neuron)
        for wire in net.incoming(neuron):
            choose(page, "wire", net.wires.index(wire))
            row = net.gradient(1, wire)
            told = text_of(page, "back-wire")
            assert told.startswith(row["name"])
            assert told.endswith(f"= {number(row['product'])}")
            each = [net.gradient(i, wire) for i in range(4)]
            assert rows(page, "back-change") == [
                *(
                    [s["name"], *(number(r[key]) for key in ("delta", "output", "product"))]
                    for s, r in zip(net.samples, each, strict=True)
                ),
                ["mean of the 4", number(row["mean"])],
            ]
            assert text_of(page, "back-change").endswith(f"= {number(row['after'])}")


@every_run
def test_the_slider_moves_by_keyboard(explained: Explained, chromium: browser.Browser) -> None:
    records = explained.records
    page = chromium.open(explained.page, 360, 800)
    page.evaluate("document.getElementById('kept').focus()")
    told = []
    for key, code, place in (("Home", 36, 0), ("ArrowRight", 39, 1), ("End", 35, 12)):
        press(page, key, code)
        record = records["kept"][place]
        told.append(text_of(page, "kept-text"))
        assert text_of(page, "kept-number") == str(record["iteration"])
        assert told[-1].startswith(f"Loss {number(record['loss'])}; {record['right']} of ")
        assert f"loss {number(record['loss'])}" in page.evaluate(
            "document.getElementById('kept').getAttribute('aria-valuetext')"
        )
        if not explained.net.pictured:
            weights = [number(record["weights"][w[2]]) for w in explained.net.incoming(2)][:10]
            assert [row[-1] for row in rows(page, "kept-pictures")] == weights
        else:
            shown = [row[-1] for row in rows(page, "kept-answers")]
            assert shown == [number(value) for value in record["outputs"][1]]
    assert len(set(told)) == 3


@pytest.mark.slow
def test_the_error_settles_step_by_step(chromium: browser.Browser, settled: Explained) -> None:
    page = chromium.open(settled.page, 360, 800)
    settling = settled.records["first"]["settling"][1]
    for place, direction in (("forward", "forward"), ("back", "backward")):
        page.evaluate(f"document.getElementById('{place}-settling-step').focus()")
        press(page, "Home", 36)
        press(page, "ArrowRight", 39)
        told = text_of(page, f"{place}-settling")
        one = settling[direction]
        assert f"Step 1 of {len(one['values']) - 1}:" in told
        for value in (*one["values"][1], one["residuals"][1]):
            assert number(value) in told


@pytest.fixture(scope="module")
def settled(small: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Explained:
    records = run("xor", 0, recurrent=True)
    page = write_page(records, tmp_path_factory.mktemp("settled") / "page.html")
    problem = PROBLEMS["xor"]()
    network = nets.build_recurrent(problem.recurrent_hidden, problem.outputs)
    return Explained(records, page, problem, network, nets.start(network, 2, 0))


@both_xor
def test_a_click_chooses_a_neuron_and_play_plays(
    explained: Explained, chromium: browser.Browser
) -> None:
    page = chromium.open(explained.page, 1100, 800)
    click = "document.querySelector('#forward-net [data-neuron=\"3\"]').dispatchEvent"
    page.evaluate(f"{click}(new MouseEvent('click', {{bubbles: true}}))")
    assert page.evaluate("document.getElementById('neuron').value") == "3"
    assert rows(page, "weights-table")[0][1] == number(
        explained.net.weights[explained.net.incoming(3)[0][2]]
    )
    page.evaluate("document.getElementById('play').click()")
    assert text_of(page, "play") == "Pause"
    assert text_of(page, "kept-number") == "0"
    page.evaluate("document.getElementById('play').click()")
    assert text_of(page, "play") == "Play"


@pytest.mark.parametrize("explained", RUNS[:1], ids=title, indirect=True)
def test_the_script_writes_numbers_as_the_text_does(
    explained: Explained, chromium: browser.Browser
) -> None:
    rng = np.random.default_rng(0)
    values = [0.0, 1.0, 0.0005, 0.0004999, 9999.9996, 1e5, 0.0625, -0.1875, 123.4565, 5e-324]
    values += (rng.normal(size=300) * 10.0 ** rng.integers(-18, 6, 300)).tolist()
    page = chromium.open(explained.page, 1100, 800)
    shown = page.evaluate(f"{json.dumps(values)}.map(number)")
    assert shown == [number(value) for value in values]


@pytest.mark.parametrize("explained", RUNS[:1], ids=title, indirect=True)
def test_without_scripts_the_page_is_the_text(explained: Explained) -> None:
    source = explained.page.read_text(encoding="utf-8")
    found = re.search(r"<noscript>.*?<pre>(.*?)</pre>", source, re.DOTALL)
    assert found
    assert html.unescape(found[1]) == to_text(explained.records)
    assert not re.search(r"https?://(?!www\.w3\.org)", source)


# ------------------------------------------------------------------ the command


def test_the_command_writes_a_page(
    small: pytest.MonkeyPatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = tools.call("explain")
    assert (answer.code, answer.err) == (0, "")
    page = tmp_path / "reports" / "explain" / "index.html"
    assert "reports/explain/index.html" in answer.out
    assert embedded(page)["problem"] == "xor"
    assert page.stat().st_size < 1e6
    assert tools.call("explain", "spirals", "--out", "other.html").code == 0
    assert embedded(tmp_path / "other.html")["problem"] == "spirals"
    assert {path.name for path in tmp_path.iterdir()} == {"reports", "other.html"}
    assert "explain/index.html" in write_index(tmp_path / "reports", {}).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_command_prints_and_writes_nothing(
    small: pytest.MonkeyPatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = tools.call("explain", "xor", "--recurrent", "--text", "--seed", 5)
    assert (text.code, text.err) == (0, "")
    assert "A recurrent net of 2-3-1 neurons" in text.out
    records = json.loads(tools.call("explain", "--json", "--seed", 5).out)
    assert records["seed"] == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["xro"], 2, "did you mean 'xor'?"),
        (["--text", "--json"], 2, "--json cannot be given together with --text"),
        (["--text", "--out", "a.html"], 2, "--out cannot be given together with --text"),
        (["--json", "--out", "a.html"], 2, "--out cannot be given together with --json"),
        (["--seed", "-1"], 2, "--seed"),
        (["--out", "."], 2, "is a directory"),
        (["--out", "file/page.html"], 1, "cannot write the report to file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use(
    arguments: list[str],
    code: int,
    says: str,
    small: pytest.MonkeyPatch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    answer = tools.call("explain", *arguments)
    assert answer.code == code
    assert len(answer.errors) == 1
    assert says in answer.err
