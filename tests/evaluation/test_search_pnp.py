import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml
from PIL import Image

from evaluation import search_pnp
from evaluation.clip_reward import attended_mask, picture_reward, picture_side, square_picture
from evaluation.pnp_trials import append_trial, read_trials
from evaluation.search_pnp import KeptStates, build_parser, main, run
from pipelines import PipelineRegistry, load_catalogue, load_preset
from pipelines.loading import build_part
from tiny_vlm.facades import draw_facade


class Colours:
    """A dual encoder whose space is colour: a patch's vector is its mean RGB, tilted towards gray."""

    patch_size, device, image_digest = 16, torch.device("cpu"), "colours"

    def encode_patches(self, crops):
        means = F.avg_pool2d(crops, 16).permute(0, 2, 3, 1)
        return F.normalize(means + 0.1, dim=-1)


def halves() -> torch.Tensor:
    """Left half red, right half green, ``(3, 336, 336)``."""
    picture = torch.zeros(3, 336, 336)
    picture[0, :, :168], picture[1, :, 168:] = 1, 1
    return picture


LEFT = np.tile([1, 1, 0, 0], (4, 1)).astype(np.float32)
RED, GREEN = torch.tensor([1.0, 0, 0]), torch.tensor([0, 1.0, 0])


def test_a_mask_follows_its_map():
    mask = attended_mask(LEFT, 0.5, 336)
    assert mask[:, :140].all()
    assert not mask[:, 200:].any()
    # the edge of a step that was blurred symmetrically stays in the middle, up to the cubic's half cell
    assert np.argmin(mask[168]) == pytest.approx(168, abs=6)
    assert not attended_mask(np.full((4, 4), 0.3, np.float32), 0.1, 336).any()


def test_the_reward_counts_the_classes_whose_map_convinces():
    classes = torch.stack([RED, GREEN])
    # black: cosine (0.1, 0.1, 0.1) with red = with green, so P = 1/2 for both; red half: red wins
    right = picture_reward(Colours(), halves(), np.stack([LEFT, 1 - LEFT]), classes, 0.25)
    swapped = picture_reward(Colours(), halves(), np.stack([1 - LEFT, LEFT]), classes, 0.25)
    half = picture_reward(Colours(), halves(), np.stack([LEFT, LEFT]), classes, 0.25)
    assert (right, swapped, half) == (2, 0, 1)


def test_a_single_class_is_judged_by_its_cosine():
    maps = LEFT[None]
    assert picture_reward(Colours(), halves(), maps, RED[None], 0.25) == 1
    assert picture_reward(Colours(), halves(), maps, GREEN[None], 0.25) == 0


def test_a_flat_map_convinces_nobody():
    flat = np.zeros((2, 4, 4), np.float32)
    assert picture_reward(Colours(), halves(), flat, torch.stack([RED, GREEN]), 0.25) == 0


def test_pictures_are_squares_of_whole_patches():
    clip = Colours()
    assert picture_side(clip) == 336
    clip.patch_size = 14
    assert picture_side(clip) == 336
    clip.patch_size = 32
    assert picture_side(clip) % 32 == 0
    square = square_picture(np.full((7, 30, 3), 51, np.uint8), 64)
    assert square.shape == (3, 64, 64)
    assert square.numpy() == pytest.approx(0.2)


def test_trials_survive_a_stop_in_the_middle_of_a_line(tmp_path):
    file = tmp_path / "t.csv"
    append_trial(file, (1, 2, 0.15), 5)
    append_trial(file, (0, 0, 0.45), 2)
    with file.open("a", encoding="utf-8") as content:
        content.write("1,3")
    assert read_trials(file) == {(1, 2, 0.15): 5, (0, 0, 0.45): 2}
    assert read_trials(tmp_path / "none.csv") == {}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(2):
        Image.fromarray(draw_facade(seed, 80, 100).image).save(folder / f"{seed}.png")
    return folder


@pytest.fixture
def registry(matching_model, repository, tmp_path):
    """The bundled catalogue; ``tiny-stock`` has the random matching model at 64 pixels."""
    content = yaml.safe_load((repository / "assets" / "catalogue.yaml").read_text(encoding="utf-8"))
    (row,) = [row for row in content["checkpoints"] if row["id"] == "tiny-stock"]
    row["methods"] = ["maskclip", "pnp_ovss"]
    row["parts"]["itm"] = {"builder": "test", "sha256": ""}
    row["pnp_settings"] = {"image_side": 64, "layer": 1, "head": 0, "long_side": 64, "postprocess": "blur"}
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text(yaml.safe_dump({"checkpoints": [row]}), encoding="utf-8")
    (tmp_path / "weights").symlink_to(repository / "assets" / "weights")

    def load(spec, part, device, precision):
        return (matching_model, 1000) if part.role == "itm" else build_part(spec, part, device, precision)

    return PipelineRegistry(load_catalogue(catalogue), torch.device("cpu"), load=load)


@pytest.fixture
def search(registry, pictures, tmp_path):
    """Runs the search and gives the preset that it wrote."""

    def call(*options):
        out = tmp_path / "found.yaml"
        words = ["--images", str(pictures), "--prompts", "wall; window; sky", "--checkpoint", "tiny-stock"]
        arguments = build_parser().parse_args([*words, "--out", str(out), *options])
        assert run(arguments, registry) == 0
        return load_preset(out)

    return call


@pytest.fixture
def planted(monkeypatch):
    """Replaces the reward by one with a single best place; the search around it stays the real one."""

    def reward(self, layer, head, threshold):
        return int(10 - 2 * abs(layer - 1) - abs(head - 2) - round(abs(threshold - 0.35) * 10))

    monkeypatch.setattr(search_pnp.Search, "reward", reward)


@pytest.mark.parametrize("optimiser", ["random", "annealing"])
def test_a_seeded_search_finds_the_planted_best(search, planted, optimiser):
    preset = search("--iterations", "150", "--seed", "1", "--optimiser", optimiser)
    settings = preset.pnp_settings
    assert (settings.layer, settings.head, settings.threshold) == (1, 2, 0.35)
    assert (preset.method, preset.checkpoint, settings.image_side) == ("pnp_ovss", "tiny-stock", 64)


def test_the_search_runs_on_real_maps_and_a_real_judge(search, tmp_path, capsys):
    preset = search("--iterations", "4", "--limit", "1", "--class-filter", "all")
    trials = read_trials(tmp_path / "found.trials.csv")
    best = (preset.pnp_settings.layer, preset.pnp_settings.head, preset.pnp_settings.threshold)
    assert trials[best] == max(trials.values())
    assert all(0 <= reward <= 3 for reward in trials.values())
    assert "[4/4] layer" in capsys.readouterr().err


def test_a_second_run_goes_on_where_the_first_one_was(search, planted, monkeypatch):
    search("--iterations", "12", "--seed", "5")
    computed = []
    plain = search_pnp.Search.reward

    def counted(self, *trial):
        computed.append(trial)
        return plain(self, *trial)

    monkeypatch.setattr(search_pnp.Search, "reward", counted)
    search("--iterations", "12", "--seed", "5")
    assert computed == []
    search("--iterations", "40", "--seed", "5")
    assert computed


def test_a_picture_is_encoded_once_for_all_trials(matching_model):
    calls = []

    class Counted:
        device = torch.device("cpu")

        def encode(self, pixels):
            calls.append(pixels)
            return matching_model.encode(pixels)

    kept = KeptStates(Counted())
    pixels = torch.rand(1, 3, 64, 64)
    assert torch.equal(kept.encode(pixels)[0], kept.encode(pixels.clone())[0])
    assert len(calls) == 1
    assert kept.device == torch.device("cpu")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--layers", "2-9"], "--layers must be a range within 1-3"),
        (["--layers", "b"], "--layers must be a range within 1-3"),
        (["--iterations", "0"], "--iterations must be at least 1"),
        (["--class-filter", "top:0"], "needs a number of classes"),
        (["--checkpoint", "none"], "There is no checkpoint 'none'"),
    ],
)
def test_bad_options_are_named(registry, pictures, tmp_path, monkeypatch, options, sentence, capsys):
    monkeypatch.setattr(search_pnp, "build_registry", lambda **_: registry)
    words = ["--images", str(pictures), "--prompts", "wall; sky", "--out", str(tmp_path / "f.yaml")]
    assert main([*words, "--checkpoint", "tiny-stock", *options]) == 2
    assert sentence in capsys.readouterr().err


def test_a_file_of_something_else_is_not_taken_for_trials(registry, pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(search_pnp, "build_registry", lambda **_: registry)
    (tmp_path / "f.trials.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    words = ["--images", str(pictures), "--prompts", "wall; sky", "--out", str(tmp_path / "f.yaml")]
    assert main([*words, "--checkpoint", "tiny-stock"]) == 2
    assert "is no list of trials" in capsys.readouterr().err
