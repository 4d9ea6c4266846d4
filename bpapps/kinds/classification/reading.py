"""What a classifier says of picture files: a class with its probability, or a line of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpapps.kinds.base import Model
from bpapps.names import nearest
from bpapps.pictures.files import PictureError, read_picture

if TYPE_CHECKING:
    from PIL.Image import Image

    from bpapps.kinds.classification import Classification

UNSURE = 0.5
"""An answer with a lower probability is called unsure."""


@dataclass(frozen=True)
class Reading:
    """What a picture shows: its label and the runner-up, each with its probability.

    ``problem`` is a line that says why there is no label, or is empty.
    """

    file: str
    problem: str
    label: Any = None
    probability: float | None = None
    runner_up: Any = None
    runner_up_probability: float | None = None

    @property
    def unsure(self) -> bool:
        """Whether the label has a probability below one half."""
        return self.probability is not None and self.probability < UNSURE

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        warning = "unsure: " if self.unsure else ""
        return (
            f"{self.file}: {warning}{self.label} ({self.probability:.1%}), "
            f"then {self.runner_up} ({self.runner_up_probability:.1%})"
        )

    def plain(self) -> dict[str, Any]:
        """As JSON data; ``problem`` is null where there is none."""
        return {**asdict(self), "problem": self.problem or None, "unsure": self.unsure}

    def draw(self) -> Image:
        """Nothing: ValueError."""
        raise ValueError("one class has nothing to draw on a picture")


@dataclass(frozen=True)
class LineReading:
    """What a picture of several characters shows: ``line`` has their text and confidences.

    ``problem`` is a line that says why there is none, or is empty; ``nothing`` is what JSON says
    then in place of the line. ``drawn`` draws a line on the picture of a file.
    """

    file: str
    problem: str
    line: Any = None
    nothing: Mapping[str, Any] = field(default_factory=dict)
    drawn: Any = field(default=None, repr=False, compare=False)

    @property
    def unsure(self) -> bool:
        """Whether the text has a confidence below one half."""
        return self.line is not None and self.line.confidence < UNSURE

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        warning = "unsure: " if self.unsure else ""
        return f"{self.file}: {warning}{self.line.text} ({self.line.confidence:.1%})"

    def plain(self) -> dict[str, Any]:
        """As JSON data; ``problem`` is null where there is none."""
        read = self.nothing if self.line is None else self.line.plain()
        return {"file": self.file, "problem": self.problem or None, **read, "unsure": self.unsure}

    def draw(self) -> Image:
        """The picture with a box around each character that was read, and its letter above."""
        return self.drawn(Path(self.file), self.line)


def read(
    kind: Classification, model: Model, files: Sequence[Path], classes: str | None = None
) -> Iterator[Reading | LineReading]:
    """What each picture file shows; a bad file is a reading with a problem, not an error."""
    if classes is not None:
        nearest(classes, kind.grouping_names, f"grouping of {model.task.name}")
    return (_line(kind, model, f, classes) if kind.lines else _one(model, f) for f in files)


def _line(kind: Classification, model: Model, file: Path, grouping: str | None) -> LineReading:
    lines = kind.of_lines("lines")
    try:
        picture = read_picture(file)
    except PictureError as error:
        return LineReading(str(file), str(error), nothing=lines.NOTHING)
    try:
        line = lines.read_line(picture, model.pipeline, grouping)
    except ValueError as error:
        problem = f"{file}: nothing to recognise, {error}"
        return LineReading(str(file), problem, nothing=lines.NOTHING)
    return LineReading(str(file), "", line, drawn=kind.of_lines("annotate").annotate)


def _one(model: Model, file: Path) -> Reading:
    try:
        picture = read_picture(file)
    except PictureError as error:
        return Reading(str(file), str(error))
    problem = model.pipeline[0].inspect(picture)
    if problem:
        return Reading(str(file), f"{file}: nothing to recognise, {problem}")
    classes = model.pipeline[-1].classes_
    probabilities = model.pipeline.predict_proba([picture])[0]
    best, second = probabilities.argsort()[::-1][:2]
    return Reading(
        str(file),
        "",
        classes[best].item(),
        float(probabilities[best]),
        classes[second].item(),
        float(probabilities[second]),
    )
