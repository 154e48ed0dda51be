"""Read a picture from an unknown source: header first, limits before decoding, upright 8-bit RGB last."""

from __future__ import annotations

import contextlib
import io
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import (
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from .errors import ImageError
from .types import Note

MAX_PIXELS: Final = 16_000_000
MIN_SIDE: Final = 16
MAX_SIDE: Final = 8192
MAX_RATIO: Final = 20
MAX_BYTES: Final = 20_000_000

ORIENTATION_TAG: Final = 0x0112
SHORTEST_FILE: Final = 16
"""No picture of any format fits into fewer bytes."""


@dataclass(frozen=True, slots=True)
class Format:
    """A container known by its first bytes.

    Attributes:
        name: as users call it.
        open: parses the header; does not decode pixels.
        accepted: False for formats that are only recognised, to say what is wrong with them.
    """

    name: str
    open: Callable[[io.BytesIO], ImageFile.ImageFile]
    accepted: bool = True


PNG: Final = Format("PNG", PngImagePlugin.PngImageFile)
JPEG: Final = Format("JPEG", JpegImagePlugin.JpegImageFile)
GIF: Final = Format("GIF", GifImagePlugin.GifImageFile)
WEBP: Final = Format("WebP", WebPImagePlugin.WebPImageFile)
TIFF: Final = Format("TIFF", TiffImagePlugin.TiffImageFile, accepted=False)

SIGNATURES: Final[tuple[tuple[bytes, Format], ...]] = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
)

UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read a picture file.

    Args:
        path: PNG, JPEG, WebP or GIF, told by content and not by name; at most 20 MB, 16 megapixels,
            16 to 8192 pixels a side, sides at most 1 : 20.

    Returns:
        Upright picture, ``(H, W, 3)`` uint8 RGB: the first frame of an animation, 16-bit gray scaled to
        8 bits, transparent parts over white.

    Raises:
        ImageError: code ``missing``, ``unsupported``, ``corrupt``, ``too_large``, ``too_small`` or
            ``aspect``.
    """
    return read_image_with_notes(path)[0]


def read_image_with_notes(path: str | os.PathLike[str]) -> tuple[NDArray[np.uint8], tuple[Note, ...]]:
    """Read a picture file like :func:`read_image`, and say what of it was left out."""
    return decode_image(_read_bytes(Path(path)))


def decode_image(data: bytes) -> tuple[NDArray[np.uint8], tuple[Note, ...]]:
    """Read a picture from its bytes; see :func:`read_image`.

    Returns:
        The picture, ``(H, W, 3)`` uint8 RGB, and remarks such as "first frame only".

    Raises:
        ImageError: as :func:`read_image`.
    """
    _check_length(len(data))
    kind = _recognise(data)
    image = _open_header(kind, data)
    _check_size(*image.size)
    if not kind.accepted:
        raise ImageError.of("unsupported")
    _decode(kind, image)
    _check_size(*image.size)
    upright = _to_rgb(_turn_upright(image))
    pixels = np.array(upright, dtype=np.uint8)
    return pixels, (Note("image.note.first_frame"),) if _is_animated(image) else ()


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise ImageError.of("missing", name=path.name)
    _check_length(path.stat().st_size, empty_allowed=True)
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImageError.of("missing", name=path.name) from error


def _check_length(length: int, *, empty_allowed: bool = False) -> None:
    if length > MAX_BYTES:
        raise ImageError.of("too_large.bytes", megabytes=f"{length / 1e6:.1f}", limit=MAX_BYTES // 1_000_000)
    if length < SHORTEST_FILE and not empty_allowed:
        raise ImageError.of("corrupt.short", length=length)


def _recognise(data: bytes) -> Format:
    for signature, kind in SIGNATURES:
        if data.startswith(signature):
            return kind
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WEBP
    raise ImageError.of("unsupported")


def _open_header(kind: Format, data: bytes) -> ImageFile.ImageFile:
    """Parse the header with the format's own reader, past Pillow's global size guard: ours is stricter."""
    try:
        return kind.open(io.BytesIO(data))
    except MemoryError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):  # a GIF's first frame
        width, height = struct.unpack_from("<HH", data, 6)
        raise ImageError.of(
            "too_large.pixels", width=width, height=height, megapixels=MAX_PIXELS // 1_000_000
        ) from None
    except Exception as error:
        raise ImageError.of("corrupt", format=kind.name) from error


def _check_size(width: int, height: int) -> None:
    size = {"width": width, "height": height}
    if width * height > MAX_PIXELS:
        raise ImageError.of("too_large.pixels", **size, megapixels=MAX_PIXELS // 1_000_000)
    if max(width, height) > MAX_RATIO * min(width, height) and min(width, height) >= 1:
        raise ImageError.of("aspect", **size, limit=MAX_RATIO)
    if min(width, height) < MIN_SIDE:
        raise ImageError.of("too_small", **size, limit=MIN_SIDE)
    if max(width, height) > MAX_SIDE:
        raise ImageError.of("too_large.side", **size, limit=MAX_SIDE)


def _decode(kind: Format, image: ImageFile.ImageFile) -> None:
    try:
        image.load()
    except MemoryError:
        raise
    except Exception as error:
        raise ImageError.of("corrupt", format=kind.name) from error


def _turn_upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; unreadable or invalid ones count as 1 (already upright)."""
    orientation = None
    with contextlib.suppress(Exception):  # broken EXIF blocks raise nearly anything
        orientation = image.getexif().get(ORIENTATION_TAG)
    operation = UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if operation is None else image.transpose(operation)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray(_scale_16_bit(image)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def _scale_16_bit(image: Image.Image) -> NDArray[np.uint8]:
    """Map 0..65535 to 0..255; Pillow's own conversion would clip everything above 255 to white."""
    values = np.asarray(image).astype(np.int64).clip(0, 65535)
    return ((values + 128) // 257).astype(np.uint8)


def _is_animated(image: ImageFile.ImageFile) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # damage after the first frame does not matter
        return False
