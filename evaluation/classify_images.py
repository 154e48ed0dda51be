"""Ask a language model which classes each picture shows, for the class filter of PnP-OVSS.

    OPENAI_API_KEY=... python -m evaluation.classify_images --data-type voc --images DIR --output-dir replies

Writes ``DIR/NAME.json``: one object, picture name to reply, "[3: bird, 15: person], [95%, 80%]", the form in
which the method's replies were published. A run that was stopped goes on where it was. Nothing needs this
command: without a reply file PnP-OVSS searches for every class, or for the best ones by CLIP.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from PIL import Image

from pipelines import ImageError, load_prompt_file, parse_prompts, read_image
from pipelines.class_filters import load_replies

from .chat_client import ChatClient, ServiceError
from .class_lists import CLASS_LISTS, load_class_list
from .commands import UsageError, answer
from .segment import PROMPT_FILES, list_pictures

BASE_URL: Final = "https://api.openai.com/v1"
MODEL: Final = "gpt-4o"
KEY_VARIABLE: Final = "OPENAI_API_KEY"
LONG_SIDE: Final = 1024  # pixels sent
MOST_CLASSES: Final = 25
QUESTION: Final = (
    "These are the classes that may occur in a picture, each with its number:\n{classes}\n"
    "Which of them does the picture show? Name at most {most}. Answer with two lists in square brackets and "
    "nothing else: the classes as number: name, and then how sure you are of each, in per cent. Give a lower "
    "percentage to what you are unsure of. For example: [{example}], [95%, 60%]"
)
PAIR: Final = re.compile(r"\[\s*['\"]?\d+\s*:")


@dataclass(frozen=True, slots=True)
class Survey:
    """What is the same for every picture of one call."""

    client: ChatClient
    question: str
    target: Path

    def ask(self, picture: Path) -> str:
        """The reply for one picture.

        Raises:
            ImageError: it cannot be read.
            ServiceError: the server cannot be used.
            UnreadableReply: the reply names no class.
        """
        reply = self.client.ask(self.question, shrunk_jpeg(picture))
        if not PAIR.search(reply) and reply.strip() not in ("", "[], []", "[][]"):
            raise UnreadableReply(f"the reply holds no list of classes: {' '.join(reply.split())[:80]!r}")
        return reply


class UnreadableReply(Exception):
    """The model wrote something else than two lists."""


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.classify_images",
        description="Ask a language model which classes each picture shows.",
        epilog=f"The key is read from the environment variable {KEY_VARIABLE}.",
    )
    add = parser.add_argument
    add(
        "--data-type",
        required=True,
        metavar="NAME",
        help=f"{', '.join(CLASS_LISTS)}, or a name for --prompts",
    )
    add("--output-dir", required=True, type=Path, metavar="DIR", help="where NAME.json goes")
    add("--images", required=True, type=Path, metavar="DIR", help="folder of pictures")
    add("--prompts", metavar="FILE or TEXT", help="classes of your own instead of a data set's")
    add("--base-url", default=BASE_URL, metavar="URL", help=f"an OpenAI-compatible server ({BASE_URL})")
    add("--model", default=MODEL, help=f"name of the model there ({MODEL})")
    add("--timeout", type=float, default=60.0, metavar="SECONDS", help="longest wait for one answer (60)")
    add("--limit", type=int, metavar="N", help="ask about the first N pictures only")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 when every picture has a reply; 1 when some have none; 2, with a sentence on stderr, for bad input.
    """
    arguments = build_parser().parse_args(argv)
    try:
        return answer(lambda: run(arguments), ServiceError)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 2


def run(arguments: argparse.Namespace) -> int:
    """Do what the options ask for."""
    question = write_question(choose_classes(arguments))
    client = ChatClient(
        check_url(arguments.base_url), arguments.model, read_key(), timeout=check_timeout(arguments.timeout)
    )
    pictures = list_pictures(arguments.images)[: arguments.limit]
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    target = arguments.output_dir / f"{arguments.data_type}.json"
    return classify(Survey(client, question, target), pictures)


def classify(survey: Survey, pictures: Sequence[Path]) -> int:
    """Ask about every picture that has no reply yet; each reply is on the disk before the next question."""
    replies = dict(load_replies(survey.target).texts) if survey.target.exists() else {}
    waiting = [picture for picture in pictures if picture.stem not in replies]
    started, failed = time.monotonic(), 0
    for number, picture in enumerate(waiting, start=1):
        place = f"[{number}/{len(waiting)}] {picture.name}"
        try:
            replies[picture.stem] = survey.ask(picture)
        except (ImageError, UnreadableReply) as error:
            failed += 1
            print(f"{place}: {error}", file=sys.stderr)
            continue
        save(survey.target, replies)
        left = (time.monotonic() - started) / number * (len(waiting) - number)
        print(f"{place}: {replies[picture.stem].strip()[:60]} ({left:.0f} s left)", file=sys.stderr)
    done = sum(picture.stem in replies for picture in pictures)
    print(f"{done} of {len(pictures)} pictures have a reply; {survey.target}")
    return 1 if failed else 0


def choose_classes(arguments: argparse.Namespace) -> dict[int, str]:
    """Names by number: the data set's, or 1, 2, 3, ... for prompts of one's own.

    Raises:
        UsageError: neither exists.
    """
    if not re.fullmatch(r"[\w.-]+", arguments.data_type):
        raise UsageError(f"--data-type names a file; use letters and digits, not {arguments.data_type!r}.")
    if arguments.prompts is not None:
        read = load_prompt_file if arguments.prompts.lower().endswith(PROMPT_FILES) else parse_prompts
        return dict(enumerate(read(arguments.prompts).names, start=1))
    if arguments.data_type not in CLASS_LISTS:
        known = ", ".join(CLASS_LISTS)
        raise UsageError(
            f"There is no class list {arguments.data_type!r}. Choose one of {known}, or give --prompts."
        )
    return load_class_list(arguments.data_type)


def write_question(classes: Mapping[int, str]) -> str:
    """What the model is asked, with the whole list of classes."""
    pairs = [f"{number}: {name}" for number, name in classes.items()]
    return QUESTION.format(classes="\n".join(pairs), most=MOST_CLASSES, example=", ".join(pairs[:2]))


def read_key() -> str:
    """The key of the environment.

    Raises:
        UsageError: there is none.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise UsageError(
            f"The variable {KEY_VARIABLE} holds no key. Set it; where the server needs none, any word does."
        )
    return key


def check_url(url: str) -> str:
    """An address that can be asked.

    Raises:
        UsageError: it is none.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise UsageError(f"--base-url must be an http or https address, got {url!r}, for example {BASE_URL}.")
    return url


def check_timeout(seconds: float) -> float:
    """A wait that ends.

    Raises:
        UsageError: it is not above 0 and at most an hour.
    """
    if not 0 < seconds <= 3600:
        raise UsageError(f"--timeout must lie above 0 and at most 3600 seconds, got {seconds:g}.")
    return seconds


def shrunk_jpeg(picture: Path) -> bytes:
    """A picture as a JPEG of at most 1024 pixels a side.

    Raises:
        ImageError: it cannot be read.
    """
    image = Image.fromarray(read_image(picture))
    image.thumbnail((LONG_SIDE, LONG_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


def save(target: Path, replies: Mapping[str, str]) -> None:
    """Write all replies, whole or not at all."""
    temporary = target.with_suffix(".tmp")
    temporary.write_text(json.dumps(replies, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, target)


if __name__ == "__main__":
    sys.exit(main())
