import json
from pathlib import Path

import pytest

from evaluation.facades import DatasetError
from evaluation.facades.sources import TileSources, find_samples, parse_aliases


def make_tiles(root: Path, add_pair, photographs: int) -> Path:
    for number in range(photographs):
        for x in (0, 32):
            add_pair(root / "images", root / "masks", f"p{number}_y0_x{x}")
    (root / "manifest.json").write_text(json.dumps({"classes": [{"index": 1, "name": "CRACK"}]}))
    return root


def test_the_folder_of_the_variable_is_taken_without_an_option(drawn_set, monkeypatch) -> None:
    monkeypatch.setenv("FACADE_DATA_ROOT", str(drawn_set))
    found = find_samples(None, TileSources(), ["val", "train", "val"])
    assert {split: len(members) for split, members in found.items()} == {"val": 3, "train": 4}


def test_tiles_without_a_val_folder_are_split_by_photograph(tmp_path: Path, add_pair) -> None:
    root = make_tiles(tmp_path / "tiles", add_pair, 10)
    found = find_samples(None, TileSources(train=(root,), val_ratio=0.2), ["train", "val"])
    groups = [{sample.group for sample in members} for members in found.values()]
    assert list(map(len, found.values())) == [16, 4]
    assert not groups[0] & groups[1]


def test_only_the_splits_asked_for_are_given(tmp_path: Path, add_pair) -> None:
    train, val = (make_tiles(tmp_path / name, add_pair, 2) for name in ("train", "val"))
    assert list(find_samples(None, TileSources((train,), (val,)), ["val"])) == ["val"]
    with pytest.raises(DatasetError, match="no split 'train'"):
        find_samples(None, TileSources(val=(val,)), ["train"])
    with pytest.raises(DatasetError, match="not both"):
        find_samples(tmp_path, TileSources(val=(val,)), ["val"])


def test_aliases_come_as_words_or_as_a_file(tmp_path: Path) -> None:
    assert parse_aliases(" moss=CRACK, old rust = CORROSION ") == {"moss": "CRACK", "old rust": "CORROSION"}
    assert parse_aliases("") == {}
    file = tmp_path / "aliases.yaml"
    file.write_text("moss: CRACK\n")
    assert parse_aliases(str(file)) == {"moss": "CRACK"}
    with pytest.raises(DatasetError, match="'moss' has no '='"):
        parse_aliases("moss")
