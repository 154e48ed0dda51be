"""Photographs of any camera, read from the user's own disk: larger than what the page accepts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Picture = NDArray[np.uint8]

FORMATS: Final = ("PNG", "JPEG")
ORIENTATION: Final = 0x0112
SIDEWAYS: Final = (5, 6, 7, 8)


class DatasetError(ValueError):
    """A file or folder of a data set is not what it should be; the sentence names it."""


def read_photograph(path: Path) -> Picture:
    """Read a photograph upright, ``(H, W, 3)`` uint8 RGB.

    Raises:
        DatasetError: it is no PNG or JPEG, damaged, or above Pillow's limit of 89 megapixels.
    """
    with _opened(path) as image:
        return np.array(ImageOps.exif_transpose(image).convert("RGB"))


def upright_size(path: Path) -> tuple[int, int]:
    """(height, width) of a photograph after its EXIF orientation; only the header is read.

    Raises:
        DatasetError: as :func:`read_photograph`.
    """
    with _opened(path) as image:
        width, height = image.size
        turned = image.getexif().get(ORIENTATION) in SIDEWAYS
    return (width, height) if turned else (height, width)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(path, formats=FORMATS) as image:
                yield image
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise DatasetError(f"{path} is too large ({error}). Make it smaller.") from error
        except (OSError, SyntaxError, ValueError) as error:
            raise DatasetError(f"{path} cannot be read as a PNG or JPEG ({error}).") from error
