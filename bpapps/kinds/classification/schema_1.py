"""A classifier's results of schema 1 as those of today, plain data both."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from bpapps.kinds import schema_1
from bpapps.kinds.classification.records import Details
from bpapps.kinds.schema_1 import Plain


def upgrade(plain: Plain) -> dict[str, Any]:
    """The fields of results that were others."""
    details = {each.name: plain[each.name] for each in fields(Details) if each.name in plain}
    sweeps = _pictures(plain)
    if lines := details.get("lines"):
        kept = ("error_rate", "exact", "picture")
        details["lines"] = {name: lines["clean"][name] for name in kept}
        sweeps += _lines(lines)
    return {
        "details": details,
        "speed": schema_1.speed(plain, "Recognition", "picture"),
        "noise": sweeps,
        **schema_1.dependence(plain, lambda i: schema_1.figure("accuracy", i)),
        "rivals": schema_1.rivals(plain),
    }


def _pictures(plain: Plain) -> list[Plain]:
    def figures(point: Plain) -> list[Plain]:
        return [schema_1.figure("accuracy", point["accuracy"])]

    curves = [schema_1.curve(one, one["points"], figures) for one in plain.get("noise", [])]
    reading = plain.get("noise_reading", "")
    return [{"title": "Test pictures", "curves": curves, "reading": reading}] if curves else []


def _lines(lines: Plain) -> list[Plain]:
    def figures(point: Plain) -> list[Plain]:
        return [
            schema_1.figure("character error rate", point["error_rate"], True, "character"),
            schema_1.figure("exact lines", point["exact"], of="line"),
        ]

    curves = [
        schema_1.curve(one, [lines["clean"], *one["points"]], figures) for one in lines["noise"]
    ]
    return [{"title": "Whole lines", "curves": curves}] if curves else []
