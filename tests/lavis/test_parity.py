"""Both back ends of PnP-OVSS on the same weights: LAVIS in its own environment, transformers in this one.

`make test-lavis` builds that environment and names its Python in LAVIS_PYTHON.
"""

import json
import os
import string
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PROBE = Path(__file__).with_name("probe.py")
META = {
    "image_size": 96,  # positions are resized from 6 x 6 to 4 x 4 patches
    "patch": 16,
    "vision_width": 64,
    "vision_depth": 3,
    "vision_heads": 4,
    "text_width": 96,
    "text_layers": 4,
    "text_heads": 12,
    "text_inter": 128,
    "max_pos": 64,
    "embed_dim": 16,
}
SIDE = 64
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "picture", "of", "wall", "door", "frame", "window", "roof", "-"]


@pytest.fixture(scope="module")
def lavis_python():
    path = os.environ.get("LAVIS_PYTHON")
    if path is None:
        pytest.skip("LAVIS has an environment of its own: make test-lavis")
    return Path(path).absolute()


def run(python: Path | str, *arguments: object) -> None:
    command = [str(python), "-W", "ignore", str(PROBE), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]


def write_random(lavis_python: Path, folder: Path) -> tuple[Path, Path]:
    words = WORDS + list(string.ascii_lowercase) + [f"##{letter}" for letter in string.ascii_lowercase]
    vocabulary, meta, weights = folder / "words.txt", folder / "meta.json", folder / "weights.npz"
    vocabulary.write_text("\n".join(words) + "\n", encoding="utf-8")
    meta.write_text(json.dumps(META | {"vocab_size": len(words) + 2}), encoding="utf-8")
    run(lavis_python, "make", meta, vocabulary, weights)
    return weights, vocabulary


@pytest.fixture(scope="module", params=["random weights", "golden weights"])
def both(request, lavis_python, tmp_path_factory):
    """What both back ends gave: LAVIS first."""
    folder = tmp_path_factory.mktemp("parity")
    if request.param == "random weights":
        weights, vocabulary, side = *write_random(lavis_python, folder), SIDE
    else:
        golden = request.getfixturevalue("shared") / "golden" / "pnp_ovss"
        weights, vocabulary, side = golden / "c0_tiny_blip_weights.npz", golden / "tiny_vocab.txt", 128
    run(lavis_python, "lavis", weights, vocabulary, side, folder / "lavis.npz")
    run(sys.executable, "transformers", weights, vocabulary, side, folder / "transformers.npz")
    return np.load(folder / "lavis.npz"), np.load(folder / "transformers.npz")


def largest_difference(both, *starts: str) -> float:
    theirs, ours = both
    names = [name for name in theirs.files if name.startswith(starts)]
    assert names
    assert set(theirs.files) == set(ours.files)
    differences = []
    for name in names:
        assert np.isfinite(theirs[name]).all()
        assert np.abs(theirs[name]).max() > 0, f"{name} holds nothing to compare"
        differences.append(float(np.abs(theirs[name].astype(float) - ours[name].astype(float)).max()))
    return max(differences)


@pytest.mark.parametrize("part", ["ids", "image_tokens", "logit_", "attention_", "gradient_"])
def test_both_back_ends_compute_the_same(both, part):
    assert largest_difference(both, part) == 0


@pytest.mark.parametrize("part", ["class_maps", "rounds", "scores", "index_map", "match_logits"])
def test_both_back_ends_segment_the_same(both, part):
    assert largest_difference(both, f"mended_{part}", f"published_{part}") == 0


def test_both_back_ends_drop_the_same_patches(both):
    theirs, ours = both
    for preset in ("mended", "published"):
        dropped = theirs[f"{preset}_dropped"]
        assert [int(mask.sum()) for mask in dropped] == [0, 2, 4, 6]
        assert np.array_equal(dropped, ours[f"{preset}_dropped"])
