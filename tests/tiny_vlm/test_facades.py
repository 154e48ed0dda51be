"""Drawn scenes: the same from the same seed, complete in classes, picture and mask in register."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from tiny_vlm.drawing.camera import homography, warp
from tiny_vlm.drawing.canvas import UNPAINTED, Canvas
from tiny_vlm.drawing.damage import add_crack, add_spalling
from tiny_vlm.drawing.geometry import Box
from tiny_vlm.drawing.light import Light, Stage
from tiny_vlm.drawing.materials import lay
from tiny_vlm.drawing.parts import DAMAGE, WALLS, Part
from tiny_vlm.drawing.signs import lettering
from tiny_vlm.facades import CLASSES, IGNORE, Scene, draw_facade

WALL_COLOUR = (200.0, 180.0, 150.0)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [draw_facade(seed, 96, 96) for seed in range(60)]


def blank_wall(seed: int = 0) -> Stage:
    """A stage of 4 x 3 m at 50 pixels a metre that shows a plain wall and one window."""
    canvas = Canvas(Box(0.0, 0.0, 4.0, 3.0), 50.0)
    canvas.rect(canvas.view, WALL_COLOUR, Part.PLASTER_WALL)
    canvas.rect(Box(2.5, 0.5, 3.5, 2.5), (40.0, 50.0, 60.0), Part.WINDOW)
    return Stage(canvas, Light(), np.random.default_rng(seed))


def test_classes_are_the_33_names_in_the_order_of_the_photographs():
    assert len(CLASSES) == 33
    assert CLASSES[0] == "sky"
    assert CLASSES[8:10] == ("window", "door")
    assert [CLASSES[index] for index in DAMAGE][:3] == ["crack", "spalling", "peeling"]
    assert CLASSES[32] == "missing element"


def test_class_names_agree_with_the_labelled_photographs(shared):
    rows = (shared / "photos" / "spb_facades" / "classes.csv").read_text(encoding="utf-8").split()
    table = " ".join(rows).split(" ", 1)[1]
    assert [name.strip() for name in CLASSES] == [
        part.strip(" 0123456789") for part in table.split(",")[1:] if part.strip(" 0123456789") != "ignore"
    ]


def test_a_seed_gives_the_same_scene_again_and_another_seed_another():
    first, again, other = draw_facade(5, 96, 128), draw_facade(5, 96, 128), draw_facade(6, 96, 128)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.mask, again.mask)
    assert (first.image != other.image).mean() > 0.5


def test_threads_draw_what_they_draw_alone():
    alone = [draw_facade(seed, 80, 80) for seed in (21, 22, 23, 24)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: draw_facade(seed, 80, 80), (21, 22, 23, 24)))
    for one, two in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.mask, two.mask)


def test_every_class_occurs_within_sixty_seeds(scenes):
    seen = np.unique(np.concatenate([np.unique(scene.mask) for scene in scenes]))
    assert [CLASSES[index] for index in range(33) if index not in seen] == []


def test_masks_hold_classes_or_ignore_only(scenes):
    for scene in scenes:
        values = np.unique(scene.mask)
        assert ((values < len(CLASSES)) | (values == IGNORE)).all()


def test_no_damage_when_none_is_asked_for():
    for seed in range(20):
        assert not np.isin(draw_facade(seed, 64, 64, damage=False).mask, DAMAGE).any()


@pytest.mark.parametrize(("height", "width"), [(97, 61), (33, 160), (16, 16), (150, 71)])
def test_sizes_need_be_neither_even_nor_square(height, width):
    scene = draw_facade(3, height, width)
    assert scene.image.shape == (height, width, 3)
    assert scene.mask.shape == (height, width)
    assert scene.image.dtype == scene.mask.dtype == np.uint8


@pytest.mark.parametrize(("seed", "height", "width"), [(-1, 64, 64), (0, 15, 64), (0, 64, 8)])
def test_a_refused_request_says_what_it_got(seed, height, width):
    with pytest.raises(ValueError, match=f"seed {seed}, {height} x {width}"):
        draw_facade(seed, height, width)


def test_the_mask_lies_on_the_edges_of_the_picture(scenes):
    """Colour jumps across class borders exceed those a quarter of the picture away from them."""
    at_border, elsewhere = [], []
    for scene in scenes:
        grey = scene.image.mean(2)
        jump = np.abs(np.diff(grey, axis=1))
        border = np.diff(scene.mask.astype(int), axis=1) != 0
        moved = np.roll(border, 24, axis=1) & ~border
        if border.any() and moved.any():
            at_border.append(jump[border].mean())
            elsewhere.append(jump[moved].mean())
    assert np.mean(at_border) > 1.5 * np.mean(elsewhere)


def test_a_rectangle_is_painted_where_metres_say():
    canvas = Canvas(Box(-1.0, -1.0, 3.0, 2.0), 20.0)
    canvas.rect(Box(0.0, 0.0, 1.0, 1.5), (250.0, 10.0, 10.0), Part.DOOR)
    rows, columns = np.nonzero(canvas.mask == Part.DOOR)
    # x = 0..1 is column 20..40, y = 0..1.5 is row (2 - 1.5) * 20 = 10 .. 40
    assert abs(columns.min() - 20) <= 1
    assert abs(columns.max() - 40) <= 1
    assert abs(rows.min() - 10) <= 1
    assert abs(rows.max() - 40) <= 1
    assert (canvas.mask == UNPAINTED).any()


def test_perspective_moves_picture_and_mask_alike():
    canvas = Canvas(Box(0.0, 0.0, 8.0, 6.0), 25.0)
    canvas.rect(Box(2.0, 1.5, 5.0, 4.0), (255.0, 255.0, 255.0), Part.WINDOW)
    corners = np.array([[8.0, 12.0], [190.0, 3.0], [195.0, 140.0], [3.0, 149.0]])
    matrix = homography(corners, 150, 200)
    image, mask = warp(canvas.image, canvas.mask, matrix, 150, 200)
    drawn = np.array([[[50.0, 50.0]], [[125.0, 50.0]], [[125.0, 112.5]], [[50.0, 112.5]]])
    expected = cv2.perspectiveTransform(drawn, matrix)[:, 0]
    for shown in (image[..., 0] > 127, mask == Part.WINDOW):
        rows, columns = np.nonzero(shown)
        sums, differences = columns + rows, columns - rows
        found = np.array(
            [
                (columns[pick], rows[pick])
                for pick in (sums.argmin(), differences.argmax(), sums.argmax(), differences.argmin())
            ]
        )
        assert np.abs(found - expected).max() <= 1.5
    assert ((image[..., 0] > 127) != (mask == Part.WINDOW)).sum() < 0.03 * (mask == Part.WINDOW).sum()


@pytest.mark.parametrize(("paint", "part"), [(add_crack, Part.CRACK), (add_spalling, Part.SPALLING)])
def test_damage_stays_on_the_wall(paint, part):
    stage = blank_wall()
    window = stage.canvas.mask == Part.WINDOW
    before = stage.canvas.image.copy()
    paint(stage, (2.3, 1.5), 1.0)
    hurt = stage.canvas.mask == part
    assert hurt.any()
    assert not (hurt & window).any()
    np.testing.assert_array_equal(stage.canvas.image[window], before[window])
    assert np.abs(stage.canvas.image[hurt].astype(int) - before[hurt]).max() > 20


def test_a_shadow_takes_the_share_asked_for_and_spares_the_sky():
    stage = blank_wall()
    canvas = stage.canvas
    canvas.rect(Box(0.0, 2.0, 1.0, 3.0), (100.0, 150.0, 200.0), Part.SKY)
    canvas.shade(Box(0.0, 1.0, 1.0, 3.0).points(), 0.4)
    np.testing.assert_allclose(canvas.image[75, 25], np.array(WALL_COLOUR) * 0.6, atol=2)
    np.testing.assert_array_equal(canvas.image[25, 25], (100, 150, 200))


def test_units_are_laid_at_their_size_in_metres():
    canvas = Canvas(Box(0.0, 0.0, 2.0, 1.0), 100.0)
    captured = []

    def texture(grid):
        captured.append(lay(grid, np.random.default_rng(0), 0.5, 0.25))
        return np.zeros((*grid.shape, 3), np.float32)

    canvas.textured(canvas.view.points(), texture)
    tints = captured[0].tint
    assert len(np.unique(tints)) == 4 * 4
    # the first unit covers x 0..0.5 and y 0..0.25: 50 x 25 pixels of one tint
    assert (tints == tints[-1, 0]).sum() == 50 * 25


def test_cyrillic_letters_are_drawn_as_themselves():
    assert lettering("Ж").shape != lettering("I").shape
    assert not np.array_equal(lettering("Ш"), lettering("Щ"))


def test_street_views_without_damage_still_show_walls(scenes):
    shares = [np.isin(scene.mask, [*WALLS, Part.WINDOW, Part.ORNAMENT, *DAMAGE]).mean() for scene in scenes]
    assert np.mean(shares) > 0.35


def test_a_lot_between_bounds_in_either_order_stays_between_them():
    stage = blank_wall()
    drawn = [stage.pick(2.6, 1.9) for _ in range(50)]  # a view that ends below the height wanted
    assert min(drawn) >= 1.9
    assert max(drawn) <= 2.6
