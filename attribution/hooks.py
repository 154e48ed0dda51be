"""One hook that is always removed and that other threads never meet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

_REGISTRATION = threading.Lock()  # torch counts hook identifiers without a lock of its own


@contextmanager
def rerouted(layer: nn.Module, through: Callable[[Any], Tensor]) -> Iterator[None]:
    """Pass the output of a layer through a callable while inside.

    The hook acts in the calling thread only. Requests that run the same module at the same time, explained
    or not, get the output as it is, so explanations need not wait for each other.

    Args:
        layer: any module; nothing but its hook dictionary is touched, and only while inside.
        through: maps the layer's output to what the rest of the network sees.
    """
    owner = threading.get_ident()

    def hook(module: nn.Module, inputs: object, output: Any) -> Tensor | None:
        return through(output) if threading.get_ident() == owner else None

    with _REGISTRATION:
        handle = layer.register_forward_hook(hook)
    try:
        yield
    finally:
        with _REGISTRATION:
            handle.remove()
