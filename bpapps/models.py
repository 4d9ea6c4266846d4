"""A trained pipeline as one file: its preprocessing, its net, and where it is from.

The file is safetensors with JSON metadata; loading it runs no code from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpapps import kinds, tasks
from bpapps.core import Chain
from bpapps.core.storage import StorageError, load_network, save_network
from bpapps.made import environment

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from bpapps.kinds.base import Answer

FILE_NAME = "model.safetensors"


@dataclass(frozen=True)
class Model:
    """A fitted pipeline of a task.

    ``metadata`` holds task, kind, preprocessing, input_shape, versions and what the kind keeps; of
    a run's model also config, data (what it was trained on, with its hash), training (seconds,
    epochs), start (see :func:`as_start`; only of one that was trained further from another) and
    figures (what it reached on the test part, THE score first).
    """

    task: tasks.Task
    pipeline: Pipeline
    metadata: Mapping[str, Any]

    @property
    def start(self) -> Mapping[str, Any] | None:
        """What :func:`as_start` told of the model that it was trained further from, if of any.

        Of models that did not keep it, only the name is known.
        """
        name = (self.metadata.get("config") or {}).get("start")
        return self.metadata.get("start") or ({"model": name} if name else None)

    @property
    def trained_on(self) -> str:
        """The titles of what it was trained on, and before that what it was started from."""
        titles = [(self.metadata.get("data") or {}).get("title", "data that it does not state")]
        start = self.start
        while start:
            titles.append(start.get("data") or f"what {start['model']} was trained on")
            start = start.get("start")
        return ", and before that on ".join(dict.fromkeys(titles))

    @property
    def classes(self) -> NDArray:
        """The labels, in the order of the probabilities."""
        return self.pipeline[-1].classes_

    def predict_proba(self, pictures: Any) -> NDArray:
        """Probabilities (n, classes) for pictures of any size, as the preprocessing takes them."""
        return self.pipeline.predict_proba(pictures)

    def read(self, files: Sequence[str | Path], **options: Any) -> list[Answer]:
        """What is said of each picture file; a bad file is an answer with a problem, not an error.

        options: those of the task's kind, by their names; what is None counts as not given.

        Raises ValueError for an option that the kind does not take or lacks, or a value that it
        does not know.
        """
        known = {option.name: option for option in self.task.kind.options}
        given = {name: value for name, value in options.items() if value is not None}
        for name in given:
            if name not in known:
                raise ValueError(f"{self.task.name} takes no {name}; leave it out")
        return list(self.task.kind.answer(self, [Path(file) for file in files], **given))


def as_start(name: str, model: Model) -> dict[str, Any]:
    """What is kept of a model that another one is trained further from, as plain data.

    Its name, whether it is the one that comes with the package, the title of its data, the seconds
    of its training, and its own start.
    """
    return {
        "model": name,
        "shipped": name in tasks.names() and not (Path(name) / FILE_NAME).exists(),
        "data": model.metadata.get("data", {}).get("title"),
        "seconds": model.metadata.get("training", {}).get("seconds"),
        "start": model.start,
    }


def save(path: Path, model: Model) -> None:
    """Write a model, under a temporary name first; StorageError where that is not possible."""
    net, kind = model.pipeline[-1], model.task.kind
    own = {
        "task": model.task.name,
        "kind": kind.name,
        "preprocessing": model.pipeline[0].get_params(),
        **kind.state(net),
        "input_shape": list(net.input_shape_),
        "versions": environment()["versions"],
    }
    arrays = {k: v for k, v in model.metadata.items() if isinstance(v, np.ndarray)}
    plain = {k: v for k, v in model.metadata.items() if k not in arrays}
    save_network(path, net.network_, net.params_, {**plain, **own}, arrays)


def load(path: Path) -> Model:
    """Read a model; StorageError (a ValueError) for anything that is not one."""
    from sklearn.pipeline import Pipeline

    network, params, metadata = load_network(path)
    try:
        task = tasks.get(metadata["task"])
        _check_kind(task, metadata)
        preprocessing = task.preprocessing(**metadata["preprocessing"])
        if not isinstance(network, Chain):
            raise ValueError("it is not a chain of layers")
        net = task.kind.restore(network, params, metadata, tuple(metadata["input_shape"]))
    except KeyError as error:
        raise StorageError(f"{path}: not a model of a task: it states no {error}") from None
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise StorageError(f"{path}: not a model of a task: {error}") from None
    return Model(task, Pipeline([("preprocessing", preprocessing), ("net", net)]), metadata)


def _check_kind(task: tasks.Task, metadata: Mapping[str, Any]) -> None:
    """ValueError for a file of another kind; files of older versions state none."""
    kind = metadata.get("kind", task.kind.name)
    if kind not in kinds.names():
        raise ValueError(
            f"it is of the kind {kind!r:.40}, this version knows {', '.join(kinds.names())}: "
            "update bpapps"
        )
    if kind != task.kind.name:
        raise ValueError(f"it is of the kind {kind}, but {task.name} is of {task.kind.name}")


def find(name: str | Path) -> Model:
    """The model of a run's folder, the one shipped for a task's name, or that of a file.

    Raises:
        ValueError: there is none; a task's name that is nearly right is suggested.
    """
    path = Path(name)
    if (path / FILE_NAME).exists():
        return load(path / FILE_NAME)
    if str(name) in tasks.names():
        shipped = tasks.get(str(name)).shipped
        if not shipped.exists():
            raise ValueError(f"no model is shipped for {name}; train one: bpapps train {name}")
        return load(shipped)
    if path.is_dir():
        raise ValueError(
            f"{path}: no trained model in this folder; a training that was cut off goes on "
            "with the command that began it"
        )
    if not path.suffix and path.name == str(name) and not path.exists():
        tasks.get(str(name))  # which suggests the nearest
    return load(path)
