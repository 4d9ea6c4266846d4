"""Whether arrays are what an estimator can be trained on, or can answer."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import column_or_1d, validate_data

from bpapps.core.threads import quiet


def samples_of(net: Any, X: Any, y: Any, reset: bool) -> tuple[NDArray, NDArray]:
    """Finite arrays of as many samples; X may be sparse, y is dense and of any shape."""
    of_X: dict[str, Any] = {
        "reset": reset, "accept_sparse": "csr", "allow_nd": True,
        "dtype": (np.float64, np.float32),
    }  # fmt: skip
    if getattr(y, "ndim", 1) > 2:  # which scikit-learn knows no targets of
        X = validate_data(net, X, **of_X)
        y = check_array(y, dtype=None, ensure_2d=False, allow_nd=True, input_name="y")
        check_consistent_length(X, y)
        return X, y
    numeric = isinstance(net, RegressorMixin)
    X, y = validate_data(net, X, y, **of_X, multi_output=True, y_numeric=numeric)
    y = y.toarray() if hasattr(y, "toarray") else y
    return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def is_plain(net: Any, X: Any) -> bool:
    """Whether X is just what the net takes; so much is seen in a tenth of the time that all
    of scikit-learn's validation takes, which matters for one sample.
    """
    if (
        type(X) is not np.ndarray
        or X.dtype != net.params_.vector.dtype
        or X.shape[1:] != net.input_shape_
        or len(X) == 0
        or hasattr(net, "feature_names_in_")
    ):
        return False
    with quiet():
        return isfinite(X.sum(dtype=np.float64))


def rows_of(net: Any, X: Any) -> NDArray:
    """X as the fitted net takes it, or ValueError; what is sparse stays so."""
    if len(net.input_shape_) > 1:  # or validate_data would take the height for features
        check_input_shape(net, X)
    X = validate_data(
        net, X, reset=False, accept_sparse="csr", allow_nd=True,
        dtype=(np.float64, np.float32),
    )  # fmt: skip
    check_input_shape(net, X)
    return X.astype(net.params_.vector.dtype, copy=False)


def check_input_shape(net: Any, X: Any) -> None:
    """ValueError where the samples are not of the shape that the net was trained on."""
    shape = np.shape(X)[1:]
    if shape != net.input_shape_:
        raise ValueError(
            f"X has samples of shape {shape}, but {type(net).__name__} was trained on "
            f"samples of shape {net.input_shape_}"
        )
