import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.facades import read_sample, read_split, read_tiles
from evaluation.tile_facades import main
from tiny_vlm.facade_set import write_facade_set


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_facade_set(tmp_path / "data", {"train": 2, "val": 1}, seed=1, size=(40, 56), layout="b")
    return tmp_path


def test_tiles_are_the_photographs_and_the_manifest_counts_them(data: Path) -> None:
    out = data / "tiles"
    words = [str(data / "data"), "-o", str(out), "--size", "32", "--stride", "24", "--keep-empty"]
    assert main(words) == 0
    photographs = {sample.name: read_sample(sample) for sample in read_split(data / "data", "train")}
    manifest = json.loads((out / "train/manifest.json").read_text())
    samples = read_tiles(out / "train")
    assert len(samples) == len(manifest["tiles"]) == 2 * 2 * 2
    assert {sample.group for sample in samples} == set(photographs)
    counted = dict.fromkeys(range(12), 0)
    for row, sample in zip(manifest["tiles"], samples, strict=True):
        image, mask = read_sample(sample)
        whole, labels = photographs[sample.group]
        part = labels[row["y"] : row["y"] + 32, row["x"] : row["x"] + 32]
        np.testing.assert_array_equal(mask[: part.shape[0], : part.shape[1]], part)
        np.testing.assert_array_equal(
            image[: part.shape[0], : part.shape[1]], whole[row["y"] : row["y"] + 32, row["x"] : row["x"] + 32]
        )
        assert (mask[part.shape[0] :] == 255).all()
        for index in counted:
            counted[index] += int((mask == index).sum())
    assert [stat["pixels"] for stat in manifest["stats"].values()] == list(counted.values())


def test_a_folder_that_holds_nothing_is_refused(tmp_path: Path, capsys) -> None:
    assert main([str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert "holds neither a manifest.json nor splits" in capsys.readouterr().err
