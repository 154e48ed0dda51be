import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import ImageError
from pipelines.images import decode_image, read_image, read_image_with_notes

REASONS = {
    "unsupported": {"unsupported"},
    "corrupt": {"corrupt"},
    "too_large": {"too_large"},
    "too_small": {"too_small"},
    "aspect": {"aspect", "too_small"},
}


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[dict]:
    manifest = json.loads((shared / "badinputs" / "manifest.json").read_text(encoding="utf-8"))
    return [row for row in manifest["cases"] if row["kind"] == "image"]


def mean_difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


def check_accepted(row: dict, pixels: np.ndarray, folder: Path) -> None:
    check = row.get("check", {})
    if "size" in check:
        assert list(pixels.shape[1::-1]) == check["size"], row["id"]
    if "close_to" in check:
        assert mean_difference(pixels, read_image(folder / check["close_to"])) < 40, row["id"]
    if "same_answer_as" in check:
        assert np.array_equal(pixels, read_image(folder / check["same_answer_as"])), row["id"]
    if check.get("not_constant"):
        assert pixels.std() > 5, row["id"]


def outcome(path: Path) -> np.ndarray | ImageError:
    try:
        return read_image(path)
    except ImageError as error:
        return error


def test_every_image_row_of_the_manifest_gets_its_outcome(rows, shared):
    folder = shared / "badinputs"
    assert len(rows) > 50
    for row in rows:
        started = time.perf_counter()
        found = outcome(folder / row["file"])
        assert time.perf_counter() - started < row.get("max_seconds", 5), row["id"]
        if isinstance(found, ImageError):
            assert row["expect"] != "accept", f"{row['id']}: {found}"
            assert str(shared) not in str(found)
            assert found.text("ru") != found.text("en")
            if row["expect"] == "reject":
                assert found.code in REASONS[row["reason"]], f"{row['id']}: {found.code}"
        else:
            assert row["expect"] != "reject", row["id"]
            assert found.dtype == np.uint8
            assert found.ndim == 3
            check_accepted(row, found, folder)


def test_photographs_equal_what_pillow_reads(shared):
    for path in sorted((shared / "photos" / "spb_facades" / "images").iterdir())[:3]:
        with Image.open(path) as image:
            assert np.array_equal(read_image(path), np.asarray(image.convert("RGB")))


@pytest.fixture
def corner() -> np.ndarray:
    """Gray picture, 24 x 40, whose top-left corner is red."""
    pixels = np.full((24, 40, 3), 128, np.uint8)
    pixels[:8, :8] = (255, 0, 0)
    return pixels


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientations_end_upright(tmp_path, corner, orientation):
    stored_from_upright = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(stored_from_upright[orientation](corner))
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "turned.png"), corner)


def test_sixteen_bit_gray_is_scaled_not_clipped(tmp_path):
    gray = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    Image.fromarray(gray).save(tmp_path / "gray16.png")
    expected = np.round(gray / 257).astype(np.uint8)
    assert np.array_equal(read_image(tmp_path / "gray16.png")[..., 0], expected)


def test_transparent_parts_are_laid_over_white(tmp_path):
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[:, 10:, 3] = 255
    pixels[:5, :, 3] = 51  # black at one fifth: 255 * 4 / 5 = 204
    Image.fromarray(pixels).save(tmp_path / "alpha.png")
    read = read_image(tmp_path / "alpha.png")[..., 0]
    assert read[10, 0] == 255
    assert read[10, 15] == 0
    assert read[0, 0] == 204


@pytest.mark.parametrize(
    ("size", "code"),
    [
        ((4001, 4000), "too_large"),
        ((8193, 1000), "too_large"),
        ((15, 40), "too_small"),
        ((16 * 20 + 1, 16), "aspect"),
    ],
)
def test_pictures_just_outside_a_limit_are_refused(tmp_path, size, code):
    Image.new("L", size).save(tmp_path / "edge.png")
    with pytest.raises(ImageError) as caught:
        read_image(tmp_path / "edge.png")
    assert caught.value.code == code
    assert str(size[0]) in str(caught.value)


@pytest.mark.parametrize("size", [(4000, 4000), (16, 16), (320, 16), (8192, 1000)])
def test_pictures_just_inside_the_limits_are_read(tmp_path, size):
    Image.new("L", size).save(tmp_path / "edge.png")
    assert read_image(tmp_path / "edge.png").shape == (size[1], size[0], 3)


def test_an_animation_says_that_one_frame_is_used(tmp_path):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    pixels, notes = read_image_with_notes(tmp_path / "moving.gif")
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert "first frame" in notes[0].text("en")
    assert "первый кадр" in notes[0].text("ru")


def test_too_many_bytes_are_refused_before_reading(tmp_path):
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(20_000_001)
    with pytest.raises(ImageError, match="At most 20 MB"):
        read_image(path)


def test_a_missing_file_is_named_without_its_folder(tmp_path):
    with pytest.raises(ImageError, match=r"nowhere\.png") as caught:
        read_image(tmp_path / "nowhere.png")
    assert str(tmp_path) not in str(caught.value)


def test_bytes_and_file_give_the_same_picture(tmp_path, corner):
    Image.fromarray(corner).save(tmp_path / "same.webp", lossless=True)
    shutil.copy(tmp_path / "same.webp", tmp_path / "same.jpg")
    assert np.array_equal(read_image(tmp_path / "same.jpg"), corner)
    assert np.array_equal(decode_image((tmp_path / "same.jpg").read_bytes())[0], corner)
