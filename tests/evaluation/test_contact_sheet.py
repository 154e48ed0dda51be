"""Contact sheets of measured pictures."""

import numpy as np
import pytest
from PIL import Image

from evaluation.contact_sheet import CELL_WIDTH, CELLS_A_ROW, GAP, ContactSheet
from pipelines import ClassResult

CLASSES = (
    ClassResult(0, "wall", ("wall",), "#ff0000", 0.5),
    ClassResult(1, "window", ("window",), "#0000ff", 0.5),
)


def sheet_of(count: int) -> ContactSheet:
    sheet = ContactSheet()
    image = np.full((240, 640, 3), 200, np.uint8)
    answer, truth = np.zeros((240, 640), np.uint8), np.full((240, 640), 255, np.uint8)
    truth[:, :320] = 1
    for _ in range(count):
        sheet.add(image, answer, truth, CLASSES)
    return sheet


def test_photograph_answer_and_labels_stand_side_by_side():
    picture = sheet_of(1).picture()
    middle = picture[60]
    assert tuple(middle[CELL_WIDTH // 2]) == (200, 200, 200)
    assert middle[CELL_WIDTH + 10][0] > middle[CELL_WIDTH + 10][2]  # red: the answer says wall
    assert middle[2 * CELL_WIDTH + 10][2] > middle[2 * CELL_WIDTH + 10][0]  # blue: the label says window
    assert tuple(middle[3 * CELL_WIDTH - 10]) == (200, 200, 200)  # no label, no colour


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (CELLS_A_ROW, 1), (CELLS_A_ROW + 1, 2)])
def test_a_row_holds_three_pictures(count, rows):
    picture = sheet_of(count).picture()
    assert picture.shape[1] == CELLS_A_ROW * (3 * CELL_WIDTH + GAP)
    assert rows * (120 + GAP) < picture.shape[0] < rows * (120 + GAP) + 60


def test_it_is_written_with_its_folders(tmp_path):
    file = tmp_path / "new" / "sheet.jpg"
    sheet_of(2).save(file)
    with Image.open(file) as written:
        assert written.size[0] == CELLS_A_ROW * (3 * CELL_WIDTH + GAP)


def test_an_empty_sheet_is_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        ContactSheet().picture()
