"""How figures were made, as a report tells."""

import json
from datetime import datetime

import numpy as np

from bpapps import __version__
from bpapps.made import made as how
from bpapps.plain import to_plain


def test_made_says_how_when_and_where():
    made = how("bpapps report digits", seed=3, seconds=1.25)
    assert made["command"] == "bpapps report digits"
    assert (made["seed"], made["seconds"]) == (3, 1.25)
    date = datetime.fromisoformat(made["date"])
    assert date.utcoffset().total_seconds() == 0
    assert abs(date.timestamp() - datetime.now().timestamp()) < 60
    assert made["versions"]["bpapps"] == __version__
    assert made["versions"]["numpy"] == np.__version__
    assert {"python", "scipy", "scikit-learn"} <= set(made["versions"])
    assert made["machine"]["cores"] >= 1
    assert made["machine"]["processor"]
    assert made["machine"]["blas"]
    assert json.loads(json.dumps(to_plain(made, "made"))) == made, "it stands in results.json"
