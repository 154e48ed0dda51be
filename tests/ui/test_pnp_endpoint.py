"""PnP-OVSS through the public endpoints, with pictures and prompts that have broken other servers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

PROMPTS = "wall = wall, стена\nокно\nsky"


@pytest.fixture(scope="module")
def client(site: str) -> Client:
    return Client(site, verbose=False, analytics_enabled=False)


def ask(client: Client, path: Path, prompts: str = PROMPTS) -> tuple:
    return client.predict(handle_file(str(path)), prompts, "pnp_ovss", "tiny-stock", api_name="/segment")


def labels_of(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_segment_names_the_glossarys_words(client: Client, drawings: Path):
    label_map, report = ask(client, drawings / "facade_3.png")
    assert labels_of(label_map).shape == (240, 320)
    assert report["method"] == "pnp_ovss"
    assert any("окно → window" in note for note in report["notes"])


def test_explain_draws_the_rounds(client: Client, drawings: Path):
    picture = handle_file(str(drawings / "facade_3.png"))
    question = (PROMPTS, "sky", "salience_dropout", "pnp_ovss", "tiny-stock", None, None)
    heat, report = client.predict(picture, *question, api_name="/explain")
    assert labels_of(heat).shape == (240, 320)
    assert labels_of(heat).max() == 255
    assert set(report["faithfulness"]) == {"deletion", "insertion", "random_deletion", "random_insertion"}


def test_odd_pictures_are_answered_or_refused_and_the_next_answer_is_unchanged(
    client: Client, drawings: Path, tmp_path: Path
):
    before = labels_of(ask(client, drawings / "facade_4.png")[0])
    for size in ((1, 1), (10_000, 1)):
        path = tmp_path / f"{size[0]}.png"
        Image.new("RGB", size, "gray").save(path)
        with pytest.raises(AppError, match="too"):
            ask(client, path)
    constant = tmp_path / "constant.png"
    Image.new("RGB", (320, 16), "gray").save(constant)  # as narrow as is accepted
    assert labels_of(ask(client, constant)[0]).shape == (16, 320)
    assert np.array_equal(labels_of(ask(client, drawings / "facade_4.png")[0]), before)


def test_twenty_classes_and_a_word_that_nobody_knows(client: Client, drawings: Path):
    words = (
        "wall window sky door roof tree road car person balcony brick crack rust stone grass cloud sign lamp"
    )
    _, report = ask(client, drawings / "facade_3.png", "\n".join([*words.split(), "fence", "step"]))
    assert len(report["classes"]) == 20
    with pytest.raises(AppError, match="reads English only"):
        ask(client, drawings / "facade_3.png", "wall\nщщщ")
