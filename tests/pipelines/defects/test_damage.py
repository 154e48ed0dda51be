import pytest

from pipelines import ClassResult, find_prompt_set
from pipelines.defects import damage_classes, match_class


def item(name, *prompts):
    return ClassResult(0, name, prompts or (name,), "#000000", 0.0)


@pytest.mark.parametrize(
    ("name", "prompts", "found"),
    [
        ("crack", (), "CRACK"),
        ("трещина", (), "CRACK"),
        ("Hairline-Crack", (), "CRACK"),
        ("MISSING_ELEMENT", (), "MISSING_ELEMENT"),
        ("a", ("rust",), "CORROSION"),
        ("long rust stain below the sill", (), "CORROSION"),
        ("подтек", (), "WATER_STAIN"),
        ("Riss", (), "CRACK"),
        ("window", (), "background"),
        ("unheard of", (), None),
        ("crackle glaze", (), None),
        ("длинные трещины", (), "CRACK"),
        ("отслоения", (), "DELAMINATION"),
        ("высокое здание", (), None),
    ],
)
def test_names_and_texts_find_their_class(name, prompts, found):
    matched = match_class(item(name, *prompts))
    assert (matched.name if matched else None) == found


@pytest.mark.parametrize("language", ["en", "ru", "mixed"])
def test_the_damage_prompts_name_six_kinds_of_damage(language):
    prompts = find_prompt_set(f"facade-damage-{language}").prompts
    classes = [
        ClassResult(index, each.name, each.texts, "#000000", 0.0)
        for index, each in enumerate(prompts.classes)
    ]
    assert damage_classes(classes) == prompts.names[:6]
