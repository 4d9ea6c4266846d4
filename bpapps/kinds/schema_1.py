"""Results of schema 1, which had one field for whatever any task measured, as those of today.

Everything here is plain data, as JSON holds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bpapps.plain import from_plain, to_plain
from bpapps.results import SCHEMA

if TYPE_CHECKING:
    from bpapps.kinds.base import Kind

Plain = Mapping[str, Any]

KEPT = (
    "task", "title", "summary", "made", "data", "model", "training", "dependence_reading",
    "scores", "step_memory",
)  # fmt: skip
"""Fields that stayed as they were."""


def upgrade(plain: Plain, kind: Kind) -> dict[str, Any] | None:
    """Plain results of schema 2, where those of schema 1 are of this kind.

    Raises ValueError that says which field is missing or wrong.
    """
    try:
        changed = kind.upgrade(plain)
        if changed is None:
            return None
        details = from_plain(kind.details, changed["details"], "results")
        headline = kind.headline(details, plain["data"])
    except KeyError as error:
        raise ValueError(f"results lacks {error.args[0]}") from None
    except (TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"results are damaged: {error}") from None
    return {
        **{name: plain[name] for name in KEPT if name in plain},
        "schema": SCHEMA,
        "kind": kind.name,
        "headline": to_plain(headline, "headline"),
        **changed,
    }


def figure(name: str, interval: Plain, lower: bool = False, of: str = "test picture") -> Plain:
    """A figure."""
    return {"name": name, "interval": interval, "lower_is_better": lower, "of": of}


def speed(plain: Plain, title: str, of: str) -> list[Plain]:
    """What was timed, where anything was."""
    known = plain["speed"]
    if not {"pictures_per_second", "milliseconds_one"} <= known.keys():
        return []
    rate, one = known["pictures_per_second"], known["milliseconds_one"]
    return [{"title": title, "of": of, "a_second": rate, "milliseconds_one": one}]


def curve(old: Plain, points: Sequence[Plain], figures: Any) -> Plain:
    """A noise curve, whose points' figures are made by ``figures(point)``."""
    kept = ("severity", "setting", "picture")
    return {
        "name": old["name"],
        "title": old["title"],
        "points": [{**{k: p[k] for k in kept}, "figures": figures(p)} for p in points],
        "drop5": old.get("drop5"),
    }


def dependence(plain: Plain, figures: Any) -> dict[str, Any]:
    """Both curves of dependence on the data; ``figures(accuracy)`` makes THE score."""
    return {
        name: [
            {**{k: p[k] for k in ("share", "n_train", "seconds")}, "figure": figures(p["accuracy"])}
            for p in plain.get(name, [])
        ]
        for name in ("learning_curve", "label_noise")
    }


def rivals(plain: Plain) -> list[Plain]:
    """Nets side by side."""
    return [
        {
            **{k: v for k, v in r.items() if k != "accuracy"},
            "figure": figure("accuracy", r["accuracy"]),
        }
        for r in plain.get("rivals", [])
    ]
