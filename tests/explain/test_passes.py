"""Each number of the explanation against the core and finite differences."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from explain.short import (
    AS_SHIPPED,
    RUNS,
    Explained,
    both_xor,
    every_run,
    title,
)

from bpapps.core import SGD, FixedPoint, Plan, train
from bpapps.explain import PROBLEMS, measure, nets, run
from bpapps.explain.net import Net
from bpapps.explain.problems import xor


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
