from collections import defaultdict

from pipelines import find_prompt_set, format_prompts, list_prompt_sets, parse_prompts, prompt_sets

LANGUAGES = {"en", "ru", "de", "fr", "es", "zh"}
TOPICS = ("facade-parts", "facade-damage", "facade-grouped")


def test_every_topic_exists_in_every_language_and_mixed():
    assert {item.id for item in prompt_sets()} == {
        f"{topic}-{variant}" for topic in TOPICS for variant in (*LANGUAGES, "mixed")
    }


def test_languages_of_a_topic_have_the_same_classes_in_one_order():
    sizes = defaultdict(set)
    for item in prompt_sets():
        sizes[item.id.rpartition("-")[0]].add(len(item.prompts))
    assert sizes == {"facade-parts": {13}, "facade-damage": {13}, "facade-grouped": {8}}


def test_the_mixed_sets_hold_the_texts_of_both():
    for topic in TOPICS:
        mixed, en, ru = (find_prompt_set(f"{topic}-{name}").prompts for name in ("mixed", "en", "ru"))
        for both, one, other in zip(mixed.texts, en.texts, ru.texts, strict=True):
            assert set(both) == {*one, *other}


def test_every_set_survives_the_prompt_box():
    for item in prompt_sets():
        assert parse_prompts(format_prompts(item.prompts)) == item.prompts


def test_the_list_shows_ids_titles_and_classes():
    rows = {row["id"]: row for row in list_prompt_sets()}
    row = rows["facade-grouped-zh"]
    assert row["languages"] == ["zh"]
    assert row["title"] == {"en": "Damage in groups (Chinese)", "ru": "Повреждения по группам (китайский)"}
    assert row["classes"][0]["prompts"][0] == "裂缝"
