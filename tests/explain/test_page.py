"""The page of the explanation, in a real browser."""

from __future__ import annotations

import html
import json
import re

import browser
import numpy as np
import pytest
from explain.short import (
    RUNS,
    Explained,
    both_xor,
    every_run,
    title,
)

from bpapps.explain import PROBLEMS, nets, run, to_text, write_page
from bpapps.explain.numbers import number


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
