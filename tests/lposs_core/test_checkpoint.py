"""Checkpoints: every hostile file is refused for the right reason, every misfit is named."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from lposs_core.checkpoint import (
    CheckpointFileError,
    CheckpointMismatch,
    compare,
    digest_state,
    file_sha256,
    load_safetensors,
    load_strict,
)


def toy_network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))


def write(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(start: int, stop: int, shape: tuple[int, ...] = (1,), dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}


def rows_of(manifest: dict[str, Any], suffix: str) -> list[dict[str, Any]]:
    rows = [row for row in manifest["cases"] if row["kind"] == "checkpoint"]
    return [row for row in rows if (Path(row["file"]).suffix == ".safetensors") == (suffix == ".safetensors")]


def outcome(path: Path) -> str:
    """Reason for which a file is refused by a network it was not made for."""
    try:
        state = load_safetensors(path)
    except CheckpointFileError as error:
        return error.reason
    model = toy_clip_like()
    before = digest_state(model.state_dict())
    with pytest.raises(CheckpointMismatch) as refusal:
        load_strict(model, state, name=path.name)
    assert digest_state(model.state_dict()) == before
    return "shape" if refusal.value.report.mismatched else "keys"


def toy_clip_like() -> nn.Module:
    """A network with the key names that the hostile files imitate."""
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    vision = CLIPVisionCfg(layers=1, width=8, head_width=8, patch_size=16, image_size=32)
    text = CLIPTextCfg(width=32, heads=2, layers=1, vocab_size=100, context_length=8)
    return CLIP(16, vision, text)


def test_every_safetensors_row_of_the_manifest_has_its_outcome(
    manifest: dict[str, Any], badinputs: Path
) -> None:
    rows = rows_of(manifest, ".safetensors")
    assert len(rows) >= 14
    outcomes = {row["id"]: outcome(badinputs / row["file"]) for row in rows}
    assert outcomes == {row["id"]: row["reason"] for row in rows}


def test_no_other_row_of_the_manifest_is_opened(
    manifest: dict[str, Any], badinputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where a payload would leave its marker
    rows = rows_of(manifest, ".pt")
    assert len(rows) >= 12
    for row in rows:
        with pytest.raises(CheckpointFileError) as refusal:
            load_safetensors(badinputs / row["file"])
        assert refusal.value.reason in ("unsafe", "corrupt")
        if row["reason"] == "unsafe":
            assert refusal.value.reason == "unsafe", row["id"]
    assert not list(tmp_path.iterdir())


def test_a_file_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    state = {"a": torch.randn(2, 3), "b": torch.randn(4).half(), "n": torch.empty(0), "s": torch.tensor(2.0)}
    save_file(state, tmp_path / "ok.safetensors", metadata={"licence": "MIT"})
    loaded = load_safetensors(tmp_path / "ok.safetensors")
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[key], state[key]) for key in state)


def test_batch_counters_are_the_only_integers_allowed(tmp_path: Path) -> None:
    network = toy_network()
    save_file(network.state_dict(), tmp_path / "ok.safetensors")
    assert load_strict(toy_network(), load_safetensors(tmp_path / "ok.safetensors")).complete
    save_file({"weight": torch.zeros(2, dtype=torch.int64)}, tmp_path / "integers.safetensors")
    with pytest.raises(CheckpointFileError, match=r"integers\.safetensors stores weight as I64") as refusal:
        load_safetensors(tmp_path / "integers.safetensors")
    assert refusal.value.reason == "dtype"


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.safetensors", tmp_path):
        with pytest.raises(CheckpointFileError, match="There is no checkpoint at") as refusal:
            load_safetensors(path)
        assert refusal.value.reason == "missing"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "only 0 bytes"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>503</html>", "web page"),
    ],
)
def test_what_is_in_place_of_the_weights_is_said(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(CheckpointFileError, match=words) as refusal:
        load_safetensors(tmp_path / "x.safetensors")
    assert refusal.value.reason == "corrupt"


@pytest.mark.parametrize(
    ("header", "data", "words"),
    [
        (b"[1]", b"", "not a table"),
        (b"[" * 50_000, b"", "not valid JSON"),
        ({"a": entry(0, 4)}, b"\0" * 3, "do not fill the 3 bytes"),
        ({"a": entry(0, 4)}, b"\0" * 5, "do not fill the 5 bytes"),
        ({"a": entry(0, 8, (2,)), "b": entry(4, 8)}, b"\0" * 8, "overlap"),
        ({"a": entry(4, 8)}, b"\0" * 8, "do not fill"),
        ({"a": entry(0, 4, (2,))}, b"\0" * 4, "does not fill the bytes it claims"),
        ({"a": entry(0, 4, (-1,))}, b"\0" * 4, "malformed"),
        ({"a": entry(0, 4, (True,))}, b"\0" * 4, "malformed"),
        ({"a": {"dtype": "F32"}}, b"", "malformed"),
        ({"a": 3}, b"", "malformed"),
        ({"<b>" + "k" * 200: 3}, b"", r"its entry \?b\?k+… is malformed"),
    ],
)
def test_headers_that_lie_are_refused(tmp_path: Path, header: object, data: bytes, words: str) -> None:
    with pytest.raises(CheckpointFileError, match=words):
        load_safetensors(write(tmp_path / "x.safetensors", header, data))


@pytest.mark.parametrize("length", [ord("<"), 0x80, int.from_bytes(b"PK", "little")])
def test_a_header_whose_length_looks_like_another_format_is_read(tmp_path: Path, length: int) -> None:
    header = json.dumps({"a": entry(0, 4)}).encode().ljust(length)
    state = load_safetensors(write(tmp_path / "x.safetensors", header, struct.pack("<f", 1.5)))
    assert state["a"].tolist() == [1.5]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    weights = torch.zeros(3, dtype=torch.bfloat16)
    weights[1] = value
    save_file({"good": torch.ones(1), "head.weight": weights}, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointFileError, match=r"NaN or infinite values \(first: head\.weight\)"):
        load_safetensors(tmp_path / "x.safetensors")


def test_a_fitting_state_is_loaded_and_cast() -> None:
    source, target = toy_network(), toy_network()
    state = {
        key: value.half() if value.is_floating_point() else value
        for key, value in source.state_dict().items()
    }
    report = load_strict(target, state)
    assert report.complete
    assert len(report.matched) == len(state)
    for key, value in target.state_dict().items():
        assert value.dtype == source.state_dict()[key].dtype
        assert torch.equal(value, state[key].to(value.dtype))


def misfit() -> dict[str, Tensor]:
    state = toy_network().state_dict()
    del state["1.running_mean"]
    state["2.weight"] = torch.zeros(5, 4)
    state["decode_head.mixer.weight"] = torch.zeros(1)
    return dict(state)


def test_a_misfit_is_reported_in_full_and_nothing_is_written() -> None:
    model = toy_network()
    before = digest_state(model.state_dict())
    with pytest.raises(CheckpointMismatch) as refusal:
        load_strict(model, misfit(), name="facade_v3.safetensors")
    assert str(refusal.value) == (
        "facade_v3.safetensors has 1 keys that Sequential does not know (first: decode_head.mixer.weight), "
        "lacks 1 (first: 1.running_mean), has 1 of another shape (2.weight is (5, 4), should be (2, 4)); "
        "7 keys match. Is it a checkpoint of this model?"
    )
    report = refusal.value.report
    assert report.missing == ("1.running_mean",)
    assert report.unexpected == ("decode_head.mixer.weight",)
    assert report.mismatched == {"2.weight": ((5, 4), (2, 4))}
    assert digest_state(model.state_dict()) == before


def test_a_data_parallel_prefix_is_named() -> None:
    state = {f"module.{key}": value for key, value in toy_network().state_dict().items()}
    with pytest.raises(CheckpointMismatch, match=r'0 keys match\. Save it .* without the prefix "module\."'):
        load_strict(toy_network(), state)


def test_an_empty_state_never_counts_as_loaded() -> None:
    with pytest.raises(CheckpointMismatch, match="lacks 9"):
        load_strict(toy_network(), {})
    assert not compare(nn.Identity(), {}).complete


def test_file_sha256_is_the_files(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"facade" * 1000)
    assert file_sha256(tmp_path / "x") == hashlib.sha256(b"facade" * 1000).hexdigest()


def test_state_digest_follows_keys_values_dtypes_shapes_and_words() -> None:
    state = {"a": torch.arange(6.0), "b": torch.tensor(1.0)}
    digest = digest_state(state)
    assert digest_state(dict(reversed(state.items()))) == digest
    others = [
        digest_state(state, "word"),
        digest_state(state | {"a": torch.arange(6.0) + 1}),
        digest_state(state | {"a": torch.arange(6.0).view(2, 3)}),
        digest_state(state | {"a": torch.arange(6.0).double()}),
        digest_state({"c": state["a"], "b": state["b"]}),
        digest_state(state, "wo", "rd"),
    ]
    assert len({digest, *others}) == 7


def test_state_digest_does_not_depend_on_memory_layout() -> None:
    matrix = torch.randn(3, 5)
    assert digest_state({"m": matrix.T.contiguous().T}) == digest_state({"m": matrix})
