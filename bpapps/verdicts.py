"""What a verifier says of a questioned picture and its references, and what it saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpapps.images import PictureError, read_picture
from bpapps.models import Model

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

_GAP, _TEXT = 8, 14  # pixels between the pictures of an annotation, and of its letters


@dataclass(frozen=True)
class Verdict:
    """Whether a questioned picture is consistent with the references, and what that is worth.

    ``score`` is compared with ``threshold``, which was chosen on ``n_writers`` development
    writers; ``far`` and ``frr`` were the error rates there. ``genuine_below`` and
    ``forged_above`` say how sure it is: the shares of those writers' genuine signatures with a
    lower score, and of their forgeries with one as high. ``problem`` is a line that says why there
    is no verdict, or is empty. ``seen`` are the questioned picture and the references as the
    network saw them, (h, w) each, ink bright.
    """

    file: str
    references: list[str]
    problem: str
    consistent: bool | None = None
    score: float | None = None
    threshold: float | None = None
    far: float | None = None
    frr: float | None = None
    against: str = ""
    genuine_below: float | None = None
    forged_above: float | None = None
    n_writers: int = 0
    limits: str = ""
    seen: Sequence[NDArray[np.float32]] = field(default=(), repr=False, compare=False)

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        said = "consistent" if self.consistent else "not consistent"
        count = f"{len(self.references)} reference{'s' if len(self.references) > 1 else ''}"
        return "\n".join(
            [
                f"{self.file}: {said} with the references ({count})",
                f"  score {self.score:.2f}, threshold {self.threshold:.2f}: "
                f"{self.genuine_below:.0%} of genuine signatures score lower, "
                f"{self.forged_above:.0%} of {self.against} forgeries as high",
                f"  at the threshold {self.far:.1%} of {self.against} forgeries are accepted (FAR) "
                f"and {self.frr:.1%} of genuine signatures rejected (FRR), of "
                f"{self.n_writers} development writers",
                f"  {self.limits}",
            ]
        )

    def plain(self) -> dict[str, Any]:
        """As JSON data; ``problem`` is null where there is none."""
        told = asdict(replace(self, seen=()))
        del told["seen"]
        return {**told, "problem": self.problem or None}


def compare(model: Model, files: Sequence[Path], references: Sequence[Path]) -> list[Verdict]:
    """A verdict on each questioned file; a bad file is a verdict with a problem, not an error.

    Raises:
        ValueError: no reference, or one that cannot be used.
    """
    if not references:
        raise ValueError("no reference: give one genuine signature at least")
    known = [_usable(model, file) for file in references]
    rows = model.pipeline[0].transform(known)
    return [_judge(model, file, rows, [str(one) for one in references]) for file in files]


def _usable(model: Model, file: Path) -> NDArray[np.float32]:
    """The picture in a file; PictureError where there is none, or nothing to compare."""
    picture = read_picture(file)
    problem = model.pipeline[0].inspect(picture)
    if problem:
        raise PictureError(f"{file}: nothing to compare, {problem}")
    return picture


def _judge(model: Model, file: Path, rows: NDArray[np.float32], references: list[str]) -> Verdict:
    try:
        picture = _usable(model, file)
    except PictureError as error:
        return Verdict(str(file), references, str(error))
    step, net = model.pipeline[0], model.pipeline[-1]
    questioned = step.transform([picture])
    score = float(net.score_samples(questioned, rows)[0])
    scale = net.scale(len(rows))
    rule = scale.threshold
    return Verdict(
        str(file),
        references,
        "",
        consistent=score >= rule.value,
        score=score,
        threshold=rule.value,
        far=rule.far,
        frr=rule.frr,
        against=rule.against,
        genuine_below=scale.genuine_below(score),
        forged_above=scale.forged_above(score),
        n_writers=rule.n,
        limits=limits(model),
        seen=[row.reshape(step.height, step.width) for row in (*questioned, *rows)],
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
