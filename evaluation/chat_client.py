"""Ask a language model about a picture: any server that speaks OpenAI's chat completions."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

RETRIED: Final = (408, 409, 429, 500, 502, 503, 504)
LONGEST_WAIT: Final = 120.0
SHOWN: Final = 120
MAX_ANSWER_BYTES: Final = 4 * 2**20


class ServiceError(Exception):
    """The server cannot be used; the sentence says why and what to do."""


class TryAgain(ServiceError):
    """The server may answer later.

    Args:
        sentence: what it said.
        wait: seconds after which it asked to be called again; None where it did not say.
    """

    def __init__(self, sentence: str, wait: float | None = None) -> None:
        super().__init__(sentence)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class ChatClient:
    """A model behind an OpenAI-compatible address.

    Attributes:
        base_url: such as ``https://api.openai.com/v1``.
        model: its name there.
        key: sent as a bearer token; never written anywhere else.
        timeout: seconds until an answer must have come.
        attempts: how often one question is asked at most.
        sleep: waits between two attempts.
    """

    base_url: str
    model: str
    key: str
    timeout: float = 60.0
    attempts: int = 5
    sleep: Callable[[float], None] = time.sleep

    def ask(self, question: str, jpeg: bytes) -> str:
        """The model's answer to a question about a picture, at temperature 0.

        Raises:
            ServiceError: the key is refused, the server cannot be reached or does not speak this protocol, or
                every attempt failed.
        """
        for attempt in range(1, self.attempts + 1):
            try:
                return self._answer(question, jpeg)
            except TryAgain as problem:
                if attempt == self.attempts:
                    raise ServiceError(f"{problem} {attempt} attempts failed; try later.") from None
                wait = 2.0**attempt if problem.wait is None else problem.wait
                self.sleep(min(wait, LONGEST_WAIT))
        raise ServiceError(f"attempts must be at least 1, got {self.attempts}")

    def _answer(self, question: str, jpeg: bytes) -> str:
        request = urllib.request.Request(
            f"{self.base_url.rstrip('/')}/chat/completions",
            data=json.dumps(self._body(question, jpeg)).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                content = response.read(MAX_ANSWER_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                raise _http_problem(error) from None
        except TimeoutError:
            raise TryAgain(f"No answer from {self.base_url} within {self.timeout:g} s.") from None
        except (urllib.error.URLError, OSError) as error:
            raise TryAgain(f"{self.base_url} cannot be reached ({_reason(error)}).") from None
        return _read_answer(content)

    def _body(self, question: str, jpeg: bytes) -> dict[str, Any]:
        picture = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
        parts = [{"type": "text", "text": question}, {"type": "image_url", "image_url": {"url": picture}}]
        return {"model": self.model, "temperature": 0, "messages": [{"role": "user", "content": parts}]}


def _http_problem(error: urllib.error.HTTPError) -> ServiceError:
    said = _shown(error.read(MAX_ANSWER_BYTES))
    if error.code in (401, 403):
        return ServiceError(f"The server refuses the key (HTTP {error.code}: {said}). Set another one.")
    if error.code in RETRIED:
        return TryAgain(f"The server asks to wait (HTTP {error.code}: {said}).", _retry_after(error))
    return ServiceError(
        f"The server refuses the request (HTTP {error.code}: {said}). Check --base-url and --model."
    )


def _retry_after(error: urllib.error.HTTPError) -> float | None:
    """Seconds of the Retry-After header; None where it is absent or a date."""
    try:
        return max(0.0, float(error.headers.get("Retry-After", "")))
    except ValueError:
        return None


def _reason(error: Exception) -> object:
    return getattr(error, "reason", None) or error


def _read_answer(content: bytes) -> str:
    try:
        text = json.loads(content)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError):
        text = None
    if not isinstance(text, str):
        raise ServiceError(
            f"The server's answer is no chat completion: {_shown(content)}. "
            "Check --base-url; it usually ends in /v1."
        )
    return text


def _shown(content: bytes) -> str:
    text = " ".join(content.decode("utf-8", "replace").split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
