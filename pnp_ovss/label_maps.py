"""From class maps on the patch grid to a label map: threshold, background, blur, dense CRF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image as Pillow

from pnp_ovss.config import PnPOVSSConfig
from pnp_ovss.crf import crf_probabilities
from pnp_ovss.preprocess import Image, check_image

Maps = NDArray[np.float32]
_AUTO_BELOW = 3  # classes: "auto" adds a background channel to fewer


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Scores of the channels that compete for a pixel.

    Attributes:
        scores: shape ``(C, h, w)``, or ``(C + 1, h, w)`` with the background first.
        background: whether channel 0 is the background.
    """

    scores: Maps
    background: bool

    def index_map(self, height: int, width: int) -> NDArray[np.int16]:
        """Index of the largest channel at every pixel, the first of equal ones.

        Args:
            height: of the map, in pixels; scores of another size are resized bilinearly.
            width: of the map, in pixels.
        """
        if self.scores.shape[1:] == (height, width):
            return np.asarray(self.scores.argmax(0), np.int16)
        best, index = self._resized(0, height, width), np.zeros((height, width), np.int16)
        for channel in range(1, len(self.scores)):  # one at a time: a large picture has many pixels
            scores = self._resized(channel, height, width)
            larger = scores > best
            index[larger] = channel
            best = np.where(larger, scores, best)
        return index

    def _resized(self, channel: int, height: int, width: int) -> Maps:
        one = self.scores[channel : channel + 1]
        return np.asarray(resize(one, height, width, align_corners=False)[0], np.float32)


def postprocess(maps: NDArray[np.floating], image: Image, config: PnPOVSSConfig) -> NDArray[np.int16]:
    """Turn class maps into a label map.

    Args:
        maps: class maps, shape ``(C, P, P)``.
        image: RGB, uint8, shape ``(H, W, 3)``.
        config: threshold, background, blur and CRF.

    Returns:
        Index of a channel, shape ``(H, W)``: the class, or with a background channel 0 = background and
        i = class i - 1 (:func:`has_background`).

    Raises:
        ValueError: a shape is wrong, or a map is not finite.
        TypeError: the image is no uint8 array.
        DenseCRFError: the CRF is asked for and gave no answer.
    """
    stack = smoothed_stack(maps, image, config)
    return refined_stack(stack, image, config).index_map(*image.shape[:2])


def smoothed_stack(maps: NDArray[np.floating], image: Image, config: PnPOVSSConfig) -> Stack:
    """Everything before the CRF: threshold, resize, background and blur; arguments as :func:`postprocess`.

    Args:
        maps: class maps, shape ``(C, P, P)``.
        image: RGB, uint8, shape ``(H, W, 3)``.
        config: threshold, background and blur.

    Returns:
        Scores at the picture's size, at most ``long_side``.
    """
    check_image(image)
    values = np.asarray(maps, dtype=np.float32)
    if values.ndim != 3 or 0 in values.shape or not np.isfinite(values).all():
        raise ValueError(f"maps must be finite and have shape (C, P, P), got {values.shape}")
    scores = resize(_thresholded(values, config.threshold), *working_size(image, config.long_side))
    if _rescales(config) and len(scores) > 1:
        scores = _stretched(scores, config)
    background = has_background(len(scores), config)
    if background:
        scores = np.concatenate([(scores.max(0, keepdims=True) == 0).astype(np.float32), scores])
    return Stack(_blurred(scores, config) if "blur" in config.postprocess else scores, background)


def refined_stack(stack: Stack, image: Image, config: PnPOVSSConfig) -> Stack:
    """Class probabilities after the CRF, where the settings ask for it.

    Args:
        stack: of :func:`smoothed_stack`.
        image: the picture it is of.
        config: its ``postprocess`` and ``crf_`` settings.

    Raises:
        DenseCRFError: the CRF gave no answer.
    """
    if "crf" not in config.postprocess:
        return stack
    if config.quirks and not np.isfinite(stack.scores).all():
        return Stack(np.zeros_like(stack.scores), stack.background)  # NaN everywhere: channel 0 wins
    small = _shrunk(image, *stack.scores.shape[1:])
    return Stack(crf_probabilities(stack.scores, small, config), stack.background)


def has_background(classes: int, config: PnPOVSSConfig) -> bool:
    """Whether a background channel competes.

    Args:
        classes: how many there are.
        config: its ``background``.
    """
    return config.background == "always" or (config.background == "auto" and classes < _AUTO_BELOW)


def to_labels(
    index_map: NDArray[np.integer], labels: Sequence[int], *, background: bool, quirks: bool = False
) -> NDArray[np.int16]:
    """Replace indices by a data set's labels; the background becomes 0.

    Args:
        index_map: of :func:`postprocess`.
        labels: label of each class.
        background: whether index 0 is the background.
        quirks: replace in place from the last class to the first, as the published code does: two classes
            merge where the labels do not ascend.
    """
    table = np.array([0, *labels] if background else labels, dtype=np.int16)
    if not quirks:
        return np.asarray(table[index_map], np.int16)
    result = np.asarray(index_map, dtype=np.int16).copy()
    for index in reversed(range(len(table))):
        result[result == index] = table[index]
    return result


def working_size(image: Image, long_side: int) -> tuple[int, int]:
    """Height and width at which a picture is post-processed.

    Args:
        image: shape ``(H, W, 3)``.
        long_side: most pixels of the longer side.
    """
    height, width = image.shape[:2]
    scale = min(1.0, long_side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(maps: Maps, height: int, width: int, *, align_corners: bool = True) -> Maps:
    """Resize maps bilinearly.

    Args:
        maps: shape ``(C, h, w)``.
        height: wanted, in pixels.
        width: wanted, in pixels.
        align_corners: whether the centres of the corner pixels coincide, as published.
    """
    values = torch.from_numpy(np.ascontiguousarray(maps))[None]
    grown = F.interpolate(values, size=(height, width), mode="bilinear", align_corners=align_corners)
    return np.asarray(grown[0].numpy(), np.float32)


def _thresholded(maps: Maps, threshold: float) -> Maps:
    """Keep the raw values of what reaches the threshold in a map scaled to [0, 1]; constant maps vanish."""
    low, high = _ends(maps)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((maps - low) / (high - low) >= np.float32(threshold), maps, np.float32(0))


def _rescales(config: PnPOVSSConfig) -> bool:
    return config.rescale or (config.quirks and config.rounds == 1)


def _blurred(scores: Maps, config: PnPOVSSConfig) -> Maps:
    from scipy.ndimage import gaussian_filter

    sigma = config.blur_sigma * max(scores.shape[1:])
    return _stretched(np.stack([gaussian_filter(channel, sigma) for channel in scores]), config)


def _stretched(scores: Maps, config: PnPOVSSConfig) -> Maps:
    """Scale each channel to [0, 1]; a constant one becomes 0, with ``quirks`` NaN."""
    low, high = _ends(scores)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = (scores - low) / (high - low)
    return scaled if config.quirks else np.where(high > low, scaled, np.float32(0))


def _ends(maps: Maps) -> tuple[Maps, Maps]:
    return maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)


def _shrunk(image: Image, height: int, width: int) -> Image:
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(
        Pillow.fromarray(np.ascontiguousarray(image)).resize((width, height), Pillow.Resampling.BOX)
    )
