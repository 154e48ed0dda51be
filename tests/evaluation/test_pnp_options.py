import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from evaluation import segment
from pipelines import PipelineRegistry, load_catalogue
from pipelines.loading import build_part
from pnp_ovss import PnPOVSS, PnPOVSSConfig
from tiny_vlm.facades import draw_facade

OPTIONS = ["--img-size", "64", "--layer", "2", "--head", "3", "--drop-iter", "3", "--threshold", "0.1"]
GIVEN = {"image_side": 64, "layer": 1, "head": 3, "rounds": 3, "threshold": 0.1, "postprocess": "blur"}
PROMPTS = "wall; window; sky; door"


@pytest.fixture
def run(matching_model, repository, tmp_path, monkeypatch):
    """The command on the bundled catalogue, in which ``tiny-stock`` has the random matching model."""
    text = (repository / "assets" / "catalogue.yaml").read_text(encoding="utf-8")
    before, row, after = text.partition("  - id: tiny-stock")
    if "itm:" not in after.partition("\n  - id:")[0]:
        after = after.replace("    parts:\n", '    parts:\n      itm: {builder: test, sha256: ""}\n', 1)
        after = after.replace("lposs_plus]", "lposs_plus, pnp_ovss]", 1)
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text(before + row + after, encoding="utf-8")
    (tmp_path / "weights").symlink_to(repository / "assets" / "weights")

    def load(spec, part, device, precision):
        return (matching_model, 1000) if part.role == "itm" else build_part(spec, part, device, precision)

    registry = PipelineRegistry(load_catalogue(catalogue), torch.device("cpu"), load=load)
    monkeypatch.setattr(segment, "build_registry", lambda **_: registry)

    def call(picture, *options):
        arguments = [
            str(picture),
            "--prompts",
            PROMPTS,
            "--checkpoint",
            "tiny-stock",
            "--out",
            str(tmp_path / "out"),
        ]
        return segment.main([*arguments, *options])

    return call


@pytest.fixture
def settings() -> PnPOVSSConfig:
    """What the options make of the settings of the checkpoint's row."""
    return load_catalogue()["tiny-stock"].pnp_settings.replace(**GIVEN)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "2007_000001.png"
    Image.fromarray(draw_facade(3, 120, 160).image).save(path)
    return path


def labels(folder):
    with Image.open(folder / "label_map.png") as image:
        return np.array(image)


def test_the_published_options_are_the_librarys_settings(run, picture, tmp_path, matching_model, settings):
    assert run(picture, "--method", "pnp_ovss", *OPTIONS, "--postprocess", "blur") == 0
    image = np.asarray(Image.open(picture))
    library = PnPOVSS(matching_model, settings).segment(image, [[name] for name in PROMPTS.split("; ")])
    assert np.array_equal(labels(tmp_path / "out"), library.label_map)
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["settings"] == settings.to_mapping()


def test_maps_of_every_round_are_saved(run, picture, tmp_path, matching_model, settings):
    maps = tmp_path / "maps"
    assert (
        run(picture, "--method", "pnp_ovss", *OPTIONS, "--postprocess", "none", "--save-maps", str(maps)) == 0
    )
    library = PnPOVSS(matching_model, settings.replace(postprocess="none")).segment(
        np.asarray(Image.open(picture)), [[name] for name in PROMPTS.split("; ")]
    )
    with np.load(maps / "2007_000001.npz") as saved:
        assert np.array_equal(saved["maps"], library.rounds)
        assert np.array_equal(saved["merged"], library.class_maps)
        assert saved["classes"].tolist() == PROMPTS.split("; ")
        for turn, mask in enumerate(library.dropped):
            assert saved[f"dropped_{turn}"].tolist() == np.flatnonzero(mask).tolist()
        assert saved["dropped_0"].size == 0 < saved["dropped_2"].size


def test_a_folder_is_worked_on_in_batches_with_the_same_answers(run, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(3):
        Image.fromarray(draw_facade(seed, 60, 80).image).save(folder / f"{seed}.png")
    (folder / "3.png").write_bytes(b"no picture")
    options = [
        "--method",
        "pnp_ovss",
        *OPTIONS,
        "--postprocess",
        "blur",
        "--save-maps",
        str(tmp_path / "maps"),
    ]
    assert run(folder, *options) == 0
    one_by_one = [labels(tmp_path / "out" / f"{seed}.png") for seed in range(3)]
    assert run(folder, *options, "--batch-size", "3") == 0
    for seed, expected in enumerate(one_by_one):
        assert np.array_equal(labels(tmp_path / "out" / f"{seed}.png"), expected)
    with (tmp_path / "out" / "summary.csv").open(encoding="utf-8") as file:
        assert [row["outcome"] == "ok" for row in csv.DictReader(file)] == [True, True, True, False]
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == [
        "0.png.npz",
        "1.png.npz",
        "2.png.npz",
    ]


def test_a_reply_file_chooses_the_classes(run, picture, tmp_path):
    replies = tmp_path / "replies.json"
    replies.write_text('{"2007_000001": "[4: door, 1: wall, 2: window], [95%, 71%, 70%]"}', encoding="utf-8")
    options = ["--method", "pnp_ovss", *OPTIONS, "--postprocess", "blur", "--class-filter", str(replies)]
    assert run(picture, *options) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["notes"] == ["Searched for 2 of 4 classes: door, wall."]
    assert set(np.unique(labels(tmp_path / "out"))) <= {0, 3, 255}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--layer", "2"], "--layer belongs to PnP-OVSS. Add --method pnp_ovss."),
        (["--save-maps", "x"], "--save-maps belongs to PnP-OVSS"),
        (["--method", "pnp_ovss", "--layer", "0"], "--layer counts from 1, got 0"),
        (["--method", "pnp_ovss", "--drop-iter", "0"], "rounds must lie between 1 and"),
        (["--method", "pnp_ovss", "--threshold", "1.5"], "threshold must lie between"),
        (["--method", "pnp_ovss", "--batch-size", "0"], "--batch-size must lie between 1 and 64, got 0"),
        (["--method", "pnp_ovss", "--class-filter", "top:none"], "needs a number of classes"),
        (["--method", "pnp_ovss", "--class-filter", "none.json"], "none.json cannot be opened"),
        (["--method", "pnp_ovss", "--layer", "9"], "layer must be 0 to 2 in this model, got 8"),
    ],
)
def test_options_that_cannot_be_used_are_named(run, picture, options, sentence, capsys):
    assert run(picture, *options) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "replies.json: Expecting"),
        ("[1]", "must be one object that maps picture names to texts, got list"),
        ('{"a": 1}', "must be one object that maps picture names to texts"),
        ('{"2008_1": ""}', "holds no reply for the picture 2007_000001. Its entries are named like '2008_1'"),
    ],
)
def test_reply_files_that_cannot_be_used_are_named(run, picture, tmp_path, content, sentence, capsys):
    replies = tmp_path / "replies.json"
    replies.write_text(content, encoding="utf-8")
    assert run(picture, "--method", "pnp_ovss", *OPTIONS, "--class-filter", str(replies)) == 2
    assert sentence in capsys.readouterr().err
