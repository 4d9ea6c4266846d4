"""Tasks: what each recognises, on which data, with which nets. A new task is a new folder here.

A task declares itself as ``TASK`` in ``bpapps/tasks/<name>/__init__.py``; it is found by its
folder's name, and nothing else needs to know of it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpapps.names import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class Preset:
    """A net by name: parameters of its estimator, and of the preprocessing before it."""

    summary: str
    preprocessing: Mapping[str, Any]
    estimator: Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """The declaration of a task.

    Its folder has beside it ``data.py`` with ``load_data``, ``model.py`` with ``PRESETS`` and
    ``PREPROCESSING``, and the shipped model ``model.safetensors``. Where a picture may show
    several of what it recognises, ``lines.py`` has ``read_line``, ``annotate.py`` has ``annotate``
    and ``trial.py`` has ``line_scores``; where people group its classes, ``classes.py`` has
    ``GROUPINGS`` and ``merge``. A task that asks who wrote a picture, and not what it shows, has an
    ``ESTIMATOR`` in ``model.py``, the pair classifier, and ``traits.py``, the trivial features that
    must not decide.

    Args:
        name, title, summary: for the command line and the reports.
        data: name -> what it is, the default first; a path to one's own data also works.
        package: the folder's package, whose modules are imported when they are needed.
        preset_for: data name -> the preset that suits it; ``""`` for all other data.
    """

    name: str
    title: str
    summary: str
    data: Mapping[str, str]
    package: str
    preset_for: Mapping[str, str]

    @property
    def default_data(self) -> str:
        """The data taken when none is named."""
        return next(iter(self.data))

    @property
    def presets(self) -> Mapping[str, Preset]:
        """The nets of this task by name."""
        return self._module("model").PRESETS

    @property
    def preprocessing(self) -> type:
        """The transformer class that turns pictures into the net's input."""
        return self._module("model").PREPROCESSING

    @property
    def estimator(self) -> type:
        """The class of the nets."""
        from bpapps.estimators import BackpropClassifier

        return getattr(self._module("model"), "ESTIMATOR", BackpropClassifier)

    @property
    def verifies(self) -> bool:
        """Whether pictures are compared with references, and not recognised by themselves."""
        return self._has("traits")

    @property
    def traits(self) -> Callable[[Any], Mapping[str, NDArray]]:
        """``traits(pictures)``: trivial features of pictures, name -> (n,), which must not decide.

        Only where :attr:`verifies`.
        """
        return self._module("traits").traits

    @property
    def corruptions(self) -> Sequence[str]:
        """Names of the corruptions that questioned pictures are to be put through."""
        return self._module("traits").CORRUPTIONS

    @property
    def shipped(self) -> Path:
        """The model that comes with the package."""
        return Path(__file__).parent / self.name / "model.safetensors"

    @property
    def reads_lines(self) -> bool:
        """Whether a picture may show a line of what is recognised, and not only one."""
        return self._has("lines")

    def read_line(self, picture: Any, reader: Any, grouping: str | None = None) -> Any:
        """What a picture shows, read in parts by a fitted pipeline: with text and confidence.

        Only where :attr:`reads_lines`. grouping: the name of the groups of classes to answer with.
        Raises ValueError where there is nothing to read.
        """
        return self._module("lines").read_line(picture, reader, grouping)

    @property
    def nothing_read(self) -> Mapping[str, Any]:
        """The JSON of a picture that shows no line, of the same keys as that of one that does."""
        return self._module("lines").NOTHING

    def line_scores(self, reader: Any, count: int, **options: Any) -> Any:
        """How well a fitted pipeline reads so many lines that the task draws itself."""
        return self._module("trial").line_scores(reader, count, **options)

    def annotate(self, picture: Any, line: Any) -> Image:
        """A picture with what :meth:`read_line` read drawn on it."""
        return self._module("annotate").annotate(picture, line)

    @property
    def groupings(self) -> Sequence[str]:
        """Names of the groupings of its classes; none where nobody groups them."""
        return list(self._module("classes").GROUPINGS) if self._has("classes") else []

    def merge(self, probabilities: NDArray, classes: NDArray, name: str) -> tuple[NDArray, NDArray]:
        """Probabilities (n, groups) in a grouping, and the groups; UnknownNameError for its name.

        probabilities (n, classes): of the classes.
        """
        nearest(name, self.groupings, f"grouping of {self.name}")
        return self._module("classes").merge(probabilities, classes, name)

    def load_data(self, source: str, data_dir: Path | None = None, seed: int = 0) -> Any:
        """What to train on and to test on; ValueError for an unknown name or bad files.

        A :class:`bpapps.data.splits.Split`, or where the task :attr:`verifies` an ``OwnerSplit``.
        """
        return self._module("data").load_data(source, data_dir, seed)

    def load_to_test(self, source: str, data_dir: Path | None = None, seed: int = 0) -> Any:
        """The same for a model that was trained on other data.

        Where the task :attr:`verifies`, all writers are to test on then.
        """
        data = self._module("data")
        return getattr(data, "load_to_test", data.load_data)(source, data_dir, seed)

    def _module(self, name: str) -> Any:
        return importlib.import_module(f"{self.package}.{name}")

    def _has(self, name: str) -> bool:
        return importlib.util.find_spec(f"{self.package}.{name}") is not None

    def preset_name(self, data: str) -> str:
        """The preset that suits some data."""
        return self.preset_for.get(data, self.preset_for[""])

    def report_name(self, data: str) -> str:
        """The folder of a report on some data: the task's name for the default data."""
        if data == self.default_data:
            return self.name
        return f"{self.name}-{self.data_name(data)}"

    def data_name(self, data: str) -> str:
        """What folders of runs and reports on some data are called by.

        The name of a data set; of one's own data their name and a mark of where they lie, so that
        no others are called the same.
        """
        from bpapps.data.registry import DATASETS

        if data in self.data or data in DATASETS:
            return data
        path = Path(data).expanduser().resolve()
        return f"{path.name}-{zlib.crc32(os.fsencode(path)):08x}"

    def pipeline(self, preset: str | None = None, **settings: Any) -> Pipeline:
        """An unfitted scikit-learn pipeline: preprocessing, then the net.

        Args:
            preset: one of :attr:`presets`; by default the one for the default data.
            settings: parameters of the estimator that replace the preset's.

        Raises:
            UnknownNameError: an unknown preset or setting; the nearest is suggested.
            ValueError: a value that a setting does not take.
        """
        from sklearn.pipeline import Pipeline

        name = preset or self.preset_name(self.default_data)
        chosen = self.presets[nearest(name, self.presets, f"preset of {self.name}")]
        net = self.estimator(**chosen.estimator)
        for key in settings:
            nearest(key, net.get_params(), "setting")
        net.set_params(**settings)
        net._validate_params()  # now, for a wrong setting is better known before data are read
        preprocessing = self.preprocessing(**chosen.preprocessing)
        return Pipeline([("preprocessing", preprocessing), ("net", net)])


def names() -> list[str]:
    """The names of all tasks."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)


def get(name: str) -> Task:
    """The task of a name; UnknownNameError suggests the nearest for one that is unknown."""
    module = importlib.import_module(f"{__name__}.{nearest(name, names(), 'task')}")
    return module.TASK
