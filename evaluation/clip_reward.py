"""How well class maps point at their classes, judged by CLIP instead of masks.

A class scores where CLIP is surer of it on the picture cut down to its map than on a black one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from lposs_core import TextAlignedEncoder, text_prototypes

SIDE: Final = 336  # pixels that CLIP sees
BLUR: Final = 0.04  # sigma as a share of SIDE
TEMPERATURE: Final = 0.01
Maps = NDArray[np.float32]


def attended_mask(class_map: Maps, threshold: float, side: int) -> NDArray[np.bool_]:
    """Where a class map looks: scaled, cut, enlarged, blurred, scaled and cut again.

    Args:
        class_map: shape ``(P, P)``.
        threshold: of the map scaled to ``[0, 1]``.
        side: of the mask in pixels.

    Returns:
        Shape ``(side, side)``; all False for a constant map.
    """
    scaled = _unit(class_map)
    kept = np.where(scaled > threshold, scaled, np.float32(0))
    large = cv2.resize(kept, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(_unit(cv2.GaussianBlur(large, (0, 0), BLUR * side)) > threshold)


def square_picture(image: NDArray[np.uint8], side: int) -> Tensor:
    """A picture squeezed to a square: ``(3, side, side)`` float32 in ``[0, 1]``."""
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(small).permute(2, 0, 1).float() / 255


def picture_side(clip: TextAlignedEncoder) -> int:
    """The multiple of CLIP's patch that is nearest to 336 pixels."""
    return max(1, round(SIDE / clip.patch_size)) * clip.patch_size


def class_vectors(
    clip: TextAlignedEncoder, classes: Sequence[Sequence[str]], templates: Sequence[str]
) -> Tensor:
    """One unit vector a class, the mean of its texts: ``(C, d)``."""
    means = [text_prototypes(clip, texts, templates).mean(0) for texts in classes]
    return F.normalize(torch.stack(means), dim=-1)


@torch.no_grad()
def picture_reward(
    clip: TextAlignedEncoder, picture: Tensor, maps: Maps, classes: Tensor, threshold: float
) -> int:
    """Count the classes of a picture whose map convinces CLIP.

    ``+1`` where ``P_k(picture * mask_k) > P_k(0)``, ``P`` the softmax of cosine / 0.01 over the picture's
    classes; with a single class, where every ``P`` is 1, the cosines themselves are compared.

    Args:
        clip: judges.
        picture: RGB in ``[0, 1]``, shape ``(3, S, S)``, ``S`` a multiple of CLIP's patch.
        maps: a map of each class that the picture shows, ``(C, P, P)``.
        classes: unit vectors of these classes, ``(C, d)``.
        threshold: of the maps.

    Returns:
        0 to C.
    """
    masks = np.stack([attended_mask(each, threshold, picture.shape[-1]) for each in maps])
    views = torch.cat([picture * torch.from_numpy(masks)[:, None], torch.zeros_like(picture)[None]])
    cosines = picture_vectors(clip, views) @ classes.T
    certainty = (cosines / TEMPERATURE).softmax(-1) if len(classes) > 1 else cosines
    own, black = certainty[:-1].diagonal(), certainty[-1]
    return int((own > black).sum())


def picture_vectors(clip: TextAlignedEncoder, pictures: Tensor) -> Tensor:
    """One unit vector a picture, the mean of its patches: ``(n, 3, S, S)`` to ``(n, d)``."""
    return F.normalize(clip.encode_patches(pictures).flatten(1, 2).mean(1), dim=-1)


def _unit(values: Maps) -> Maps:
    low, high = float(values.min()), float(values.max())
    return np.asarray((values - low) / (high - low) if high > low else np.zeros_like(values), np.float32)
