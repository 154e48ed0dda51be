import base64
import io
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from evaluation.chat_client import ChatClient, ServiceError
from evaluation.class_lists import CLASS_LISTS, load_class_list
from evaluation.classify_images import main
from pipelines.class_filters import load_replies

BIRD = "[3: bird, 15: person], [95%, 60%]"
Answer = tuple[int, dict[str, str], bytes]


def completion(text: str) -> Answer:
    return 200, {}, json.dumps({"choices": [{"message": {"content": text}}]}).encode()


class StandIn:
    """A local server with one door, ``/v1/chat/completions``; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict] = []
        self.keys: list[str] = []
        self.answer: Callable[[int], Answer] = lambda number: completion(BIRD)
        outer = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.path == "/v1/chat/completions"
                outer.asked.append(json.loads(body))
                outer.keys.append(self.headers["Authorization"])
                status, headers, content = outer.answer(len(outer.asked))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that went away is part of a test."""

        self.server = Server(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def service():
    server = StandIn()
    yield server
    server.close()


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 255, (30, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"2007_00000{number}.png")
    return folder


@pytest.fixture
def ask(service, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")

    def call(*options: str) -> int:
        places = ["--images", str(pictures), "--output-dir", str(tmp_path / "out")]
        return main(["--data-type", "voc", *places, "--base-url", service.url, *options])

    return call


def test_replies_are_written_in_the_published_form(service, ask, tmp_path, capsys):
    assert ask() == 0
    replies = load_replies(tmp_path / "out" / "voc.json")
    assert dict(replies.texts) == dict.fromkeys(["2007_000000", "2007_000001", "2007_000002"], BIRD)
    names = list(load_class_list("voc").values())
    assert replies.filter_for("2007_000001", names).indices == (2,)  # person is not above 70 %
    shown = capsys.readouterr()
    assert "[3/3] 2007_000002.png: [3: bird, 15: person], [95%, 60%]" in shown.err
    assert "3 of 3 pictures have a reply" in shown.out


def test_the_question_holds_every_class_the_picture_and_the_key(service, ask, pictures):
    ask("--limit", "1", "--model", "some-model")
    (asked,) = service.asked
    assert service.keys == ["Bearer secret"]
    assert (asked["model"], asked["temperature"]) == ("some-model", 0)
    text, picture = asked["messages"][0]["content"]
    assert all(f"{number}: {name}\n" in text["text"] for number, name in load_class_list("voc").items())
    kind, _, content = picture["image_url"]["url"].partition(",")
    assert kind == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (40, 30)


def test_a_stopped_run_goes_on_where_it_was(service, ask, tmp_path):
    service.answer = lambda number: completion(BIRD) if number == 1 else (401, {}, b"bad key")
    assert ask() == 2
    assert len(load_replies(tmp_path / "out" / "voc.json").texts) == 1
    service.answer = lambda number: completion("[1: aeroplane], [99%]")
    assert ask() == 0
    assert len(service.asked) == 4  # two before the stop, two after it
    replies = load_replies(tmp_path / "out" / "voc.json").texts
    assert replies["2007_000000"] == BIRD
    assert replies["2007_000002"] == "[1: aeroplane], [99%]"
    assert not list((tmp_path / "out").glob("*.tmp"))


def test_a_refused_key_is_named(service, ask, capsys):
    service.answer = lambda number: (401, {}, b'{"error": "no such key"}')
    assert ask() == 2
    assert "refuses the key (HTTP 401" in capsys.readouterr().err
    assert len(service.asked) == 1


def test_no_key_is_named_before_anything_is_asked(service, ask, monkeypatch, capsys):
    monkeypatch.delenv("OPENAI_API_KEY")
    assert ask() == 2
    assert "OPENAI_API_KEY holds no key" in capsys.readouterr().err
    assert service.asked == []


def test_a_busy_server_is_asked_again_when_it_said(service):
    waits: list[float] = []
    service.answer = lambda n: completion(BIRD) if n == 3 else (429, {"Retry-After": "7"}, b"slow down")
    client = ChatClient(service.url, "m", "k", sleep=waits.append)
    assert client.ask("?", b"jpeg") == BIRD
    assert waits == [7, 7]


def test_waits_double_where_the_server_names_none_and_end_after_the_last_attempt(service):
    waits: list[float] = []
    service.answer = lambda number: (503, {}, b"")
    client = ChatClient(service.url, "m", "k", attempts=4, sleep=waits.append)
    with pytest.raises(ServiceError, match=r"HTTP 503.*4 attempts failed"):
        client.ask("?", b"jpeg")
    assert waits == [2, 4, 8]


def test_a_silent_server_is_named(service):
    release = threading.Event()
    service.answer = lambda number: (release.wait(5), completion(BIRD))[1]
    client = ChatClient(service.url, "m", "k", timeout=0.2, attempts=1)
    started = time.monotonic()
    with pytest.raises(ServiceError, match=r"within 0\.2 s"):
        client.ask("?", b"jpeg")
    release.set()
    assert time.monotonic() - started < 3


def test_a_closed_port_is_named(service):
    client = ChatClient("http://127.0.0.1:9/v1", "m", "k", attempts=1)
    with pytest.raises(ServiceError, match="cannot be reached"):
        client.ask("?", b"jpeg")


@pytest.mark.parametrize(
    "content", [b"<html>hello</html>", b"{}", b'{"choices": []}', b'{"choices": [{}]}', b"[1]"]
)
def test_an_answer_that_is_no_completion_is_named(service, ask, content, capsys):
    service.answer = lambda number: (200, {}, content)
    assert ask() == 2
    assert "is no chat completion" in capsys.readouterr().err


def test_a_reply_without_classes_is_not_kept_and_the_rest_goes_on(service, ask, tmp_path, capsys):
    service.answer = lambda number: completion("I see a bird." if number == 2 else BIRD)
    assert ask() == 1
    assert sorted(load_replies(tmp_path / "out" / "voc.json").texts) == ["2007_000000", "2007_000002"]
    assert "2007_000001.png: the reply holds no list of classes: 'I see a bird.'" in capsys.readouterr().err


def test_a_broken_picture_is_reported_and_the_rest_goes_on(service, ask, pictures, tmp_path, capsys):
    (pictures / "2007_000001.png").write_bytes(b"no picture")
    assert ask() == 1
    assert len(load_replies(tmp_path / "out" / "voc.json").texts) == 2
    assert "[2/3] 2007_000001.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--data-type", "pascal"], "no class list 'pascal'"),
        (["--data-type", "../voc"], "names a file"),
        (["--base-url", "ftp://x"], "must be an http or https address"),
        (["--timeout", "0"], "--timeout must lie above 0"),
    ],
)
def test_bad_options_are_named(service, ask, options, sentence, capsys):
    assert ask(*options) == 2
    assert sentence in capsys.readouterr().err
    assert service.asked == []


def test_classes_of_ones_own_are_numbered_from_one(service, ask, tmp_path):
    assert ask("--data-type", "mine", "--prompts", "wall; window = glass", "--limit", "1") == 0
    assert "1: wall\n2: window\n" in service.asked[0]["messages"][0]["content"][0]["text"]
    assert (tmp_path / "out" / "mine.json").exists()


@pytest.mark.parametrize(
    ("name", "count", "last"),
    [
        ("voc", 20, 20),
        ("psc", 59, 59),
        ("ade20k", 150, 150),
        ("coco_object", 80, 90),
        ("coco_stuff", 171, 182),
    ],
)
def test_class_lists_have_the_published_numbers(name, count, last):
    classes = load_class_list(name)
    assert (len(classes), len(set(classes.values())), max(classes)) == (count, count, last)
    assert name in CLASS_LISTS
    with pytest.raises(ValueError, match="no class list 'x'"):
        load_class_list("x")


def test_coco_things_have_the_numbers_that_torchvision_knows():
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

    known = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    assert load_class_list("coco_object") == {
        number: name for number, name in enumerate(known) if name not in ("__background__", "N/A")
    }
