"""The nets that read characters, by name: what ``--preset`` chooses from.

Each is a set of parameters for :class:`bpapps.estimators.BackpropClassifier`. There is one net for
all 62 characters: a grouping is a sum of its outputs (:mod:`bpapps.tasks.characters.classes`).
"""

from __future__ import annotations

from dataclasses import replace

from bpapps.core import (
    Beside,
    Chain,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
    Reshape,
    Tanh,
)
from bpapps.pictures.augment import Distortion
from bpapps.tasks import Preset
from bpapps.tasks.characters.preprocess import SIZES, CharacterNormalizer

PREPROCESSING = CharacterNormalizer
FIELD = {"size": 28, "box": 24}
PRINT_FIELD = {**FIELD, "widen": True}
PHOTO_FIELD = {**FIELD, "sizes": True}


def _cnn() -> list[Layer]:
    """Four convolutions on two channels of 28×28."""
    return [
        Reshape((28, 28, 2)),
        *(Conv2D(32, 3, padding=1), MaxPool2D(), ReLU()),
        *(Conv2D(64, 3, padding=1), MaxPool2D(), ReLU()),
        *(Conv2D(128, 3, padding=1), ReLU()),
        *(Conv2D(128, 3), ReLU()),
        *(Flatten(), Dropout(0.5)),
    ]


def _cnn_with_sizes() -> list[Layer]:
    """The same, with the sizes of ink and stroke beside what it makes of the pixels."""
    return [Beside(Chain(*_cnn()), Chain(Dense(32), Tanh()), len(SIZES))]


_DISTORTED = Distortion(
    (28, 28), shift=0.6, rotation=6, scale=0.08, shear=0.12, elastic=0.9, smoothness=4.0,
    thickness=0.4, clean=0.2, channels=2,
)  # fmt: skip

HANDWRITTEN = replace(
    _DISTORTED, rotation=8, shear=0.16, elastic=1.2, thickness=0.1, clean=0.1,
    extra=len(SIZES), jitter=0.15,
)  # fmt: skip
"""What handwriting goes through while a net is trained on it. Its thickness tells of its size."""

PRINTED = replace(_DISTORTED, rotation=3, scale=0.05, shear=0.06, elastic=0.5, lost=0.1)
"""The same for print. Some of it is as if it were cut out of its line: then the size is lost."""

_TRAINING = {
    "solver": "adamw",
    "alpha": 0.0,
    "weight_decay": 0.02,
    "learning_rate": "one-cycle",
    "learning_rate_init": 3e-3,
    "label_smoothing": 0.1,
    "batch_size": 64,
}

PRESETS = {
    "cnn": Preset(
        summary="four convolutions, for print: minutes for tens of thousands, the most accurate",
        preprocessing=PRINT_FIELD,
        estimator={"layers": _cnn(), **_TRAINING, "max_iter": 14, "augment": PRINTED},
    ),
    "photos": Preset(
        summary="the same net for few photos of handwriting, told their size, with 16 more looks",
        preprocessing=PHOTO_FIELD,
        estimator={
            "layers": _cnn_with_sizes(),
            **_TRAINING,
            "max_iter": 120,
            "augment": HANDWRITTEN,
            "votes": 16,
        },
    ),
    "mlp": Preset(
        summary="1568-400, one hidden layer: the classic net",
        preprocessing=PRINT_FIELD,
        estimator={
            "hidden_layer_sizes": (400,),
            **_TRAINING,
            "dropout": 0.3,
            "max_iter": 20,
            "augment": PRINTED,
        },
    ),
}
