import hashlib

import pytest

from pipelines import (
    SettingsError,
    build_registry,
    find_prompt_set,
    list_models,
    list_prompt_sets,
    load_catalogue,
)
from pipelines.catalogue import combined_digest
from pipelines.loading import verify_file
from pipelines.stamp import stamp


def edited(family, tmp_path, old: str, new: str):
    text = family.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "catalogue.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("licence: MIT", "license: MIT", "no key 'license'. Did you mean 'licence'?"),
        ("builder: tiny-dual", "biulder: tiny-dual", "no key 'biulder'. Did you mean 'builder'?"),
        ("    base: random weights\n", "", "the key 'base' is missing"),
        ("k: 12", "neighbours: 12", "LPOSS has no setting 'neighbours'"),
        ("k: 12", "k: 0", "k must"),
        ("kind: stock", "kind: stocked", "one of stock, finetuned, got 'stocked'"),
        ("id: second", "id: first", "rows with distinct ids"),
        ("[maskclip, lposs, lposs_plus]", "[maskclip, magic]", "got 'magic'"),
        ("lposs_plus]", "lposs_plus, pnp_ovss]", "the key 'itm' is missing"),
        ("    settings: {", "    pnp_settings: {rounds: 0}\n    settings: {", "rounds must lie between"),
        ("checkpoints:", "checkpoints: [", "catalogue.yaml: "),
    ],
)
def test_mistakes_in_a_catalogue_are_named(family, tmp_path, old, new, sentence):
    with pytest.raises(SettingsError) as caught:
        load_catalogue(edited(family, tmp_path, old, new))
    assert sentence in str(caught.value)


def test_the_digest_of_several_files_is_that_of_their_sorted_digests():
    assert combined_digest(["ab"]) == "ab"
    assert combined_digest(["b" * 64, "a" * 64]) == hashlib.sha256(b"a" * 64 + b"b" * 64).hexdigest()


def test_stamping_writes_the_digests_of_the_files(family, tmp_path):
    for path in family.parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    catalogue = tmp_path / family.name
    (tmp_path / "second.safetensors").write_bytes(b"new weights")
    assert stamp(catalogue) == ["second.safetensors"]
    assert stamp(catalogue) == []
    digest = load_catalogue(catalogue)["second"].parts["clip"].sha256
    assert digest == hashlib.sha256(b"new weights").hexdigest()


def test_the_bundled_checkpoints_are_listed_with_all_that_a_user_may_ask():
    listed = list_models(build_registry(device="cpu"))
    rows = {row["id"]: row for row in listed if row["source"] == "bundled"}
    assert set(rows) == {"tiny-stock", "tiny-finetuned"}
    for row in rows.values():
        assert set(row["label"]) == {"en", "ru"}
        assert len(row["sha256"]) == 64
        assert {"en", "ru"} <= set(row["languages"])
        assert row["methods"][:3] == ["maskclip", "lposs", "lposs_plus"]
    assert rows["tiny-stock"]["kind"] == "stock"
    assert rows["tiny-finetuned"]["kind"] == "finetuned"


def test_the_bundled_files_are_those_of_the_catalogue():
    bundled = [spec for spec in load_catalogue().values() if spec.source == "bundled"]
    assert len(bundled) == 2
    for spec in bundled:
        for part in spec.parts.values():
            assert verify_file(spec, part) == part.file


def test_prompt_sets_come_in_three_languages_with_the_same_classes():
    rows = {row["id"]: row for row in list_prompt_sets()}
    for topic in ("facade-parts", "facade-damage"):
        english, russian, mixed = (rows[f"{topic}-{name}"] for name in ("en", "ru", "mixed"))
        assert len(english["classes"]) == len(russian["classes"]) == len(mixed["classes"]) >= 12
        for en, ru, both in zip(english["classes"], russian["classes"], mixed["classes"], strict=True):
            assert both["prompts"] == en["prompts"] + ru["prompts"]
            assert en["name"].isascii()
            assert not ru["name"].isascii()
        assert mixed["languages"] == ["en", "ru"]


def test_every_prompt_set_survives_the_prompt_box():
    from pipelines import format_prompts, parse_prompts, prompt_sets

    for item in prompt_sets():
        assert parse_prompts(format_prompts(item.prompts)) == item.prompts
    assert find_prompt_set("facade-parts-en").prompts.names[0] == "wall"
