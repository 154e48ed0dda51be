import numpy as np

from pipelines.defects import find_components


def flooded(mask):
    """The 8-connected areas of a mask by flood filling, as sets of (row, column)."""
    left, areas = set(zip(*np.nonzero(mask), strict=True)), []
    while left:
        front, area = [left.pop()], set()
        while front:
            row, column = front.pop()
            area.add((row, column))
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            front.extend(near)
        areas.append(frozenset(area))
    return set(areas)


def test_areas_are_those_of_a_flood_fill():
    draw = np.random.default_rng(0)
    labels = draw.choice(np.array([0, 1, 2, 255], np.uint8), (40, 31))
    found = find_components(labels, [1, 2])
    for label in (1, 2):
        areas = {
            frozenset((row + item.box[1], column + item.box[0]) for row, column in np.argwhere(item.mask))
            for item in found
            if item.label == label
        }
        assert areas == flooded(labels == label)


def test_pixels_that_touch_at_a_corner_are_one_area():
    labels = np.array([[1, 255], [255, 1]], np.uint8)
    (found,) = find_components(labels, [1])
    assert (found.area, found.box, found.centroid) == (2, (0, 0, 2, 2), (1.0, 1.0))


def test_boxes_centroids_and_keys_by_hand():
    labels = np.full((6, 9), 255, np.uint8)
    labels[2:4, 3:8] = 7
    labels[2, 3] = 255
    (found,) = find_components(labels, [7])
    assert found.box == (3, 2, 5, 2)
    assert found.area == 9
    assert found.centroid == (
        (4.5 + 5.5 + 6.5 + 7.5 + 3.5 + 4.5 + 5.5 + 6.5 + 7.5) / 9,
        (4 * 2.5 + 5 * 3.5) / 9,
    )
    assert found.key == "7:4:2"


def test_other_classes_give_no_areas():
    assert find_components(np.zeros((4, 4), np.uint8), [3]) == []
