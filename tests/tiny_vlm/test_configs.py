import timm
import torch
from open_clip.timm_model import TimmModel
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer

from tiny_vlm.configs import (
    WEIGHTS_DIR,
    build_dual_encoder,
    build_patch_encoder,
    tiny_facade_vit,
    tokenizer,
)

LIMIT = 10 * 2**20  # bytes a weights file may have


def test_dual_encoder_is_an_open_clip_model_with_a_timm_trunk():
    clip = build_dual_encoder()
    assert isinstance(clip.visual, TimmModel)
    assert isinstance(clip.visual.trunk, VisionTransformer)
    assert not clip.training


def test_pictures_and_texts_share_one_space():
    clip = build_dual_encoder()
    with torch.no_grad():
        picture = clip.encode_image(torch.zeros(1, 3, 160, 192))
        text = clip.encode_text(tokenizer()(["окно"]))
    assert picture.shape == text.shape == (1, 192)


def test_building_twice_registers_the_trunk_once():
    build_dual_encoder()
    build_dual_encoder()
    assert timm.is_model(tiny_facade_vit.__name__)


def test_patches_are_sixteen_pixels():
    assert build_patch_encoder().patch_embed.feat_ratio() == 16
    assert build_dual_encoder().visual.trunk.patch_embed.grid_size == (14, 14)


def test_tokenizer_gives_back_cyrillic_and_other_writings():
    tokens = tokenizer()
    for text in ("кирпичная стена", "козырёк над входом", "brick wall", "façade enduite", "窗户"):
        assert tokens.decode(tokens.encode(text)).strip() == text


def test_tokenizer_fits_the_text_tower():
    ids = tokenizer()(["окно " * 100])
    assert ids.shape == (1, 40)
    assert int(ids.max()) < build_dual_encoder().token_embedding.num_embeddings


def test_weights_files_are_small_and_load_strictly():
    for name, build in (
        ("tiny_clip_stock", build_dual_encoder),
        ("tiny_clip_finetuned", build_dual_encoder),
        ("tiny_patches", build_patch_encoder),
    ):
        file = WEIGHTS_DIR / f"{name}.safetensors"
        assert file.stat().st_size <= LIMIT
        state = load_file(file)
        build().load_state_dict(state, strict=True)
        assert all(value.isfinite().all() for value in state.values())


def test_every_build_starts_from_the_random_state():
    torch.manual_seed(5)
    first = build_patch_encoder().state_dict()
    torch.manual_seed(5)
    second = build_patch_encoder().state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
