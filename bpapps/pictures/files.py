"""A user's picture files, safely decoded: gray, float32 in [0, 1]."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 50_000_000


MIN_SIDE = 4


# Formats whose decoders run nothing else: EPS, for one, would start an interpreter.
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP", "PPM")


class PictureError(ValueError):
    """A picture that cannot be used: which one, what is wrong, and what to do."""


def read_picture(path: str | Path) -> NDArray[np.float32]:
    """The picture in a file, gray, (h, w) in [0, 1], turned upright as its EXIF data says.

    Raises PictureError, one line that names the file, for whatever is not one readable picture
    of at least 4 pixels a side and at most 50 megapixels.
    """
    path = Path(path)
    if path.is_dir():
        raise PictureError(f"{path} is a folder; give the pictures in it")
    try:
        if path.stat().st_size == 0:
            raise PictureError(f"{path} is empty; give a picture file")
        with path.open("rb") as file:
            return _decode(file, str(path))
    except FileNotFoundError:
        raise PictureError(f"{path} does not exist; check the name") from None
    except PermissionError:
        raise PictureError(f"{path} may not be read; check its permissions") from None
    except OSError as error:
        raise PictureError(f"{path} cannot be read ({error.strerror or error})") from None


def _decode(file: Any, name: str) -> NDArray[np.float32]:
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of huge sizes and odd metadata: checked below
        try:
            with Image.open(file, formats=FORMATS) as image:
                return gray(image, name)
        except PictureError:
            raise
        except UnidentifiedImageError:
            raise PictureError(
                f"{name} is not a picture; give a PNG, JPEG, BMP, TIFF, GIF or WebP file"
            ) from None
        except Image.DecompressionBombError:
            raise PictureError(_too_large(name)) from None
        except Exception as error:  # a decoder meets broken data with whatever it trips over
            reason = str(error) or type(error).__name__
            raise PictureError(
                f"{name} is damaged or cut short ({reason}); save or download it again"
            ) from None


def _too_large(name: str) -> str:
    return f"{name} has more than {MAX_PIXELS // 10**6} megapixels; scale it down or crop it"


def gray(image: Image, name: str = "the picture") -> NDArray[np.float32]:
    """A PIL image as gray values, (h, w) in [0, 1]. Its size is checked before it is decoded.

    Transparent parts show white paper, or black where that keeps more contrast (light ink).
    Raises PictureError for several frames and for sizes out of bounds.
    """
    from PIL import ImageOps

    width, height = image.size
    if min(width, height) < MIN_SIDE:
        raise PictureError(
            f"{name} is only {width}×{height} pixels; give one of at least {MIN_SIDE} a side"
        )
    if width * height > MAX_PIXELS:
        raise PictureError(f"{_too_large(name)} ({width}×{height})")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # a phone's JPEG with a preview or depth map
        raise PictureError(f"{name} has {frames} frames; give one picture")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        return np.asarray(image, dtype=np.float32) / np.float32(65535)
    if image.mode in ("I", "F"):
        return _deep(np.asarray(image, dtype=np.float32), name)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = np.asarray(image.getchannel("A"), dtype=np.float32) / np.float32(255)
        return _on_paper(_eight_bit(image.convert("RGB")), alpha)
    return _eight_bit(image if image.mode in ("1", "L") else image.convert("RGB"))


def _eight_bit(image: Image) -> NDArray[np.float32]:
    return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255)


def _deep(values: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """Integers or fractions of unstated range: the least usual one that holds them."""
    low, top = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(top)) or low < 0 or top > 65535:
        raise PictureError(f"{name} holds values out of range; save it with 8 or 16 bits")
    return values / np.float32(1 if top <= 1 else 255 if top <= 255 else 65535)


def _on_paper(ink: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    on_black = ink * alpha
    on_white = on_black + (1 - alpha)
    return on_white if on_white.std() >= on_black.std() else on_black
