"""From nothing to 99% on MNIST, as one process: start, load, train, test, exit.

    python scripts/mnist_in_seconds.py --seed 0

It prints its test accuracy as JSON. The net and its schedule were fixed beforehand on the
training set: ``--validate`` trains on its first 50,000 pictures and tests on its last 10,000.
``--torch`` does the same work with PyTorch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from bpapps.core.malloc import keep_freed_memory
from bpapps.core.schedules import OneCycle
from bpapps.data import named

EPOCHS = 2
BATCH = 100
RATE = 0.012
DECAY = 0.03
WARM_UP = 0.15

Data = tuple[NDArray, NDArray, NDArray, NDArray]


@click.command()
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--validate", is_flag=True, help="Leave the test set alone.")
@click.option("--torch", "with_torch", is_flag=True, help="The same with PyTorch.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where data sets lie.")
def main(seed: int, validate: bool, with_torch: bool, data_dir: Path | None) -> None:
    """Train on MNIST once, and print the accuracy."""
    if not with_torch:
        keep_freed_memory()
    fit = fit_torch if with_torch else fit_bpapps
    try:
        data = load(validate, data_dir)
        predictions = fit(seed, *data[:3])
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error}: pip install -e '.[bench]'") from None
    click.echo(json.dumps({"seed": seed, "accuracy": float((predictions == data[3]).mean())}))


def load(validate: bool, data_dir: Path | None) -> Data:
    """Training and test pictures, (n, 784) in [0, 1], and labels."""
    mnist = named.load("mnist", data_dir)
    assert mnist.test is not None
    pictures, labels = _flat(mnist.whole.pictures), mnist.whole.targets.astype(np.int64)
    if validate:
        return pictures[:50_000], labels[:50_000], pictures[50_000:], labels[50_000:]
    return pictures, labels, _flat(mnist.test.pictures), mnist.test.targets.astype(np.int64)


def _flat(pictures: Any) -> NDArray[np.float32]:
    flat = np.asarray(pictures).reshape(len(pictures), -1)
    return flat * np.float32(1 / 255)


def fit_bpapps(seed: int, X: NDArray, y: NDArray, test: NDArray) -> NDArray:
    """Predictions for ``test`` of a net trained on X and y."""
    from bpapps import core
    from bpapps.core.threads import default_threads

    net = core.Chain(
        core.Reshape((28, 28, 1)),
        *(core.Conv2D(16, 5, stride=2, padding=1), core.ReLU()),
        *(core.Conv2D(32, 3), core.MaxPool2D(), core.ReLU()),
        *(core.Conv2D(64, 3), core.ReLU()),
        *(core.Flatten(), core.Dense(10)),
    )
    params = core.initial_params(net, (784,), seed)
    plan = core.Plan(
        loss=core.SoftmaxCrossEntropy(),
        optimizer=core.AdamW(weight_decay=DECAY),
        learning_rate=RATE,
        schedule=OneCycle(WARM_UP),
        batch_size=BATCH,
        max_epochs=EPOCHS,
        seed=seed,
        microbatch=BATCH // 2,
    )
    threads = default_threads()
    for _ in core.train(net, params, X, y, plan, threads=threads):
        pass
    return core.forward(net, params, test, BATCH // 2, threads).argmax(axis=1)


def fit_torch(seed: int, X: NDArray, y: NDArray, test: NDArray) -> NDArray:
    """The same net, schedule and number of steps in PyTorch, in the way that is fastest there."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    net = nn.Sequential(
        *(nn.Conv2d(1, 16, 5, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(576, 10)),
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY, fused=True)
    schedule = OneCycle(WARM_UP)
    pictures = torch.from_numpy(X).reshape(-1, 1, 28, 28)
    labels = torch.from_numpy(y)
    steps_an_epoch = -(-len(X) // BATCH)
    for step in range(EPOCHS * steps_an_epoch):
        start = step % steps_an_epoch * BATCH
        if start == 0:
            order = torch.randperm(len(X))
        rows = order[start : start + BATCH]
        optimizer.param_groups[0]["lr"] = RATE * schedule(step, EPOCHS * steps_an_epoch)
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(net(pictures[rows]), labels[rows]).backward()
        optimizer.step()
    with torch.inference_mode():
        parts = torch.from_numpy(test).reshape(-1, 1, 28, 28).split(1000)
        return torch.cat([net(part).argmax(dim=1) for part in parts]).numpy()


if __name__ == "__main__":
    main()
