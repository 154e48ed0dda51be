"""How the page is served: launch options, and limits at the door."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES: Final = 24_000_000
MAX_UPLOAD: Final = "20mb"
QUEUE_SIZE: Final = 32
DAY: Final = 86_400
_ASSETS: Final = Path(__file__).resolve().parents[1] / "assets"
PRIVATE_FOLDERS: Final = (_ASSETS / "weights", _ASSETS / "local")
"""Checkpoints: bundled ones, and those added on this machine."""

HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; object-src 'none'; base-uri 'self'",
    ),
)


def queue_options() -> dict[str, Any]:
    """Arguments of ``Blocks.queue``."""
    return {"max_size": QUEUE_SIZE, "api_open": False, "default_concurrency_limit": 1}


def launch_options() -> dict[str, Any]:
    """Arguments of ``Blocks.launch`` that do not depend on the machine."""
    from .theme import FAVICON, STYLE_SHEETS, build_theme, head_html

    return {
        "theme": build_theme(),
        "css_paths": list(STYLE_SHEETS),
        "head": head_html(),
        "favicon_path": str(FAVICON),
        "footer_links": ["api", "settings"],
        "max_file_size": MAX_UPLOAD,
        "blocked_paths": [str(folder) for folder in PRIVATE_FOLDERS],
        "allowed_paths": [],
        "show_error": False,
        "strict_cors": True,
        "enable_monitoring": False,
        "ssr_mode": False,
        "run_history": False,
        "pwa": False,
        "mcp_server": False,
        "state_session_capacity": 200,
        "app_kwargs": {"middleware": [Middleware(Door)]},
    }


class Door:
    """ASGI middleware: refuses bodies above a limit, and adds headers that keep browsers from guessing types.

    Args:
        app: what lies behind.
        max_bytes: largest body of a request.
    """

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 413."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif _declared_length(scope) > self.max_bytes:
            await _answer_too_large(send)
        else:
            await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, _counted(receive, self.max_bytes), _with_headers(send))
        except BodyTooLarge:
            await _answer_too_large(send)


class BodyTooLarge(Exception):
    """A body without a declared length grew beyond the limit."""


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _counted(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise BodyTooLarge(f"the body of the request is larger than {limit} bytes")
        return message

    return counted


def _with_headers(send: Send) -> Send:
    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            extra = [pair for pair in HEADERS if pair[0] not in present]
            message = {**message, "headers": [*message["headers"], *extra]}
        await send(message)

    return adding


async def _answer_too_large(send: Send) -> None:
    body = b"The request is too large: pictures may have 20 MB."
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *HEADERS,
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
