from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pnp_ovss import (
    BlipBackbone,
    BridgeTowerBackbone,
    ITMBackbone,
    PnPOVSS,
    PnPOVSSConfig,
    blip_config,
    token_maps,
    write_captions,
)

TEXTS = ["dog", "tvmonitor", "brick wall"]
BACKBONES = ("blip", "bridgetower")


@pytest.fixture(params=BACKBONES)
def backbone(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def picture(side: int, seed: int = 0) -> Tensor:
    return torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


def ids_of(backbone: ITMBackbone, texts: list[str]) -> Tensor:
    (caption,) = write_captions(backbone, texts)
    return torch.tensor([caption.ids])


def cross_attention(backbone: Any, layer: int) -> nn.Module:
    if isinstance(backbone, BlipBackbone):
        found = backbone.model.text_encoder.encoder.layer[layer].crossattention.self
    else:
        found = backbone.model.bridgetower.cross_modal_text_layers[layer].crossattention.self
    assert isinstance(found, nn.Module)
    return found


def run_stock(backbone: Any, pixels: Tensor, ids: Tensor) -> Tensor:
    """The model's own forward pass: logits, shape (B, 2)."""
    options = {"input_ids": ids, "pixel_values": pixels, "interpolate_pos_encoding": True}
    answer = backbone.model(**options)
    logits: Tensor = answer.itm_score if isinstance(backbone, BlipBackbone) else answer.logits
    return logits


def full_backward(backbone: Any, pixels: Tensor, ids: Tensor, layer: int, head: int) -> Tensor:
    """GradCAM as the published code does it: a hook on the stock model and a backward pass to the pixels."""
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: Any, output: Any) -> None:
        output[1].retain_grad()
        kept.append(output[1])

    pixels = pixels.clone().requires_grad_()
    handle = cross_attention(backbone, layer).register_forward_hook(keep)
    try:
        run_stock(backbone, pixels, ids)[:, 1].sum().backward()
    finally:
        handle.remove()
    (attention,) = kept
    assert pixels.grad is not None
    assert pixels.grad.abs().max() > 0
    assert attention.grad is not None
    return (attention * attention.grad.clamp_min(0)).detach()[:, head, :, 1:]


def test_both_are_backbones(backbone: Any) -> None:
    assert isinstance(backbone, ITMBackbone)


def test_the_frozen_tower_gives_the_full_backward_to_the_last_bit(blip: BlipBackbone) -> None:
    pixels, ids = picture(128), ids_of(blip, TEXTS)
    for layer, head in ((0, 0), (7, 9), (11, 3)):
        maps, _ = token_maps(blip, blip.encode(pixels), ids, layer=layer, head=head)
        reference = full_backward(blip, pixels, ids, layer, head)
        assert (maps.flatten(2) - reference).abs().max() == 0


def test_bridgetower_gives_the_full_backward_in_every_layer(bridgetower: BridgeTowerBackbone) -> None:
    pixels, ids = picture(96), ids_of(bridgetower, ["window", "wall"])
    for layer, head in itertools.product(range(bridgetower.layers), range(bridgetower.heads)):
        maps, _ = token_maps(bridgetower, bridgetower.encode(pixels), ids, layer=layer, head=head)
        reference = full_backward(bridgetower, pixels, ids, layer, head)
        assert reference.abs().max() > 0
        torch.testing.assert_close(maps.flatten(2), reference, rtol=1e-4, atol=1e-5 * float(reference.max()))


@pytest.mark.parametrize("side", [64, 128, 160])
def test_the_match_logit_is_that_of_the_models_own_forward_pass(backbone: Any, side: int) -> None:
    pixels, ids = picture(side), ids_of(backbone, ["wall", "window"])
    for layer in range(backbone.layers):
        _, logit = token_maps(backbone, backbone.encode(pixels), ids, layer=layer, head=0)
        torch.testing.assert_close(logit, run_stock(backbone, pixels, ids)[:, 1], rtol=1e-4, atol=1e-5)


def test_several_pictures_and_one_caption_give_what_each_gives_alone(backbone: Any) -> None:
    ids = ids_of(backbone, ["wall", "window"])
    both = torch.cat([picture(64, 1), picture(64, 2)])
    together, logits = token_maps(backbone, backbone.encode(both), ids.expand(2, -1), layer=1, head=2)
    for index, seed in enumerate((1, 2)):
        alone, logit = token_maps(backbone, backbone.encode(picture(64, seed)), ids, layer=1, head=2)
        torch.testing.assert_close(together[index], alone[0], rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(logits[index], logit[0], rtol=1e-4, atol=1e-6)


def test_it_works_inside_inference_mode(backbone: Any) -> None:
    pixels, ids = picture(64), ids_of(backbone, ["wall"])
    wanted, _ = token_maps(backbone, backbone.encode(pixels), ids, layer=0, head=0)
    with torch.inference_mode():
        found, _ = token_maps(backbone, backbone.encode(pixels.clone()), ids, layer=0, head=0)
    assert torch.equal(found, wanted)


def traces(model: nn.Module) -> list[Any]:
    """Everything a request could leave behind on a model."""
    hooks = [
        (len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks)) for m in model.modules()
    ]
    flags = [(p.requires_grad, p.grad is None, p._version) for p in model.parameters()]
    return [hooks, flags, [m.training for m in model.modules()], [sorted(vars(m)) for m in model.modules()]]


def test_nothing_is_left_on_the_model_after_a_result(backbone: Any) -> None:
    before = traces(backbone.model)
    token_maps(backbone, backbone.encode(picture(64)), ids_of(backbone, ["wall"]), layer=1, head=0)
    assert traces(backbone.model) == before


@pytest.mark.parametrize("part", ["encode_image", "cross_attention"])
def test_nothing_is_left_on_the_model_after_an_error(backbone: Any, part: str) -> None:
    before = traces(backbone.model)

    def cancel(stage: str, done: float) -> None:
        if stage == part and done > 0:
            raise KeyboardInterrupt

    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    config = PnPOVSSConfig(image_side=64, layer=1, head=0)
    with pytest.raises(KeyboardInterrupt):
        PnPOVSS(backbone, config).segment(image, [["wall"], ["window"]], progress=cancel)
    assert traces(backbone.model) == before
    assert torch.is_grad_enabled()


def test_an_error_inside_the_model_leaves_nothing(blip: BlipBackbone) -> None:
    before = traces(blip.model)
    states = blip.encode(picture(64))
    with pytest.raises(IndexError):
        token_maps(blip, states, torch.tensor([[10**6]]), layer=1, head=0)
    assert traces(blip.model) == before


def run_together(actions: list[Callable[[], Any]]) -> list[Any]:
    """Run actions at the same moment in threads of their own."""
    results: list[Any] = [None] * len(actions)
    start = threading.Barrier(len(actions))

    def run(place: int) -> None:
        start.wait()
        results[place] = actions[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_requests_at_the_same_time_get_the_answers_they_get_alone(backbone: Any) -> None:
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (30 + 10 * index, 60, 3), dtype=np.uint8) for index in range(4)]
    prompts = [[["wall"]], [["window"], ["wall"]], [["car wall"], ["window"]], [["tree"], ["car"], ["wall"]]]

    def ask(index: int) -> list[Any]:
        config = PnPOVSSConfig(image_side=64, layer=index % 2, head=index, postprocess="blur")
        result = PnPOVSS(backbone, config).segment(images[index], prompts[index])
        return [result.index_map, result.class_maps, result.dropped, result.match_logits]

    alone = [ask(index) for index in range(4)]
    for _ in range(3):
        together = run_together([lambda index=index: ask(index) for index in range(4)])  # type: ignore[misc]
        for one, other in zip(alone, together, strict=True):
            for wanted, found in zip(one, other, strict=True):
                np.testing.assert_array_equal(wanted, found)


def test_a_model_in_training_mode_is_refused(backbone: Any) -> None:
    model = backbone.model
    model.train()
    try:
        with pytest.raises(ValueError, match=r"call model.eval\(\) first"):
            type(backbone)(model, backbone._tokenizer)
    finally:
        model.eval()


def test_pixels_and_digest_are_those_given(backbone: Any) -> None:
    own = type(backbone)(
        backbone.model, backbone._tokenizer, mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0), digest="w"
    )
    assert (own.mean, own.std, own.digest) == ((0.1, 0.2, 0.3), (1.0, 2.0, 3.0), "w")
    assert own.device == torch.device("cpu")
    assert (own.frame, own.layers, own.heads) == (backbone.frame, backbone.layers, backbone.heads)


def test_a_hub_configuration_is_corrected_to_the_sizes_it_was_trained_with() -> None:
    from transformers import BlipConfig

    stock = BlipConfig(text_config={"num_attention_heads": 8})
    config = blip_config(stock)
    assert (config.text_config.num_attention_heads, config.vision_config.layer_norm_eps) == (12, 1e-6)
    assert stock.text_config.num_attention_heads == 8


def test_spans_of_word_pieces(blip: BlipBackbone) -> None:
    (caption,) = write_captions(blip, ["dog", "tvmonitor", "brick wall"])
    names = blip._tokenizer.convert_ids_to_tokens(list(caption.ids))
    assert names == ["[ENC]", "a", "picture", "of", "dog", "tv", "##mon", "##itor", "brick", "wall", "[SEP]"]
    assert caption.spans == ((4, 5), (5, 8), (8, 10))
    assert caption.words == (4, 10)


def test_spans_of_byte_pairs(bridgetower: BridgeTowerBackbone) -> None:
    """Joint tokenisation of the whole caption is the oracle: no merge crosses a space."""
    texts = ["window", "brick wall", "all"]
    (caption,) = write_captions(bridgetower, texts)
    whole = bridgetower._tokenizer("A picture of " + " ".join(texts))["input_ids"]
    assert list(caption.ids) == whole
    for text, (start, stop) in zip(texts, caption.spans, strict=True):
        assert bridgetower._tokenizer.decode(list(caption.ids[start:stop])) == f" {text}"


def test_texts_go_into_as_few_captions_as_positions_allow(bridgetower: BridgeTowerBackbone) -> None:
    """64 positions: <s>, "A picture of" (12 byte pairs), </s> leave 50; "wall" takes 1, "window" 4."""
    head, tail = bridgetower.frame
    room = bridgetower.max_tokens - len(head) - len(tail)
    each = len(bridgetower.word_pieces("window"))
    count = room // each
    assert len(write_captions(bridgetower, ["window"] * count)) == 1
    captions = write_captions(bridgetower, ["window"] * (count + 1))
    assert [(caption.first, len(caption.spans)) for caption in captions] == [(0, count), (count, 1)]
    assert all(len(caption.ids) <= bridgetower.max_tokens for caption in captions)


@pytest.mark.parametrize("text", ["", "  ", "стена", "😀"])
def test_a_text_that_the_vocabulary_lacks_is_refused_by_name(blip: BlipBackbone, text: str) -> None:
    with pytest.raises(ValueError, match="the model knows no part of the text"):
        write_captions(blip, ["dog", text])


def test_a_text_longer_than_a_caption_is_refused(bridgetower: BridgeTowerBackbone) -> None:
    with pytest.raises(ValueError, match=r"has \d+ word pieces; at most \d+ fit a caption"):
        write_captions(bridgetower, ["x" * 200])
