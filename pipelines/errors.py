"""What can go wrong on the way to a result, in sentences that reach the user as they are.

    PipelineError
    |-- ImageError           the picture cannot be used: missing unsupported corrupt too_large
    |                        too_small aspect
    |-- PromptError          the prompts cannot be used: missing unsupported empty schema syntax encoding
    |                        duplicate too_long too_many too_deep too_large unsafe invisible
    |                        not_english unknown_word
    |-- SettingsError        a preset or the catalogue: missing syntax schema unknown_key
    |                        missing_key out_of_range filter no_reply scale threshold least_share
    |-- UnknownChoice        no such thing: method checkpoint prompt_set precision templates
    |                        builder part class pixel damage prompt_class explanation baseline block
    |                        steps
    |-- PipelineUnavailable  known, but not usable here: method kind explanation file download package
    |                        device build
    |-- DownloadError        a file did not come from the hub: offline unreachable silent status truncated
    |                        digest space disk busy stopped
    |-- CheckpointError      the weights are not what the catalogue says: digest mismatch
    |-- Busy                 every place is taken: timeout too_big
    `-- Cancelled            the visitor went away: stopped

``str(error)`` is the English sentence, ``error.text("ru")`` the Russian one. ``error.code`` is a word of the
list above, ``error.key`` names the very sentence (a key of :data:`pipelines.messages.MESSAGES`) and
``error.values`` holds what was filled into it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from .messages import Language, render_message


class PipelineError(Exception):
    """Base of every error written for users.

    Args:
        message: the English sentence: what is wrong, the value seen, what is right, the next step.
        code: word of the table in the module's docstring.
        key: key of the sentence in both languages; None when only ``message`` exists.
        **values: what the sentence was filled with.
    """

    kind: ClassVar[str] = "pipeline"

    def __init__(self, message: str, *, code: str = "failed", key: str | None = None, **values: Any) -> None:
        super().__init__(message)
        self.code = code
        self.key = key
        self.values = values

    @classmethod
    def of(cls, case: str, /, **values: Any) -> Self:
        """Build the error from the table of sentences.

        Args:
            case: ``code`` or ``code.detail``; with the class's kind in front it is the sentence's key.
            **values: what to fill in.
        """
        key = f"{cls.kind}.{case}"
        return cls(render_message(key, "en", values), code=case.partition(".")[0], key=key, **values)

    def text(self, language: Language = "en") -> str:
        """The sentence in the language asked for; the plain message when there is no translation."""
        return str(self) if self.key is None else render_message(self.key, language, self.values)


class ImageError(PipelineError):
    """The picture cannot be read or is outside the limits."""

    kind = "image"


class PromptError(PipelineError):
    """The prompt text or prompt file cannot be used."""

    kind = "prompt"


class SettingsError(PipelineError):
    """A preset, the catalogue or a setting holds something unknown or out of range."""

    kind = "settings"


class UnknownChoice(PipelineError):
    """The request names something that does not exist."""

    kind = "choice"


class PipelineUnavailable(PipelineError):
    """The choice is known but cannot run on this machine."""

    kind = "unavailable"


class DownloadError(PipelineError):
    """A file of a checkpoint could not be fetched from its hub."""

    kind = "download"


class CheckpointError(PipelineError):
    """A checkpoint's file does not hold what the catalogue promises."""

    kind = "checkpoint"


class Busy(PipelineError):
    """All memory is taken by requests that are running."""

    kind = "busy"


class Cancelled(PipelineError):
    """The request was stopped before it had a result."""

    kind = "cancelled"
