"""Pictures on their way in: the safe image input, and what is kept of a picture between two edits."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cachetools
import gradio as gr
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines import ImageError, Note, read_image, read_image_with_notes

from .files import write_once
from .text import say

KEPT_BYTES: Final = 192_000_000
DISPLAY_SIDE: Final = 2048
SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp"})
THUMBNAIL: Final = (320, 240)


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture file that has arrived and has not been opened yet."""

    path: Path


class SafeImage(gr.Image):
    """An image input that opens nothing itself: handlers read the file under the pipelines' limits."""

    is_template = True

    def preprocess(self, payload: Any) -> Upload | None:  # type: ignore[override]
        """The uploaded file; None when the input is empty.

        Raises:
            gr.Error: the picture came inside the request (a ``data:`` URL) and not as a file.
        """
        if payload is None:
            return None
        if not payload.path:
            raise gr.Error(say("not_a_file"), title=say("refused"), print_exception=False)
        return Upload(Path(payload.path))


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture and the JPEG that the browser shows.

    Attributes:
        pixels: upright, ``(H, W, 3)`` uint8 RGB.
        jpeg: at most :data:`DISPLAY_SIDE` pixels a side.
        notes: what of the file was left out.
    """

    pixels: NDArray[np.uint8]
    jpeg: Path
    notes: tuple[Note, ...] = ()


class PictureStore:
    """The pictures opened last, so that an edit of the prompts decodes nothing again. Bounded in bytes."""

    def __init__(self, max_bytes: int = KEPT_BYTES) -> None:
        self._lock = threading.Lock()
        self._kept: cachetools.LRUCache[tuple[str, int, int], Picture] = cachetools.LRUCache(
            max_bytes, getsizeof=lambda picture: picture.pixels.nbytes
        )

    def open(self, path: Path) -> Picture:
        """Read a picture file, or take it from memory when this very file was read before.

        Raises:
            ImageError: the file is no acceptable picture.
        """
        key = _identity(path)
        with self._lock:
            found = self._kept.get(key)
        if found is not None and found.jpeg.exists():
            return found
        pixels, notes = read_image_with_notes(path)
        picture = Picture(pixels, write_display_jpeg(pixels), notes)
        with self._lock:
            if pixels.nbytes <= self._kept.maxsize:
                self._kept[key] = picture
        return picture


def _identity(path: Path) -> tuple[str, int, int]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise ImageError.of("missing", name=path.name) from error
    return str(path), status.st_mtime_ns, status.st_size


def write_display_jpeg(pixels: NDArray[np.uint8], side: int = DISPLAY_SIDE) -> Path:
    """Write the picture as the browser shows it.

    Args:
        pixels: ``(H, W, 3)`` uint8 RGB.
        side: longest side of the JPEG in pixels.
    """
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return write_once("picture", ".jpg", image.tobytes(), lambda path: image.save(path, "JPEG", quality=91))


def write_thumbnail(path: Path) -> Path:
    """Write a small upright JPEG of a picture file, cropped to :data:`THUMBNAIL`.

    Raises:
        ImageError: the file is no acceptable picture.
    """
    image = Image.fromarray(read_image(path))
    width, height = image.size
    ratio = THUMBNAIL[0] / THUMBNAIL[1]
    crop_width, crop_height = min(width, round(height * ratio)), min(height, round(width / ratio))
    left, top = (width - crop_width) // 2, (height - crop_height) // 2
    small = image.resize(
        THUMBNAIL, Image.Resampling.LANCZOS, (left, top, left + crop_width, top + crop_height)
    )
    return write_once(
        "thumbnail", ".jpg", small.tobytes(), lambda target: small.save(target, "JPEG", quality=88)
    )


def find_examples(*folders: Path | None) -> tuple[Path, ...]:
    """The pictures that lie in the folders, by name; folders that do not exist are left out."""
    present = [folder for folder in folders if folder is not None and folder.is_dir()]
    return tuple(
        path for folder in present for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES
    )
