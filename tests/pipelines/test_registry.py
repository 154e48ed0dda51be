import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from pipelines import (
    CheckpointError,
    PipelineRegistry,
    PipelineUnavailable,
    UnknownChoice,
    build_registry,
    choose_device,
    list_models,
    load_catalogue,
)
from pipelines.loading import build_part


class Loads:
    """Loads parts for real and remembers what was asked for."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def __call__(self, spec, part, device, precision):
        self.seen.append((part.role, part.file.name))
        return build_part(spec, part, device, precision)


@pytest.fixture
def counted(family):
    loads = Loads()
    return PipelineRegistry(load_catalogue(family), torch.device("cpu"), load=loads), loads


def test_eight_threads_asking_for_the_first_model_cause_one_build(counted):
    registry, loads = counted
    gate = threading.Barrier(8)

    def use(_: int) -> int:
        gate.wait()
        with registry.lease("first") as models:
            return id(models.clip)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(use, range(8)))) == 1
    assert sorted(loads.seen) == [("clip", "first.safetensors"), ("patches", "patches.safetensors")]


def test_checkpoints_share_their_patch_encoder(counted):
    registry, loads = counted
    with registry.lease("first") as first, registry.lease("second") as second:
        assert first.patches is second.patches
        assert first.clip is not second.clip
        status = {part.checkpoints: part.leases for part in registry.status().parts}
        assert status == {("first",): 1, ("second",): 1, ("first", "second"): 2}
    assert [name for _, name in loads.seen].count("patches.safetensors") == 1
    assert all(part.leases == 0 for part in registry.status().parts)


def test_only_the_parts_asked_for_are_loaded(counted):
    registry, loads = counted
    with registry.lease("first", roles=("patches",)) as models:
        assert models.patches is not None
        assert models.clip is models.itm is None
    assert loads.seen == [("patches", "patches.safetensors")]
    with registry.lease("first") as models:
        assert models.clip is not None
    assert len(loads.seen) == 2


def test_a_part_that_a_checkpoint_lacks_is_refused(registry):
    with pytest.raises(UnknownChoice, match=r"no part 'itm'\. Its parts are clip, patches"):
        registry.lease("first", roles=("itm",)).__enter__()


def test_precisions_are_models_of_their_own(counted):
    registry, _ = counted
    with registry.lease("first", "fp32") as exact, registry.lease("first", "bf16") as fast:
        assert exact.clip.image_digest != fast.clip.image_digest


def test_sizes_are_those_of_the_networks(counted):
    registry, _ = counted
    with registry.lease("first") as models:
        assert models.info.sha256 == models.spec.sha256
    bytes_by_role = {part.role: part.bytes for part in registry.status().parts}
    files = {role: part.file.stat().st_size for role, part in registry.catalogue["first"].parts.items()}
    for role, size in bytes_by_role.items():
        assert size == pytest.approx(2 * files[role], rel=0.05)  # half precision on disk, single in memory


def test_unknown_names_are_refused_with_the_known_ones(registry):
    with pytest.raises(UnknownChoice, match="Choose one of first, second"), registry.lease("third"):
        pass
    with pytest.raises(UnknownChoice, match="Choose one of fp32, bf16"), registry.lease("first", "fp8"):
        pass


@pytest.fixture
def copied_family(family, tmp_path):
    for path in family.parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path / family.name


def test_a_missing_file_is_named_and_only_its_checkpoint_is_unavailable(copied_family):
    (copied_family.parent / "second.safetensors").unlink()
    registry = build_registry(copied_family, device="cpu")
    with pytest.raises(PipelineUnavailable, match=r"lacks its file second\.safetensors"):
        registry.lease("second").__enter__()
    with registry.lease("first"):
        pass
    rows = {row["id"]: row for row in list_models(registry)}
    assert rows["first"]["available"] is True
    assert rows["second"]["available"] is False
    assert "second.safetensors" in rows["second"]["reason"]["ru"]


def test_another_file_than_the_catalogues_is_refused_and_works_once_restored(copied_family):
    target = copied_family.parent / "first.safetensors"
    original = target.read_bytes()
    target.write_bytes((copied_family.parent / "second.safetensors").read_bytes())
    registry = build_registry(copied_family, device="cpu")
    with pytest.raises(CheckpointError, match="is not the one in the catalogue"):
        registry.lease("first").__enter__()
    target.write_bytes(original)
    with registry.lease("first") as models:
        assert models.info.id == "first"


def test_the_wrong_network_is_refused_by_its_keys(copied_family):
    text = copied_family.read_text(encoding="utf-8")
    copied_family.write_text(text.replace("first.safetensors", "patches.safetensors"), encoding="utf-8")
    from pipelines.stamp import stamp

    stamp(copied_family)
    registry = build_registry(copied_family, device="cpu")
    with pytest.raises(CheckpointError) as caught:
        registry.lease("first").__enter__()
    assert caught.value.code == "mismatch"
    assert str(copied_family.parent) not in str(caught.value)


def test_the_device_is_the_one_named_or_the_best_there_is(monkeypatch, family):
    best = "cuda" if torch.cuda.is_available() else "cpu"
    assert choose_device().type == best
    assert choose_device("cpu").type == "cpu"
    monkeypatch.setenv("DEVICE", "cpu")
    assert build_registry(family).device.type == "cpu"
    with pytest.raises(PipelineUnavailable, match="'quantum' cannot be used here"):
        choose_device("quantum")
