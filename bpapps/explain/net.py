"""The records of a run as a net: what each neuron hears and says, and each weight's gradient.

All of it is looked up in the records, or is the product of two numbers there; nothing here knows
the core. The page's script reads the records in the same way.
"""

from __future__ import annotations

import base64
from typing import Any

Records = dict[str, Any]
Wire = list[int]
"""Source neuron (-1: a bias), target neuron, place of the weight."""

Term = tuple[str, float, float, float]
"""A name, two numbers, and their product."""

Rest = tuple[int, float] | None
"""How many terms are not written out, and their sum."""


class Net:
    """Looks things up in the records of a run."""

    def __init__(self, records: Records) -> None:
        net, first = records["net"], records["first"]
        self.records = records
        self.recurrent: bool = records["recurrent"]
        self.samples: list[Records] = records["samples"]
        self.passes: list[Records] = first["passes"]
        self.weights: list[float] = first["weights"]
        self.layers: list[int] = net["layers"]
        self.names: list[str] = net["names"]
        self.wires: list[Wire] = net["wires"]
        self.pictured: bool = net["pictured"]
        self.last = max(self.layers)

    def summing(self) -> list[int]:
        """All neurons but the inputs."""
        return [i for i, layer in enumerate(self.layers) if layer > 0]

    def hidden(self) -> list[int]:
        """The neurons between input and output."""
        return [i for i, layer in enumerate(self.layers) if 0 < layer < self.last]

    def some(self, neurons: list[int], most: int) -> list[int]:
        """The first few of each layer where they are many."""
        seen: dict[int, int] = {}
        kept = []
        for neuron in neurons:
            layer = self.layers[neuron]
            seen[layer] = seen.get(layer, 0) + 1
            if self.layers.count(layer) <= most or seen[layer] <= most // 3:
                kept.append(neuron)
        return kept

    def incoming(self, neuron: int) -> list[Wire]:
        """What a neuron hears."""
        return [wire for wire in self.wires if wire[1] == neuron]

    def outgoing(self, neuron: int) -> list[Wire]:
        """Who hears a neuron."""
        return [wire for wire in self.wires if wire[0] == neuron]

    def source(self, wire: Wire) -> str:
        """The name of what a wire comes from."""
        return self.names[wire[0]] if wire[0] >= 0 else self.bias(wire)

    def bias(self, wire: Wire) -> str:
        """A neuron that settles has two biases: one for the input, and one for the loop."""
        biases = [other for other in self.incoming(wire[1]) if other[0] < 0]
        return "bias" if len(biases) == 1 else ("bias", "loop's bias")[biases.index(wire)]

    def activation(self, neuron: int) -> str:
        """The function of the sum."""
        output = str(self.records["net"]["output"])
        return output if self.layers[neuron] == self.last else "tanh"

    def sum(self, sample: int, neuron: int) -> float:
        """What a neuron receives, weighted."""
        return self.passes[sample]["sums"][neuron]

    def output(self, sample: int, neuron: int) -> float:
        """What a neuron sends; a bias sends 1."""
        return self.passes[sample]["outputs"][neuron] if neuron >= 0 else 1.0

    def delta(self, sample: int, neuron: int) -> float:
        """The slope of the sample's loss along a neuron's sum."""
        return self.passes[sample]["deltas"][neuron]

    def slope(self, sample: int, neuron: int) -> float:
        """The slope of tanh: 1 - a²."""
        return 1 - self.output(sample, neuron) ** 2

    def returned(self, sample: int, neuron: int) -> float:
        """Σ w δ over all that hear a hidden neuron."""
        return sum(
            self.weights[place] * self.delta(sample, target)
            for _, target, place in self.outgoing(neuron)
        )

    def terms(self, sample: int, neuron: int, most: int) -> tuple[list[Term], Rest]:
        """The terms of a neuron's sum; of many, the largest terms, and the sum of the others."""
        terms = []
        for wire in self.incoming(neuron):
            output, weight = self.output(sample, wire[0]), self.weights[wire[2]]
            terms.append((self.source(wire), output, weight, output * weight))
        return largest(terms, most)

    def back_terms(self, sample: int, neuron: int, most: int) -> tuple[list[Term], Rest]:
        """The terms of Σ w δ."""
        terms = []
        for _, target, place in self.outgoing(neuron):
            delta, weight = self.delta(sample, target), self.weights[place]
            terms.append((self.names[target], delta, weight, delta * weight))
        return largest(terms, most)

    def errors(self, sample: int) -> list[Term]:
        """Of each output: its name, actual, desired, actual minus desired."""
        outputs = [i for i, layer in enumerate(self.layers) if layer == self.last]
        desired = self.samples[sample]["desired"]
        return [
            (self.names[i], self.output(sample, i), d, self.output(sample, i) - d)
            for i, d in zip(outputs, desired, strict=True)
        ]

    def gradient(self, sample: int, wire: Wire) -> Records:
        """A weight's gradient, with what it is made of, and the change it causes."""
        source, target, place = wire
        first = self.records["first"]
        delta, output = self.delta(sample, target), self.output(sample, source)
        return {
            "name": f"{self.source(wire)} → {self.names[target]}",
            "delta": delta,
            "output": output,
            "product": delta * output,
            "mean": first["gradient"][place],
            "change": first["change"][place],
            "before": self.weights[place],
            "after": first["after"][place],
        }

    def strongest(self, sample: int, neuron: int, most: int) -> list[Wire]:
        """The wires to a neuron; where there are many, the wires with the largest gradients."""
        wires = self.incoming(neuron)
        if len(wires) <= most:
            return wires
        gradient = self.records["first"]["gradient"]
        return sorted(wires, key=lambda wire: -abs(gradient[wire[2]]))[: most // 2]

    def surface(self, record: Records) -> bytes:
        """The net's answer over the plane, a byte a point, row by row from the top."""
        return base64.b64decode(record["surface"])

    def sizes(self) -> str:
        """2-3-1."""
        return "-".join(str(self.layers.count(layer)) for layer in range(self.last + 1))

    def introduction(self) -> str:
        """What was trained."""
        records = self.records
        kind = "recurrent" if self.recurrent else "static"
        return (
            f"A {kind} net of {self.sizes()} neurons and {records['net']['size']:,} weights and "
            f"biases, trained by bpapps {records['version']} with seed {records['seed']} for "
            f"{records['kept'][-1]['iteration']:,} iterations on {records['batch']:,} samples. "
            "Every number below is of this run, shown to three decimals and worked out with "
            "sixteen digits."
        )

    def about_weights(self) -> str:
        """How they were drawn."""
        text = (
            f"{self.records['net']['size']:,} numbers: drawn at random, about as large as lets a "
            "sum neither vanish nor explode (Glorot & Bengio 2010); each bias is 0 at first."
        )
        if self.recurrent:
            text += (
                " Those between hidden neurons are held so small that what a neuron hears from "
                "its own layer can only fade: then the activations are certain to settle."
            )
        return text

    def about_settling(self) -> str:
        """What a recurrent forward pass is."""
        return (
            "The hidden neurons also hear each other. So their sums are worked out again and "
            "again, each time from the last outputs, until they no longer move:"
        )

    def about_back(self) -> str:
        """What δ is, and where it comes from."""
        text = (
            "δ says how the loss moves when a neuron's sum does. At the output it is the error of "
            "step 4. A hidden neuron's is what it is to blame for in those that hear it, Σ w δ, "
            "times the slope of tanh, 1 − a²."
        )
        if self.recurrent:
            text += (
                " Hidden neurons are heard by each other, so δ too is worked out again and again, "
                "along the same wires the other way, until it no longer moves:"
            )
        return text

    def conclusion(self) -> str:
        """Where the training ended."""
        records = self.records
        last = records["kept"][-1]
        text = (
            f"After {last['iteration']:,} iterations {last['right']:,} of {records['batch']:,} "
            "answers are right."
        )
        if records["unseen"]:
            text += (
                f" Of {records['unseen']:,} that it never saw, {last['unseen_right']:,} are: "
                f"{last['unseen_right'] / records['unseen']:.1%}."
            )
        elif last["right"] < records["batch"]:
            text += " More iterations, or another start by --seed, might get the rest."
        return text


def largest(terms: list[Term], most: int) -> tuple[list[Term], Rest]:
    """All terms of a few; of many, the largest terms, and the sum of the others."""
    if len(terms) <= most:
        return terms, None
    ordered = sorted(terms, key=lambda term: -abs(term[3]))
    others = ordered[most - 1 :]
    return ordered[: most - 1], (len(others), sum(term[3] for term in others))
