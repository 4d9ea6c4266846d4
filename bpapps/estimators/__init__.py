"""scikit-learn estimators over the core: drop-ins for its MLPs, for any net of layers.

Parameters are named and meant as in ``MLPClassifier`` and ``MLPRegressor`` where they have them.
As there, ``__init__`` only stores, and what was learned ends in an underscore.
"""

from bpapps.estimators.classifier import BackpropClassifier
from bpapps.estimators.memory import AssociativeMemory
from bpapps.estimators.regressor import BackpropRegressor

__all__ = [
    "AssociativeMemory",
    "BackpropClassifier",
    "BackpropRegressor",
]
