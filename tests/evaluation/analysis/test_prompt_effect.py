from __future__ import annotations

import pytest

from evaluation.analysis.prompt_effect import check_prompts_act, text_effects
from evaluation.commands import UsageError
from evaluation.facades.config import load_config
from pipelines import build_registry, parse_prompts

SETS = {
    "default": parse_prompts("a = crack; b = rust"),
    "other": parse_prompts("a = hairline crack; b = rust"),
    "twin": parse_prompts("a = crack; b = rust"),
}


def test_other_texts_have_other_vectors_and_equal_sets_are_left_out() -> None:
    registry = build_registry()
    models = {"stock": registry.catalogue["tiny-stock"]}
    found = text_effects(load_config(), models, SETS, registry)
    assert found.keys() == {("other", "stock")}
    assert 0.001 < found["other", "stock"] < 1


@pytest.mark.parametrize("what", ["scores", "text vectors"])
def test_a_set_without_effect_is_refused(what: str) -> None:
    with pytest.raises(UsageError, match=f"'other' has other texts .* 'tuned' gives the same {what}"):
        check_prompts_act({("other", "stock"): 0.1, ("other", "tuned"): 0.0}, what, SETS)


def test_a_set_of_the_same_texts_need_not_act() -> None:
    check_prompts_act({("twin", "stock"): 0.0}, "scores", SETS)
