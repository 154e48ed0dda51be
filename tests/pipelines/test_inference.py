import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from lposs_core import LPOSS, label_map, template_set
from pipelines import (
    NO_CLASS,
    Abstention,
    Cancelled,
    FeatureCache,
    InferenceRequest,
    PipelineRegistry,
    PipelineUnavailable,
    UnknownChoice,
    infer,
    load_catalogue,
    parse_prompts,
)
from pipelines.loading import build_part

ALL_METHODS = ("maskclip", "lposs", "lposs_plus")


class Counted:
    """An encoder that counts what passes through it."""

    def __init__(self, encoder, calls: dict[str, int]) -> None:
        self._encoder = encoder
        self._calls = calls

    def __getattr__(self, name):
        return getattr(self._encoder, name)

    def encode_patches(self, crops):
        self._calls["crops"] = self._calls.get("crops", 0) + len(crops)
        return self._encoder.encode_patches(crops)

    def encode_texts(self, texts):
        self._calls["texts"] = self._calls.get("texts", 0) + 1
        return self._encoder.encode_texts(texts)


@pytest.fixture
def counted(family):
    calls: dict[str, int] = {}

    def load(spec, part, device, precision):
        encoder, size = build_part(spec, part, device, precision)
        return Counted(encoder, calls), size

    return PipelineRegistry(load_catalogue(family), torch.device("cpu"), load=load), calls


@pytest.mark.parametrize("method", ALL_METHODS)
def test_the_label_map_is_that_of_the_library_by_hand(registry, request_for, small, picture, method):
    request = request_for(method=method)
    result = infer(request, registry)
    with registry.lease("first") as models:
        segmenter = LPOSS(models.clip, models.patches, small, templates=template_set("simple"))
        scores = segmenter.segment(picture, request.prompts.texts, method=method)
    assert np.array_equal(result.label_map, label_map(scores, *picture.shape[:2]))
    assert result.size == result.image_size == picture.shape[:2]


@pytest.mark.parametrize("method", ALL_METHODS)
def test_an_answer_from_the_cache_is_bit_identical_to_a_cold_one(family, request_for, method):
    def fresh() -> PipelineRegistry:
        return PipelineRegistry(load_catalogue(family), torch.device("cpu"))

    warm = fresh()
    infer(request_for("wall; door; roof = roof, кровля", method=method), warm)
    infer(request_for(method=method), warm)
    again, cold = infer(request_for(method=method), warm), infer(request_for(method=method), fresh())
    uncached = PipelineRegistry(load_catalogue(family), torch.device("cpu"), cache=FeatureCache(0))
    plain = infer(request_for(method=method), uncached)
    for other in (cold, plain):
        assert np.array_equal(again.label_map, other.label_map)
        assert np.array_equal(again.scores.scores, other.scores.scores)


@pytest.mark.parametrize("method", ALL_METHODS)
def test_an_edited_prompt_encodes_nothing_of_the_picture_again(counted, request_for, method):
    registry, calls = counted
    infer(request_for("wall; window", method=method), registry)
    crops, texts = calls["crops"], calls["texts"]
    assert crops > 0
    infer(request_for("wall; door", method=method), registry)
    assert calls["crops"] == crops
    assert calls["texts"] > texts
    texts = calls["texts"]
    infer(request_for("window; door; wall", method=method), registry)
    assert calls == {"crops": crops, "texts": texts}


def test_another_checkpoint_encodes_with_its_own_dual_encoder_only(counted, request_for):
    registry, calls = counted
    first = infer(request_for(), registry)
    crops = calls["crops"]
    second = infer(request_for(checkpoint="second"), registry)
    assert calls["crops"] == crops + crops // 2  # the patch encoder is shared, and so are its features
    assert not np.array_equal(first.scores.scores, second.scores.scores)


def test_shares_are_those_of_a_bincount_and_sum_to_one(registry, request_for):
    abstain = Abstention(threshold=0.3, background=("car",))
    result = infer(request_for(abstain=abstain), registry)
    counts = np.bincount(result.label_map.ravel(), minlength=256) / result.label_map.size
    assert [item.share for item in result.classes] == pytest.approx(counts[:3].tolist(), abs=0)
    assert result.none_share == counts[NO_CLASS]
    assert sum(item.share for item in result.classes) + result.none_share == pytest.approx(1)


def test_abstaining_from_everything_leaves_no_class(registry, request_for):
    result = infer(request_for(abstain=Abstention(threshold=1.0)), registry)
    assert (result.label_map == NO_CLASS).all()
    assert result.none_share == 1


def test_permuting_the_classes_permutes_the_answer(registry, request_for):
    there = infer(request_for("wall; window; sky"), registry)
    back = infer(request_for("sky; window; wall"), registry)
    assert np.array_equal(there.scores.scores[::-1], back.scores.scores)
    assert [item.share for item in there.classes] == [item.share for item in back.classes][::-1]


def test_bf16_answers_nearly_as_fp32(registry, request_for):
    exact, fast = (infer(request_for(precision=precision), registry) for precision in ("fp32", "bf16"))
    difference = np.abs(exact.scores.scores.astype(float) - fast.scores.scores)
    assert 0 < difference.max() < 0.02


def test_max_side_limits_the_label_map_and_keeps_its_shape(registry, request_for):
    result = infer(request_for(max_side=66), registry)
    assert result.label_map.shape == result.size == (45, 66)
    assert result.image_size == (90, 132)
    assert infer(request_for(max_side=500), registry).size == (90, 132)


def test_none_settings_are_those_of_the_row_and_given_ones_win(registry, request_for, small):
    assert infer(request_for(), registry).settings == small
    sharper = small.replace(alpha=0.5)
    assert infer(request_for(settings=sharper), registry).settings == sharper


def test_scores_at_a_pixel_are_the_interpolated_maps(registry, request_for):
    result = infer(request_for(), registry)
    maps = torch.from_numpy(result.scores.scores.astype(np.float32))
    full = torch.nn.functional.interpolate(maps[None], size=(90, 132), mode="bilinear")[0]
    for x, y in ((0, 0), (131, 89), (70, 30), (5, 88)):
        assert list(result.scores_at(x, y).values()) == pytest.approx(full[:, y, x].tolist(), abs=1e-6)
    assert list(result.scores_at(0, 0)) == ["wall", "window", "sky"]
    with pytest.raises(ValueError, match="outside the image of 132 x 90"):
        result.scores_at(132, 0)


@pytest.mark.parametrize("method", ALL_METHODS)
def test_probabilities_at_a_pixel_sum_to_one_and_agree_with_the_label_map(registry, request_for, method):
    prompts = "wall; window; sky"
    abstain = Abstention(background=("car",))
    result = infer(request_for(prompts, method=method, abstain=abstain), registry)
    plain = infer(request_for(prompts, method=method), registry)
    agree = 0
    for x, y in itertools.product(range(0, 132, 11), range(0, 90, 9)):
        with_background = result.scores.probabilities_at(x, y)
        assert 0 < with_background.sum() < 1
        assert plain.scores.probabilities_at(x, y).sum() == pytest.approx(1, abs=2e-3)
        if method != "maskclip":  # a softmax over one text more divides all by the same number
            ratio = with_background / plain.scores.probabilities_at(x, y)
            assert ratio == pytest.approx(ratio[0], rel=0.01)
        agree += int(plain.scores.at(x, y).argmax()) == plain.label_map[y, x]
    assert agree >= 118  # of 120: scores are kept in half precision


def test_the_report_is_the_contracts_json(registry, request_for):
    report = infer(request_for(), registry).report()
    assert [sorted(row) for row in report["classes"]] == [["colour", "index", "name", "prompts", "share"]] * 3
    assert report["classes"][1]["prompts"] == ["window", "окно"]
    assert report["size"] == [90, 132]
    assert report["method"] == "lposs"
    assert report["checkpoint"] == {"id": "first", "sha256": registry.catalogue["first"].sha256}
    assert {"load", "text", "propagate", "label_map"} <= set(report["seconds"])


def test_a_text_longer_than_the_tower_reads_is_said(registry, request_for):
    long = "очень длинное описание старой осыпающейся штукатурки у водосточной трубы " * 3
    notes = infer(request_for(f"wall; damage = crack, {long}"), registry).notes
    assert len(notes) == 1
    assert "очень длинное" in notes[0].text("en")
    assert "40" in notes[0].text("ru")
    assert infer(request_for(), registry).notes == ()


def test_unknown_and_unavailable_choices_are_refused_by_name(registry, request_for):
    with pytest.raises(UnknownChoice, match="no method 'magic'"):
        infer(request_for(method="magic"), registry)
    with pytest.raises(PipelineUnavailable, match="pnp_ovss does not work with the checkpoint first"):
        infer(request_for(method="pnp_ovss"), registry)
    with pytest.raises(UnknownChoice, match="no checkpoint 'third'"):
        infer(request_for(checkpoint="third"), registry)
    with pytest.raises(UnknownChoice, match="no template set 'none'"):
        infer(request_for(templates="none"), registry)


def test_a_cancelled_request_leaves_the_next_one_whole(registry, request_for, family):
    def stop(stage: str, done: float) -> None:
        if stage == "encode_patches":
            raise Cancelled.of("stopped")

    with pytest.raises(Cancelled, match="stopped"):
        infer(request_for(), registry, stop)
    alone = infer(request_for(), PipelineRegistry(load_catalogue(family), torch.device("cpu")))
    assert np.array_equal(infer(request_for(), registry).label_map, alone.label_map)
    assert all(part.leases == 0 for part in registry.status().parts)


def test_two_checkpoints_in_many_threads_answer_as_they_do_alone(family, request_for):
    catalogue = load_catalogue(family)
    alone = PipelineRegistry(catalogue, torch.device("cpu"))
    cases = [
        (checkpoint, method, prompts)
        for checkpoint in ("first", "second")
        for method in ("maskclip", "lposs")
        for prompts in ("wall; window", "стена; окно; дверь = дверь, door", "sky")
    ]
    expected = {case: infer(build(request_for, case), alone) for case in cases}
    sizes = [part.bytes for part in alone.status().parts]
    crowded = PipelineRegistry(  # room for one dual encoder beside the patch encoder; a cache that forgets
        catalogue, torch.device("cpu"), sum(sizes) - min(sizes), cache=FeatureCache(400_000)
    )

    def ask(number: int) -> bool:
        case = cases[number % len(cases)]
        result = infer(build(request_for, case), crowded)
        same = np.array_equal(result.label_map, expected[case].label_map)
        return same and np.array_equal(result.scores.scores, expected[case].scores.scores)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(3 * len(cases))))


def build(request_for, case) -> InferenceRequest:
    checkpoint, method, prompts = case
    return request_for(prompts, method=method, checkpoint=checkpoint)


@pytest.mark.parametrize(
    "image",
    [np.zeros((10, 10), np.uint8), np.zeros((10, 10, 4), np.uint8), np.zeros((10, 10, 3), np.float32)],
)
def test_arrays_that_are_no_pictures_are_refused(image):
    with pytest.raises(ValueError, match=r"must be \(H, W, 3\) uint8"):
        InferenceRequest(image, parse_prompts("wall"))
