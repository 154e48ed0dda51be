"""Published architectures at their true size, with random weights: loaded, run, compared, evicted."""

from __future__ import annotations

import gc
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import timm
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lposs_core import LPOSSConfig, propagate, window_boxes
from lposs_core.tower import Block
from lposs_core.windows import merge_columns, patch_centres
from pipelines import InferenceRequest, PipelineRegistry, infer, parse_prompts
from pipelines.add_checkpoint import add_checkpoint
from pipelines.catalogue import load_catalogue, with_branches
from pipelines.hub import HubStore
from pipelines.hub_catalogue import LOCAL_NAME, LocatedCatalogue, build_catalogue
from pipelines.hub_networks import NETWORKS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
IDS = [spec.id for spec in build_catalogue().values() if spec.source == "hub"]
PAIR = "openclip-vitb16-laion2b"
PROMPTS = "wall; window"


def scatter(network: nn.Module, seed: int) -> None:
    """Random weights with which signals neither fade nor blow up."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim > 1:
                width = parameter[0].numel() if "embed" not in name else 2500
                parameter.normal_(0, width**-0.5, generator=generator)
            else:
                parameter.normal_(1.0 if name.endswith("weight") else 0.0, 0.02, generator=generator)


def write_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import XLMRobertaConfig

    words = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "wall": 4, "window": 5}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names), encoding="utf-8")
    XLMRobertaConfig(vocab_size=250002, max_position_embeddings=514, type_vocab_size=1).save_pretrained(
        folder
    )


def fill_store(store: HubStore, identifier: str) -> None:
    """Put random weights of the true size where a download would put the published ones."""
    rows = build_catalogue(store=store)
    for seed, part in enumerate(rows[identifier].parts.values()):
        for file in part.hub:
            place = store.place(file)
            place.parent.mkdir(parents=True, exist_ok=True)
            if not file.name.endswith(".safetensors"):
                write_tokenizer(place.parent)
        part = rows[identifier].parts[part.role]
        weights = store.place(part.hub[0])
        if not weights.exists():
            network = NETWORKS[part.builder](rows[identifier], part)
            scatter(network, seed)
            save_file({key: value.contiguous() for key, value in network.state_dict().items()}, weights)
            del network
            gc.collect()


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    rows, columns = np.mgrid[0:224, 0:336]
    base = np.stack([rows, columns * 0.7, 255 - rows * 0.5], axis=2)
    return (base + np.random.default_rng(2).normal(0, 25, base.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def crops(picture: np.ndarray) -> Tensor:
    """The windows of the picture, (n, 3, 224, 224) in [0, 1]."""
    boxes = window_boxes(224, 336).tolist()
    windows = [picture[y1:y2, x1:x2] for y1, y2, x1, x2 in boxes]
    return torch.stack([torch.from_numpy(window).permute(2, 0, 1) / 255 for window in windows])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, crops: Tensor) -> HubStore:
    """Random weights; the projection takes out what all patches share, so that both classes win somewhere."""
    store = HubStore(tmp_path_factory.mktemp("store"))
    fill_store(store, PAIR)
    with torch.no_grad():
        clip = stock_clip(store)
        mean = plain_clip_tokens(clip, crops).flatten(0, 1).mean(0)
        clip.visual.proj -= torch.outer(mean, mean @ clip.visual.proj) / (mean @ mean)
    file = build_catalogue(store=store)[PAIR].parts["clip"].file
    save_file({key: value.contiguous() for key, value in clip.state_dict().items()}, file)
    return store


SMALL = LPOSSConfig(short_side=224)  # two or three windows of the published size


def stock_clip(store: HubStore) -> nn.Module:
    model = open_clip.create_model("ViT-B-16")
    file = build_catalogue(store=store)[PAIR].parts["clip"].file
    model.load_state_dict(load_file(file), strict=True)
    return model.eval()


def stock_dino(store: HubStore) -> nn.Module:
    model = timm.create_model("vit_base_patch16_224.dino", num_classes=0)
    model.load_state_dict(load_file(build_catalogue(store=store)[PAIR].parts["patches"].file), strict=True)
    return model.eval()


def normalised(crops: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    return (crops - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def plain_clip_tokens(model: nn.Module, crops: Tensor) -> Tensor:
    """The reference's way: run the tower, hook the last block's input, and redo that block by values."""
    kept: list[Tensor] = []
    block = model.visual.transformer.resblocks[-1]
    handle = block.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    model.encode_image(normalised(crops, open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD))
    handle.remove()
    x = kept[0]
    weight, bias = block.attn.in_proj_weight[2 * 768 :], block.attn.in_proj_bias[2 * 768 :]
    x = x + block.attn.out_proj(F.linear(block.ln_1(x), weight, bias))
    x = x + block.mlp(block.ln_2(x))
    tokens: Tensor = model.visual.ln_post(x)[:, 1:]
    return tokens


def plain_clip_features(model: nn.Module, crops: Tensor) -> Tensor:
    return F.normalize(plain_clip_tokens(model, crops) @ model.visual.proj, dim=-1)


def plain_dino_features(model: nn.Module, crops: Tensor) -> Tensor:
    kept: list[Tensor] = []
    handle = model.blocks[-1].attn.qkv.register_forward_hook(lambda _, __, output: kept.append(output))
    model.forward_features(normalised(crops, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    handle.remove()
    return F.normalize(kept[0][:, 1:, 2 * 768 :], dim=-1)


def plain_texts(model: nn.Module, names: list[str]) -> Tensor:
    tokenizer = open_clip.get_tokenizer("ViT-B-16")
    vectors = []
    for name in names:
        filled = [template(name) for template in open_clip.OPENAI_IMAGENET_TEMPLATES]
        vectors.append(F.normalize(F.normalize(model.encode_text(tokenizer(filled)), dim=-1).mean(0), dim=-1))
    return torch.stack(vectors)


@pytest.fixture(scope="module")
def plain_scores(pair: HubStore, crops: Tensor) -> Tensor:
    """Mean cosines of LPOSS from plain open_clip and timm features, (2, 224, 336)."""
    boxes = window_boxes(224, 336)
    with torch.no_grad():
        clip = stock_clip(pair)
        features, texts = plain_clip_features(clip, crops), plain_texts(clip, ["wall", "window"])
        del clip
        values = plain_dino_features(stock_dino(pair), crops)
    seeds = features.flatten(0, 1) @ texts.T
    columns = propagate(values.flatten(0, 1), seeds, patch_centres(boxes, 16, 14, 14), SMALL)
    grids = columns.T.reshape(2, len(boxes), 14, 14)
    return merge_columns(grids, boxes, 224, 336) * (1 - SMALL.alpha)


def test_the_published_pair_equals_plain_open_clip_and_timm(pair, picture, plain_scores):
    from lposs_core import LPOSS

    registry = PipelineRegistry(build_catalogue(store=pair), torch.device("cpu"))
    with registry.lease(PAIR) as models:
        found = LPOSS(models.clip, models.patches, SMALL).segment(picture, [["wall"], ["window"]])
    difference = (found.scores / found.gain - plain_scores).abs().max()
    print(
        f"\n{PAIR}: greatest difference {difference:.1e} of scores from {plain_scores.min():.3f} to "
        f"{plain_scores.max():.3f}"
    )
    assert difference < 1e-5
    assert plain_scores.std() > 1e-3, "random weights that tell pixels apart"


def test_page_and_command_line_give_the_plain_answer(pair, picture, plain_scores, tmp_path, monkeypatch):
    """Both doors against the argmax of the plain scores; pixels within the tolerance of a tie may differ."""
    from evaluation.segment import main
    from ui.endpoints import run_segment
    from ui.images import Upload

    monkeypatch.setenv("FACADE_LENS_CACHE", str(pair.root))
    registry = PipelineRegistry(build_catalogue(store=pair), torch.device("cpu"))
    rows = {PAIR: replace(registry.catalogue[PAIR], settings=SMALL)}
    path = tmp_path / "picture.png"
    write_picture(path, picture)
    sure = ((plain_scores[0] - plain_scores[1]).abs() > 2e-5).numpy()
    wanted = plain_scores.argmax(0).numpy()
    assert sure.mean() > 0.9
    assert 0.02 < wanted.mean() < 0.98, "both classes win somewhere"

    page = PipelineRegistry(rows, torch.device("cpu"))
    label_file, report = run_segment(page, Upload(path), PROMPTS, "lposs", PAIR)
    assert report["checkpoint"]["sha256"] == registry.catalogue[PAIR].sha256
    assert (read_labels(Path(label_file))[sure] == wanted[sure]).all()
    del page
    gc.collect()

    preset = tmp_path / "preset.yaml"
    preset.write_text(f"method: lposs\ncheckpoint: {PAIR}\nsettings: {{short_side: 224}}\n", encoding="utf-8")
    out = tmp_path / "out"
    assert main([str(path), "--config", str(preset), "--prompts", PROMPTS, "--out", str(out)]) == 0
    labels = read_labels(next(out.rglob("label_map.png")))
    assert (labels[sure] == wanted[sure]).all()


def test_flipping_to_a_checkpoint_that_shares_nine_of_twelve_blocks_runs_three(
    pair, picture, tmp_path, monkeypatch
):
    """A fine-tuned file through the command line that adds it, beside its base: blocks are counted."""
    monkeypatch.setenv("FACADE_LENS_CACHE", str(pair.root))
    state = load_file(build_catalogue(store=pair)[PAIR].parts["clip"].file)
    for block in (9, 10, 11):
        state[f"visual.transformer.resblocks.{block}.mlp.c_fc.weight"] += 0.01
    save_file(state, tmp_path / "ours.safetensors")
    del state
    local = tmp_path / "rows" / LOCAL_NAME
    assert add_checkpoint(tmp_path / "ours.safetensors", base=PAIR, catalogue=local).shared == 9
    rows = LocatedCatalogue(with_branches(dict(load_catalogue()) | dict(load_catalogue(local))), pair)
    ran: list[str] = []
    for name in ("__call__", "value_path"):
        real = getattr(Block, name)
        monkeypatch.setattr(
            Block, name, lambda *a, real=real, name=name, **k: (ran.append(name), real(*a, **k))[1]
        )

    def run(registry: PipelineRegistry, checkpoint: str) -> Tensor:
        ran.clear()
        prompts = parse_prompts(PROMPTS)
        request = InferenceRequest(picture, prompts, "maskclip", checkpoint, SMALL, templates="simple")
        return infer(request, registry).scores.scores

    registry = PipelineRegistry(rows, torch.device("cpu"))
    run(registry, PAIR)
    batches = ran.count("value_path")  # the last block of each batch of windows
    assert batches > 0
    assert len(ran) >= 12 * batches, "the image tower, and the text tower beside it"
    flipped = run(registry, "ours")
    assert ran == ["__call__", "__call__", "value_path"] * batches, "blocks 10 to 12, and no text"
    del registry
    gc.collect()
    alone = run(PipelineRegistry(rows, torch.device("cpu")), "ours")
    assert len(ran) >= 12 * batches
    assert (flipped == alone).all()


def reset_peak() -> None:
    """Let Linux count this process's peak memory from here on."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


def peak_mib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024


def write_picture(path: Path, picture: np.ndarray) -> None:
    from PIL import Image

    Image.fromarray(picture).save(path)


def read_labels(path: Path) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(path))


@pytest.mark.parametrize("identifier", IDS)
def test_an_architecture_loads_segments_and_is_evicted_within_the_budget(
    identifier, tmp_path, picture, record_property
):
    store = HubStore(tmp_path)
    fill_store(store, identifier)
    rows = build_catalogue(store=store)
    spec = replace(rows[identifier], settings=SMALL)
    budget = int(sum(part.memory_mib for part in spec.parts.values()) * 1.02) * 2**20
    tiny = rows["tiny-stock"]
    registry = PipelineRegistry({identifier: spec, "tiny-stock": tiny}, torch.device("cpu"), budget)
    request = InferenceRequest(picture, parse_prompts(PROMPTS), "lposs", identifier, templates="simple")
    reset_peak()
    result = infer(request, registry)
    assert result.label_map.shape == picture.shape[:2]
    assert np.isfinite(result.scores.scores).all()
    held = sum(part.bytes for part in registry.status().parts)
    assert held <= budget
    peak = peak_mib()
    record_property("peak_mib", peak)
    print(f"\n{identifier}: {held / 2**20:.0f} MiB held, process peak {peak} MiB")
    with registry.lease("tiny-stock"):
        names = {name for part in registry.status().parts for name in part.checkpoints}
        assert "tiny-stock" in names
    assert sum(part.bytes for part in registry.status().parts) <= budget
