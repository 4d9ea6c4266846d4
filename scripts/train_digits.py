"""Train the digit readers on each protocol, with several seeds, and keep their scores.

    python scripts/train_digits.py halves kfold mnist-cnn mnist-mlp photos

Each protocol writes a row into ``scores.json`` of a report's folder, from where
``bpapps report`` takes it. MNIST's runs are kept in ``runs/``: a finished one is not trained
again, one that was cut off goes on. ``mnist-cnn`` also writes the model that the package ships,
which is seed 0's whatever its score.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from scores import errors_in_a_line, in_words, keep, score
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from tqdm import tqdm

from bpapps import models, runs, tasks
from bpapps.core.malloc import keep_freed_memory
from bpapps.data import named
from bpapps.pictures.arrays import as_pictures
from bpapps.results import Score

DIGITS = tasks.get("digits")
Options = dict[str, Any]


def halves(options: Options) -> tuple[str, Score]:
    """scikit-learn's digits: the first half to train on, the second to test on."""
    split = DIGITS.load_data("digits")
    train, test = ((part.pictures, part.targets) for part in (split.train, split.test))
    values = [_fit("small", seed, *train).score(*test) for seed in _seeds(options)]
    flat = [_flat(train[0]), _flat(test[0])]
    peers = {
        name: peer.fit(flat[0], train[1]).score(flat[1], test[1]) for name, peer in _peers().items()
    }
    text = "first half / second half, not shuffled"
    return "digits", score(
        "scikit-learn digits, halves", text, values, 0.990, peers, options["command"]
    )


def kfold(options: Options) -> tuple[str, Score]:
    """scikit-learn's digits: ten folds, stratified and shuffled by seed 0."""
    whole = named.load("digits").whole
    pictures, labels = np.asarray(whole.pictures), whole.targets
    flat = _flat(pictures)
    values: list[float] = []
    others: dict[str, list[float]] = {name: [] for name in _peers()}
    folds = list(StratifiedKFold(10, shuffle=True, random_state=0).split(flat, labels))
    for fold, (train, test) in enumerate(tqdm(folds, desc="folds", disable=None)):
        net = _fit("small", fold, pictures[train], labels[train])
        values.append(net.score(pictures[test], labels[test]))
        for name, peer in _peers().items():
            others[name].append(
                peer.fit(flat[train], labels[train]).score(flat[test], labels[test])
            )
    peers = {name: statistics.mean(scores) for name, scores in others.items()}
    text = "10 folds, stratified, shuffled"
    return "digits", score(
        "scikit-learn digits, 10-fold", text, values, 0.993, peers, options["command"]
    )


def mnist_cnn(options: Options) -> tuple[str, Score]:
    """MNIST with the convolutional net; ships seed 0's model."""
    values, finished = _mnist("cnn", options)
    models.save(DIGITS.shipped, finished[0].model)
    known = {"PyTorch's example": 0.992}
    return "digits-mnist", score(
        "MNIST, cnn", "official test set", values, 0.996, known, options["command"]
    )


def mnist_mlp(options: Options) -> tuple[str, Score]:
    """MNIST with the net 784-800-10."""
    values, _ = _mnist("mlp", options)
    known = {"Simard et al. 2003, elastic": 0.993}
    return "digits-mnist", score(
        "MNIST, mlp 784-800-10", "official test set", values, 0.993, known, options["command"]
    )


def photos(options: Options) -> tuple[str, Score]:
    """The MNIST nets on phone photos of digits, which neither trained nor tuned them."""
    pictures, labels = _phone_photos(options["data_dir"])
    values = [
        float((runs.load(_folder("cnn", seed)).model.pipeline.predict(pictures) == labels).mean())
        for seed in _seeds(options)
    ]
    text = f"{len(labels)} photos of hand62, none used in training or tuning"
    known = {"an SVM trained on such photos": 0.904}
    return "digits-mnist", score(
        "phone photos, cnn of MNIST", text, values, 0.97, known, options["command"]
    )


PROTOCOLS: dict[str, Callable[[Options], tuple[str, Score]]] = {
    "halves": halves,
    "kfold": kfold,
    "mnist-cnn": mnist_cnn,
    "mnist-mlp": mnist_mlp,
    "photos": photos,
}


@click.command()
@click.argument("protocols", nargs=-1, required=True, type=click.Choice(list(PROTOCOLS)))
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where data sets lie.")
def main(protocols: tuple[str, ...], seeds: int, data_dir: Path | None) -> None:
    """Train and test on PROTOCOLS, with several seeds where they have any."""
    keep_freed_memory()
    for name in protocols:
        options = {"seeds": seeds, "data_dir": data_dir, "command": _command(name, seeds)}
        with errors_in_a_line():
            folder, row = PROTOCOLS[name](options)
            keep(folder, row)
        click.echo(in_words(row))


def _seeds(options: Options) -> Any:
    return tqdm(range(options["seeds"]), desc="seeds", disable=None)


def _command(protocol: str, seeds: int) -> str:
    given = "" if protocol == "kfold" else f" --seeds {seeds}"
    return f"python scripts/train_digits.py {protocol}{given}"


def _fit(preset: str, seed: int, pictures: Any, labels: Any) -> Any:
    return DIGITS.pipeline(preset, random_state=seed).fit(pictures, labels)


def _flat(pictures: Any) -> np.ndarray:
    return np.asarray(as_pictures(pictures)).reshape(len(pictures), -1)


def _peers() -> dict[str, Any]:
    """What scikit-learn's users would take, with the settings of its own digits example."""
    return {
        "SVC": SVC(gamma=0.001 * 16**2),
        "MLPClassifier": MLPClassifier(max_iter=1000, random_state=0),
    }


def _folder(preset: str, seed: int) -> Path:
    return Path("runs") / f"digits-mnist-{preset}-{seed}"


def _mnist(preset: str, options: Options) -> tuple[list[float], list[runs.Run]]:
    split = DIGITS.load_data("mnist", options["data_dir"])
    finished = []
    for seed in range(options["seeds"]):
        folder = _folder(preset, seed)
        if not (folder / models.FILE_NAME).exists():
            config = runs.Config("digits", "mnist", preset, seed)
            runs.train(config, split, folder, progress=True)
        finished.append(runs.load(folder))
    scores = [run.model.pipeline.score(split.test.pictures, split.test.targets) for run in finished]
    return scores, finished


def _phone_photos(data_dir: Path | None) -> tuple[list[Any], np.ndarray]:
    """Photos of digits and their labels, exact duplicates dropped."""
    whole = named.load("hand62", data_dir).whole
    rows = np.flatnonzero(np.char.isdigit(whole.targets))
    return [whole.pictures[row] for row in rows], whole.targets[rows].astype(int)


if __name__ == "__main__":
    main()
