"""Downloads against a stand-in hub: whole, resumed, stopped, and every way in which a hub can fail."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save

from lposs_core import file_sha256
from pipelines import CheckpointError, DownloadError, load_catalogue
from pipelines.download import Downloads, main
from pipelines.hub import HubFile, HubStore
from pipelines.hub_catalogue import LocatedCatalogue
from pipelines.loading import verify_file

ROW = """
checkpoints:
  - id: far
    label: {{en: Far, ru: Далёкий}}
    kind: stock
    base: random
    licence: MIT
    languages: [en]
    methods: [maskclip]
    parts:
      clip:
        builder: open-clip
        options: {{model: ViT-B-16}}
        hub:
          - {{repo: some/clip, name: model.safetensors, megabytes: 1{pin}}}
          - {{repo: some/clip, name: tokenizer.json, megabytes: 1}}
      patches:
        builder: timm
        options: {{model: vit}}
        hub: [{{repo: some/dino, name: model.safetensors, megabytes: 1}}]
"""
WEIGHTS = save({"w": torch.arange(150_000.0)})  # 0.6 MB


@pytest.fixture
def store(tmp_path):
    return HubStore(tmp_path / "store")


@pytest.fixture
def catalogue(tmp_path, store):
    def build(pin: str = "") -> LocatedCatalogue:
        path = tmp_path / "far.yaml"
        path.write_text(ROW.format(pin=pin), encoding="utf-8")
        return LocatedCatalogue(load_catalogue(path), store)

    return build


@pytest.fixture
def filled(hub):
    hub.files = {
        ("some/clip", "model.safetensors"): WEIGHTS,
        ("some/clip", "tokenizer.json"): b'{"model": {}}',
        ("some/dino", "model.safetensors"): save({"d": torch.ones(3)}),
    }
    return hub


def run(store, spec, **options):
    downloads = Downloads(store, **options)
    return downloads.wait(downloads.join(spec), 20)


def failure(store, spec, **options) -> DownloadError:
    found = run(store, spec, **options)
    assert found.state == "failed"
    assert found.error.text("ru") != str(found.error)
    return found.error


def test_a_download_makes_its_row_usable_and_records_what_came(filled, store, catalogue):
    rows = catalogue()
    assert rows["far"].missing_files() == ("model.safetensors", "tokenizer.json", "model.safetensors")
    assert "3 MB" in str(rows["far"].refusal())
    found = run(store, rows["far"])
    assert (found.state, found.error) == ("done", None)
    assert found.received == found.total == sum(map(len, filled.files.values()))
    here = rows["far"]
    assert here.refusal() is None
    assert here.parts["clip"].file.read_bytes() == WEIGHTS
    assert here.parts["clip"].sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    record = store.record(here.parts["clip"].hub[0])
    assert (record.commit, record.bytes) == ("c0ffee", len(WEIGHTS))
    digests = sorted(hashlib.sha256(content).hexdigest() for content in filled.files.values())
    assert here.sha256 == hashlib.sha256("".join(digests).encode()).hexdigest()


def test_nothing_is_fetched_twice(filled, store, catalogue):
    rows = catalogue()
    run(store, rows["far"])
    count = len(filled.requests)
    assert run(store, rows["far"]).state == "done"
    assert len(filled.requests) == count == 3


def test_a_broken_download_goes_on_where_it_ended(filled, store, catalogue):
    spec = catalogue()["far"]
    filled.fault = "truncate"
    error = failure(store, spec)
    assert error.code == "truncated"
    part = store.place(spec.parts["clip"].hub[0]).with_name("model.safetensors.part")
    half = part.stat().st_size
    assert 0 < half < len(WEIGHTS)
    assert not store.place(spec.parts["clip"].hub[0]).exists()
    filled.fault = ""
    assert run(store, spec).state == "done"
    assert filled.requests[1] == ("/storage/some/clip/model.safetensors", f"bytes={half}-")
    assert store.place(spec.parts["clip"].hub[0]).read_bytes() == WEIGHTS
    assert not part.exists()


def test_a_part_of_other_content_is_begun_anew(filled, store, catalogue):
    spec = catalogue()["far"]
    filled.fault = "truncate"
    failure(store, spec)
    filled.fault = ""
    other = save({"w": torch.zeros(150_000)})
    filled.files["some/clip", "model.safetensors"] = other
    assert run(store, spec).state == "done"
    assert store.place(spec.parts["clip"].hub[0]).read_bytes() == other


@pytest.fixture
def slow(filled):
    """The hub gives 50 kB every 0.2 s: a model takes 2.4 s."""
    filled.pause = 0.2
    return filled


def until_something_came(downloads, ticket):
    while downloads.look(ticket).received < 100_000:
        time.sleep(0.01)


def test_stopping_is_immediate_and_keeps_what_arrived(slow, store, catalogue):
    spec = catalogue()["far"]
    downloads = Downloads(store)
    ticket = downloads.join(spec)
    until_something_came(downloads, ticket)
    started = time.perf_counter()
    found = downloads.leave(ticket)
    assert time.perf_counter() - started < 0.5
    assert (found.state, found.error.code) == ("stopped", "stopped")
    assert found.received >= 100_000
    slow.pause = 0.0
    assert downloads.wait(downloads.join(spec), 20).state == "done"
    assert slow.requests[1][1].startswith("bytes=")


def test_a_visitor_who_stops_only_leaves_while_others_wait(slow, store, catalogue):
    spec = catalogue()["far"]
    downloads = Downloads(store)
    first, second, third = (downloads.join(spec, name) for name in "abc")
    assert downloads.join(spec, "c") == third, "who asks twice waits once"
    until_something_came(downloads, first)
    assert downloads.leave(first).state == "running"
    assert downloads.leave(first).state == "running", "who has left cannot leave for others"
    assert downloads.leave(second).state == "running"
    slow.pause = 0.0
    assert downloads.wait(third, 20).state == "done"
    assert len(slow.requests) == 3, "each file came once, in one piece"


def test_the_last_one_to_leave_stops_the_download(slow, store, catalogue):
    spec = catalogue()["far"]
    downloads = Downloads(store)
    first, second = downloads.join(spec, "a"), downloads.join(spec, "b")
    assert downloads.leave(first).state == "running"
    assert downloads.leave(second).state == "stopped"
    assert downloads.look(first) is None


def test_who_has_not_looked_for_long_does_not_count(slow, store, catalogue):
    """A closed page says nothing: its download goes on until another visitor stops it."""
    spec = catalogue()["far"]
    downloads = Downloads(store, patience=0.3)
    gone, present = downloads.join(spec, "a"), downloads.join(spec, "b")
    time.sleep(0.4)
    assert downloads.look(present).state == "running"
    assert downloads.leave(present).state == "stopped"
    assert downloads.look(gone).state == "stopped"


def test_a_hanging_hub_is_given_up_within_ten_seconds(filled, store, catalogue):
    filled.fault = "hang"
    started = time.perf_counter()
    error = failure(store, catalogue()["far"])
    assert error.code == "silent"
    assert "127.0.0.1" in str(error)
    assert time.perf_counter() - started < 10


def test_a_hub_that_falls_silent_midway_is_given_up_and_resumed(filled, store, catalogue):
    spec = catalogue()["far"]
    filled.fault = "stall"
    assert failure(store, spec, silence=0.5).code == "silent"
    filled.fault = ""
    assert run(store, spec).state == "done"
    assert filled.requests[1][1].startswith("bytes=")


def test_a_hub_that_is_down_is_named_at_once(hub, store, catalogue):
    started = time.perf_counter()
    error = failure(store, catalogue()["far"], hub="http://127.0.0.1:9")
    assert error.code == "unreachable"
    assert "127.0.0.1:9 cannot be reached" in str(error)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(("fault", "words"), [("503", "HTTP 503"), ("404", "HTTP 404")])
def test_a_refusal_of_the_hub_is_passed_on(filled, store, catalogue, fault, words):
    filled.fault = fault
    error = failure(store, catalogue()["far"])
    assert error.code == "status"
    assert words in str(error)


@pytest.mark.parametrize("states_digest", [True, False])
def test_wrong_bytes_are_thrown_away(filled, store, catalogue, states_digest):
    """By the digest that the hub states; without one, a damaged header gives them away."""
    spec = catalogue()["far"]
    filled.fault, filled.states_digest = "wrong", states_digest
    assert failure(store, spec).code == "digest"
    assert not [path for path in store.root.rglob("model.safetensors*") if path.stat().st_size]
    filled.fault = ""
    assert run(store, spec).state == "done"


def test_a_web_page_in_place_of_weights_is_told(filled, store, catalogue):
    filled.fault, filled.states_digest = "page", False
    error = failure(store, catalogue()["far"])
    assert (error.code, "web page" in str(error)) == ("digest", True)


def test_a_pinned_digest_is_held_to(filled, store, catalogue):
    rows = catalogue(f', sha256: "{"ab" * 32}"')
    assert "expected abababababab" in str(failure(store, rows["far"]))


def test_what_was_recorded_is_checked_when_the_file_comes_again(filled, store, catalogue):
    rows = catalogue()
    run(store, rows["far"])
    store.place(rows["far"].parts["clip"].hub[0]).unlink()
    filled.files["some/clip", "model.safetensors"] = save({"w": torch.zeros(5)})
    filled.states_digest = False
    assert failure(store, rows["far"]).code == "digest"
    filled.files["some/clip", "model.safetensors"] = WEIGHTS
    assert run(store, rows["far"]).state == "done"


@pytest.mark.parametrize("name", ["FACADE_LENS_OFFLINE", "HF_HUB_OFFLINE"])
def test_the_offline_switch_is_kept(filled, store, catalogue, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    with pytest.raises(DownloadError) as caught:
        Downloads(store).join(catalogue()["far"])
    assert caught.value.code == "offline"
    assert "far is not on this machine (3 MB), and downloads are switched off" in str(caught.value)
    assert filled.requests == []


def test_a_full_disk_is_told_before_anything_is_written(filled, store, catalogue, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=3_000_000))
    error = failure(store, catalogue()["far"])
    assert error.code == "space"
    assert "3 MB are free" in str(error)


def test_a_store_that_cannot_be_written_is_told(filled, catalogue, tmp_path):
    (tmp_path / "file").write_text("")
    assert failure(HubStore(tmp_path / "file" / "store"), catalogue()["far"]).code == "disk"


def test_only_one_download_runs_at_a_time(slow, store, catalogue):
    spec = catalogue()["far"]
    other = replace(spec, id="other")
    downloads = Downloads(store)
    ticket = downloads.join(spec)
    with pytest.raises(DownloadError) as caught:
        downloads.join(other)
    assert caught.value.code == "busy"
    slow.pause = 0.0
    assert downloads.leave(ticket).state == "stopped"
    assert downloads.wait(downloads.join(other), 20).state == "done", "the next one waits for the lock"


def test_a_file_that_changed_after_its_download_is_refused(hub, store, catalogue):
    """One bit of the weights, then of the tokenizer: each is told, and goes away with the file."""
    hub.files = {
        ("some/clip", "model.safetensors"): WEIGHTS,
        ("some/clip", "tokenizer.json"): b'{"model": {}}',
        ("some/dino", "model.safetensors"): WEIGHTS,
    }
    rows = catalogue()
    run(store, rows["far"])
    verify_file(rows["far"], rows["far"].parts["clip"])
    for file in rows["far"].parts["clip"].hub[:2]:
        content = bytearray(file.path.read_bytes())
        content[-2] ^= 1
        file.path.write_bytes(content)
        with pytest.raises(CheckpointError) as caught:
            verify_file(rows["far"], rows["far"].parts["clip"])
        assert f"The file {file.name} of the checkpoint far has changed since it was" in str(caught.value)
        assert file.sha256[:12] in str(caught.value)
        assert "изменился после скачивания" in caught.value.text("ru")
        file.path.unlink()
        assert run(store, rows["far"]).state == "done"
    verify_file(rows["far"], rows["far"].parts["clip"])


def test_a_file_without_a_record_is_hashed_once(store, catalogue, monkeypatch):
    from pipelines import hub

    file = catalogue()["far"].parts["clip"].hub[0]
    store.place(file).parent.mkdir(parents=True)
    store.place(file).write_bytes(WEIGHTS)
    hashed = []
    monkeypatch.setattr(hub, "file_sha256", lambda path: (hashed.append(path), file_sha256(path))[1])
    digests = {store.locate(file).sha256 for _ in range(3)}
    assert digests == {hashlib.sha256(WEIGHTS).hexdigest()}
    assert len(hashed) == 1
    store.place(file).write_bytes(WEIGHTS[:-4] + b"else")
    os.utime(store.place(file), ns=(0, 10**18))
    assert store.locate(file).sha256 == hashlib.sha256(WEIGHTS[:-4] + b"else").hexdigest()


def test_a_file_in_the_shared_cache_is_used_where_it_lies(tmp_path, catalogue):
    """The layout of huggingface_hub: a snapshot's link to a blob that is named by its digest."""
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    folder = tmp_path / "shared" / "models--some--clip"
    for part in ("blobs", "refs", "snapshots/abc"):
        (folder / part).mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "blobs" / digest).write_bytes(WEIGHTS)
    (folder / "snapshots" / "abc" / "model.safetensors").symlink_to(folder / "blobs" / digest)
    store = HubStore(tmp_path / "own", tmp_path / "shared")
    found = store.locate(HubFile("some/clip", "model.safetensors"))
    assert found.sha256 == digest
    assert found.path.read_bytes() == WEIGHTS
    assert store.locate(HubFile("some/clip", "tokenizer.json")).path is None


@pytest.mark.parametrize(
    "names", [("clip", "m"), ("a/b/c", "m"), ("a/b", "../m"), ("a/b", "x/m"), ("../b", "")]
)
def test_names_cannot_leave_the_store(names):
    with pytest.raises(ValueError, match="plain names"):
        HubFile(*names)


def test_the_command_line_fetches_and_refuses(filled, tmp_path, monkeypatch, capsys):
    repo = "laion/CLIP-ViT-B-16-laion2B-s34B-b88K"
    filled.files[repo, "open_clip_model.safetensors"] = WEIGHTS
    filled.files["timm/vit_base_patch16_224.dino", "model.safetensors"] = WEIGHTS
    monkeypatch.setenv("FACADE_LENS_CACHE", str(tmp_path / "cache"))
    assert main(["openclip-vitb16-laion2b"]) == 0
    captured = capsys.readouterr()
    assert "openclip-vitb16-laion2b: on this machine, SHA-256" in captured.out
    assert "1.2 of 1.2 MB" in captured.err
    assert main(["no-such"]) == 2
    assert "There is no checkpoint 'no-such'" in capsys.readouterr().err
    filled.fault = "503"
    assert main(["maskclip-vitb16-openai"]) == 1
    assert "HTTP 503" in capsys.readouterr().err
