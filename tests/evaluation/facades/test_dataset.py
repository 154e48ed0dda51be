from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.facades import DatasetError, read_sample, read_split
from evaluation.facades.dataset import source_of


def test_both_layouts_hold_the_same_samples(tmp_path: Path, add_pair) -> None:
    mask = np.full((24, 32), 3, np.uint8)
    mask[0] = 255
    add_pair(tmp_path / "a/images/val", tmp_path / "a/masks/val", "street/one", mask)
    add_pair(tmp_path / "b/val/images", tmp_path / "b/val/masks", "street/one", mask)
    for root in ("a", "b"):
        (sample,) = read_split(tmp_path / root, "val")
        image, labels = read_sample(sample)
        assert (sample.name, sample.group) == ("street/one", "one")
        assert image.shape == (24, 32, 3)
        assert image.dtype == labels.dtype == np.uint8
        np.testing.assert_array_equal(labels, mask)


def test_a_palette_mask_gives_its_indices(tmp_path: Path, add_pair) -> None:
    add_pair(tmp_path / "images/val", tmp_path / "masks/val", "one")
    picture = Image.new("P", (32, 24), 7)
    picture.putpalette([200] * 768)
    picture.save(tmp_path / "masks/val/one.png")
    assert (read_sample(read_split(tmp_path, "val")[0])[1] == 7).all()


def test_a_mask_in_another_folder_is_found_by_its_bare_name(tmp_path: Path, add_pair) -> None:
    add_pair(tmp_path / "images/val/north", tmp_path / "masks/val/painted", "one")
    assert read_split(tmp_path, "val")[0].mask.parent.name == "painted"


@pytest.mark.parametrize(
    ("stem", "source"),
    [("house_y00512_x01024", "house"), ("house_x3_y7", "house"), ("IMG_2024_0012", "IMG_2024_0012")],
)
def test_a_tile_knows_its_photograph_by_name(stem: str, source: str) -> None:
    assert source_of(stem) == source


def test_missing_folders_and_splits_are_named(tmp_path: Path, add_pair) -> None:
    with pytest.raises(DatasetError, match=r"no folder .*nowhere"):
        read_split(tmp_path / "nowhere", "val")
    with pytest.raises(DatasetError, match=r"no split 'valid'. Choose one of train, val, test"):
        read_split(tmp_path, "valid")
    with pytest.raises(DatasetError, match="neither of images/val and val/images"):
        read_split(tmp_path, "val")
    (tmp_path / "images/val").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"no masks beside it.*masks/val"):
        read_split(tmp_path, "val")
    (tmp_path / "masks/val").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"images/val holds no pictures"):
        read_split(tmp_path, "val")
    (tmp_path / "val/images").mkdir(parents=True)
    with pytest.raises(DatasetError, match="both of images/val and val/images"):
        read_split(tmp_path, "val")


def test_pictures_and_masks_without_partner_are_named(tmp_path: Path, add_pair) -> None:
    images, masks = tmp_path / "images/val", tmp_path / "masks/val"
    add_pair(images, masks, "one")
    add_pair(images, masks, "two")
    (masks / "two.png").unlink()
    with pytest.raises(DatasetError, match=r"images/val/two has no mask"):
        read_split(tmp_path, "val")
    (images / "two.png").unlink()
    add_pair(tmp_path / "elsewhere", masks, "three")
    with pytest.raises(DatasetError, match=r"without a picture in .*: three"):
        read_split(tmp_path, "val")


def test_two_files_of_one_name_are_refused(tmp_path: Path, add_pair) -> None:
    images, masks = tmp_path / "images/val", tmp_path / "masks/val"
    add_pair(images, masks, "one")
    Image.new("RGB", (32, 24)).save(images / "one.jpg")
    with pytest.raises(DatasetError, match=r"one\.jpg and one\.png have one name"):
        read_split(tmp_path, "val")


@pytest.mark.parametrize(
    ("name", "write", "sentence"),
    [
        ("one.png", lambda path: Image.new("RGB", (32, 24)).save(path), "one.png is a PNG of mode RGB"),
        ("one.png", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n noise"), "one.png cannot be read"),
        ("one.png", lambda path: Image.new("L", (32, 23)).save(path), "one.png has 32 x 23 pixels"),
        ("one.png", lambda path: Image.new("L", (32, 24), 77).save(path), r"one.png holds the values \[77\]"),
        ("one.jpg", lambda path: Image.new("L", (32, 24)).save(path), "one.jpg is a JPEG"),
    ],
)
def test_a_malformed_mask_is_refused_by_name(tmp_path: Path, add_pair, name, write, sentence) -> None:
    images, masks = tmp_path / "images/val", tmp_path / "masks/val"
    add_pair(images, masks, "one")
    (masks / "one.png").unlink()
    write(masks / name)
    with pytest.raises(DatasetError, match=sentence):
        read_sample(read_split(tmp_path, "val")[0])


def test_a_broken_picture_is_refused_by_name(tmp_path: Path, add_pair) -> None:
    add_pair(tmp_path / "images/val", tmp_path / "masks/val", "one")
    (tmp_path / "images/val/one.png").write_bytes(b"no picture at all, only text")
    (sample,) = read_split(tmp_path, "val")
    for large in (False, True):
        with pytest.raises(DatasetError, match=r"one\.png"):
            read_sample(sample, large=large)


def test_a_photograph_larger_than_the_page_accepts_is_read_where_it_is_cut(tmp_path: Path, add_pair) -> None:
    images, masks = tmp_path / "images/val", tmp_path / "masks/val"
    add_pair(images, masks, "one")
    Image.new("RGB", (8000, 2001)).save(images / "one.png")
    Image.new("L", (8000, 2001)).save(masks / "one.png")
    (sample,) = read_split(tmp_path, "val")
    assert read_sample(sample, large=True)[0].shape == (2001, 8000, 3)
    with pytest.raises(DatasetError, match=r"one\.png: The picture is too large"):
        read_sample(sample)
