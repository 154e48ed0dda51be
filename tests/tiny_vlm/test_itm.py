import numpy as np
import pytest
import torch

from tiny_vlm.configs import build_dual_encoder, build_itm
from tiny_vlm.data import make_picture, scene_source
from tiny_vlm.facades import CLASSES
from tiny_vlm.features import penultimate_tokens
from tiny_vlm.itm import (
    HEAD,
    LAYER,
    VOCABULARY_SIZE,
    copy_image_tower,
    read_tokenizer,
    vocabulary,
    write_vocabulary,
)
from tiny_vlm.itm_task import Captions, MatchingTask, contest_loss, draw_words, match, span_means
from tiny_vlm.itm_views import encode_views, watching_views
from tiny_vlm.loop import Budget, export_weights, load_weights, train
from tiny_vlm.spaces import all_spaces
from tiny_vlm.tasks import TrainingData
from tiny_vlm.vocabulary import phrases


def halves(seed):
    """A dark wall beside a bright window, told apart by brightness alone; or a wall alone."""
    rng = np.random.default_rng(seed)
    mask = np.full((160, 160), CLASSES.index("plaster wall"), np.uint8)
    if seed % 2:
        mask[:, 80:] = CLASSES.index("window")
    image = np.where(mask[..., None] == CLASSES.index("window"), 225, 40) + rng.integers(0, 20, (160, 160, 3))
    return make_picture(image.astype(np.uint8), mask)


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    path = tmp_path_factory.mktemp("itm") / "pieces.txt"
    write_vocabulary(path)
    return path


def start_task(folder, pieces):
    torch.manual_seed(0)
    model = build_itm()
    copy_image_tower(build_dual_encoder(), model)
    spaces = all_spaces(damage=False)
    source = scene_source([halves(seed) for seed in range(4)], spaces)
    data = TrainingData([source], [source], spaces, batch=4, seed=1)
    views = encode_views(model, data.sources, 8, 0, folder / "views.pt")
    return MatchingTask(model, read_tokenizer(pieces), data, views, watching_views(model, [source]))


def test_it_fits_a_file_of_ten_megabytes(tmp_path):
    model = build_itm()
    export_weights(model, tmp_path / "itm.safetensors")
    assert (tmp_path / "itm.safetensors").stat().st_size < 10_000_000
    other = build_itm()
    load_weights(other, tmp_path / "itm.safetensors")
    assert not other.training


def test_the_image_tower_is_the_dual_encoders_up_to_its_last_layer():
    torch.manual_seed(1)
    clip, model = build_dual_encoder(), build_itm()
    copy_image_tower(clip, model)
    pixels = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        trunk = clip.visual.trunk
        wanted = trunk.blocks[-1].norm1(penultimate_tokens(trunk, pixels))
        found = model.vision_model(pixels, interpolate_pos_encoding=True).last_hidden_state
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_every_english_phrase_is_made_of_known_pieces(pieces):
    tokenizer = read_tokenizer(pieces)
    for concept, languages in phrases().items():
        for phrase in languages["en"]:
            assert "[UNK]" not in tokenizer.tokenize(phrase), (concept, phrase)


def test_a_word_that_no_phrase_has_is_spelt_and_another_script_is_unknown(pieces):
    tokenizer = read_tokenizer(pieces)
    assert tokenizer.tokenize("zqx") == ["z", "##q", "##x"]
    assert tokenizer.tokenize("windows") in (["windows"], ["window", "##s"])
    assert tokenizer.tokenize("небо") == ["[UNK]"]


def test_pieces_are_distinct_and_leave_the_last_row_to_enc():
    found = vocabulary(phrases())
    assert len(set(found)) == len(found) < VOCABULARY_SIZE
    assert found[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def test_the_plainest_words_come_first_when_there_are_too_many():
    words = tuple(f"{a}{b}{c}" for a in "abcdefghij" for b in "klmnopqrst" for c in "uvwxyzaeio")
    found = vocabulary({"thing": {"en": words}, "house": {"en": ("dwelling", "abode")}})
    assert len(found) == VOCABULARY_SIZE - 1
    assert {"aku", "dwelling", "akv", "abode"} <= set(found)
    assert "jtz" not in found


def test_missing_pieces_are_named_with_the_next_step(tmp_path):
    with pytest.raises(FileNotFoundError, match="--part itm-stock"):
        read_tokenizer(tmp_path / "none.txt")


def test_words_of_a_caption_look_where_their_class_is():
    """The first class fills patches 0 and 1, the second half of patch 2; the third is absent."""
    shares = torch.tensor([[1.0, 1, 0, 0], [0, 0, 0.5, 0], [0, 0, 0, 0]])
    nothing = torch.zeros(0)
    captions = Captions(nothing, nothing, shares, nothing)
    assert captions.targets.tolist() == [[0, 0.5, 0.5, 0, 0], [0, 0, 0, 1, 0], [1, 0, 0, 0, 0]]


def test_words_are_drawn_with_their_shares_absent_ones_too():
    shares = torch.tensor([[1.0, 0, 0], [1, 0, 0], [0, 0.5, 0], [0, 0, 0]])
    seen = {}
    for seed in range(60):
        for concept, share in draw_words(shares, np.random.default_rng(seed)):
            seen[concept] = share.tolist()
    assert seen == {0: [1, 1, 0, 0], 1: [0, 0, 0.5, 0], 2: [0, 0, 0, 0]}


def test_the_contest_by_hand():
    """Nine patches, flat maps: two words of one caption share every patch, a lone word has its own."""
    maps, shares = torch.ones(3, 9), torch.zeros(3, 9)
    shares[0, 4] = 1
    owners = torch.tensor([0, 0, 1])
    assert float(contest_loss(maps, shares, owners)) == pytest.approx(np.log(2))
    shares[0, 4], shares[2, 4] = 0, 1
    assert float(contest_loss(maps, shares, owners)) == pytest.approx(0)


def test_half_of_the_captions_fit():
    shares = torch.eye(6)[:, :4]
    rng = np.random.default_rng(0)
    fits = [
        all(share.sum() > 0 for _, share in draw_words(torch.cat([shares, shares * 0], 1), rng))
        for _ in range(400)
    ]
    assert 0.42 < np.mean(fits) < 0.58


def test_span_means_by_hand():
    rows = torch.arange(12.0).reshape(2, 3, 2)
    assert span_means(rows, torch.tensor([[0, 0, 2], [1, 2, 3]])).tolist() == [[1, 2], [10, 11]]


def test_matching_is_the_models_own_forward_pass():
    torch.manual_seed(2)
    model = build_itm()
    ids = torch.randint(5, 300, (2, 7))
    ids[1, 5:] = 0
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        tokens = model.vision_model(pixels, interpolate_pos_encoding=True).last_hidden_state
        logits, attention = match(model, ids, tokens)
        wanted = model(ids, pixels, attention_mask=(ids > 0).long(), interpolate_pos_encoding=True).itm_score
    torch.testing.assert_close(logits, wanted, rtol=1e-4, atol=1e-5)
    assert attention.shape == (2, 2, 7, 17)
    assert LAYER < 3
    assert HEAD < 2


def test_a_few_steps_lower_the_loss_and_leave_the_image_tower(tmp_path, pieces):
    torch.set_num_threads(1)
    task = start_task(tmp_path, pieces)
    tower = {key: value.clone() for key, value in task.model.vision_model.state_dict().items()}
    before = sum(float(task.loss(step).detach()) for step in range(1000, 1003))
    train(
        task,
        Budget(12, None),
        learning_rate=2e-3,
        state_file=tmp_path / "state.pt",
        export=lambda model: None,
    )
    after = sum(float(task.loss(step).detach()) for step in range(1000, 1003))
    assert after < 0.9 * before
    assert all(torch.equal(value, tower[key]) for key, value in task.model.vision_model.state_dict().items())
    assert "match accuracy" in task.score(task.model)


def test_views_are_read_again_from_where_they_lie(tmp_path, pieces):
    first = start_task(tmp_path, pieces)
    again = start_task(tmp_path, pieces)
    assert torch.equal(first._views.tokens, again._views.tokens)
    assert float(first.loss(0).detach()) == pytest.approx(float(again.loss(0).detach()), rel=1e-5)
