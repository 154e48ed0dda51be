from __future__ import annotations

from pathlib import Path

import pytest

from evaluation import analyse_facade_representations, evaluate_facade_models
from evaluation.commands import UsageError
from evaluation.distributed import Rank
from evaluation.facades.config import load_config
from evaluation.facades.options import build_segmenter, read_samples
from tiny_vlm.facade_set import write_facade_set

BOTH = (
    "--config-name facade_v2.yaml --config-dir configs --device cpu --output-dir out "
    "--finetuned-checkpoint tiny-finetuned --stock-checkpoint tiny-stock --skip-stock "
)
PUBLISHED = {
    evaluate_facade_models: (
        "--splits train val --tiles-train a b --tiles-val c --tiles-val-ratio 0.2 "
        "--tiles-class-aliases moss=WATER_STAIN --tiles-seed 7 --max-samples 3 --dataset-root data"
    ),
    analyse_facade_representations: (
        "--split train --indices 3 1 --num-samples 2 --methods gradcam integrated_gradients --ig-steps 12 "
        "--focus-classes CRACK --prompt-set one=a.yaml --prompt-set two=b.json --prompt CRACK=x"
    ),
}


@pytest.mark.parametrize("tool", PUBLISHED)
def test_every_published_option_is_taken_by_its_name(tool) -> None:
    found = tool.build_parser().parse_args((BOTH + PUBLISHED[tool]).split())
    assert found.skip_stock
    assert found.output_dir == Path("out")


def test_defaults_are_the_published_ones() -> None:
    found = evaluate_facade_models.build_parser().parse_args(["--output-dir", "out"])
    assert (found.config_name, found.device, found.splits) == ("facade_baseline.yaml", "auto", ["val"])
    assert (found.tiles_val_ratio, found.tiles_seed, found.max_samples) == (0.1, 42, None)
    asked = analyse_facade_representations.build_parser().parse_args(["--output-dir", "out"])
    assert (asked.split, asked.num_samples, asked.ig_steps) == ("val", 4, [24])
    assert asked.methods == ["gradcam", "integrated_gradients"]


def test_options_name_samples_and_models(tmp_path: Path) -> None:
    write_facade_set(tmp_path, {"val": 1}, seed=0, size=(32, 48))
    words = [
        "--output-dir",
        "out",
        "--dataset-root",
        str(tmp_path),
        "--finetuned-checkpoint",
        "tiny-finetuned",
    ]
    found = evaluate_facade_models.build_parser().parse_args(words)
    assert len(read_samples(found, ["val"])["val"]) == 1
    segmenter = build_segmenter(found, load_config(), Rank())
    assert {name: spec.id for name, spec in segmenter.models.items()} == {
        "stock": "tiny-stock",
        "finetuned": "tiny-finetuned",
    }
    found.skip_stock, found.finetuned_checkpoint = True, None
    with pytest.raises(UsageError, match="no model to look at"):
        build_segmenter(found, load_config(), Rank())
