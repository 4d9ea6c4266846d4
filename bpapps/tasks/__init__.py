"""Tasks: what each recognises, on which data, with which nets. A new task is a new folder here.

A task declares itself as ``TASK`` in ``bpapps/tasks/<name>/__init__.py``; it is found by its
folder's name, and nothing else needs to know of it.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpapps.names import nearest

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from bpapps.data.registry import Source
    from bpapps.data.splits import Split
    from bpapps.kinds.base import Kind


@dataclass(frozen=True)
class Preset:
    """A net by name: parameters of its estimator, and of the preprocessing before it."""

    summary: str
    preprocessing: Mapping[str, Any]
    estimator: Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """The declaration of a task.

    Its folder has beside it ``data.py`` with ``SOURCES``, ``load_data`` and ``load_to_test``,
    ``model.py`` with ``PRESETS`` and ``PREPROCESSING``, and the shipped model
    ``model.safetensors``; and what its kind is told of, such as groupings of classes.

    Args:
        name, title, summary: for the command line and the reports.
        data: name -> what it is, the default first; a path to one's own data also works.
        package: the folder's package, whose modules are imported when they are needed.
        kind: which kind of recognition it is, and what it chooses of that kind.
        preset_for: data name -> the preset that suits it; ``""`` for all other data.
    """

    name: str
    title: str
    summary: str
    data: Mapping[str, str]
    package: str
    kind: Kind
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
    def shipped(self) -> Path:
        """The model that comes with the package."""
        return Path(__file__).parent / self.name / "model.safetensors"

    @property
    def sources(self) -> Mapping[str, Source]:
        """The data sets that it can be given by name."""
        return self._module("data").SOURCES

    def load_data(self, source: str, data_dir: Path | None = None, seed: int = 0) -> Split:
        """What to train on and to test on; ValueError for an unknown name or bad files."""
        return self._module("data").load_data(source, data_dir, seed)

    def load_to_test(self, source: str, data_dir: Path | None = None, seed: int = 0) -> Split:
        """The same for a model that was trained on other data: all of it is to test on.

        Of data that the task makes itself, the test part is.
        """
        return self._module("data").load_to_test(source, data_dir, seed)

    def _module(self, name: str) -> Any:
        return importlib.import_module(f"{self.package}.{name}")

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
        if data in self.data or data in self.sources:
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
        net = self.kind.estimator(**chosen.estimator)
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


def sources() -> dict[str, Source]:
    """The data sets of all tasks by name."""
    return {name: row for task in names() for name, row in get(task).sources.items()}
