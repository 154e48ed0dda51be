import json

import numpy as np
import pytest

from pipelines.defects import coco_document, find_components, find_defects, run_lengths


def decode(segmentation):
    """COCO's run lengths as its tools read them: column by column, zeros first."""
    height, width = segmentation["size"]
    values = np.repeat(np.arange(len(segmentation["counts"])) % 2, segmentation["counts"])
    return values.reshape(width, height).T.astype(bool)


def masks():
    draw = np.random.default_rng(2)
    for share in (0.1, 0.5, 0.9):
        yield draw.random((13, 19)) < share
    yield np.ones((5, 7), bool)
    holes = np.ones((11, 8), bool)
    holes[3:5, 2:6] = holes[8, 3] = False
    yield holes
    border = np.zeros((6, 6), bool)
    border[0] = border[-1] = border[:, 0] = border[:, -1] = True
    yield border
    corner = np.zeros((4, 9), bool)
    corner[-1, -1] = True
    yield corner


@pytest.mark.parametrize("mask", list(masks()))
def test_run_lengths_decode_to_the_very_mask(mask):
    found = np.zeros_like(mask)
    for item in find_components(np.where(mask, 3, 255).astype(np.uint8), [3]):
        counts = run_lengths(item, mask.shape)
        assert sum(counts) == mask.size
        assert all(count > 0 for count in counts[1:])
        decoded = decode({"size": mask.shape, "counts": counts})
        assert decoded.sum() == item.area
        found |= decoded
    assert np.array_equal(found, mask)


def test_an_empty_map_has_no_annotations(facade):
    labels = np.full((5, 5), 255, np.uint8)
    assert find_components(labels, [0]) == []


def test_the_document_describes_the_sheet(facade):
    sheet = find_defects(facade)
    document = json.loads(json.dumps(coco_document(sheet, "facade.jpg")))
    assert document["images"] == [{"id": 1, "file_name": "facade.jpg", "width": 200, "height": 120}]
    names = {item["id"]: item["name"] for item in document["categories"]}
    planes = facade.scores.scores
    truth = {"CRACK": planes[0] > 0.4, "WATER_STAIN": planes[1] > 0.4, "CORROSION": planes[2] > 0.4}
    assert {names[item["category_id"]] for item in document["annotations"]} == set(truth)
    for item in document["annotations"]:
        mask = decode(item["segmentation"])
        assert np.array_equal(mask, truth[names[item["category_id"]]])
        rows, columns = np.nonzero(mask)
        box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert item["bbox"] == box
        assert item["area"] == mask.sum()
    rust = next(item for item in document["annotations"] if names[item["category_id"]] == "CORROSION")
    assert [len(piece["holes"]) for piece in rust["polygons"]] == [1]
    assert rust["score"] == pytest.approx(0.75, abs=1e-3)
