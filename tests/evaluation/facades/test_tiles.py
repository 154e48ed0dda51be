import numpy as np
import pytest

from evaluation.facades import DatasetError
from evaluation.facades.tiles import TileOptions, cut_tiles


def photograph(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    image = np.random.default_rng(0).integers(1, 256, (height, width, 3)).astype(np.uint8)
    return image, np.ones((height, width), np.uint8)


@pytest.mark.parametrize(("height", "width"), [(20, 20), (33, 47), (64, 64), (65, 40)])
def test_tiles_cover_the_photograph_and_padding_is_not_looked_at(height: int, width: int) -> None:
    image, mask = photograph(height, width)
    seen = np.zeros((height, width), int)
    for tile in cut_tiles(image, mask, TileOptions(size=32, stride=24)):
        inside = image[tile.y : tile.y + 32, tile.x : tile.x + 32]
        rows, columns = inside.shape[:2]
        np.testing.assert_array_equal(tile.image[:rows, :columns], inside)
        assert tile.mask.shape == (32, 32)
        assert (tile.mask[:rows, :columns] == 1).all()
        assert (tile.mask[rows:] == 255).all()
        assert (tile.mask[:, columns:] == 255).all()
        assert not tile.image[rows:].any()
        seen[tile.y : tile.y + rows, tile.x : tile.x + columns] += 1
    assert seen.min() >= 1


def test_no_tile_lies_within_its_neighbours() -> None:
    starts = [tile.x for tile in cut_tiles(*photograph(32, 104), TileOptions(size=32, stride=24))]
    assert starts == [0, 24, 48, 72]  # the last ends with the photograph


def test_empty_tiles_and_slivers_are_left_out() -> None:
    image, mask = photograph(32, 72)
    mask[:, :40] = 0
    mask[0, 70] = 255
    kept = [tile.x for tile in cut_tiles(image, mask, TileOptions(size=32, stride=32))]
    assert kept == [32, 64]
    assert [t.x for t in cut_tiles(image, mask, TileOptions(32, 32, keep_empty=True))] == [0, 32, 64]
    assert [t.x for t in cut_tiles(image, mask, TileOptions(32, 32, min_coverage=0.8))] == [64]
    assert [t.x for t in cut_tiles(image, mask, TileOptions(32, 32, min_content=0.5))] == [32]


@pytest.mark.parametrize("options", [{"stride": 2000}, {"stride": 0}, {"min_coverage": 2.0}])
def test_options_that_leave_gaps_are_refused(options) -> None:
    with pytest.raises(DatasetError, match="must lie"):
        TileOptions(**options)
