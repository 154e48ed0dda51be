"""How command lines end: with what they did, or with one sentence on stderr and the exit status 2."""

from __future__ import annotations

import sys
from collections.abc import Callable

from pipelines import PipelineError


class UsageError(Exception):
    """What was asked for cannot be done; the sentence says why."""


def answer(run: Callable[[], int | None], *refused: type[Exception]) -> int:
    """Run a command and turn errors that a user can mend into a sentence.

    Args:
        run: does the work; its exit status, None for 0.
        refused: errors whose text is a sentence for the user, besides ``PipelineError`` and ``UsageError``.

    Returns:
        The exit status: that of ``run``, or 2 after an error.
    """
    sentences: tuple[type[Exception], ...] = (PipelineError, UsageError, *refused)
    try:
        return run() or 0
    except sentences as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        print(f"error: {error.strerror}: {error.filename}", file=sys.stderr)
    return 2
