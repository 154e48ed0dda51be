import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.convert_brush_coco import main
from evaluation.facades import read_sample, read_split, read_tiles


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Four pictures, each with a square of rust, as Label Studio exports them."""
    (tmp_path / "photos").mkdir()
    images, annotations = [], []
    for number in range(4):
        Image.new("RGB", (32, 24), (number, 90, 90)).save(tmp_path / "photos" / f"house{number}.png")
        name = f"1a2b3c4d-house{number}.png"
        images.append({"id": number, "file_name": name, "height": 24, "width": 32})
        square = [[number, 0, number + 4, 0, number + 4, 4, number, 4]]
        annotations.append({"id": number, "image_id": number, "category_id": 1, "segmentation": square})
    categories = [{"id": 1, "name": "rust"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "result.json").write_text(json.dumps(content))
    return tmp_path


def test_masks_and_manifest_are_what_the_tools_read(export: Path) -> None:
    words = [str(export / "result.json"), "--images", str(export / "photos"), "-o", str(export / "out")]
    assert main([*words, "--overlays"]) == 0
    for number, sample in enumerate(read_tiles(export / "out")):
        image, mask = read_sample(sample)
        expected = np.zeros((24, 32), np.uint8)
        expected[:4, number : number + 4] = 7
        np.testing.assert_array_equal(mask, expected)
        assert (image == (number, 90, 90)).all()
    assert len(list((export / "out/overlays").iterdir())) == 4


def test_auto_split_gives_a_data_set_in_layout_a(export: Path) -> None:
    words = [str(export / "result.json"), "--images", str(export / "photos"), "-o", str(export / "out")]
    assert main([*words, "--auto-split", "train=0.5", "val=0.5", "--seed", "1"]) == 0
    names = [[sample.name for sample in read_split(export / "out", split)] for split in ("train", "val")]
    assert list(map(len, names)) == [2, 2]
    assert sorted(itertools.chain(*names)) == ["house0", "house1", "house2", "house3"]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--auto-split", "train=0.5", "val=0.4"], "sum to 1"),
        (["--auto-split", "training=1"], "'training=1' is no split"),
        (["--class-aliases", "rust=moss"], "unknown categories 'rust'"),
        (["--images", "nowhere"], "nowhere has no file for"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(export: Path, capsys, more, sentence) -> None:
    words = [str(export / "result.json"), "--images", str(export / "photos"), "-o", str(export / "out")]
    assert main([*words, *more]) == 2
    assert sentence in capsys.readouterr().err
    assert not (export / "out").exists()
