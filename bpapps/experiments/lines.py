"""How well whole lines are read, as they are and under corruptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bpapps.evaluation import LineCurve, LinePoint, LineScores, error_rate, png_uri, wilson
from bpapps.experiments.common import Progress, silent
from bpapps.experiments.noise import point_generator
from bpapps.pictures import noise
from bpapps.pictures.noise import Images

LINE_CORRUPTIONS = ("gaussian", "blur", "contrast")


LINE_SEVERITIES = (1, 2, 3)


def line_scores(
    read: Callable[[Images], str],
    distance: Callable[[str, str], int],
    texts: Sequence[str],
    pictures: Sequence[Images],
    *,
    corruptions: Sequence[str] = LINE_CORRUPTIONS,
    n_spoilt: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> LineScores:
    """Measure how well lines are read, as they are and under corruptions.

    ``read`` takes a gray picture (h, w) in [0, 1] and returns its text, or raises ValueError
    where it finds none; ``distance(truth, read)`` counts the errors. ``corruptions`` are names,
    each measured at :data:`LINE_SEVERITIES` on the first ``n_spoilt`` lines, by default on all.
    """
    report = progress or silent
    done, total = 0, 1 + len(corruptions) * len(LINE_SEVERITIES)

    def point(severity: int, setting: str, seen: Sequence[Images]) -> LinePoint:
        nonlocal done
        said = [_text(read, picture) for picture in seen]
        truths = texts[: len(seen)]
        errors = [distance(truth, text) for truth, text in zip(truths, said, strict=True)]
        done += 1
        report(done, total, "lines" if not severity else f"lines, {setting}")
        return LinePoint(
            severity=severity,
            setting=setting,
            error_rate=error_rate(errors, [len(truth) for truth in truths]),
            exact=wilson(sum(error == 0 for error in errors), len(errors)),
            picture=png_uri(seen[0]),
        )

    def curve(name: str) -> LineCurve:
        corruption = noise.find(name)
        points = []
        for severity in LINE_SEVERITIES:
            rng = point_generator(seed, name, severity)
            spoilt = corruption.each(pictures[:n_spoilt], severity, rng)
            points.append(point(severity, corruption.setting(severity), spoilt))
        return LineCurve(name, corruption.title, points)

    return LineScores(point(0, "unchanged", pictures), [curve(name) for name in corruptions])


def _text(read: Callable[[Images], str], picture: Images) -> str:
    try:
        return read(picture)
    except ValueError:  # there is nothing to read in it
        return ""
