"""From a picture to overlapping windows and from window scores back to the picture."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

Image = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.int64]


def check_image(image: Image) -> None:
    """Refuse everything but an RGB picture.

    Args:
        image: uint8, shape ``(H, W, 3)``, both sides at least 1 pixel.

    Raises:
        TypeError: if it is no uint8 array.
        ValueError: if the shape is another.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = getattr(image, "dtype", type(image).__name__)
        raise TypeError(f"image must be a uint8 NumPy array, got {kind}")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image must have shape (H, W, 3) with H, W >= 1, got {image.shape}")


def working_size(height: int, width: int, short_side: int = 448, long_side: int = 2048) -> tuple[int, int]:
    """Size at which a picture is segmented: aspect kept, ``short_side`` unless ``long_side`` would be passed.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        short_side: wanted short side, in pixels; small pictures are enlarged.
        long_side: largest long side, in pixels.

    Returns:
        ``(height, width)`` in pixels, each at least 1.
    """
    scale = min(long_side / max(height, width), short_side / min(height, width))
    return max(int(height * scale + 0.5), 1), max(int(width * scale + 0.5), 1)


def resize_image(image: Image, height: int, width: int) -> Image:
    """Resize with OpenCV's bilinear filter on uint8, the published choice (no antialiasing).

    Args:
        image: RGB, uint8, shape ``(H, W, 3)``.
        height: new height in pixels.
        width: new width in pixels.

    Returns:
        RGB, uint8, shape ``(height, width, 3)``; the picture itself where the size is right already.
    """
    check_image(image)
    if image.shape[:2] == (height, width):
        return image
    resized: Image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return resized


def window_boxes(height: int, width: int, crop: int = 224, stride: int = 112) -> Boxes:
    """Place windows row by row; the last row and column are shifted back to end at the border.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        crop: side of a window, in pixels; a smaller picture gives smaller windows.
        stride: step between windows, in pixels.

    Returns:
        Rows ``y1, y2, x1, x2``, shape ``(n, 4)``; all windows have one size.
    """
    tops, bottoms = _spans(height, crop, stride)
    lefts, rights = _spans(width, crop, stride)
    rows, columns = len(tops), len(lefts)
    return np.stack(
        [
            np.repeat(tops, columns),
            np.repeat(bottoms, columns),
            np.tile(lefts, rows),
            np.tile(rights, rows),
        ],
        axis=1,
    )


def _spans(length: int, crop: int, stride: int) -> tuple[Boxes, Boxes]:
    count = max(length - crop + stride - 1, 0) // stride + 1
    ends = np.minimum(np.arange(count, dtype=np.int64) * stride + crop, length)
    return np.maximum(ends - crop, 0), ends


def cut_windows(image: Image, boxes: Boxes, multiple: int) -> Tensor:
    """Cut windows out of a picture and pad each with zeros, right and bottom.

    Args:
        image: RGB, uint8, shape ``(H, W, 3)``.
        boxes: windows of one size, rows ``y1, y2, x1, x2``, shape ``(n, 4)``.
        multiple: sides are padded to a multiple of it, in pixels (the patch size).

    Returns:
        RGB in ``[0, 1]``, float32, shape ``(n, 3, h', w')``; padding is 0 before any normalisation.
    """
    check_image(image)
    height, width = _window_size(boxes)
    padded = (len(boxes), _ceil(height, multiple) * multiple, _ceil(width, multiple) * multiple, 3)
    crops = np.zeros(padded, dtype=np.uint8)
    for crop, (y1, y2, x1, x2) in zip(crops, boxes, strict=True):
        crop[:height, :width] = image[y1:y2, x1:x2]
    return torch.from_numpy(crops).permute(0, 3, 1, 2).contiguous().float().div_(255)


def patch_centres(boxes: Boxes, patch: int, gh: int, gw: int) -> Tensor:
    """Locate the patches of all windows in the picture.

    Args:
        boxes: windows, rows ``y1, y2, x1, x2`` in pixels, shape ``(n, 4)``.
        patch: side of a patch, in pixels.
        gh: patch rows of a window.
        gw: patch columns of a window.

    Returns:
        Centres ``(y, x)`` in pixels, float32, shape ``(n * gh * gw, 2)``; windows in order, row-major inside.
    """
    inside = torch.cartesian_prod(torch.arange(gh), torch.arange(gw)).float() * patch + patch / 2
    corners = torch.from_numpy(np.ascontiguousarray(boxes[:, [0, 2]])).float()
    return (corners[:, None] + inside).reshape(-1, 2)


def on_grid(features: Tensor, grid: tuple[int, int]) -> Tensor:
    """Resize the features of windows to another grid of patches. Differentiable.

    Args:
        features: unit vectors, shape ``(n, gh, gw, d)``.
        grid: rows and columns wanted.

    Returns:
        Unit vectors, shape ``(n, *grid, d)``; the features themselves where the grid is right already.
    """
    if tuple(features.shape[1:3]) == grid:
        return features
    maps = F.interpolate(features.permute(0, 3, 1, 2), size=grid, mode="bilinear", align_corners=False)
    return F.normalize(maps.permute(0, 2, 3, 1), dim=-1)


def merge_windows(scores: Tensor, boxes: Boxes, height: int, width: int) -> Tensor:
    """Blow the patch scores of each window up to its pixels and average where windows overlap.

    A window whose sides are no multiple of the patch is stretched from its padded grid, as published.
    Differentiable; every class is computed on its own.

    Args:
        scores: of the patches, shape ``(n, gh, gw, C)``.
        boxes: windows, rows ``y1, y2, x1, x2`` in pixels, shape ``(n, 4)``; together they cover the picture.
        height: of the picture, in pixels.
        width: of the picture, in pixels.

    Returns:
        Scores of the pixels, float32, shape ``(height, width, C)``.
    """
    if scores.ndim != 4 or len(scores) != len(boxes):
        raise ValueError(
            f"scores must have shape (n, gh, gw, C) with n = {len(boxes)} windows, got {tuple(scores.shape)}"
        )
    return merge_columns(scores.permute(3, 0, 1, 2), boxes, height, width).permute(1, 2, 0)


def merge_columns(columns: Tensor, boxes: Boxes, height: int, width: int) -> Tensor:
    """Do what ``merge_windows`` does for scores that hold one class after the other.

    Args:
        columns: scores of the patches, shape ``(C, n, gh, gw)``.
        boxes: windows, rows ``y1, y2, x1, x2`` in pixels, shape ``(n, 4)``.
        height: of the picture, in pixels.
        width: of the picture, in pixels.

    Returns:
        Scores of the pixels, float32, shape ``(C, height, width)``, contiguous.
    """
    size = _window_size(boxes)
    canvas = torch.zeros(len(columns), height, width, device=columns.device)
    cover = torch.zeros(height, width, device=columns.device)
    for index, (y1, y2, x1, x2) in enumerate(boxes.tolist()):
        grid = columns[:, index].float().contiguous()[None]
        window = F.interpolate(grid, size=size, mode="bilinear", align_corners=False)
        canvas[:, y1:y2, x1:x2] += window[0]
        cover[y1:y2, x1:x2] += 1
    return canvas / cover


def _window_size(boxes: Boxes) -> tuple[int, int]:
    sizes = np.stack([boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]], axis=1)
    if len(sizes) == 0 or (sizes != sizes[0]).any() or sizes.min() < 1:
        raise ValueError(f"boxes must be windows of one size, at least one; got sizes {sizes.tolist()}")
    return int(sizes[0, 0]), int(sizes[0, 1])


def _ceil(length: int, multiple: int) -> int:
    return -(-length // multiple)
