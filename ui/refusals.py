"""What a visitor reads when something cannot be done."""

from __future__ import annotations

import contextlib
import html
import logging
import secrets
from collections.abc import Iterator

import gradio as gr

from pipelines import PipelineError
from pipelines.messages import Language

from .text import say

logger = logging.getLogger(__name__)


def explain(error: Exception, language: Language = "en") -> str:
    """The sentence for an error; one that was not written for users is logged under an id and not shown."""
    if isinstance(error, PipelineError):
        return error.text(language)
    identifier = secrets.token_hex(4)
    logger.error("unexpected error %s", identifier, exc_info=error)
    return say("failed", language, id=identifier)


def refusal(error: Exception, language: Language = "en") -> gr.Error:
    """The same sentence as an error that a queued event may raise; it reaches API clients too."""
    return gr.Error(explain(error, language), title=say("refused", language), print_exception=False)


@contextlib.contextmanager
def refusals(language: Language = "en") -> Iterator[None]:
    """Let only errors with a sentence for users out of the block."""
    try:
        yield
    except gr.Error:
        raise
    except Exception as error:
        raise refusal(error, language) from None


def show_toast(sentence: str, language: Language) -> None:
    """Show a sentence in the page's corner while the event goes on; only queued events can."""
    gr.Warning(html.escape(sentence), title=say("refused", language))


def notice(sentence: str, kind: str = "note") -> str:
    """A sentence below the prompts as HTML; ``kind`` is ``note`` or ``error``."""
    return f'<p class="{kind}">{html.escape(sentence)}</p>' if sentence else ""
