"""The contract of a kind of recognition.

A kind is a frozen dataclass, as a layer is: its fields are what a task chooses of it. Modules that
are heavy to import are imported by the properties and methods that need them, so that a task can
be declared, listed and told about at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image

    from bpapps.core import Chain, Params
    from bpapps.data.splits import Part, Split
    from bpapps.experiments import Probe, Progress, Spoil
    from bpapps.report import Section
    from bpapps.results import Headline


@dataclass(frozen=True)
class Option:
    """Something that ``predict`` may be told besides the files: click is built from it.

    Args:
        name: as it is typed, without dashes, and as ``answer`` takes it.
        metavar, help: what ``--help`` shows.
        type: "text", or "file" for one that exists.
        many: takes all values that follow it.
        required: there is no answer without it.
    """

    name: str
    metavar: str
    help: str
    type: str = "text"
    many: bool = False
    required: bool = False


class Answer(Protocol):
    """What is said of one file.

    ``problem`` is a line that says why there is no answer, or empty.
    """

    @property
    def file(self) -> str:
        """The file that was asked about, as the user wrote it."""

    @property
    def problem(self) -> str:
        """A line that says why there is no answer, or nothing."""

    def __str__(self) -> str: ...

    def plain(self) -> dict[str, Any]:
        """As JSON data; ``problem`` is null where there is none."""

    def draw(self) -> Image:
        """What was answered, drawn: on the picture, or beside what it was compared with."""


class Model(Protocol):
    """What a kind asks of a trained model; :class:`bpapps.models.Model` is one."""

    @property
    def task(self) -> Any:
        """Its declaration: name, default_data, kind."""

    @property
    def pipeline(self) -> Any:
        """Its preprocessing and its net, fitted."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What its file says of it."""

    @property
    def trained_on(self) -> str:
        """The titles of what it was trained on."""


@dataclass(frozen=True)
class Kind(ABC):
    """One kind of recognition: how it is trained, measured, reported and asked.

    ``name`` stands in model files and results.json, ``question`` is what every task of the kind
    asks. ``draws`` says whether its answers can be drawn.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    spoilt: ClassVar[str] = ""
    """What less data and wrong targets are, where that is not plain."""

    @property
    def draws(self) -> bool:
        """Whether an answer can be drawn."""
        return True

    @property
    def options(self) -> Sequence[Option]:
        """What ``predict`` may be told besides the files."""
        return ()

    @property
    @abstractmethod
    def estimator(self) -> type:
        """The class of the nets."""

    @property
    @abstractmethod
    def details(self) -> type:
        """The record of what only this kind measures: a dataclass with ``plain`` and ``told``."""

    @property
    @abstractmethod
    def sections(self) -> Sequence[Section]:
        """The parts of a report, in order."""

    @property
    @abstractmethod
    def spoils(self) -> Mapping[str, Spoil]:
        """``less``, and ``wrong`` targets, of a training part that is prepared."""

    def usable(self, model: Model, part: Part) -> tuple[Part, str]:
        """The part without pictures that a model cannot be asked about, and a line on them.

        The line is empty where none is left out.
        """
        return part, ""

    def prepare(self, step: Any, part: Part) -> Part:
        """The part as the net takes it, its pictures preprocessed by a fitted ``step``."""
        return replace(part, pictures=step.transform(part.pictures)) if len(part) else part

    @abstractmethod
    def fit(self, net: Any, split: Split) -> None:
        """Train on a prepared split, and choose thresholds on its development part.

        Raises ValueError for bad data or settings; ``DivergenceError`` where the loss is lost.
        """

    def state(self, net: Any) -> dict[str, Any]:
        """Besides layers and weights, what a model's file must hold."""
        if not getattr(net, "votes", 0):
            return {}
        return {"votes": {"count": net.votes, "augment": asdict(net.augment)}}

    @abstractmethod
    def restore(
        self, network: Chain, params: Params, state: Mapping[str, Any], shape: tuple[int, ...]
    ) -> Any:
        """The fitted estimator of a file; KeyError or ValueError where they do not fit."""

    @abstractmethod
    def figures(self, net: Any, test: Part) -> dict[str, Any]:
        """What a net reaches on a prepared test part, as plain data; THE score comes first."""

    def told(self, figures: Mapping[str, Any]) -> list[str]:
        """Those figures in words, a line each."""
        from bpapps.measures.intervals import Interval, long_interval

        name, value = next(iter(figures.items()))
        return [f"{name} {long_interval(Interval(**value))}"]

    @abstractmethod
    def measure(
        self, model: Model, split: Split, *, seed: int, quick: bool, progress: Progress | None
    ) -> Any:
        """All that a report says beside the common experiments: ``details``."""

    @abstractmethod
    def headline(self, details: Any, data: Mapping[str, Any]) -> Headline:
        """What is said of a model first."""

    @abstractmethod
    def probes(
        self, model: Model, split: Split, *, seed: int, quick: bool, whole: bool = False
    ) -> Sequence[Probe]:
        """What is put through corruptions and timed; the first is the test pictures.

        whole: all of the test pictures, and not only as many as corruptions are tried on.
        """

    @abstractmethod
    def answer(self, model: Model, files: Sequence[Path], **options: Any) -> Iterator[Answer]:
        """One for each file; a bad file is an answer with a problem.

        Raises ValueError for options that the kind does not take.
        """

    def upgrade(self, plain: Mapping[str, Any]) -> dict[str, Any] | None:
        """What has changed in plain results since schema 1; None where they are another kind's.

        Of a kind that is younger than schema 2 there are none. Raises KeyError, TypeError,
        AttributeError or IndexError for results that are damaged.
        """
        return None


def output_shape(network: Chain, params: Params, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of what a network gives; ValueError where stored weights do not fit its layers."""
    import numpy as np

    from bpapps.core import pack

    tree, out_shape = network.init(shape, np.random.default_rng(0))
    if pack(tree).shapes != params.shapes:
        raise ValueError("its weights do not fit its layers in this version; train it again")
    return out_shape


def with_votes(net: Any, state: Mapping[str, Any]) -> Any:
    """The estimator with the votes that a file holds, where it holds any."""
    from bpapps.pictures.augment import Distortion

    if "votes" in state:
        distortion = Distortion(**state["votes"]["augment"])
        net.set_params(votes=state["votes"]["count"], augment=distortion)
    return net
