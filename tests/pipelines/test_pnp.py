import dataclasses
import threading

import numpy as np
import pytest

from pipelines import (
    NO_CLASS,
    Abstention,
    Cancelled,
    InferenceRequest,
    PipelineUnavailable,
    PromptError,
    SettingsError,
    infer,
    list_models,
    parse_prompts,
)
from pipelines.english import english_texts, is_latin
from pipelines.types import ClassPrompt, KeptClasses, TopClasses
from pnp_ovss import PnPOVSS, PnPOVSSConfig, postprocess

SMALL = PnPOVSSConfig(
    image_side=64, layer=1, head=3, rounds=3, drop_count=2, long_side=64, postprocess="blur", threshold=0.1
)


@pytest.fixture
def ask(request_for, models):
    """Segments ``picture`` by PnP-OVSS."""

    def call(prompts="wall; window; sky", progress=None, **options):
        request = request_for(prompts, **{"method": "pnp_ovss", "pnp": SMALL, **options})
        return infer(request, models[0], progress)

    return call


def test_the_answer_is_the_librarys(ask, matching_model, picture):
    result = ask()
    library = PnPOVSS(matching_model, SMALL).segment(picture, [["wall"], ["window"], ["sky"]])
    assert np.array_equal(result.label_map, library.label_map)
    assert len(np.unique(result.label_map)) > 1
    assert result.scores.background is None
    assert sum(item.share for item in result.classes) + result.none_share == pytest.approx(1)
    assert result.report()["settings"]["rounds"] == 3
    assert list(result.seconds) == ["load", "filter", "rounds", "postprocess", "label_map"]


def test_only_the_matching_model_is_loaded(ask, models):
    ask()
    assert models[2] == ["itm"]


def test_few_classes_get_a_background_of_pixels_without_a_class(ask, matching_model, picture):
    result = ask("wall; window")
    library = PnPOVSS(matching_model, SMALL).segment(picture, [["wall"], ["window"]])
    assert library.background is not None
    assert np.array_equal(result.label_map, library.label_map)
    probabilities = result.scores.scores.astype(float).sum(0) + result.scores.background.astype(float)
    assert probabilities == pytest.approx(1, abs=2e-3)
    never = ask("wall; window", pnp=SMALL.replace(background="never"))
    assert never.none_share == 0


def test_the_checkpoints_own_settings_are_used_where_none_are_given(ask):
    assert ask(pnp=None).settings.rounds == 2


def test_the_dense_crf_gives_probabilities(ask, picture):
    result = ask(pnp=SMALL.replace(postprocess="blur+crf"))
    assert result.scores.scores.astype(float).sum(0) == pytest.approx(1, abs=2e-3)
    assert result.notes == ()


def test_a_dense_crf_without_an_answer_is_named_and_left_out(ask):
    result = ask(
        pnp=SMALL.replace(postprocess="blur+crf", crf_seconds=0.1, crf_iterations=100, long_side=512)
    )
    plain = ask(pnp=SMALL.replace(long_side=512))
    (note,) = result.notes
    assert "took longer than 0.1 s" in note.text("en")
    assert "не дало ответа" in note.text("ru")
    assert np.array_equal(result.label_map, plain.label_map)


def test_settings_after_the_rounds_encode_nothing_again(ask, models, matching_model, picture):
    ask()
    assert models[1].pictures == SMALL.rounds
    changed = SMALL.replace(threshold=0.5, blur_sigma=0.02)
    result = ask(pnp=changed)
    assert models[1].pictures == SMALL.rounds
    assert np.array_equal(
        result.label_map,
        PnPOVSS(matching_model, changed).segment(picture, [["wall"], ["window"], ["sky"]]).label_map,
    )
    ask(pnp=SMALL.replace(head=2))
    assert models[1].pictures == 2 * SMALL.rounds


def test_rounds_are_kept_for_the_page(ask, matching_model, picture):
    result = ask()
    library = PnPOVSS(matching_model, SMALL).segment(picture, [["wall"], ["window"], ["sky"]])
    rounds = result.rounds
    assert rounds.maps.shape == (3, 3, 4, 4)
    assert [int(mask.sum()) for mask in rounds.dropped] == [0, 2, 4]
    assert np.array_equal(rounds.maps, library.rounds)
    assert np.array_equal(rounds.merged, library.class_maps)
    assert rounds.match == pytest.approx(library.match_logits[:, 0])


def test_a_cancelled_request_stops_between_rounds_and_leaves_the_next_one_whole(
    ask, models, matching_model, picture
):
    def stop(stage, done):
        if done >= 1 / 3:
            raise Cancelled.of("stopped")

    with pytest.raises(Cancelled):
        ask(progress=stop)
    assert models[1].pictures == 1
    library = PnPOVSS(matching_model, SMALL).segment(picture, [["wall"], ["window"], ["sky"]])
    assert np.array_equal(ask().label_map, library.label_map)


def test_progress_names_the_stages(ask):
    seen = []
    ask(progress=lambda stage, done: seen.append((stage, round(done, 2))))
    assert seen == [
        ("encode_image", 0.0), ("cross_attention", 0.0),
        ("encode_image", 0.33), ("cross_attention", 0.33),
        ("encode_image", 0.67), ("cross_attention", 0.67),
        ("postprocess", 0.0),
    ]  # fmt: skip


def test_background_words_compete_and_stay_without_a_class(ask, matching_model, picture):
    result = ask("wall; window; sky", abstain=Abstention(background=("door", "roof")))
    library = PnPOVSS(matching_model, SMALL).segment(
        picture, [["wall"], ["window"], ["sky"], ["door", "roof"]]
    )
    expected = np.where(library.label_map == 3, NO_CLASS, library.label_map)
    assert np.array_equal(result.label_map, expected)
    assert result.none_share > 0


def test_uncertain_pixels_stay_without_a_class(ask):
    free, strict = ask(), ask(abstain=Abstention(threshold=0.4))
    assert free.none_share == 0 < strict.none_share < 1
    labelled = strict.label_map != NO_CLASS
    assert np.array_equal(strict.label_map[labelled], free.label_map[labelled])


def test_kept_classes_alone_are_searched_for(ask, matching_model, picture):
    result = ask("wall; window; sky; door; roof", class_filter=KeptClasses((4, 0, 2)))
    library = PnPOVSS(matching_model, SMALL).segment(picture, [["roof"], ["wall"], ["sky"]])
    assert np.array_equal(result.label_map, np.array([4, 0, 2], np.uint8)[library.label_map])
    assert (result.scores.scores[[1, 3]] == 0).all()
    assert result.notes[0].text("en") == "Searched for 3 of 5 classes: roof, wall, sky."
    with pytest.raises(SettingsError, match="names the class 9"):
        ask("wall; window", class_filter=KeptClasses((0, 8)))


def test_clip_keeps_the_classes_it_is_most_certain_of(ask, models, request_for):
    prompts = "wall; window; sky; door"
    dense = infer(request_for(prompts, method="maskclip"), models[0])
    best = dense.scores.scores.astype(np.float32).max((1, 2))
    expected = sorted(np.argsort(-best)[:2].tolist())
    result = ask(prompts, class_filter=TopClasses(2))
    assert np.flatnonzero(result.rounds.merged.max((1, 2))).tolist() == expected
    everything = ask(prompts, class_filter=TopClasses(4))
    assert np.array_equal(everything.label_map, ask(prompts).label_map)


def test_bf16_becomes_fp32_and_the_visitor_is_told(ask):
    result = ask(precision="bf16")
    assert [note.key for note in result.notes] == ["note.fp32"]
    assert np.array_equal(result.label_map, ask().label_map)


def test_a_checkpoint_without_a_matching_model_refuses_the_method(ask, models):
    with pytest.raises(PipelineUnavailable, match="does not work with the checkpoint second"):
        ask(checkpoint="second")
    rows = {row["id"]: row["methods"] for row in list_models(models[0])}
    assert "pnp_ovss" in rows["first"]
    assert "pnp_ovss" not in rows["second"]


def test_a_layer_that_the_model_lacks_is_named(ask):
    with pytest.raises(SettingsError, match="layer must be 0 to 2 in this model, got 7"):
        ask(pnp=SMALL.replace(layer=7))


def test_words_of_another_script_are_refused_with_a_way_out(ask):
    with pytest.raises(PromptError) as caught:
        ask("wall; небоскрёб-невидимка")
    assert caught.value.code == "not_english"
    assert "reads English only" in str(caught.value)
    assert "choose the method LPOSS" in str(caught.value)
    assert "выберите метод LPOSS" in caught.value.text("ru")


def test_a_text_longer_than_a_caption_is_named(ask, matching_model):
    text = " ".join("xq" for _ in range(99))
    pieces = len(matching_model.word_pieces(text))
    assert ask(f"wall; {text}").label_map.shape
    assert pieces == 198


def translate(text):
    return {"окно": "window", "стена": "wall"}.get(text)


def test_the_glossarys_word_is_used_and_shown():
    found = english_texts([ClassPrompt("окно", ("окно",)), ClassPrompt("b", ("brick wall",))], (), translate)
    assert found.classes == (("window",), ("brick wall",))
    (note,) = found.notes
    assert "окно → window" in note.text("en")
    assert "окно → window" in note.text("ru")


def test_a_synonym_of_another_script_is_left_out_where_its_class_has_another():
    found = english_texts([ClassPrompt("w", ("window", "окно", "窓"))], ("стена",), translate)
    assert found.classes == (("window",),)  # once, though two texts mean it
    assert found.background == ("wall",)
    assert [note.key for note in found.notes] == ["note.translated", "note.left_out"]
    assert "窓" in found.notes[1].text("en")


@pytest.mark.parametrize(
    ("text", "latin"),
    [("window", True), ("façade 2", True), ("окно", False), ("окno", False), ("墙", False), ("α", False)],
)
def test_latin_letters_are_told_from_others(text, latin):
    assert is_latin(text) is latin


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (64, 64)])
@pytest.mark.parametrize("postprocessing", ["none", "blur+crf"])
def test_odd_pictures_get_an_answer(models, size, postprocessing):
    image = np.full((*size, 3), 128, np.uint8)
    settings = SMALL.replace(postprocess=postprocessing)
    request = InferenceRequest(
        image, parse_prompts("wall; window"), method="pnp_ovss", checkpoint="first", pnp=settings
    )
    result = infer(request, models[0])
    assert result.label_map.shape == size
    assert np.isfinite(result.scores.scores).all()


def test_twenty_classes_on_one_photo(ask):
    words = "wall window sky door roof tree road car person balcony brick crack rust stone grass"
    words += " cloud sign lamp fence step"
    result = ask("; ".join(words.split()), pnp=SMALL.replace(postprocess="blur+crf"))
    assert len(result.classes) == 20
    assert result.rounds.maps.shape[1] == 20


def test_many_threads_get_the_answers_they_would_get_alone(ask, models):
    cases = ["wall; window; sky", "door; roof; tree", "sky; car"]
    alone = {case: ask(case).label_map for case in cases}
    models[0].cache.clear()
    wrong = []

    def visitor(case):
        for _ in range(2):
            if not np.array_equal(ask(case).label_map, alone[case]):
                wrong.append(case)

    threads = [threading.Thread(target=visitor, args=(case,)) for case in cases * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_settings_of_the_rounds_are_settings():
    from pipelines.pnp import ROUND_SETTINGS

    assert {field.name for field in dataclasses.fields(PnPOVSSConfig)} > set(ROUND_SETTINGS)


def test_the_label_map_of_the_library_and_of_the_stages_agree(matching_model, picture):
    result = PnPOVSS(matching_model, SMALL).segment(picture, [["wall"], ["window"], ["sky"]])
    assert np.array_equal(postprocess(result.class_maps, picture, SMALL), result.index_map)
