"""What a verifier says of a questioned picture and its references, and what it saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpapps.kinds.base import Model
from bpapps.pictures.files import PictureError, read_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

_GAP, _TEXT = 8, 14  # pixels between the pictures of an annotation, and of its letters


@dataclass(frozen=True)
class Known:
    """The error rates at a threshold, and whom they were measured on.

    ``far`` and ``frr`` with their 95% intervals, on ``n_writers`` who had no part in training or
    in choosing the threshold; or where nobody measured that, on those who chose it, whose
    intervals are None and whose rates are a little too good.
    """

    far: float
    frr: float
    n_writers: int
    far_interval: tuple[float, float] | None = None
    frr_interval: tuple[float, float] | None = None

    def told(self, against: str) -> str:
        """In words."""
        far, frr = f"{self.far:.1%}", f"{self.frr:.1%}"
        whom = "who chose it: of others more, likely"
        if self.far_interval and self.frr_interval:
            far, frr = (
                f"{rate} ({100 * low:.1f}–{100 * high:.1f})"
                for rate, (low, high) in ((far, self.far_interval), (frr, self.frr_interval))
            )
            whom = "new to it"
        return (
            f"{far} of {against} forgeries were accepted (FAR) and {frr} of genuine signatures "
            f"rejected (FRR), of {self.n_writers} writers {whom}"
        )


@dataclass(frozen=True)
class Verdict:
    """Whether a questioned picture is consistent with the references, and what that is worth.

    ``score`` is compared with ``threshold``, which was chosen for ``threshold_for`` references;
    ``known`` says what its error rates are. ``genuine_below`` and ``forged_above`` say how sure
    it is: the shares of development writers' genuine signatures with a lower score, and of their
    forgeries with one as high. ``references`` are those that count, each picture once;
    ``repeated`` are the others. ``problem`` is a line that says why there is no verdict, or is
    empty. ``seen`` are the questioned picture and the references as the network saw them, (h, w)
    each, ink bright.
    """

    file: str
    references: list[str]
    problem: str
    repeated: list[str] = field(default_factory=list)
    consistent: bool | None = None
    score: float | None = None
    threshold: float | None = None
    threshold_for: int = 0
    known: Known | None = None
    against: str = ""
    genuine_below: float | None = None
    forged_above: float | None = None
    limits: str = ""
    seen: Sequence[NDArray[np.float32]] = field(default=(), repr=False, compare=False)

    def __str__(self) -> str:
        if self.problem or self.known is None:
            return self.problem
        said = "consistent" if self.consistent else "not consistent"
        n = len(self.references)
        chosen_for = "" if n == self.threshold_for else f", chosen for {self.threshold_for},"
        lines = [
            f"{self.file}: {said} with the references ({n} reference{'s' if n > 1 else ''})",
            f"  score {self.score:.2f}, threshold {self.threshold:.2f}{chosen_for}: "
            f"{self.genuine_below:.0%} of genuine signatures score lower, "
            f"{self.forged_above:.0%} of {self.against} forgeries as high",
            f"  at the threshold {self.known.told(self.against)}",
            *(f"  {name} is the same picture as another reference" for name in self.repeated),
            f"  {self.limits}",
        ]
        return "\n".join(lines)

    def plain(self) -> dict[str, Any]:
        """As JSON data, flat; ``problem`` is null where there is none."""
        told = asdict(replace(self, seen=()))
        known = told.pop("known") or {}
        del told["seen"]
        return {**told, **known, "problem": self.problem or None}

    def draw(self) -> Image:
        """The questioned picture and each reference, as the network saw them, side by side."""
        return draw(self)


def compare(
    model: Model, files: Sequence[Path], reference: Sequence[Path] = ()
) -> Iterator[Verdict]:
    """A verdict on each questioned file; a bad file is a verdict with a problem, not an error.

    Where one of the ``reference`` files cannot be used, that is the problem of each verdict.
    Raises ValueError for no reference.
    """
    if not reference:
        raise ValueError("no reference: give one genuine signature at least")
    try:
        given = _given(model, reference)
    except PictureError as error:
        known = [str(file) for file in reference]
        return iter([Verdict(str(file), known, str(error)) for file in files])
    return (_judge(model, file, given) for file in files)


def _given(model: Model, references: Sequence[Path]) -> _References:
    """The references, each picture once; PictureError for one that cannot be used."""
    rows = model.pipeline[0].transform([_usable(model, file) for file in references])
    first: dict[bytes, int] = {}
    for i, row in enumerate(rows):
        first.setdefault(row.tobytes(), i)
    kept = list(first.values())
    return _References(
        [str(references[i]) for i in kept],
        rows[kept],
        [str(one) for i, one in enumerate(references) if i not in kept],
    )


class _References(NamedTuple):
    """Names and rows of the references, each picture once, and the names of the others."""

    names: list[str]
    rows: NDArray[np.float32]
    repeated: list[str]


def _usable(model: Model, file: Path) -> NDArray[np.float32]:
    """The picture in a file; PictureError where there is none, or nothing to compare."""
    picture = read_picture(file)
    problem = model.pipeline[0].inspect(picture)
    if problem:
        raise PictureError(f"{file}: nothing to compare, {problem}")
    return picture


def _judge(model: Model, file: Path, given: _References) -> Verdict:
    names, rows, repeated = given
    step, net = model.pipeline[0], model.pipeline[-1]
    try:
        questioned = step.transform([_usable(model, file)])
        for name, row in zip(names, rows, strict=True):
            if np.array_equal(row, questioned[0]):
                raise PictureError(f"{file}: the same picture as {name}; nobody signs alike twice")
    except PictureError as error:
        return Verdict(str(file), names, str(error), repeated)
    score = float(net.score_samples(questioned, rows)[0])
    scale, scaled = net.scale(len(rows)), net.scaled(len(rows))
    return Verdict(
        str(file),
        names,
        "",
        repeated,
        consistent=score >= scale.threshold.value,
        score=score,
        threshold=scale.threshold.value,
        threshold_for=scaled,
        known=_known(model, scaled),
        against=scale.threshold.against,
        genuine_below=scale.genuine_below(score),
        forged_above=scale.forged_above(score),
        limits=limits(model),
        seen=[row.reshape(step.height, step.width) for row in (*questioned, *rows)],
    )


def _known(model: Model, n_references: int) -> Known:
    """The error rates with so many references: on test writers, where they were measured."""
    rule = model.pipeline[-1].threshold(n_references)
    tested = model.metadata.get("figures", {}).get("rates", {}).get(str(n_references))
    if tested is None:
        return Known(rule.far, rule.frr, rule.n)
    far, frr = tested[f"far_{rule.against}"], tested["frr"]
    return Known(
        far["value"], frr["value"], frr["n"], (far["low"], far["high"]), (frr["low"], frr["high"])
    )


def limits(model: Model) -> str:
    """The limits of use, in a line."""
    return (
        f"Limits: trained on {model.trained_on}; on other writers, pens and cameras the error "
        "rates differ, and are likely higher. A score is an indication, not proof of who wrote."
    )


def draw(verdict: Verdict) -> Image:
    """The questioned picture and each reference, as the network saw them, side by side."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = verdict.seen[0].shape
    line = _TEXT + _GAP
    n = len(verdict.references)
    size = (2 * width + 3 * _GAP, n * (height + line) + _GAP)
    canvas = Image.new("L", size, 235)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(_TEXT - 2)
    places = [(0, 0), *((1, row) for row in range(n))]
    names = [verdict.file, *verdict.references]
    for picture, name, (column, row) in zip(verdict.seen, names, places, strict=True):
        left, top = _GAP + column * (width + _GAP), row * (height + line)
        what = "questioned" if column == 0 else "reference"
        pen.text((left, top + _GAP / 2), f"{what}: {_short(Path(name).name)}", 0, font)
        gray = np.rint(255 * (1 - picture)).astype(np.uint8)
        canvas.paste(Image.fromarray(gray), (left, top + line))
    return canvas


def _short(name: str, most: int = 20) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
