import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from tiny_vlm.configs import MERGES_FILE, build_dual_encoder, build_patch_encoder, tokenizer
from tiny_vlm.data import make_picture, scene_source
from tiny_vlm.facades import CLASSES
from tiny_vlm.features import image_embeddings, patch_embeddings, penultimate_tokens, text_embeddings
from tiny_vlm.loop import Budget, export_weights, load_weights, schedule, train
from tiny_vlm.losses import (
    MARGIN,
    agreement_loss,
    caption_loss,
    concept_weights,
    patch_phrase_loss,
    phrase_loss,
)
from tiny_vlm.spaces import all_spaces
from tiny_vlm.tasks import DualEncoderTask, PatchEncoderTask, TrainingData
from tiny_vlm.train import main


def halves(seed):
    """A dark wall beside a bright window, told apart by brightness alone."""
    rng = np.random.default_rng(seed)
    mask = np.full((160, 160), CLASSES.index("plaster wall"), np.uint8)
    mask[:, 80:] = CLASSES.index("window")
    image = np.where(mask[..., None] == CLASSES.index("window"), 225, 40) + rng.integers(0, 20, (160, 160, 3))
    return make_picture(image.astype(np.uint8), mask)


@pytest.fixture
def data():
    spaces = all_spaces(damage=False)
    source = scene_source([halves(seed) for seed in range(2)], spaces)
    return TrainingData([source], [source], spaces, batch=2, seed=1)


def tasks(data):
    torch.manual_seed(0)
    return DualEncoderTask(data, tokenizer(), torch.device("cpu")), PatchEncoderTask(
        data, torch.device("cpu")
    )


def mean_loss(task, steps):
    with torch.no_grad():
        return sum(float(task.loss(step)) for step in steps) / len(steps)


def run(task, steps, folder, **options):
    return train(
        task,
        Budget(steps, None),
        learning_rate=2e-3,
        state_file=folder / "state.pt",
        export=lambda model: None,
        **options,
    )


@pytest.mark.parametrize("which", [0, 1], ids=["dual encoder", "patch encoder"])
def test_a_few_steps_lower_the_loss(data, tmp_path, which):
    torch.set_num_threads(1)
    task = tasks(data)[which]
    before = mean_loss(task, range(1000, 1003))
    run(task, 10, tmp_path)
    assert mean_loss(task, range(1000, 1003)) < 0.93 * before


def test_resumed_training_equals_uninterrupted_training(data, tmp_path):
    torch.set_num_threads(1)
    whole = run(tasks(data)[1], 6, tmp_path / "whole").state_dict()
    run(tasks(data)[1], 6, tmp_path / "parts", stop_after=3)
    assert (tmp_path / "parts" / "state.pt").exists()
    resumed = run(tasks(data)[1], 6, tmp_path / "parts").state_dict()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert not (tmp_path / "parts" / "state.pt").exists()


def test_two_hundred_steps_made_twice_give_equal_weights(data, tmp_path):
    torch.set_num_threads(1)
    small = replace(data, batch=1, crops=(32, 48))
    first, again = (run(tasks(small)[0], 200, tmp_path).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    start = build_dual_encoder().state_dict()
    assert not torch.equal(
        first["visual.trunk.blocks.0.mlp.fc1.weight"], start["visual.trunk.blocks.0.mlp.fc1.weight"]
    )


def test_training_can_begin_with_given_weights(tmp_path):
    start, network = tmp_path / "start.safetensors", build_patch_encoder()
    export_weights(network, start)
    options = ["--part", "patches", "--scenes", "2", "--batch", "2", "--crops", "32", "--threads", "1"]
    folders = ["--output", str(tmp_path), "--runs", str(tmp_path / "runs")]
    assert main([*options, *folders, "--start", str(start), "--steps", "1", "--rate", "1e-9"]) == 0
    trained = load_file(tmp_path / "tiny_patches.safetensors")
    for name, value in network.named_parameters():
        torch.testing.assert_close(trained[name].float(), value.detach(), atol=1e-3, rtol=1e-3)


def test_score_reads_the_model_it_is_given(data):
    task, _ = tasks(data)
    assert "coarse mIoU" in task.score(build_dual_encoder())
    with torch.no_grad():
        task.model.visual.trunk.patch_embed.backbone[0].conv.weight.fill_(math.nan)
    assert "nan" not in task.score(build_dual_encoder())


def test_text_features_equal_the_library_at_full_context():
    clip, texts = build_dual_encoder(), ["стена", "a photo of a brick wall."]
    ids = tokenizer()(texts)
    with torch.no_grad():
        short = text_embeddings(clip, ids[:, : int(ids.argmax(1).max()) + 1])
        torch.testing.assert_close(short, clip.encode_text(ids, normalize=True), atol=1e-6, rtol=1e-5)


def test_picture_features_equal_the_library():
    clip, images = build_dual_encoder(), torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        own = image_embeddings(clip, penultimate_tokens(clip.visual.trunk, images))
        torch.testing.assert_close(own, clip.encode_image(images, normalize=True), atol=1e-5, rtol=1e-4)


def test_patch_features_do_not_look_at_other_patches_in_the_last_layer():
    clip = build_dual_encoder()
    tokens = torch.randn(1, 5, 192)
    changed = tokens.clone()
    changed[:, 4] = torch.randn(192)
    with torch.no_grad():
        before, after = patch_embeddings(clip, tokens), patch_embeddings(clip, changed)
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert not torch.allclose(before[:, 3], after[:, 3])


def test_patch_phrase_loss_matches_the_hand_solution():
    # One patch along the first of two orthogonal texts, labelled 3/4 first and 1/4 second, scale s:
    # log-probabilities s - log(e^s + 1) and -log(e^s + 1); weights 1 and 2.
    scale = torch.tensor(2.0)
    texts = {"a": torch.eye(2)[None]}
    loss = patch_phrase_loss(
        torch.tensor([[[1.0, 0.0]]]),
        ["a"],
        [torch.tensor([[0.75, 0.25]])],
        texts,
        {"a": torch.tensor([1.0, 2.0])},
        scale,
    )
    total = math.log(math.exp(2) + 1)
    assert float(loss) == pytest.approx((0.75 * (total - 2) + 0.5 * total) / 1.25, rel=1e-5)


def test_unlabelled_patches_cost_nothing():
    loss = patch_phrase_loss(
        F.normalize(torch.randn(1, 4, 8), dim=-1),
        ["a"],
        [torch.zeros(4, 3)],
        {"a": torch.randn(2, 3, 8)},
        {"a": torch.ones(3)},
        torch.tensor(10.0),
    )
    assert float(loss) == 0


def test_phrases_that_agree_cost_less_than_phrases_that_do_not():
    apart = torch.eye(3)[None].repeat(2, 1, 1)
    mixed = torch.stack([torch.eye(3), torch.eye(3).roll(1, 0)])
    scale = torch.tensor(10.0)
    assert phrase_loss({"a": apart}, scale) < 0.01 < phrase_loss({"a": mixed}, scale)


def test_caption_loss_of_a_perfect_match():
    expected = math.log(math.exp(5) + 1) - 5  # two pairs, scale 5, by hand
    assert float(caption_loss(torch.eye(2), torch.eye(2), torch.tensor(5.0))) == pytest.approx(
        expected, rel=1e-4
    )


def test_agreement_loss_matches_the_hand_solution():
    # Two like patches at cosine 0.6 and one unlike at cosine 1 with the first and 0.6 with the second.
    vectors = torch.tensor([[[1.0, 0.0], [0.6, 0.8], [1.0, 0.0]]])
    share = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    loss = agreement_loss(vectors, [share], [torch.ones(2)])
    pull = (2 * 0.4**2) / 5  # pairs of like: three with itself (0), two of cosine 0.6
    push = (2 * (1 - MARGIN) ** 2 + 2 * (0.6 - MARGIN) ** 2) / 4
    assert float(loss) == pytest.approx(pull + push, rel=1e-5)


def test_rare_concepts_weigh_more_up_to_a_limit():
    weights = concept_weights(torch.tensor([1.0, 0.1, 0.0]), power=0.5, largest=8.0)
    torch.testing.assert_close(weights, torch.tensor([1.0, 10**0.5, 8.0]))


def test_learning_rate_rises_then_falls():
    rates = [schedule(progress / 100) for progress in range(101)]
    peak = rates.index(max(rates))
    assert 2 <= peak <= 6
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(0.01)


def test_exported_weights_are_half_precision_and_come_back(tmp_path):
    model = build_patch_encoder()
    export_weights(model, tmp_path / "w.safetensors")
    again = build_patch_encoder()
    load_weights(again, tmp_path / "w.safetensors")
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, atol=1e-3, rtol=1e-3)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no weights at .*gone\.safetensors"):
        load_weights(nn.Linear(1, 1), tmp_path / "gone.safetensors")


def test_command_line_trains_from_nothing(tmp_path, capsys):
    options = ["--scenes", "1", "--steps", "1", "--batch", "2", "--threads", "1"]
    options += ["--dictionaries", str(tmp_path), "--sheets", "1", "--views", "8"]
    folders = ["--runs", str(tmp_path / "runs"), "--output", str(tmp_path / "weights")]
    assert main([*options, *folders]) == 0
    assert sorted(path.name for path in (tmp_path / "weights").iterdir()) == [
        "tiny_bpe.txt.gz",
        "tiny_clip_finetuned.safetensors",
        "tiny_clip_stock.safetensors",
        "tiny_itm_finetuned.safetensors",
        "tiny_itm_stock.safetensors",
        "tiny_itm_vocab.txt",
        "tiny_patches.safetensors",
    ]


def test_words_can_be_kept_while_pictures_learn(tmp_path):
    arguments = ["--part", "clip-finetuned", "--keep-words", "--steps", "2", "--batch", "2"]
    arguments += ["--crops", "64", "--scenes", "2", "--threads", "1"]
    torch.manual_seed(5)
    started = build_dual_encoder()
    export_weights(started, tmp_path / "start.safetensors")
    (tmp_path / "tiny_bpe.txt.gz").write_bytes(MERGES_FILE.read_bytes())
    places = [
        "--start",
        str(tmp_path / "start.safetensors"),
        "--output",
        str(tmp_path),
        "--runs",
        str(tmp_path),
    ]
    assert main(arguments + places) == 0
    before, after = (
        load_file(str(tmp_path / name)) for name in ("start.safetensors", "tiny_clip_finetuned.safetensors")
    )
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed <= {"visual", "logit_scale"}
    assert "visual" in changed


def test_command_line_without_data_says_what_to_give(tmp_path, capsys):
    assert main(["--part", "patches", "--scenes", "0", "--runs", str(tmp_path)]) == 2
    assert "give --photos DIR or --scenes" in capsys.readouterr().err


def test_a_step_draws_the_same_batch_and_words_again(data):
    task, _ = tasks(data)
    assert torch.equal(task.loss(3), task.loss(3))
