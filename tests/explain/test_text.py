"""The explanation as text, and its command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import tools
from explain.short import (
    Explained,
    both_xor,
    embedded,
    every_run,
)

from bpapps.explain import to_text
from bpapps.explain.numbers import number, seconds, three
from bpapps.report import write_index


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
