"""Gray pictures as PNG data URIs, as a page or a JSON file holds them."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

PNG_URI = "data:image/png;base64,"
"""What the data URI of a picture begins with."""


def png_uri(picture: NDArray[Any]) -> str:
    """Return a gray picture (h, w) in [0, 1] as an 8-bit PNG in a data URI."""
    from PIL import Image

    gray = np.asarray(picture, dtype=np.float64)
    if gray.ndim != 2 or not gray.size or not (gray.min() >= 0 and gray.max() <= 1):
        raise ValueError("a picture must be gray values (h, w) in [0, 1]")
    file = io.BytesIO()
    Image.fromarray(np.rint(gray * 255).astype(np.uint8)).save(file, "PNG", optimize=True)
    return PNG_URI + base64.b64encode(file.getvalue()).decode()


def without_uris(plain: Any) -> Any:
    """Plain data in which the URI of each picture is empty."""
    if isinstance(plain, dict):
        return {key: without_uris(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [without_uris(value) for value in plain]
    return "" if isinstance(plain, str) and plain.startswith(PNG_URI) else plain
