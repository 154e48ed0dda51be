"""What is explained: a score, that is a callable from a batch to one number an example, and its gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Score = Callable[[Tensor], Tensor]
Progress = Callable[[float], None]

_UNSTEADY = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)


@contextmanager
def gradients_enabled() -> Iterator[None]:
    """Record gradients inside, also where the caller has switched them off."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def score_values(score: Score, batch: Tensor) -> Tensor:
    """Score a batch and check what comes back.

    Args:
        score: maps ``(B, ...)`` to ``(B,)``; an example's score may not depend on the others.
        batch: examples, shape ``(B, ...)``.

    Returns:
        Finite scores, shape ``(B,)``.

    Raises:
        ValueError: another shape or dtype, or a value that is not finite.
    """
    values = score(batch)
    if values.shape != (len(batch),) or not values.is_floating_point():
        raise ValueError(
            f"the score must be floating point of shape ({len(batch)},), one number an example, "
            f"got {values.dtype} of shape {tuple(values.shape)}; reduce it with a target first"
        )
    if not bool(torch.isfinite(values).all()):
        raise ValueError(f"the score must be finite, got {values.detach().tolist()}")
    return values


def score_gradient(score: Score, batch: Tensor) -> tuple[Tensor, Tensor]:
    """Differentiate the score of each example with respect to that example.

    ``torch.autograd.grad`` on this one tensor: no ``.grad`` is written anywhere.

    Args:
        score: maps ``(B, ...)`` to ``(B,)``.
        batch: examples, shape ``(B, ...)``; it is not changed.

    Returns:
        Scores of shape ``(B,)`` and gradients of the shape of ``batch``, both detached.

    Raises:
        ValueError: if no gradient reaches the batch.
    """
    with gradients_enabled():
        leaf = batch.detach().clone().requires_grad_()
        values = score_values(score, leaf)
        gradient = None
        if values.requires_grad:
            gradient = torch.autograd.grad(values.sum(), leaf, allow_unused=True)[0]
    if gradient is None:
        raise no_gradient("the input")
    return values.detach(), gradient


def no_gradient(what: str) -> ValueError:
    """Build the error for a score that cannot be differentiated.

    Args:
        what: the tensor that no gradient reaches.
    """
    return ValueError(
        f"no gradient of the score reaches {what}; compute the score from it with differentiable operations, "
        "without no_grad, detach or NumPy on the way"
    )


def require_steady(*parts: object) -> None:
    """Refuse modules whose answer is random or depends on the rest of the batch.

    Args:
        parts: modules are looked through; anything else is passed over.

    Raises:
        ValueError: dropout or batch normalisation in training mode; the message names it.
    """
    for part in parts:
        for name, module in part.named_modules() if isinstance(part, nn.Module) else ():
            if module.training and isinstance(module, _UNSTEADY):
                raise ValueError(
                    f"{type(module).__name__} {name!r} is in training mode, so the score is not one number; "
                    "call model.eval() first"
                )


def score_of(model: Callable[[Tensor], Tensor], target: int | Callable[[Tensor], Tensor]) -> Score:
    """Put a model and a target together.

    Args:
        model: maps a batch to outputs; a column of outputs of shape ``(B, C)`` can be named by its index.
        target: index of the column, or a callable from outputs to ``(B,)`` such as :class:`ClassTarget`.

    Returns:
        The score to be explained.

    Raises:
        ValueError: if the model has dropout or batch normalisation in training mode.
    """
    require_steady(model)
    if not isinstance(target, int):
        return lambda batch: target(model(batch))

    def column(batch: Tensor) -> Tensor:
        outputs = model(batch)
        if outputs.ndim != 2 or not -outputs.shape[1] <= target < outputs.shape[1]:
            raise ValueError(
                f"target {target} needs outputs of shape (B, C) that have this column, "
                f"got {tuple(outputs.shape)}; for maps of shape (B, C, h, w) use ClassTarget"
            )
        return outputs[:, target]

    return column
