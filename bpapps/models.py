"""A trained pipeline as one file: its preprocessing, its net, its classes, and where it is from.

The file is safetensors with JSON metadata; loading it runs no code from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpapps import tasks
from bpapps.core import Chain, Pairs, pack
from bpapps.core.storage import StorageError, load_network, save_network
from bpapps.evaluation import environment
from bpapps.names import nearest
from bpapps.pictures.augment import Distortion
from bpapps.pictures.files import PictureError, read_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from bpapps.core import Params
    from bpapps.estimators import BackpropClassifier, PairClassifier

FILE_NAME = "model.safetensors"


UNSURE = 0.5
"""A label with a lower probability is called unsure."""


@dataclass(frozen=True)
class Reading:
    """What a picture shows: its label and the runner-up, each with its probability.

    ``problem`` is a line that says why there is no label, or is empty.
    """

    file: str
    problem: str
    label: Any = None
    probability: float | None = None
    runner_up: Any = None
    runner_up_probability: float | None = None

    @property
    def unsure(self) -> bool:
        """Whether the label has a probability below one half."""
        return self.probability is not None and self.probability < UNSURE

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        warning = "unsure: " if self.unsure else ""
        return (
            f"{self.file}: {warning}{self.label} ({self.probability:.1%}), "
            f"then {self.runner_up} ({self.runner_up_probability:.1%})"
        )

    def plain(self) -> dict[str, Any]:
        """As JSON data; ``problem`` is null where there is none."""
        return {**asdict(self), "problem": self.problem or None, "unsure": self.unsure}


@dataclass(frozen=True)
class LineReading:
    """What a picture of several characters shows: ``line`` has their text and confidences.

    ``problem`` is a line that says why there is none, or is empty; ``nothing`` is what JSON says
    then in place of the line.
    """

    file: str
    problem: str
    line: Any = None
    nothing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unsure(self) -> bool:
        """Whether the text has a confidence below one half."""
        return self.line is not None and self.line.confidence < UNSURE

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        warning = "unsure: " if self.unsure else ""
        return f"{self.file}: {warning}{self.line.text} ({self.line.confidence:.1%})"

    def plain(self) -> dict[str, Any]:
        """As JSON data; ``problem`` is null where there is none."""
        read = self.nothing if self.line is None else self.line.plain()
        return {"file": self.file, "problem": self.problem or None, **read, "unsure": self.unsure}


@dataclass(frozen=True)
class Model:
    """A fitted pipeline of a task.

    ``metadata`` holds task, preprocessing, classes, input_shape and versions; of a run's model
    also config, data (what it was trained on, with its hash), training (seconds, epochs), start
    (see :func:`as_start`; only of one that was trained further from another) and figures (its
    accuracy on the test part; of a verifier also its error rates).
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

    def read(
        self, files: Sequence[Path], grouping: str | None = None
    ) -> list[Reading] | list[LineReading]:
        """What each picture file shows; a bad file is a reading with a problem, not an error.

        grouping: the name of the groups of classes to answer with, for tasks that have any;
        UnknownNameError for one that the task lacks.
        """
        if grouping:
            nearest(grouping, self.task.groupings, f"grouping of {self.task.name}")
        if self.task.reads_lines:
            return [self._read_line(file, grouping) for file in files]
        return [self._read(file) for file in files]

    def _read_line(self, file: Path, grouping: str | None) -> LineReading:
        nothing = self.task.nothing_read
        try:
            picture = read_picture(file)
        except PictureError as error:
            return LineReading(str(file), str(error), nothing=nothing)
        try:
            line = self.task.read_line(picture, self.pipeline, grouping)
        except ValueError as error:
            problem = f"{file}: nothing to recognise, {error}"
            return LineReading(str(file), problem, nothing=nothing)
        return LineReading(str(file), "", line)

    def _read(self, file: Path) -> Reading:
        try:
            picture = read_picture(file)
        except PictureError as error:
            return Reading(str(file), str(error))
        problem = self.pipeline[0].inspect(picture)
        if problem:
            return Reading(str(file), f"{file}: nothing to recognise, {problem}")
        probabilities = self.predict_proba([picture])[0]
        best, second = probabilities.argsort()[::-1][:2]
        return Reading(
            str(file),
            "",
            self.classes[best].item(),
            float(probabilities[best]),
            self.classes[second].item(),
            float(probabilities[second]),
        )


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
    net = model.pipeline[-1]
    if not model.task.verifies:
        answers: dict[str, Any] = {"classes": net.classes_.tolist()}
    else:
        answers = {"scales": {str(k): asdict(scale) for k, scale in net.scales_.items()}}
    if net.votes:
        answers["votes"] = {"count": net.votes, "augment": asdict(net.augment)}
    own = {
        "task": model.task.name,
        "preprocessing": model.pipeline[0].get_params(),
        **answers,
        "input_shape": list(net.input_shape_),
        "versions": environment()["versions"],
    }
    save_network(path, net.network_, net.params_, {**model.metadata, **own})


def load(path: Path) -> Model:
    """Read a model; StorageError (a ValueError) for anything that is not one."""
    from sklearn.pipeline import Pipeline

    network, params, metadata = load_network(path)
    try:
        task = tasks.get(metadata["task"])
        preprocessing = task.preprocessing(**metadata["preprocessing"])
        if not isinstance(network, Chain):
            raise ValueError("it is not a chain of layers")
        restore = _verifier if task.verifies else _classifier
        net = restore(network, params, metadata, tuple(metadata["input_shape"]))
        if "votes" in metadata:
            distortion = Distortion(**metadata["votes"]["augment"])
            net.set_params(votes=metadata["votes"]["count"], augment=distortion)
    except KeyError as error:
        raise StorageError(f"{path}: not a model of a task: it states no {error}") from None
    except (TypeError, ValueError, IndexError) as error:
        raise StorageError(f"{path}: not a model of a task: {error}") from None
    return Model(task, Pipeline([("preprocessing", preprocessing), ("net", net)]), metadata)


def _classifier(
    network: Chain, params: Params, metadata: Mapping[str, Any], shape: tuple[int, ...]
) -> BackpropClassifier:
    from bpapps.estimators import BackpropClassifier

    classes = metadata["classes"]
    if _output_shape(network, params, shape) != (len(classes),):
        raise ValueError(f"its outputs are not {len(classes)} classes")
    return BackpropClassifier.from_trained(network, params, classes, shape)


def _verifier(
    network: Chain, params: Params, metadata: Mapping[str, Any], shape: tuple[int, ...]
) -> PairClassifier:
    from bpapps.estimators import PairClassifier
    from bpapps.estimators.scales import Scale
    from bpapps.verification_records import Threshold

    scales = {
        int(k): Scale(**{**one, "threshold": Threshold(**one["threshold"])})
        for k, one in metadata["scales"].items()
    }
    net = PairClassifier.from_trained(network, params, scales, shape)
    pairs = next(layer.pairs for layer in network if isinstance(layer, Pairs))
    _output_shape(network, params, (1 + int(np.max(pairs)), *shape))
    return net


def _output_shape(network: Chain, params: Params, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of what a network gives; ValueError where stored weights do not fit its layers."""
    tree, out_shape = network.init(shape, np.random.default_rng(0))
    if pack(tree).shapes != params.shapes:
        raise ValueError("its weights do not fit its layers in this version; train it again")
    return out_shape


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
