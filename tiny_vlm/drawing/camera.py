"""The camera: perspective of image and mask alike, and what lens, sensor and JPEG do to the image."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tiny_vlm.drawing.canvas import UNPAINTED, Pixels, rgb

Matrix = NDArray[np.float64]


def homography(corners: NDArray[np.float64], height: int, width: int) -> Matrix:
    """The perspective that takes four points (column, row; clockwise from top left) to the corners."""
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), target), np.float64)


def warp(image: Pixels, mask: Pixels, matrix: Matrix, height: int, width: int) -> tuple[Pixels, Pixels]:
    """Image (linear) and mask (nearest) seen through one perspective."""
    size = (width, height)
    seen = cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    labels = cv2.warpPerspective(
        mask, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=UNPAINTED
    )
    return seen, labels


def random_corners(
    rng: np.random.Generator, height: int, width: int, margin: float, strength: float
) -> NDArray[np.float64]:
    """Four corners of a view into a canvas, ``margin`` from its border on average, each pushed about."""
    base = np.array([[margin, margin], [1 - margin, margin], [1 - margin, 1 - margin], [margin, 1 - margin]])
    yaw, pitch, roll = rng.normal(0, strength, 3)
    skew = np.array([[0, yaw], [0, -yaw], [0, yaw], [0, -yaw]]) * 0.6
    lean = (
        np.array([[pitch, 0], [-pitch, 0], [pitch, 0], [-pitch, 0]]) * np.array([[1], [1], [-1], [-1]]) * 0.5
    )
    turn = np.array([[0, roll], [0, -roll], [0, -roll], [0, roll]]) * 0.25
    corners = np.clip(base + skew + lean + turn + rng.normal(0, 0.1 * strength, (4, 2)), 0.0, 1.0)
    return np.asarray(corners * (width, height), np.float64)


def develop(image: Pixels, rng: np.random.Generator, tint: tuple[float, float, float]) -> Pixels:
    """Colour cast, contrast, vignette, blur, noise and JPEG of a photograph."""
    photo = image.astype(np.float32) * rgb(tint) * rng.normal(1, 0.03, 3).astype(np.float32)
    photo = np.clip(photo / 255.0, 0, 1) ** rng.uniform(0.8, 1.25)
    photo = 0.5 + (photo - 0.5) * rng.uniform(0.8, 1.15) + rng.normal(0, 0.03)
    grey = photo.mean(2, keepdims=True)
    photo = grey + (photo - grey) * rng.uniform(0.65, 1.25)
    if rng.random() < 0.5:
        photo *= vignette(image.shape[0], image.shape[1], rng.uniform(0.05, 0.35))[..., None]
    if rng.random() < 0.45:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.3))
    if rng.random() < 0.6:
        photo += rng.standard_normal(photo.shape[:2], dtype=np.float32)[..., None] * rng.uniform(0.005, 0.05)
    shown = (np.clip(photo, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = int(rng.integers(35, 92))
        shown = cv2.imdecode(
            cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
        )
    return np.asarray(shown, np.uint8)


def vignette(height: int, width: int, strength: float) -> NDArray[np.float32]:
    """Brightness that falls towards the corners, 1 in the middle, shape (height, width)."""
    row = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    column = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    return (1 - strength * (row**2 + column**2) / 2).astype(np.float32)
