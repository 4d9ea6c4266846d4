"""Recognition programs trained by their own backpropagation, written in NumPy.

Importing the package loads nothing heavy. What a user needs:

- ``bpapps.tasks.get("digits").pipeline()``: a scikit-learn ``Pipeline`` for a task;
- ``bpapps.estimators``: ``BackpropClassifier`` and ``BackpropRegressor``;
- ``bpapps.core``: layers, losses, optimisers and the training loop, on arrays only.
"""

__version__ = "0.1.0"
