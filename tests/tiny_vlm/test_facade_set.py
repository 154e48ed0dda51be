import numpy as np
import pytest
from PIL import Image

from tiny_vlm.drawing.parts import Part
from tiny_vlm.facade_set import to_taxonomy, write_facade_set


def read_all(root):
    return {path.relative_to(root): np.asarray(Image.open(path)) for path in sorted(root.rglob("*.png"))}


def test_equal_arguments_give_equal_files_and_splits_share_none(tmp_path):
    for name in ("one", "two"):
        write_facade_set(tmp_path / name, {"train": 2, "val": 1}, seed=5, size=(32, 40))
    one, two = read_all(tmp_path / "one"), read_all(tmp_path / "two")
    assert one.keys() == two.keys()
    assert all((one[path] == two[path]).all() for path in one)
    names = [{path.stem for path in one if split in path.parts} for split in ("train", "val")]
    assert not names[0] & names[1]


def test_every_picture_shows_damage_in_taxonomy_numbers(tmp_path):
    write_facade_set(tmp_path, {"val": 3}, seed=0, size=(48, 64), layout="b")
    for path in (tmp_path / "val/masks").iterdir():
        values = set(np.unique(np.asarray(Image.open(path))).tolist())
        assert values & set(range(1, 8))
        assert values <= {*range(11), 255}


def test_drawn_classes_become_those_of_the_taxonomy():
    drawn = np.array([[Part.CRACK, Part.PEELING, Part.CORROSION, Part.SIGN, Part.WINDOW, 255]], np.uint8)
    assert to_taxonomy(drawn).tolist() == [[1, 3, 7, 10, 0, 255]]
    assert to_taxonomy(drawn, advertisements=True).tolist() == [[1, 3, 7, 11, 0, 255]]


def test_unknown_layouts_are_refused(tmp_path):
    with pytest.raises(ValueError, match="layout"):
        write_facade_set(tmp_path, {"val": 1}, 0, layout="c")
