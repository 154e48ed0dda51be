import math
import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from open_clip import CLIP
from open_clip.model import CLIPTextCfg, CLIPVisionCfg

from tiny_vlm import words
from tiny_vlm.bpe import write_merges
from tiny_vlm.configs import build_dual_encoder, tokenizer, vocabulary_size
from tiny_vlm.data import Source, draw_batch, make_picture
from tiny_vlm.facades import CLASSES
from tiny_vlm.features import patch_embeddings, penultimate_tokens, text_embeddings
from tiny_vlm.loop import Budget, train
from tiny_vlm.losses import PULL, word_loss
from tiny_vlm.spaces import label_space
from tiny_vlm.tasks import TrainingData
from tiny_vlm.words import WordPool, WordTask, vary
from tiny_vlm.words_bank import PatchSheet, collect_patches, mean_patch
from tiny_vlm.words_forms import inflect, mistype, random_letters
from tiny_vlm.words_lexicon import Lexicon
from tiny_vlm.words_start import grow_vocabulary

LEXICON = Lexicon(
    ("wall", "window", "none"),
    ("palace", "porthole", "banana", "дворец", "форточка", "банан"),
    ("en", "en", "en", "ru", "ru", "ru"),
    np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.8, 0, 0.2], [0, 1, 0], [0, 0, 1]], np.float32),
)


@pytest.fixture
def few_words(monkeypatch):
    """Small steps: what is tested does not depend on how many words a step has."""
    monkeypatch.setattr(words, "RELATED_WORDS", 4)
    monkeypatch.setattr(words, "OTHER_WORDS", 2)
    monkeypatch.setattr(words, "NO_WORDS", 1)


@pytest.fixture
def data():
    mask = np.full((160, 160), CLASSES.index("plaster wall"), np.uint8)
    mask[:, 80:] = CLASSES.index("window")
    image = np.where(mask[..., None] == CLASSES.index("window"), 225, 40).repeat(3, 2).astype(np.uint8)
    spaces = {"parts": label_space(CLASSES, {"plaster wall": "wall", "window": "window"})}
    source = Source("drawn", [make_picture(image, mask)], ("parts",), (1.0,), share=1.0, sides=(110, 150))
    return TrainingData([source], [], spaces, batch=2, seed=1, crops=(128,))


def build_task(data):
    """The task on a dual encoder with the bundled tokenizer and towers small enough for many steps."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tokens = tokenizer()
    text = CLIPTextCfg(context_length=40, vocab_size=vocabulary_size(tokens), width=16, heads=2, layers=1)
    model = CLIP(192, CLIPVisionCfg(layers=1, width=64, patch_size=16, image_size=32), text).eval()
    mask = data.sources[0].pictures[0].mask[::20, ::20]
    shares = F.one_hot(torch.from_numpy(mask == CLASSES.index("window")).long().flatten(), 2).float()
    patches = F.normalize(shares @ torch.randn(2, 192) + 0.1 * torch.randn(64, 192), dim=-1)
    return WordTask(model, [PatchSheet(patches[None].half(), ("parts",), (shares,))], data, LEXICON, tokens)


def test_patches_are_those_of_the_frozen_tower(data):
    model = build_dual_encoder()
    [sheet] = collect_patches(model, data, 1, torch.device("cpu"))
    batch = draw_batch(data.sources, data.spaces, 128, 2, np.random.default_rng((1, 2, 0)))
    with torch.no_grad():
        own = patch_embeddings(model, penultimate_tokens(model.visual.trunk, batch.images))
    assert sheet.spaces == batch.space
    torch.testing.assert_close(sheet.patches.float(), own, atol=1e-3, rtol=1e-2)


def run(task, folder, steps, **options):
    return train(
        task,
        Budget(steps, None),
        learning_rate=5e-3,
        state_file=folder / "s.pt",
        export=lambda model: None,
        **options,
    ).state_dict()


def test_word_loss_matches_the_hand_solution():
    # One word along the first of two orthogonal anchors, 3/4 of its meaning there, scale 2:
    # log-probabilities 2 - log(e^2 + 1) and -log(e^2 + 1); its place is along (3, 1), at cosine 3 / sqrt(10).
    loss = word_loss(
        torch.tensor([[1.0, 0.0]]), torch.eye(2), torch.tensor([[0.75, 0.25]]), torch.tensor(2.0)
    )
    expected = math.log(math.exp(2) + 1) - 0.75 * 2 + PULL * (1 - 3 / math.sqrt(10))
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_mean_patch_is_a_direction():
    patches = torch.zeros(1, 2, 192)
    patches[0, 0, 0] = patches[0, 1, 1] = 1
    sheet = PatchSheet(patches.half(), ("parts",), (torch.zeros(2, 2),))
    expected = torch.zeros(192)
    expected[:2] = 0.5**0.5
    torch.testing.assert_close(mean_patch([sheet]), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures("few_words")
def test_a_draw_holds_related_words_then_others_then_strings():
    drawn = WordPool(LEXICON).draw(random.Random(0))
    assert (len(drawn.texts), drawn.related, drawn.shares.shape) == (7, 4, (7, 3))
    assert (drawn.shares[:4, 2] < 0.5).all()
    assert (drawn.shares[4:, 2] == 1).all()


@pytest.mark.usefixtures("few_words")
def test_without_dictionaries_strings_alone_are_drawn():
    empty = Lexicon(LEXICON.concepts, (), (), np.zeros((0, 3), np.float32))
    drawn = WordPool(empty).draw(random.Random(0))
    assert (len(drawn.texts), drawn.related) == (1, 0)


def test_rare_concepts_are_drawn_by_the_power_of_their_words():
    many = Lexicon(
        ("wall", "window", "none"),
        (*(f"wall {number}" for number in range(16)), "window"),
        ("en",) * 17,
        np.array([[1, 0, 0]] * 16 + [[0, 1, 0]], np.float32),
    )
    pool, rng = WordPool(many), random.Random(0)
    windows = sum(pool._draw_related(rng) == 16 for _ in range(2000)) / 2000
    assert windows == pytest.approx(1 / (1 + 16**words.EVENNESS), abs=0.03)  # 1 in 5


@pytest.mark.usefixtures("few_words")
def test_a_step_is_the_same_again_and_the_picture_tower_stays(data):
    task = build_task(data)
    before = {name: value.clone() for name, value in task.model.visual.state_dict().items()}
    loss = task.loss(3)
    assert torch.equal(loss, task.loss(3))
    torch.autograd.backward(loss)
    assert all(parameter.grad is None for parameter in task.model.visual.parameters())
    assert task.model.token_embedding.weight.grad is not None
    assert all(torch.equal(value, before[name]) for name, value in task.model.visual.state_dict().items())


@pytest.mark.usefixtures("few_words")
def test_texts_are_embedded_as_one_by_one(data):
    task, texts = build_task(data), ["wall", "a photo of a large window in the wall.", "окно", "дом"]
    rng = random.Random(0)
    rng.random = lambda: 0.0  # type: ignore[method-assign] # no merge is left out
    with torch.no_grad():
        together = task._embed(texts, rng)
        for text, vector in zip(texts, together, strict=True):
            ids = tokenizer()([text])
            own = text_embeddings(task.model, ids[:, : int(ids.argmax(1)) + 1])[0]
            torch.testing.assert_close(vector, own, atol=1e-5, rtol=1e-4)


@pytest.mark.usefixtures("few_words")
def test_two_runs_of_200_steps_are_equal(data, tmp_path):
    one = run(build_task(data), tmp_path / "one", 200)
    two = run(build_task(data), tmp_path / "two", 200)
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.usefixtures("few_words")
def test_a_resumed_run_equals_an_uninterrupted_one(data, tmp_path):
    whole = run(build_task(data), tmp_path / "whole", 8)
    run(build_task(data), tmp_path / "parts", 8, stop_after=3)
    resumed = run(build_task(data), tmp_path / "parts", 8)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


@pytest.mark.usefixtures("few_words")
def test_words_learn_what_they_stand_for(data, tmp_path):
    task = build_task(data)
    run(task, tmp_path, 120)
    wall, window, nothing = task._anchors
    with torch.no_grad():
        palace, porthole, banana = task._embed(["palace", "porthole", "banana"], random.Random(1))
    assert palace @ wall > max(palace @ window, palace @ nothing)
    assert porthole @ window > max(porthole @ wall, porthole @ nothing)
    assert banana @ nothing > max(banana @ wall, banana @ window)


def test_a_grown_vocabulary_gives_old_tokens_their_rows_and_new_ones_the_mean(tmp_path):
    merges = [("w", "a"), ("l", "l</w>")]
    write_merges(merges, tmp_path / "old.gz")
    write_merges([*merges, ("wa", "ll</w>")], tmp_path / "new.gz")
    old, new = tokenizer(tmp_path / "old.gz"), tokenizer(tmp_path / "new.gz")
    model = build_dual_encoder(vocabulary_size(old))
    grown = grow_vocabulary(model, old, new)
    for token, row in old.encoder.items():
        assert torch.equal(
            grown.token_embedding.weight[new.encoder[token]], model.token_embedding.weight[row]
        )
    rows = [grown.token_embedding.weight[new.encoder[token]] for token in ("wall</w>", "wa", "ll</w>")]
    torch.testing.assert_close(rows[0], (rows[1] + rows[2]) / 2)
    images = torch.zeros(1, 3, 128, 128)
    assert torch.equal(grown.encode_image(images), model.encode_image(images))
    same = "xyz"  # untouched by the new merge
    with torch.no_grad():
        torch.testing.assert_close(grown.encode_text(new([same])), model.encode_text(old([same])))


@pytest.mark.parametrize(
    ("word", "language", "forms"),
    [
        ("штукатурка", "ru", {"штукатурки", "штукатурке", "штукатурку", "штукатуркой"}),
        ("кирпичная стена", "ru", {"кирпичная стены", "кирпичная стеной"}),
        ("window", "en", {"windows"}),
        ("balcony", "en", {"balconies"}),
        ("窗户", "zh", {"窗户"}),
    ],
)
def test_words_take_the_endings_of_their_language(word, language, forms):
    rng = random.Random(0)
    assert forms <= {inflect(word, language, rng) for _ in range(200)}


def test_short_stems_are_not_cut():
    assert {inflect("дом", "ru", random.Random(seed))[:3] for seed in range(20)} == {"дом"}


def test_typing_errors_change_one_place_and_keep_the_first_letter():
    rng = random.Random(0)
    for _ in range(200):
        wrong = mistype("window", "en", rng)
        assert wrong[0] == "w"
        assert 5 <= len(wrong) <= 7
    assert mistype("дом", "ru", rng) == "дом"


def test_most_phrases_stay_as_they_are():
    rng = random.Random(0)
    same = sum(vary("окно", "ru", rng) == "окно" for _ in range(1000)) / 1000
    assert same == pytest.approx((1 - words.INFLECTED) * (1 - words.MISTYPED), abs=0.06)


def test_random_letters_are_of_one_writing():
    rng = random.Random(0)
    for text in (random_letters(rng) for _ in range(100)):
        assert 2 <= len(text) <= 12
        assert text.isascii() or not any(letter.isascii() for letter in text)
