"""What the matching model learns from: pictures seen once by the frozen image tower, with their labels."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tiny_vlm.augment import Crop, Pixels, cut, degrade, draw_crop, recolour
from tiny_vlm.data import Picture, Source, concept_shares, normalise
from tiny_vlm.spaces import LabelSpace

SIDE = 256  # pixels of a view: 16 x 16 patches
WHOLE = 0.6  # part of the views that show the whole picture squeezed to a square, as PnP-OVSS does
VIEWS_AT_ONCE = 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Views:
    """Encoded views.

    Attributes:
        tokens: class token and patches of each view, ``(V, 1 + P * P, D)`` float16.
        masks: labels at half of the view's resolution, ``(V, SIDE / 2, SIDE / 2)`` uint8.
        sources: index of each view's source, ``(V,)`` int64.
    """

    tokens: Tensor
    masks: Tensor
    sources: Tensor

    def shares(self, index: int, space: LabelSpace) -> Tensor:
        """Share of each concept in each patch of one view: ``(P * P, concepts)`` float32."""
        return concept_shares(self.masks[index].numpy(), space)


def encode_views(model: Any, sources: Sequence[Source], count: int, seed: int, cache: Path) -> Views:
    """Draw views and run the image tower over them, or read them from ``cache`` where they lie already.

    Args:
        model: of :func:`tiny_vlm.itm.build_itm`, its image tower final.
        sources: each gets views in proportion to its ``share``.
        count: number of views.
        seed: of the views.
        cache: file; it may be deleted at any time.
    """
    if cache.exists():
        return Views(**torch.load(cache, weights_only=True))
    rng = np.random.default_rng(seed)
    shares = np.array([source.share for source in sources])
    chosen = rng.choice(len(sources), count, p=shares / shares.sum())
    drawn = [_draw_view(sources[index], rng) for index in chosen]
    device = next(model.parameters()).device
    tokens = []
    for start in range(0, count, VIEWS_AT_ONCE):
        stacked = torch.from_numpy(np.stack([image for image, _ in drawn[start : start + VIEWS_AT_ONCE]]))
        with torch.no_grad():
            answer = model.vision_model(normalise(stacked).to(device), interpolate_pos_encoding=True)
        tokens.append(answer.last_hidden_state.half().cpu())
        if start % (20 * VIEWS_AT_ONCE) == 0:
            _log.info("encoded %d of %d views", start, count)
    masks = torch.from_numpy(np.stack([mask for _, mask in drawn]))
    parts = {"tokens": torch.cat(tokens), "masks": masks, "sources": torch.from_numpy(chosen)}
    cache.parent.mkdir(parents=True, exist_ok=True)
    torch.save(parts, cache)
    return Views(**parts)


def watching_views(model: Any, sources: Sequence[Source]) -> Views:
    """Encode the whole pictures that watch, unchanged."""
    pictures = [(index, picture) for index, source in enumerate(sources) for picture in source.pictures]
    cuts = [cut(picture.image, picture.mask, _whole(picture), SIDE) for _, picture in pictures]
    device = next(model.parameters()).device
    tokens = []
    for start in range(0, len(cuts), VIEWS_AT_ONCE):
        stacked = torch.from_numpy(np.stack([image for image, _ in cuts[start : start + VIEWS_AT_ONCE]]))
        with torch.no_grad():
            answer = model.vision_model(normalise(stacked).to(device), interpolate_pos_encoding=True)
        tokens.append(answer.last_hidden_state.half().cpu())
    masks = torch.from_numpy(np.stack([mask for _, mask in cuts]))
    return Views(torch.cat(tokens), masks, torch.tensor([index for index, _ in pictures]))


def draw_space(source: Source, spaces: Mapping[str, LabelSpace], rng: np.random.Generator) -> LabelSpace:
    """Draw the label space that a view is read in."""
    return spaces[source.spaces[rng.choice(len(source.spaces), p=source.space_shares)]]


def _draw_view(source: Source, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    picture = source.pictures[int(rng.integers(len(source.pictures)))]
    height, width = picture.mask.shape
    if rng.random() < WHOLE:
        crop = _whole(picture, float(rng.uniform(0.75, 1.0)), rng)
    else:
        point = (float(rng.uniform(0, width)), float(rng.uniform(0, height)))
        crop = draw_crop(point, (0.5 * source.sides[1], 1.2 * source.sides[1]), (height, width), rng)
    image, mask = cut(picture.image, picture.mask, crop, SIDE)
    return degrade(recolour(image, rng), rng), mask


def _whole(picture: Picture, zoom: float = 1.0, rng: np.random.Generator | None = None) -> Crop:
    """The whole picture, or a large part of it at a random place, perhaps mirrored."""
    height, width = picture.mask.shape
    sides = (zoom * width, zoom * height)
    if rng is None:
        return Crop((width / 2, height / 2), sides)
    x = rng.uniform(sides[0] / 2, width - sides[0] / 2)
    y = rng.uniform(sides[1] / 2, height - sides[1] / 2)
    return Crop((float(x), float(y)), sides, float(rng.normal(0, 2)), bool(rng.random() < 0.5))
