import numpy as np
import pytest
import torch

from attribution import faithfulness
from pipelines import (
    ExplanationRequest,
    PipelineUnavailable,
    PromptError,
    TrustPlan,
    explain,
    infer,
    parse_prompts,
)
from pipelines.explained_salience import MatchScore
from pnp_ovss import PnPOVSS, prepare_image, token_maps, write_captions
from pnp_ovss.label_maps import resize


@pytest.fixture
def ask(models, picture):
    """Explains a class of ``picture`` by Salience DropOut."""

    def call(class_name="window", prompts="wall; window; sky", **options):
        given = {"kind": "salience_dropout", "method": "pnp_ovss", "checkpoint": "first", "trust": None}
        request = ExplanationRequest(picture, parse_prompts(prompts), class_name, **{**given, **options})
        return explain(request, models[0])

    return call


def test_the_map_is_what_the_label_map_is_made_from(ask, models, matching_model, picture):
    result = ask()
    settings = models[0].catalogue["first"].pnp_settings
    library = PnPOVSS(matching_model, settings).salience(picture, [["wall"], ["window"], ["sky"]])
    expected = resize(library.class_maps[1:2], 64, 64, align_corners=False)[0]
    assert np.array_equal(result.finding.attribution.heatmap, expected)
    assert result.heatmap.shape == picture.shape[:2]
    assert result.heatmap.max() > 0
    assert result.gray().max() == 255


def test_the_score_is_the_match_of_the_picture_and_the_class(ask, matching_model, picture):
    result = ask()
    pixels = prepare_image(picture, 64, matching_model.mean, matching_model.std)
    (caption,) = write_captions(matching_model, ["window"])
    states = matching_model.encode(pixels)
    _, logit = token_maps(matching_model, states, torch.tensor([caption.ids]), layer=1, head=0)
    assert result.attribution.score == pytest.approx(float(logit), abs=1e-5)
    report = result.report()
    assert (report["map"], report["explained"]["quantity"]) == ("salience_dropout", "match")
    assert (report["rounds"], report["explained"]["where"]) == (2, "everywhere")
    assert "completeness" not in report


def test_rounds_of_a_segmentation_are_not_computed_again(ask, models, request_for):
    infer(request_for("wall; window; sky", method="pnp_ovss"), models[0])
    before = models[1].pictures
    ask()
    assert models[1].pictures == before + 1  # the score of the class alone


def test_trust_is_measured_by_the_match(ask, matching_model, picture):
    result = ask(trust=TrustPlan(steps=3, random_orders=2))
    score = MatchScore.of(matching_model, ["window"])
    square = prepare_image(picture, 64, (0, 0, 0), (1, 1, 1))[0]
    expected = faithfulness(score, square, result.finding.attribution, steps=3, random_orders=2, cell=16)
    figures = result.report()["faithfulness"]
    assert figures == pytest.approx(expected.figures(), abs=1e-5)
    assert set(figures) == {"deletion", "insertion", "random_deletion", "random_insertion"}


def test_pictures_are_scored_independently_of_their_batch(matching_model):
    score = MatchScore.of(matching_model, ["window", "sky"])
    pictures = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([score(each[None]) for each in pictures])
    assert score(pictures).numpy() == pytest.approx(alone.numpy(), abs=1e-5)


def test_a_pixel_is_named_as_not_asked(ask):
    result = ask(x=3, y=4)
    assert [note.key for note in result.finding.notes] == ["note.whole_picture"]
    assert np.array_equal(result.heatmap, ask().heatmap)


def test_other_methods_have_no_rounds_and_pnp_ovss_no_other_kind(ask):
    with pytest.raises(PipelineUnavailable, match="salience_dropout"):
        ask(method="lposs")
    with pytest.raises(PipelineUnavailable, match="grad_cam"):
        ask(kind="grad_cam")


def test_words_of_another_script_are_translated_or_refused(ask):
    result = ask(class_name="окно", prompts="wall; окно; sky")
    assert "окно → window" in result.finding.notes[0].text("ru")
    assert np.array_equal(result.heatmap, ask().heatmap)
    with pytest.raises(PromptError, match="reads English only"):
        ask(class_name="окно", prompts="wall; окно; sky", glossary=False)
