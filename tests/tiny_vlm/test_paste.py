"""Objects pasted from one training crop over another."""

import numpy as np
import pytest

from tiny_vlm.facades import CLASSES, IGNORE
from tiny_vlm.paste import FACADE_STICKERS, Stickers, paste_object

PLASTER, WINDOW, SIGN, CRACK, SKY = (
    CLASSES.index(name) for name in ("plaster wall", "window", "sign", "crack", "sky")
)
SIDE = 64


def crop(label: int, shade: int) -> tuple[np.ndarray, np.ndarray]:
    image = np.full((SIDE, SIDE, 3), shade, np.uint8)
    return image, np.full((SIDE // 2, SIDE // 2), label, np.uint8)


def with_object(label: int) -> tuple[np.ndarray, np.ndarray]:
    image, mask = crop(PLASTER, 40)
    mask[10:20, 8:24] = label
    image[20:40, 16:48] = 240
    return image, mask


def pasted(target: int, label: int, stickers: Stickers = FACADE_STICKERS, seeds: int = 20) -> list:
    results = []
    for seed in range(seeds):
        image, mask = crop(target, 100)
        paste_object(image, mask, *with_object(label), stickers, np.random.default_rng(seed))
        results.append((image, mask))
    return results


def test_the_object_arrives_with_its_label_and_its_pixels():
    for image, mask in pasted(PLASTER, SIGN):
        inside = np.kron(mask == SIGN, np.ones((2, 2), bool))
        assert inside.any()
        assert image[inside].mean() > 180
        assert (image[~inside] < 180).mean() > 0.95


def test_soft_edges_reach_two_pixels_at_most():
    for image, mask in pasted(PLASTER, SIGN):
        inside = np.kron(mask == SIGN, np.ones((2, 2), bool))
        rows, columns = np.nonzero(inside)
        far = np.ones_like(inside)
        far[max(0, rows.min() - 4) : rows.max() + 5, max(0, columns.min() - 4) : columns.max() + 5] = False
        assert (image[far] == 100).all()


@pytest.mark.parametrize(("target", "arrives"), [(PLASTER, True), (SKY, False), (IGNORE, False)])
def test_damage_lies_on_walls_only(target, arrives):
    found = [bool((mask == CRACK).any()) for _, mask in pasted(target, CRACK)]
    assert any(found) == arrives


def test_nothing_changes_where_there_is_nothing_to_paste():
    image, mask = crop(PLASTER, 100)
    paste_object(image, mask, *crop(PLASTER, 40), FACADE_STICKERS, np.random.default_rng(0))
    assert (image == 100).all()
    assert (mask == PLASTER).all()


def test_pixels_without_a_label_keep_none():
    for image, mask in pasted(IGNORE, WINDOW):
        assert (mask == IGNORE).all()
        assert (image == 100).all()


def test_the_same_seed_pastes_the_same():
    first, again = pasted(PLASTER, WINDOW, seeds=3), pasted(PLASTER, WINDOW, seeds=3)
    for (image, mask), (same_image, same_mask) in zip(first, again, strict=True):
        assert np.array_equal(image, same_image)
        assert np.array_equal(mask, same_mask)
