import itertools
import json

import numpy as np

from pipelines.defects import DefectOptions, Scale, find_defects, geojson_document


def covered(polygons, height, width):
    """Pixels whose middle lies inside, by casting a ray through every row (even-odd rule)."""
    found = np.zeros((height, width), bool)
    for rings in polygons:
        for row in range(height):
            crossings = sorted(
                a[0]
                for ring in rings
                for a, b in itertools.pairwise(ring)
                if min(a[1], b[1]) < row + 0.5 < max(a[1], b[1])
            )
            for left, right in zip(crossings[::2], crossings[1::2], strict=True):
                found[row, left:right] ^= True
    return found


def test_polygons_rasterise_back_to_the_masks(facade):
    sheet = find_defects(facade)
    document = json.loads(json.dumps(geojson_document(sheet, "facade.jpg")))
    assert len(document["features"]) == len(sheet.defects) == 3
    for feature, defect in zip(document["features"], sheet.defects, strict=True):
        expected = np.zeros((120, 200), bool)
        x, y, width, height = defect.component.box
        expected[y : y + height, x : x + width] = defect.component.mask
        assert np.array_equal(covered(feature["geometry"]["coordinates"], 120, 200), expected)
        for rings in feature["geometry"]["coordinates"]:
            assert all(ring[0] == ring[-1] and len(ring) >= 5 for ring in rings)


def test_the_file_says_that_it_is_in_pixels(facade):
    document = geojson_document(find_defects(facade), "facade.jpg")
    assert "not longitude and latitude" in document["coordinate_space"]
    assert document["image"]["width"] == 200


def test_properties_are_in_the_chosen_language_and_scale(facade):
    options = DefectOptions(scale=Scale(((0, 0), (100, 0)), 2.0))
    document = geojson_document(find_defects(facade, options), "facade.jpg", "ru")
    stain = next(item for item in document["features"] if item["properties"]["class"] == "WATER_STAIN")
    assert stain["properties"]["area_m2"] == 200 * 0.02**2
    assert stain["properties"]["zone"] == "внизу справа"
    assert document["metres_per_pixel"] == 0.02
