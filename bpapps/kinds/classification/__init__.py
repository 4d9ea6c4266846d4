"""Which of these is it? One picture, one of some classes; or a line of them, read one by one."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bpapps.kinds.base import Answer, Kind, Model, Option, output_shape, with_votes
from bpapps.names import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bpapps.core import Chain, Params
    from bpapps.data.splits import Part, Split
    from bpapps.experiments import Probe, Progress, Spoil
    from bpapps.report import Section
    from bpapps.results import Headline


@dataclass(frozen=True)
class Classification(Kind):
    """Pictures of classes.

    Args:
        groupings: where people group the classes, the module that has ``GROUPINGS`` and
            ``merge(probabilities, classes, name)``.
        lines: where a picture may show a line of them, the package whose ``lines`` reads one,
            ``annotate`` draws it and ``trial`` makes lines to measure with.
    """

    name: ClassVar[str] = "classification"
    question: ClassVar[str] = "which of these is it?"

    groupings: str = ""
    lines: str = ""

    @property
    def draws(self) -> bool:
        """Whether there is a line to draw boxes on."""
        return bool(self.lines)

    @property
    def grouping_names(self) -> list[str]:
        """Names of the groupings of the classes; none where nobody groups them."""
        return list(importlib.import_module(self.groupings).GROUPINGS) if self.groupings else []

    @property
    def options(self) -> Sequence[Option]:
        """The groups of classes to answer with."""
        if not self.groupings:
            return ()
        *some, last = self.grouping_names[1:]
        help_ = f"Groups of classes to answer with: {', '.join(some)} or {last}."
        return (Option("classes", "NAME", help_),)

    @property
    def estimator(self) -> type:
        """The class of the nets."""
        from bpapps.estimators import BackpropClassifier

        return BackpropClassifier

    @property
    def details(self) -> type:
        """The record of what only classifiers are measured by."""
        from bpapps.kinds.classification.records import Details

        return Details

    @property
    def sections(self) -> Sequence[Section]:
        """The parts of a report."""
        from bpapps.kinds.classification.sections import SECTIONS

        return SECTIONS

    @property
    def spoils(self) -> Mapping[str, Spoil]:
        """Fewer pictures, and wrong labels."""
        from bpapps.kinds.classification.spoils import fewer_pictures, wrong_labels

        return {"less": fewer_pictures, "wrong": wrong_labels}

    def merge(self, probabilities: NDArray, classes: NDArray, name: str) -> tuple[NDArray, NDArray]:
        """Probabilities (n, groups) in a grouping, and the groups; UnknownNameError for its name.

        probabilities (n, classes): of the classes.
        """
        nearest(name, self.grouping_names, "grouping")
        return importlib.import_module(self.groupings).merge(probabilities, classes, name)

    def of_lines(self, name: str) -> Any:
        """A module of the package that reads lines."""
        return importlib.import_module(f"{self.lines}.{name}")

    def usable(self, model: Model, part: Part) -> tuple[Part, str]:
        """The part without pictures of classes that a model does not know, and a line on them."""
        from bpapps.kinds.classification.metrics import of_known_classes

        return of_known_classes(part, model.pipeline[-1].classes_)

    def fit(self, net: Any, split: Split) -> None:
        """Train on a prepared split."""
        net.fit(split.train.pictures, split.train.targets)

    def state(self, net: Any) -> dict[str, Any]:
        """The classes, and the votes."""
        return {"classes": net.classes_.tolist(), **super().state(net)}

    def restore(
        self, network: Chain, params: Params, state: Mapping[str, Any], shape: tuple[int, ...]
    ) -> Any:
        """The fitted classifier of a file."""
        from bpapps.estimators import BackpropClassifier

        classes = state["classes"]
        if output_shape(network, params, shape) != (len(classes),):
            raise ValueError(f"its outputs are not {len(classes)} classes")
        net = BackpropClassifier.from_trained(network, params, classes, shape)
        return with_votes(net, state)

    def figures(self, net: Any, test: Part) -> dict[str, Any]:
        """The accuracy."""
        from bpapps.kinds.classification.metrics import share_right

        return {"accuracy": asdict(share_right(net.predict(test.pictures), test.targets))}

    def measure(
        self, model: Model, split: Split, *, seed: int, quick: bool, progress: Progress | None
    ) -> Any:
        """Accuracy by class, confusions, calibration, mistakes, groupings, groups and lines."""
        from bpapps.kinds.classification.measuring import measure

        return measure(self, model, split, seed, quick, progress)

    def headline(self, details: Any, data: Mapping[str, Any]) -> Headline:
        """The accuracy, and how lines are read."""
        from bpapps.kinds.classification.measuring import headline

        return headline(details)

    def probes(
        self, model: Model, split: Split, *, seed: int, quick: bool, whole: bool = False
    ) -> Sequence[Probe]:
        """The test pictures; and whole lines, where they are read."""
        from bpapps.kinds.classification.measuring import probes

        return probes(self, model, split, seed, quick, whole)

    def answer(self, model: Model, files: Sequence[Path], **options: Any) -> Iterator[Answer]:
        """The class of each file, with its probability and the runner-up; or a line of text.

        classes: the name of the groups of classes to answer with, for tasks that have any;
        UnknownNameError for one that the task lacks.
        """
        from bpapps.kinds.classification.reading import read

        return read(self, model, files, **options)

    def upgrade(self, plain: Mapping[str, Any]) -> dict[str, Any] | None:
        """Fields of results of schema 1 as those of today."""
        from bpapps.kinds.classification.schema_1 import upgrade

        return None if plain.get("verifier") else upgrade(plain)


KIND = Classification()
