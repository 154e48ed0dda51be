import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.facades import DatasetError, read_sample, read_tiles


def write_manifest(root: Path, content: Any) -> None:
    root.mkdir(exist_ok=True)
    (root / "manifest.json").write_text(json.dumps(content))


def test_tiles_are_brought_to_the_taxonomy_by_name(tmp_path: Path, add_pair) -> None:
    mask = np.zeros((24, 32), np.uint8)
    mask[:8], mask[8:16], mask[23] = 1, 2, 255
    add_pair(tmp_path / "images", tmp_path / "masks", "house_y0_x0", mask)
    classes = [{"index": 1, "name": "rust"}, {"index": 2, "name": "cracks"}]
    write_manifest(tmp_path, {"classes": classes, "keep_empty": True})
    (sample,) = read_tiles(tmp_path, {"cracks": "CRACK"})
    labels = read_sample(sample)[1]
    assert sample.group == "house"
    assert (labels[:8] == 7).all()
    assert (labels[8:16] == 1).all()
    assert (labels[16:23] == 0).all()
    assert (labels[23] == 255).all()


def test_the_manifest_tells_the_photograph_of_a_tile(tmp_path: Path, add_pair) -> None:
    add_pair(tmp_path / "images", tmp_path / "masks", "0001")
    write_manifest(tmp_path, {"classes": [], "tiles": [{"file": "0001.png", "source": "house"}]})
    assert read_tiles(tmp_path)[0].group == "house"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([], "manifest.json must hold an object, got list"),
        ({}, "manifest.json needs 'classes'"),
        ({"classes": [{"index": 0, "name": "CRACK"}]}, "an index from 1 to 254"),
        ({"classes": [{"index": 1}]}, "an index from 1 to 254 and a name"),
        ({"classes": [{"index": 1, "name": "CRACK"}, {"index": 1, "name": "rust"}]}, "index 1 twice"),
        ({"classes": [{"index": 1, "name": "moss"}]}, "no facade class 'moss'.*--tiles-class-aliases"),
        ({"classes": [], "tiles": [{"file": "a.png"}]}, "no list of {file, source}"),
    ],
)
def test_a_malformed_manifest_is_refused(tmp_path: Path, content: Any, sentence: str) -> None:
    write_manifest(tmp_path, content)
    with pytest.raises(DatasetError, match=sentence):
        read_tiles(tmp_path)


def test_what_is_no_json_or_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"manifest\.json cannot be opened"):
        read_tiles(tmp_path)
    (tmp_path / "manifest.json").write_text("{classes}")
    with pytest.raises(DatasetError, match=r"manifest\.json is no valid JSON"):
        read_tiles(tmp_path)
    write_manifest(tmp_path, {"classes": []})
    with pytest.raises(DatasetError, match="has no folder images"):
        read_tiles(tmp_path)
