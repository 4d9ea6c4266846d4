"""A verifier's results of schema 1 as those of today, plain data both."""

from __future__ import annotations

from typing import Any

from bpapps.experiments import drop_severity
from bpapps.kinds import schema_1
from bpapps.kinds.schema_1 import Plain
from bpapps.plain import from_plain
from bpapps.results import NoisePoint


def upgrade(plain: Plain) -> dict[str, Any]:
    """The fields of results that were others."""
    scores = {**plain["verifier"]}
    curves = [_curve(one) for one in scores.pop("noise", [])]
    kept = {"accuracy": plain["accuracy"], "calibration": plain["calibration"]}
    return {
        "details": {**kept, **scores},
        "speed": schema_1.speed(plain, "Comparison", "pair"),
        "noise": [{"title": "Questioned pictures", "curves": curves}] if curves else [],
        **schema_1.dependence(plain, lambda i: schema_1.figure("accuracy", i, of="writer")),
        "rivals": [],
    }


def _curve(old: Plain) -> Plain:
    """A noise curve, which did not say where THE score had lost 5 points."""
    new = schema_1.curve(old, old["points"], _figures)
    points = [from_plain(NoisePoint, point, "results.verifier.noise") for point in new["points"]]
    return {**new, "drop5": drop_severity(points)}


def _figures(point: Plain) -> list[Plain]:
    found = {"EER": point["eer"], "FRR": point["frr"], "FAR": point["far_skilled"]}
    return [schema_1.figure(name, rate, True, "writer") for name, rate in found.items() if rate]
