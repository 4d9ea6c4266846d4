"""Gray pictures as data URIs."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from bpapps.pictures.png import png_uri


def test_png_uri_holds_the_picture():
    picture = np.linspace(0, 1, 12).reshape(3, 4)
    head, _, body = png_uri(picture).partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(body))) as image:
        assert image.mode == "L"
        np.testing.assert_allclose(np.asarray(image) / 255, picture, atol=0.5 / 255 + 1e-9)


@pytest.mark.parametrize(
    "picture", [np.zeros(3), np.zeros((0, 3)), np.full((2, 2), np.nan), np.full((2, 2), 255)]
)
def test_png_uri_refuses_what_is_no_gray_picture(picture):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        png_uri(picture)
