import csv

import numpy as np
import pytest
import torch
from PIL import Image

from tiny_vlm.augment import Crop, cut, degrade, draw_crop, recolour
from tiny_vlm.data import (
    concept_shares,
    draw_batch,
    draw_scenes,
    draw_views,
    make_picture,
    normalise,
    photo_source,
    read_picture,
    read_split,
    scene_source,
    training_names,
)
from tiny_vlm.facades import CLASSES, IGNORE
from tiny_vlm.spaces import DAMAGE, all_spaces, facade_spaces, label_space

WINDOW, CRACK, PLASTER = CLASSES.index("window"), CLASSES.index("crack"), CLASSES.index("plaster wall")


def chequered(height=64, width=96):
    """A picture whose left half is wall and whose right half is window."""
    mask = np.full((height, width), PLASTER, np.uint8)
    mask[:, width // 2 :] = WINDOW
    return make_picture(np.repeat((mask * 20)[..., None], 3, 2), mask)


@pytest.fixture
def photo_folder(tmp_path):
    """A folder laid out as spb_facades, with 24 training and 6 validation photographs."""
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    (tmp_path / "classes.csv").write_text("index,name\n0,sky\n")
    rows = [(f"p{index}.jpg", "val" if index % 5 == 0 else "train") for index in range(30)]
    for name, _ in rows:
        Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(tmp_path / "images" / name)
        palette = Image.fromarray(np.full((40, 60), WINDOW, np.uint8)).convert("P")
        palette.putpalette(list(range(256)) * 3)
        palette.save(tmp_path / "masks" / name.replace("jpg", "png"))
    with (tmp_path / "splits.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "split"), *rows])
    return tmp_path


def test_val_photographs_neither_teach_nor_watch(photo_folder):
    teaching, watching = training_names(photo_folder)
    val = set(read_split(photo_folder, "val"))
    assert len(val) == 6
    assert not val & {*teaching, *watching}
    assert len(teaching) + len(watching) == 24
    assert not set(teaching) & set(watching)


@pytest.mark.parametrize("folder", ["spb_facades", "bern_facades"])
def test_val_photographs_of_the_real_sets_stay_out(shared, folder):
    teaching, watching = training_names(shared / "photos" / folder)
    val = set(read_split(shared / "photos" / folder, "val"))
    assert val
    assert not val & {*teaching, *watching}


def test_unknown_split_is_refused_by_name(photo_folder):
    with pytest.raises(ValueError, match="no row with split 'test'"):
        read_split(photo_folder, "test")


def test_mask_of_another_size_is_refused(photo_folder):
    Image.fromarray(np.zeros((10, 10), np.uint8)).save(photo_folder / "masks" / "p1.png")
    with pytest.raises(ValueError, match=r"mask of p1\.jpg"):
        read_picture(photo_folder, "p1.jpg")


def test_photographs_are_read_with_palette_indices_as_labels(photo_folder):
    source = photo_source(photo_folder, ["p1.jpg"], all_spaces(damage=True))
    assert set(np.unique(source.pictures[0].mask)) == {WINDOW}
    assert "parts" in source.spaces


def test_a_plain_crop_is_the_picture_itself():
    picture = chequered(64, 64)
    image, mask = cut(picture.image, picture.mask, Crop((31.5, 31.5), (64, 64)), 64)
    np.testing.assert_array_equal(image, picture.image)
    np.testing.assert_array_equal(mask, picture.mask[::2, ::2])


def test_a_mirrored_crop_swaps_left_and_right():
    picture = chequered(64, 64)
    image, mask = cut(picture.image, picture.mask, Crop((31.5, 31.5), (64, 64), mirrored=True), 64)
    np.testing.assert_array_equal(image, picture.image[:, ::-1])
    assert (mask[:, :15] == WINDOW).all()


def test_beyond_the_border_nothing_is_labelled():
    picture = chequered(64, 64)
    _, mask = cut(picture.image, picture.mask, Crop((31.5, 31.5), (128, 128)), 64)
    assert (mask[:7] == IGNORE).all()
    assert (mask[9:23, 9:15] == PLASTER).all()


def test_half_size_pictures_give_the_same_place():
    picture = chequered(128, 128)
    crop = Crop((63.5, 63.5), (128, 128))
    full, _ = cut(picture.image, picture.mask, crop, 64)
    small, _ = cut(picture.small, picture.mask, crop, 64)
    assert np.abs(full.astype(int) - small.astype(int))[:, :30].max() <= 1


def test_crops_stay_inside_where_they_fit():
    rng = np.random.default_rng(0)
    for _ in range(100):
        crop = draw_crop((0.0, 299.0), (40, 90), (300, 400), rng)
        (x, y), (width, height) = crop.centre, crop.sides
        assert width / 2 - 1e-6 <= x <= 400 - width / 2 + 1e-6
        assert height / 2 - 1e-6 <= y <= 300 - height / 2 + 1e-6


def test_changed_colours_keep_shape_and_dtype():
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (32, 48, 3)).astype(np.uint8)
    for _ in range(20):
        changed = degrade(recolour(image, rng), rng)
        assert (changed.shape, changed.dtype) == (image.shape, image.dtype)


def test_shares_count_labelled_pixels_of_each_patch():
    space = label_space(("sky", "window", "door"), {"window": "window", "door": "door"})
    mask = np.zeros((16, 16), np.uint8)  # four patches of 8 x 8 mask pixels; label 0 means nothing here
    mask[:8, :4] = 1
    mask[8:, 8:] = 2
    mask[0, 8] = IGNORE
    shares = concept_shares(mask, space)
    torch.testing.assert_close(shares, torch.tensor([[0.5, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 1.0]]))


def test_without_damage_words_damage_is_wall_or_nothing():
    spaces = facade_spaces(damage=False)
    assert spaces["parts"].columns[CRACK] == IGNORE
    assert spaces["general"].concepts[spaces["general"].columns[CRACK]] == "wall"
    assert not {concept for space in spaces.values() for concept in space.concepts} & {*DAMAGE, "damage"}


def test_with_damage_words_every_class_is_asked_for():
    assert facade_spaces(damage=True)["parts"].concepts == CLASSES


def test_normalised_pixels_have_the_written_mean():
    white = normalise(torch.full((1, 4, 4, 3), 255, dtype=torch.uint8))
    torch.testing.assert_close(white[0, :, 0, 0], torch.tensor([0.52 / 0.27, 0.54 / 0.27, 0.57 / 0.28]))


def test_a_batch_depends_on_its_seed_alone():
    spaces = all_spaces(damage=False)
    sources = [scene_source([chequered(128, 128)], spaces)]
    first = draw_batch(sources, spaces, 64, 4, np.random.default_rng((7, 3)))
    again = draw_batch(sources, spaces, 64, 4, np.random.default_rng((7, 3)))
    other = draw_batch(sources, spaces, 64, 4, np.random.default_rng((7, 4)))
    assert torch.equal(first.images, again.images)
    assert first.space == again.space
    assert not torch.equal(first.images, other.images)


def test_two_views_show_one_picture():
    spaces = all_spaces(damage=False)
    wall, window = (
        make_picture(np.zeros((96, 96, 3), np.uint8), np.full((96, 96), label, np.uint8))
        for label in (PLASTER, WINDOW)
    )
    batch = draw_views([scene_source([wall, window], spaces)], spaces, 64, 6, np.random.default_rng(2))
    kinds = [int(share.sum(0).argmax()) for share in batch.shares]
    assert kinds[::2] == kinds[1::2]
    assert len(set(kinds)) == 2


def test_scenes_are_drawn_once(tmp_path):
    drawn = draw_scenes(2, tmp_path)
    stamp = next(tmp_path.iterdir()).stat().st_mtime_ns
    again = draw_scenes(2, tmp_path)
    assert next(tmp_path.iterdir()).stat().st_mtime_ns == stamp
    np.testing.assert_array_equal(drawn[1].image, again[1].image)
