"""Events whose handlers answer with values by the names of components."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Component = Any
Page = dict[str, Component]


def listen(
    event: Callable[..., Any],
    handler: Callable[..., dict[str, Any]],
    inputs: Sequence[Component],
    page: Page,
    outputs: Sequence[str],
    **options: Any,
) -> Any:
    """Connect a private event whose handler answers with values by name."""
    return event(
        by_name(handler, page),
        list(inputs),
        [page[name] for name in outputs],
        api_visibility="private",
        show_progress="hidden",
        **options,
    )


def by_name(handler: Callable[..., dict[str, Any]], page: Page) -> Callable[..., dict[Component, Any]]:
    """Let a handler answer with names; Gradio leaves components that are not named as they are."""

    def answer(*values: Any) -> dict[Component, Any]:
        return {page[name]: value for name, value in handler(*values).items()}

    return answer


def merge(labels: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Updates of texts and values of the same components in one."""
    return {
        name: {**labels[name], "value": values[name]}
        if name in labels and name in values
        else values.get(name, labels.get(name))
        for name in {*labels, *values}
    }
