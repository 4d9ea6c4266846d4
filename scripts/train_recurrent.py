"""Recurrent backpropagation on MNIST, side by side with static nets, and the report on it.

    python scripts/train_recurrent.py

The equilibrium nets are trained, and static ones of one hidden layer; then an associative memory,
which restores corrupted digits, is put in front of the classic one. Every net is a run in
``runs/``: a finished one is not trained again, one that was cut off goes on. The report, in
``reports/digits-recurrent``, sets all of them side by side.
"""

from __future__ import annotations

from pathlib import Path

import click
from scores import errors_in_a_line, in_words, keep, report, score
from sklearn.pipeline import Pipeline

from bpapps import models, runs, tasks
from bpapps.core.malloc import keep_freed_memory
from bpapps.data.splits import Split
from bpapps.estimators import AssociativeMemory
from bpapps.experiments.rivals import Contender

FOLDER = "digits-recurrent"
COMMAND = "python scripts/train_recurrent.py"
NARROW = 400
"""Neurons of a static net that is as accurate as the equilibrium net, and has more weights."""
SLOWEST = 15.0
"""Iterations that the activations may take on average once trained, to a residual of 1e-4."""
NEURONS = 512
"""Of the associative memory."""


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where data sets lie.")
def main(data_dir: Path | None) -> None:
    """Train equilibrium nets and static ones on MNIST, and set them side by side."""
    keep_freed_memory()
    with errors_in_a_line():
        split = tasks.get("digits").load_data("mnist", data_dir)
        dense, conv = trained("equilibrium", split), trained("equilibrium-cnn", split)
        static = {
            f"784-{NARROW}-10": trained("mlp", split, hidden_layer_sizes=[NARROW]),
            "784-800-10": trained("mlp", split),
        }
        others = [
            runs.contender(conv),
            *(runs.contender(run, name) for name, run in static.items()),
            behind_memory(static["784-800-10"], "784-800-10 behind a memory", split),
        ]
        results = runs.measure(dense, split, COMMAND, dependence=False, against=others)
        accuracy = {net.name: net.figure.interval.value for net in results.rivals}
        known = {"monDEQ": 0.981}
        rows = [
            score("MNIST, equilibrium 784-256-10", "official test set",
                  [accuracy["equilibrium"]], 0.986, known, COMMAND),
            score("MNIST, equilibrium-cnn", "official test set", [accuracy["equilibrium-cnn"]],
                  0.994, {"Jacobian-free backpropagation": 0.9936, "monDEQ": 0.991}, COMMAND),
        ]  # fmt: skip
        report(results, FOLDER)
        for row in rows:
            keep(FOLDER, row)
            click.echo(in_words(row))
        for net in results.rivals:
            if net.iterations is not None:
                met = "met" if net.iterations <= SLOWEST else "missed"
                click.echo(
                    f"{net.name}: {net.iterations:.1f} iterations, at most {SLOWEST:g} {met}"
                )


def trained(preset: str, split: Split, **settings: object) -> runs.Run:
    """The run of a preset on MNIST, trained now where there is none yet."""
    config = runs.Config("digits", "mnist", preset, 0, settings)
    path = Path("runs") / config.name
    if not (path / models.FILE_NAME).exists():
        runs.train(config, split, path, progress=True)
    return runs.load(path)


def behind_memory(run: runs.Run, name: str, split: Split) -> Contender:
    """A trained net that sees what a memory, trained on the same pictures, makes of its input."""
    preprocessing, net = run.model.pipeline[0], run.model.pipeline[-1]
    memory = AssociativeMemory(NEURONS, max_iter=12, random_state=0, verbose=True)
    memory.fit(preprocessing.transform(split.train.pictures))
    history = memory.net_.history_
    seconds = sum(epoch.seconds for epoch in history)
    pipeline = Pipeline([("preprocessing", preprocessing), ("memory", memory), ("net", net)])
    model = models.Model(run.model.task, pipeline, {})
    return Contender(model, name, [], runs.contender(run).seconds + seconds, 0)


if __name__ == "__main__":
    main()
