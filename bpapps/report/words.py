"""Numbers as people read them: percentages that suit their interval, counts, times.

A figure that is missing or not a number becomes a dash, never ``nan%``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeGuard

from bpapps.measures.intervals import Interval
from bpapps.results import Score

DASH = "–"


class Code(str):
    """Text that is typed: a command."""


def known(value: Any) -> TypeGuard[float]:
    """Whether the value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def measured(interval: Interval) -> bool:
    """Whether anything was counted: precision of a class never predicted is not a figure."""
    return interval.n > 0 and known(interval.value)


def percent(value: float | None, decimals: int = 1) -> str:
    """``0.9962`` as ``99.6%``."""
    return f"{100 * value:.{decimals}f}%" if value is not None and known(value) else DASH


def share(value: float) -> str:
    """A round share, as one would say it: ``0.05`` as ``5%``."""
    return f"{100 * value:.3g}%" if known(value) else DASH


def span(low: float, high: float) -> str:
    """A range of shares: ``93.3–100%``."""
    return f"{100 * low:.3g}–{100 * high:.3g}%"


def decimals(width: float) -> int:
    """Decimals for a percentage that is uncertain by this much: two under one point."""
    return 2 if known(width) and width < 0.01 else 1


def places(intervals: Iterable[Interval]) -> int:
    """Decimals that suit all figures of a table: those of its widest interval."""
    return decimals(max((i.high - i.low for i in intervals if measured(i)), default=1.0))


def value(interval: Interval, digits: int | None = None) -> str:
    """The value of an interval, as ``99.62%``."""
    if not measured(interval):
        return DASH
    return percent(interval.value, places([interval]) if digits is None else digits)


def ends(interval: Interval, digits: int | None = None) -> str:
    """The ends of an interval, as ``99.48–99.73``."""
    if not measured(interval):
        return ""
    digits = places([interval]) if digits is None else digits
    return f"{100 * interval.low:.{digits}f}–{100 * interval.high:.{digits}f}"


def with_interval(interval: Interval) -> str:
    """Value, ends and count in one line: ``99.62% (99.48–99.73, n = 10,000)``."""
    if not measured(interval):
        return DASH
    return f"{value(interval)} ({ends(interval)}, n = {count(interval.n)})"


def spread(score: Score) -> str:
    """Mean and spread of several runs: ``99.21 ± 0.15%``; a single run has no spread."""
    if not known(score.mean):
        return DASH
    if len(score.values) < 2 or not known(score.spread):
        return percent(score.mean, 2)
    digits = decimals(score.spread)
    return f"{100 * score.mean:.{digits}f} ± {100 * score.spread:.{digits}f}%"


def runs(score: Score) -> str:
    """How many values stand behind a score: ``5 runs``."""
    n = len(score.values)
    return f"{n} run" if n == 1 else f"{n} runs"


def target(score: Score) -> str:
    """The target and whether the mean reaches it: ``99.0% met``; a dash where none was set."""
    if score.target is None or not known(score.target):
        return DASH
    mean, limit = (-score.mean, -score.target) if score.at_most else (score.mean, score.target)
    met = known(score.mean) and mean >= limit
    digits = 1 if math.isclose(1000 * score.target, round(1000 * score.target)) else 2
    text = (
        f"at most {percent(score.target, digits)}"
        if score.at_most
        else percent(score.target, digits)
    )
    return f"{text} {'met' if met else 'missed'}"


def count(n: Any) -> str:
    """A whole number with thousands separators."""
    return f"{round(n):,}" if known(n) else DASH


def start(model: Any) -> str:
    """What another model was trained further from, of what data and how long, or nothing.

    ``the shipped model digits, trained on MNIST for 4 min``; then what that was started from.
    """
    if not isinstance(model, dict):
        return ""
    name = f"the shipped model {model.get('model')}" if model.get("shipped") else model.get("model")
    data = f"trained on {model['data']}" if model.get("data") else ""
    if data and model.get("seconds"):
        data += f" for {duration(model['seconds'])}"
    before = start(model.get("start"))
    told = [name, data, f"which was started from {before}" if before else ""]
    return ", ".join(str(part) for part in told if part)


def duration(seconds: Any) -> str:
    """Seconds in the unit one would say them in: ``38 s``, ``4 min 12 s``, ``2 h 5 min``."""
    if not known(seconds):
        return DASH
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def date(text: Any) -> str:
    """A point in time in ISO format as ``2025-03-14 09:26 UTC``; other text as it is."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text or "")
    return f"{time:%Y-%m-%d %H:%M} {time.tzname() or ''}".strip()


def number(value: Any) -> str:
    """A plain figure to three digits: ``0.0213``, ``4.2``, ``1,830``."""
    if not known(value):
        return DASH
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def setting(value: Any) -> str:
    """A setting of the model, of whatever kind, in one short line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {setting(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(setting(part) for part in value)
    return str(value)


def capital(text: str) -> str:
    """Text that begins a sentence."""
    return text[:1].upper() + text[1:]


def plural(n: Any, one: str) -> str:
    """``1 picture``, ``1,797 pictures``."""
    return f"{count(n)} {one if n == 1 else one + 's'}" if known(n) else DASH


def milliseconds(value: Any) -> str:
    """A time given in milliseconds: ``2.1 ms``, ``0.35 ms``."""
    return f"{value:.3g} ms" if known(value) else DASH


def extremes(score: Score) -> str:
    """Lowest and highest of several runs, as ``99.0 – 99.4%``."""
    values = [v for v in score.values if known(v)]
    if len(values) < 2:
        return DASH
    digits = decimals(score.spread)
    return f"{100 * min(values):.{digits}f} – {100 * max(values):.{digits}f}%"


def memory(n_bytes: Any) -> str:
    """``12.3 MB``, of a million bytes each; a dash where it is not known."""
    return f"{n_bytes / 1e6:,.1f} MB" if known(n_bytes) else "–"


def rate(value: Any, one: str = "picture") -> str:
    """So many pictures, or what else, a second."""
    return f"{plural(value, one)} a second" if known(value) else DASH


def ratio(value: Any) -> str:
    """How many times: ``1.23``, ``12.3``, ``123``."""
    if not known(value):
        return DASH
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"


def brief(seconds: Any) -> str:
    """A time to three digits in the unit that suits it: ``8.31 µs``, ``2.31 ms``, ``4.92 s``."""
    if not known(seconds):
        return DASH
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1 or unit == "µs":
            break
    return f"{ratio(seconds * factor)} {unit}"
