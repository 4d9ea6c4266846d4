"""The nets that compare signatures, by name: what ``--preset`` chooses from.

Each is a set of parameters for :class:`bpapps.kinds.verification.pairs.PairClassifier`.
"""

from __future__ import annotations

from dataclasses import replace

from bpapps.core import (
    Alignment,
    Average,
    Chain,
    Conv2D,
    Dense,
    Difference,
    Each,
    Flatten,
    GlobalPool2D,
    GroupNorm,
    Layer,
    MaxPool2D,
    ReLU,
    Reshape,
)
from bpapps.pictures.augment import Distortion
from bpapps.tasks import Preset
from bpapps.tasks.signatures.preprocess import SignatureNormalizer

PREPROCESSING = SignatureNormalizer
HEIGHT, WIDTH = 96, 192


def _maps() -> list[Layer]:
    """Four convolutions on a signature: a map of 12×24 places of 32 features."""
    return [
        Reshape((HEIGHT, WIDTH, 1)),
        *(Conv2D(16, 5, stride=2, padding=2), GroupNorm(8), ReLU(), MaxPool2D()),
        *(Conv2D(32, 3, padding=1), GroupNorm(8), ReLU(), MaxPool2D()),
        *(Conv2D(64, 3, padding=1), GroupNorm(8), ReLU()),
        *(Conv2D(64, 3, padding=1), GroupNorm(8), ReLU()),
        Conv2D(32, 1),
    ]


def _compared_in_place() -> list[Layer]:
    """One map bent to the other, and what remains of the difference."""
    remains = Chain(
        *(Conv2D(48, 1), GroupNorm(8), ReLU()),
        *(Conv2D(48, 3, padding=1), GroupNorm(8), ReLU()),
        *(GlobalPool2D(), Dense(48), ReLU()),
    )
    return [Alignment(), Each(remains), Average()]


DISTORTION = Distortion(
    (HEIGHT, WIDTH), shift=2.0, rotation=4, scale=0.08, shear=0.08, elastic=1.5, smoothness=14.0,
    thickness=0.5,
)  # fmt: skip
"""What signatures go through in training: less than would make them another writer's."""

REAL = replace(DISTORTION, rotation=2, scale=0.04, shear=0.04, elastic=0.8, thickness=0.3)
"""The same for a net that is trained further on real writers, whose forgers come closer."""

_TRAINING = {
    "group": (4, 4, 2),
    "batch_size": 8,
    "solver": "adamw",
    "alpha": 0.0,
    "learning_rate": "warmup-cosine",
    "learning_rate_init": 1e-3,
    "max_norm": 5.0,
    "augment": DISTORTION,
}

_ALIGN = {
    "layers": _maps(),
    "comparison": _compared_in_place(),
    **_TRAINING,
    "n_groups": 400,
    "max_iter": 16,
}

PRESETS = {
    "align": Preset(
        summary="two maps of features, one bent to the other and compared in place: most accurate",
        preprocessing={"height": HEIGHT, "width": WIDTH},
        estimator=_ALIGN,
    ),
    "adapt": Preset(
        summary="the net of align with less distortion and a second look at each pair, to train "
        "it further on real writers: --start signatures",
        preprocessing={"height": HEIGHT, "width": WIDTH},
        estimator={**_ALIGN, "max_iter": 10, "augment": REAL, "votes": 1},
    ),
    "vector": Preset(
        summary="a vector of 64 numbers for each signature, the classic siamese net: quicker",
        preprocessing={"height": HEIGHT, "width": WIDTH},
        estimator={
            "layers": [*_maps(), ReLU(), MaxPool2D(), Flatten(), Dense(64)],
            "comparison": [Difference(), Dense(32), ReLU()],
            **_TRAINING,
            "n_groups": 400,
            "max_iter": 16,
        },
    ),
}
