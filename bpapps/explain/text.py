"""The same explanation for the terminal: one sample, every neuron of a small net, by step."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from bpapps.explain.net import Net
from bpapps.explain.numbers import number, seconds, times

WIDTH = 88
MOST = 8
"""Rows of a sum that are written out; the smaller ones are added up in one line."""

FEW = 6
"""Neurons of a layer that are all written out; of more, the most active ones."""

SETTLING = 5
"""Neurons whose settling is shown."""

Records = dict[str, Any]


def to_text(records: Records, sample: int = 1) -> str:
    """The six steps of one sample and the measurements, at most :data:`WIDTH` wide."""
    net = Net(records)
    lines = [
        *_heading(f"Backpropagation, step by step: {records['title']}", "="),
        *_prose(net.introduction()),
        *_step_1(net, sample),
        *_step_2(net),
        *_step_3(net, sample),
        *_step_4(net, sample),
        *_step_5(net, sample),
        *_step_6(net),
        *_matrices(records),
        *_directions(records),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _step_1(net: Net, sample: int) -> Iterator[str]:
    one = net.samples[sample]
    yield from _heading("1  The input arrives")
    yield f"  sample: {one['name']}, desired: {one['label']}"
    if net.pictured:
        yield from _picture(one["inputs"])
    else:
        for name, value in zip(net.names, one["inputs"], strict=False):
            yield f"  {name} = {number(value)}"


def _step_2(net: Net) -> Iterator[str]:
    yield from _heading("2  The weights, as initialised")
    yield from _prose(net.about_weights())
    for neuron in net.some(net.summing(), FEW):
        weights = net.incoming(neuron)
        parts = [f"{net.source(wire)} {number(net.weights[wire[2]])}" for wire in weights[:MOST]]
        more = [f"and {len(weights) - MOST} more"] if len(weights) > MOST else []
        line = f"to {net.names[neuron]:<4} {';  '.join(parts + more)}"
        yield from textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent=" " * 10)


def _step_3(net: Net, sample: int) -> Iterator[str]:
    yield from _heading("3  Each neuron's output, from input to output")
    if net.recurrent:
        yield from _prose(net.about_settling())
        yield from _settling(net, sample, "forward")
    for neuron in net.some(net.summing(), FEW):
        rows, rest = net.terms(sample, neuron, MOST)
        for source, output, weight, product in rows:
            yield f"  {source:>12} {number(output):>8} × {number(weight):>8} = {number(product):>8}"
        if rest:
            yield f"  {f'{rest[0]} smaller':>12} {'':>8}   {'':>8} = {number(rest[1]):>8}"
        total, out = net.sum(sample, neuron), net.output(sample, neuron)
        name = net.names[neuron]
        squash = net.activation(neuron)
        yield f"  {'sum':>12} {'':>8}   {'':>8} = {number(total):>8}"
        yield f"  {name} = {squash}({number(total)}) = {number(out)}"
        yield ""


def _step_4(net: Net, sample: int) -> Iterator[str]:
    yield from _heading("4  The error: actual minus desired")
    for name, actual, desired, error in net.errors(sample):
        yield f"  {name:<4} {number(actual):>8} − {number(desired):>2} = {number(error):>8}"
    yield f"  loss of this sample: {number(net.passes[sample]['loss'])}"
    yield f"  mean over all {net.records['batch']}: {number(net.records['first']['loss'])}"


def _step_5(net: Net, sample: int) -> Iterator[str]:
    yield from _heading("5  Back from the output to the hidden layer")
    yield from _prose(net.about_back())
    if net.recurrent:
        yield from _settling(net, sample, "backward")
    for neuron in reversed(net.some(net.hidden(), FEW)):
        rows, rest = net.back_terms(sample, neuron, MOST)
        for target, error, weight, product in rows:
            left = f"δ of {target}"
            yield f"  {left:>12} {number(error):>8} × {number(weight):>8} = {number(product):>8}"
        if rest:
            yield f"  {f'{rest[0]} smaller':>12} {'':>8}   {'':>8} = {number(rest[1]):>8}"
        slope, back = net.slope(sample, neuron), net.returned(sample, neuron)
        delta = number(net.delta(sample, neuron))
        yield f"  δ of {net.names[neuron]} = {number(back)} × slope {number(slope)} = {delta}"
        yield ""
    yield from _prose(
        "Each weight's gradient is the δ of the neuron it leads to times the output it carries; "
        f"the mean over all {net.records['batch']} samples, times the learning rate "
        f"{net.records['learning_rate']:g}, is taken from the weight:"
    )
    heads = "".join(f"{head:>11}" for head in ("mean", "change", "before", "after"))
    yield f"  {'weight':<16}{'this sample':>24}{heads}"
    for neuron in net.some(net.summing(), FEW):
        for wire in net.strongest(sample, neuron, MOST):
            row = net.gradient(sample, wire)
            made = f"{number(row['delta'])} × {number(row['output'])} = {number(row['product'])}"
            yield (
                f"  {row['name']:<16}{made:>24}{number(row['mean']):>11}"
                f"{number(row['change']):>11}{number(row['before']):>11}{number(row['after']):>11}"
            )


def _step_6(net: Net) -> Iterator[str]:
    yield from _heading("6  Iterate")
    kept = net.records["kept"]
    highest = max(record["loss"] for record in kept)
    settled = "  settles in" if net.recurrent else ""
    yield f"  {'iteration':>9}{'loss':>13}{'right':>12}{settled}"
    for record in [kept[0], *kept[1:-1][::4], kept[-1]]:
        bar = "█" * round(30 * record["loss"] / highest)
        right = f"{record['right']} of {net.records['batch']}"
        settled = f"{record['settled_in']:>9}   " if net.recurrent else ""
        yield f"  {record['iteration']:>9}{number(record['loss']):>13}{right:>12}{settled}  {bar}"
    last = kept[-1]
    yield from _prose(net.conclusion())
    if "surface" in last:
        yield from _surface(net, last)


def _settling(net: Net, sample: int, direction: str) -> Iterator[str]:
    one = net.records["first"]["settling"][sample][direction]
    neurons = net.hidden()[:SETTLING]
    letter = "sum of " if direction == "forward" else "δ of "
    heads = "".join(f"{letter + net.names[neuron]:>12}" for neuron in neurons)
    yield f"  {'step':>6}{heads}{'still moving':>15}"
    steps = len(one["values"])
    for t in sorted({*range(min(5, steps)), *range(0, steps, max(1, steps // 6)), steps - 1}):
        values = "".join(f"{number(value):>12}" for value in one["values"][t][:SETTLING])
        yield f"  {t:>6}{values}{number(one['residuals'][t]):>15}"
    yield ""


def _matrices(records: Records) -> Iterator[str]:
    yield from _heading("Why matrices: one sample at a time, or the batch at once")
    yield f"  {'samples':>8}{'one by one':>14}{'as a matrix':>14}{'faster':>16}{'difference':>14}"
    for row in records["matrices"]:
        yield (
            f"  {row['samples']:>8,}{seconds(row['one_by_one']):>14}{seconds(row['matrix']):>14}"
            f"{times(row['ratio']):>16}{number(row['difference']):>14}"
        )
    yield from _prose(
        "The gradient is the same but for rounding: the last column is the largest difference."
    )


def _directions(records: Records) -> Iterator[str]:
    yield from _heading("Why backpropagation: all weights in one pass, or each by itself")
    heads = ("backpropagation", "each weight", "faster", "difference")
    yield f"  {'weights':>8}{heads[0]:>17}{heads[1]:>14}{heads[2]:>16}{heads[3]:>14}"
    for row in records["directions"]:
        yield (
            f"  {row['weights']:>8,}{seconds(row['backpropagation']):>17}"
            f"{seconds(row['differences']):>14}{times(row['ratio']):>16}"
            f"{number(row['difference']):>14}"
        )
    yield from _prose(
        "Each weight by itself: moved a little up and a little down, with a forward pass each time "
        "(central differences). The gradients agree; only the cost differs."
    )


def _picture(pixels: Sequence[float]) -> Iterator[str]:
    for row in range(8):
        yield "  " + "".join(2 * " ░▒▓█"[round(4 * v)] for v in pixels[8 * row : 8 * row + 8])


def _surface(net: Net, record: Records) -> Iterator[str]:
    """Where the net says what, coarsely."""
    levels, side = net.surface(record), net.records["range"]["side"]
    yield from _prose(f"Where it says what ({' ░▒▓█'} from {' to '.join(net.records['classes'])}):")
    for row in range(0, side, 4):
        cells = (levels[row * side + column] for column in range(0, side, 2))
        yield "  " + "".join(2 * " ░▒▓█"[round(4 * level / 255)] for level in cells)


def _heading(text: str, line: str = "-") -> list[str]:
    return ["", text, line * len(text)]


def _prose(text: str) -> list[str]:
    return [*textwrap.wrap(text, WIDTH), ""]
