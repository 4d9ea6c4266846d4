"""A training for a test to kill: ``python killable.py CHECKPOINT RESULT`` prints its epochs."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpapps.core import (
    SGD,
    Chain,
    Cosine,
    Dense,
    Dropout,
    Epoch,
    Params,
    Plan,
    ReLU,
    SoftmaxCrossEntropy,
    initial_params,
    train,
    training,
)
from bpapps.core.draws import Augmented

EPOCHS = 60


@dataclass(frozen=True)
class Noise:
    """Adds Gaussian noise: an augmentation with a name of its own."""

    deviation: float

    def __call__(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return x + self.deviation * rng.standard_normal(x.shape, dtype=np.float32)


def run(checkpoint: Path | None, report: bool = False) -> tuple[Params, list[Epoch]]:
    """All that a checkpoint must carry: momentum, dropout, noise, a schedule, best weights."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 30)).astype(np.float32)
    y = (np.abs(X[:, :3]).argmax(axis=1) + (rng.random(400) < 0.2)) % 3
    network = Chain(Dense(60), ReLU(), Dropout(0.2), Dense(3))
    params = initial_params(network, (30,), seed=0)
    plan = Plan(
        loss=SoftmaxCrossEntropy(),
        optimizer=SGD(0.9, nesterov=True),
        learning_rate=0.05,
        schedule=Cosine(),
        batch_size=32,
        microbatch=8,
        max_epochs=EPOCHS,
        draw=Augmented(Noise(0.1)),
        early_stopping=True,
        patience=4,
        tol=0.0,
        reduce_on_plateau=True,
    )
    validation = (X[300:], y[300:], None)
    epochs = []
    for epoch in train(
        network, params, X[:300], y[:300], plan, validation=validation, checkpoint=checkpoint
    ):
        epochs.append(epoch)
        if report:
            print(epoch.epoch, flush=True)
    return params, epochs


if __name__ == "__main__":
    training.CHECKPOINT_SECONDS = 0.0
    trained, _ = run(Path(sys.argv[1]), report=True)
    Path(sys.argv[2]).write_bytes(trained.vector.tobytes())
