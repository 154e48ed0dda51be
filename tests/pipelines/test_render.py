import itertools
import re

import numpy as np
import pytest
from PIL import Image

from pipelines.render import legend, overlay, palette, rgb, with_legend, write_label_png
from pipelines.types import NO_CLASS, ClassResult

SIMULATIONS = {  # linear RGB of a dichromat, Machado et al. 2009, severity 1
    "normal": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]
    ]),
}  # fmt: skip


def oklab(colours: tuple[str, ...], simulation: np.ndarray) -> np.ndarray:
    """OKLab of colours as seen through a simulation, by the published matrices."""
    values = np.array([rgb(colour) for colour in colours]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ simulation.T, 0, 1)
    to_lms = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
              [0.0883024619, 0.2817188376, 0.6299787005]]  # fmt: skip
    to_lab = [[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099],
              [0.0259040371, 0.7827717662, -0.808675766]]  # fmt: skip
    return np.cbrt(seen @ np.array(to_lms).T) @ np.array(to_lab).T


def nearest_pair(colours: tuple[str, ...], simulation: str) -> float:
    points = oklab(colours, SIMULATIONS[simulation])
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(points, 2))


def test_the_palette_has_64_colours_and_begins_alike():
    colours = palette(64)
    assert len(set(colours)) == 64
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)
    assert palette(5) == colours[:5]
    with pytest.raises(ValueError, match="0 to 64 colours, got 65"):
        palette(65)


def test_colours_stay_apart():
    assert nearest_pair(palette(64), "normal") > 0.08
    assert nearest_pair(palette(12), "normal") > 0.15
    assert nearest_pair(palette(12), "protanopia") > 0.07
    assert nearest_pair(palette(12), "deuteranopia") > 0.07


def test_a_label_map_comes_back_from_its_file(tmp_path):
    labels = np.random.default_rng(0).integers(0, 256, (37, 51)).astype(np.uint8)
    write_label_png(tmp_path / "labels.png", labels)
    with Image.open(tmp_path / "labels.png") as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), labels)
    assert [path.name for path in tmp_path.iterdir()] == ["labels.png"]


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    write_label_png(tmp_path / "labels.png", np.zeros((4, 4), np.uint8))
    before = (tmp_path / "labels.png").read_bytes()
    with pytest.raises((TypeError, ValueError)):
        write_label_png(tmp_path / "labels.png", np.zeros((4, 4, 5, 6), np.uint8))
    assert (tmp_path / "labels.png").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_the_overlay_is_the_weighted_mean_to_one_step():
    draw = np.random.default_rng(0)
    image = draw.integers(0, 256, (20, 30, 3)).astype(np.uint8)
    labels = draw.integers(0, 4, (20, 30)).astype(np.uint8)
    labels[labels == 3] = NO_CLASS
    colours = palette(3)
    expected = image.astype(float)
    for index, colour in enumerate(colours):
        chosen = labels == index
        expected[chosen] = 0.4 * image[chosen] + 0.6 * np.array(rgb(colour))
    drawn = overlay(image, labels, colours, opacity=0.6)
    assert np.abs(drawn - expected).max() <= 2
    assert np.array_equal(drawn[labels == NO_CLASS], image[labels == NO_CLASS])


def test_opacity_0_is_the_picture_and_1_the_colours():
    image = np.random.default_rng(0).integers(0, 256, (5, 6, 3)).astype(np.uint8)
    labels = np.zeros((5, 6), np.uint8)
    assert np.array_equal(overlay(image, labels, ["#123456"], 0), image)
    assert (overlay(image, labels, ["#123456"], 1) == (0x12, 0x34, 0x56)).all()


def test_overlay_refuses_what_does_not_fit():
    image = np.zeros((5, 6, 3), np.uint8)
    with pytest.raises(ValueError, match="same size"):
        overlay(image, np.zeros((6, 5), np.uint8), palette(1))
    with pytest.raises(ValueError, match="label 2 has no colour"):
        overlay(image, np.full((5, 6), 2, np.uint8), palette(2))
    with pytest.raises(ValueError, match="opacity"):
        overlay(image, np.zeros((5, 6), np.uint8), palette(1), 1.5)


def test_the_legend_shows_every_colour_and_fits_the_width():
    names = ("wall", "окно", "a very long name of a decorative element", "外墙剥落")
    classes = [
        ClassResult(index, name, (name,), colour, 0.25)
        for index, (name, colour) in enumerate(zip(names, palette(4), strict=True))
    ]
    for width in (90, 400, 1200):
        strip = legend(classes, width)
        assert strip.shape[1:] == (width, 3)
        pixels = {tuple(pixel) for pixel in strip.reshape(-1, 3).tolist()}
        assert {rgb(item.colour) for item in classes} <= pixels
    picture = np.zeros((50, 400, 3), np.uint8)
    assert with_legend(picture, classes)[:50].max() == 0
