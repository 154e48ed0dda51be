import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluation.facades import DatasetError
from evaluation.facades.annotations import CocoFile, find_picture, paint_mask

SQUARE = [[2, 2, 8, 2, 8, 8, 2, 8]]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (20, 12)).save(tmp_path / "house.jpg")
    return tmp_path


def coco(folder: Path, *annotations: dict[str, Any], **changes: Any) -> CocoFile:
    content = {
        "images": [{"id": 1, "file_name": "house.jpg", "height": 12, "width": 20}],
        "categories": [{"id": 5, "name": "CRACK"}, {"id": 6, "name": "rust"}],
        "annotations": [{"id": n, "image_id": 1, **item} for n, item in enumerate(annotations)],
        **changes,
    }
    path = folder / "result.json"
    path.write_text(json.dumps(content))
    return CocoFile.load(path)


def test_later_annotations_cover_earlier_ones(photo: Path) -> None:
    runs = {"size": [12, 20], "counts": [60, 12, 168]}  # the sixth column
    file = coco(photo, {"category_id": 5, "segmentation": SQUARE}, {"category_id": 6, "segmentation": runs})
    (image,) = file.images(photo, {})
    expected = np.zeros((12, 20), np.uint8)
    expected[2:8, 2:8] = 1
    expected[:, 5] = 7
    np.testing.assert_array_equal(paint_mask(image), expected)


def test_unknown_categories_are_all_named(photo: Path) -> None:
    categories = [{"id": 5, "name": "moss"}, {"id": 6, "name": "rust"}, {"id": 7, "name": "nest"}]
    with pytest.raises(DatasetError, match=r"result\.json: unknown categories 'moss', 'nest'.*CRACK"):
        list(coco(photo, categories=categories).images(photo, {}))
    assert coco(photo, categories=categories).labels({"moss": "REPAIRS", "nest": "CRACK"}) == {
        5: 9,
        6: 7,
        7: 1,
    }


@pytest.mark.parametrize(
    ("annotation", "sentence"),
    [
        ({"category_id": 9, "segmentation": SQUARE}, "annotation 0 has the category_id 9"),
        ({"category_id": 5, "segmentation": SQUARE, "image_id": 4}, "annotation 0 has the image_id 4"),
        ({"category_id": 5, "segmentation": [[0, 0, 1, 1]]}, r"house\.jpg, annotation 0: .*3 corners"),
        ({"category_id": 5, "bbox": [0, 0, 5, 5]}, r"house\.jpg, annotation 0: there is no shape"),
    ],
)
def test_malformed_annotations_are_named(photo: Path, annotation: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        [paint_mask(image) for image in coco(photo, annotation).images(photo, {})]


def test_another_picture_of_the_same_name_is_refused(photo: Path) -> None:
    Image.new("RGB", (12, 20)).save(photo / "house.jpg")
    with pytest.raises(DatasetError, match=r"house\.jpg has 12 x 20 pixels, but result\.json .* 20 x 12"):
        list(coco(photo).images(photo, {}))


def test_the_size_is_that_of_the_upright_picture(photo: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (12, 20)).save(photo / "house.jpg", exif=exif)
    (image,) = coco(photo).images(photo, {})
    assert (image.height, image.width) == (12, 20)


@pytest.mark.parametrize("content", ["[]", "{", '{"images": [], "annotations": []}', '{"images": 3}'])
def test_what_is_no_coco_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(content)
    with pytest.raises(DatasetError, match=r"result\.json is no "):
        CocoFile.load(path)
    with pytest.raises(DatasetError, match=r"none\.json cannot be opened"):
        CocoFile.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    "name",
    [
        "house.jpg",
        "images/house.jpg",
        "1a2b3c4d-house.jpg",
        "/data/upload/3/0123456789ab-house.jpg",
        "ouse.jpg",
    ],
)
def test_pictures_are_found_under_the_names_that_exports_give(photo: Path, name: str) -> None:
    assert find_picture(photo, name) == photo / "house.jpg"


def test_an_exact_name_wins_over_one_without_prefix(photo: Path) -> None:
    Image.new("RGB", (20, 12)).save(photo / "1a2b3c4d-house.jpg")
    assert find_picture(photo, "1a2b3c4d-house.jpg").name == "1a2b3c4d-house.jpg"
    assert find_picture(photo, "99999999-house.jpg").name == "house.jpg"


def test_a_name_that_fits_none_or_several_is_refused(photo: Path) -> None:
    Image.new("RGB", (20, 12)).save(photo / "the_house.jpg")
    with pytest.raises(DatasetError, match=r"several files for 'ouse\.jpg': house\.jpg, the_house\.jpg"):
        find_picture(photo, "ouse.jpg")
    with pytest.raises(DatasetError, match=r"no file for 'barn\.jpg'"):
        find_picture(photo, "barn.jpg")
