"""The nets that read digits, by name: what ``--preset`` chooses from.

Each is a set of parameters for :class:`bpapps.estimators.BackpropClassifier`, and the size that
pictures are normalised to for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bpapps.core import (
    Chain,
    Conv2D,
    Dense,
    Dropout,
    FixedPoint,
    Flatten,
    GroupNorm,
    Layer,
    MaxPool2D,
    ReLU,
    Reshape,
)
from bpapps.pictures.augment import Distortion
from bpapps.tasks import Preset
from bpapps.tasks.digits.preprocess import DigitNormalizer

PREPROCESSING = DigitNormalizer
MNIST_FIELD = {"size": 28, "box": 20, "center": "mass"}
OPTDIGITS_FIELD = {"size": 8, "box": 8, "center": "box"}


def _cnn() -> list[Layer]:
    """Four convolutions on 28×28."""
    return [
        Reshape((28, 28, 1)),
        *(Conv2D(32, 5, padding=2), MaxPool2D(), ReLU()),
        *(Conv2D(64, 3, padding=1), ReLU()),
        *(Conv2D(64, 3), MaxPool2D(), ReLU()),
        *(Conv2D(128, 3), ReLU()),
        *(Flatten(), Dropout(0.5)),
    ]


def _small() -> list[Layer]:
    """Three convolutions on 8×8."""
    return [
        Reshape((8, 8, 1)),
        *(Conv2D(32, 3, padding=1), GroupNorm(4), ReLU()),
        *(Conv2D(64, 3, padding=1), GroupNorm(4), ReLU(), MaxPool2D()),
        *(Conv2D(64, 3, padding=1), GroupNorm(4), ReLU()),
        *(Flatten(), Dropout(0.4)),
    ]


SETTLING: dict[str, Any] = {"backward_tol": 1e-2, "jacobian_penalty": 1.0}
"""Without the penalty activations took twice as many iterations; an error that is 1% off trained
as well."""


def _equilibrium() -> list[Layer]:
    """One layer of 256 neurons that feed each other until they settle."""
    cell = Chain(ReLU(), Dense(256, "glorot_uniform"))
    return [FixedPoint(cell, inject=Dense(256), **SETTLING), ReLU()]


def _equilibrium_cnn() -> list[Layer]:
    """Two convolutions, then one on 7×7 places that is fed back until it settles."""
    cell = Chain(ReLU(), Conv2D(64, 3, padding=1, initializer="glorot_uniform"))
    return [
        Reshape((28, 28, 1)),
        *(Conv2D(32, 5, padding=2), MaxPool2D(), ReLU()),
        *(Conv2D(64, 3, padding=1), MaxPool2D(), ReLU()),
        *(FixedPoint(cell, inject=Conv2D(64, 3, padding=1), **SETTLING), ReLU()),
        *(Flatten(), Dropout(0.5)),
    ]


MNIST_DISTORTION = Distortion(
    (28, 28), shift=0.6, rotation=6, scale=0.08, shear=0.12, elastic=0.9, smoothness=4.0,
    thickness=0.4, clean=0.3,
)  # fmt: skip
"""What digits of 28×28 pixels go through while a net is trained on them."""

_DENSE_TRAINING: dict[str, Any] = {
    "solver": "adamw",
    "alpha": 0.0,
    "learning_rate": "one-cycle",
    "learning_rate_init": 2e-3,
    "batch_size": 256,
    "max_iter": 60,
    "augment": replace(MNIST_DISTORTION, thickness=0.3),
}
"""How both nets of one dense layer are trained, so that they can be told apart by the layer."""

PRESETS = {
    "small": Preset(
        summary="small convolutional net for 8×8 pictures: trains in seconds",
        preprocessing=OPTDIGITS_FIELD,
        estimator={
            "layers": _small(),
            "solver": "adamw",
            "alpha": 0.0,
            "learning_rate": "one-cycle",
            "weight_decay": 0.05,
            "learning_rate_init": 5e-3,
            "batch_size": 60,
            "max_iter": 125,
            "augment": Distortion(
                (8, 8), shift=0.25, scale=0.08, shear=0.08, rotation=6, elastic=0.25,
                smoothness=2.0, gain=0.1, noise=0.05,
            ),
        },
    ),
    "cnn": Preset(
        summary="four convolutions for 28×28 pictures: minutes for MNIST, the most accurate",
        preprocessing=MNIST_FIELD,
        estimator={
            "layers": _cnn(),
            "solver": "adamw",
            "alpha": 0.0,
            "weight_decay": 0.02,
            "learning_rate": "one-cycle",
            "learning_rate_init": 2e-3,
            "batch_size": 64,
            "max_iter": 16,
            "augment": MNIST_DISTORTION,
        },
    ),
    "mlp": Preset(
        summary="784-800-10, the classic net of one hidden layer, for 28×28 pictures",
        preprocessing=MNIST_FIELD,
        estimator={
            "hidden_layer_sizes": (800,),
            **_DENSE_TRAINING,
        },
    ),
    "equilibrium": Preset(
        summary="784-256-10 by recurrent backpropagation: 256 neurons feed each other till settled",
        preprocessing=MNIST_FIELD,
        estimator={
            "layers": _equilibrium(),
            **_DENSE_TRAINING,
        },
    ),
    "equilibrium-cnn": Preset(
        summary="a convolution fed back till it settles, behind two that are not",
        preprocessing=MNIST_FIELD,
        estimator={
            "layers": _equilibrium_cnn(),
            "solver": "adamw",
            "alpha": 0.0,
            "weight_decay": 0.02,
            "learning_rate": "one-cycle",
            "learning_rate_init": 2e-3,
            "batch_size": 64,
            "max_iter": 12,
            "max_norm": 5.0,
            "augment": MNIST_DISTORTION,
        },
    ),
}  # fmt: skip
