"""Grad-CAM: where a layer holds evidence for a score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attribution.hooks import rerouted
from attribution.result import Attribution
from attribution.score import Score, gradients_enabled, no_gradient, require_steady, score_values
from attribution.tokens import TokenLayout

_SAME_DIRECTION = 1e-5  # 1 - cosine of two gradients that count as parallel
_SAME_GRADIENT = 1e-4  # of the largest gradient: two gradients that count as equal


def grad_cam(
    score: Score,
    inputs: Tensor,
    layer: nn.Module,
    *,
    tokens: TokenLayout | None = None,
    merge: Callable[[Tensor], Tensor] | None = None,
    size: tuple[int, int] | None = None,
    relu: bool = False,
) -> Attribution:
    """Weigh the channels of a layer by their mean gradient: ``sum_k mean_yx(dS / df_k) f_k``.

    The published method keeps the positive part (``relu``); the raw values keep evidence against the score
    as well. Where the score is linear in the layer, the gradient holds no information about the picture and
    the map is that of the class logits: the result is then called so.

    Only what follows the layer is differentiated. In a network of plain functions, an ``nn.Identity`` that
    the tokens or maps pass through serves as layer.

    Args:
        score: maps a batch ``(1, ...)`` to ``(1,)`` and runs ``layer`` exactly once.
        inputs: one example without its batch dimension; a picture of shape ``(C, H, W)`` or what ``score``
            goes on from.
        layer: emits maps ``(B, D, h, w)``, or tokens ``(B, N, D)`` where ``tokens`` is given.
        tokens: where the patches stand among the tokens.
        merge: puts the maps ``(B, h, w)`` of several windows together, to ``(h', w')``.
        size: height and width of the heat map, in pixels; the last two dimensions of ``inputs`` by default.
        relu: keep only evidence for the score.

    Returns:
        The heat map, resized bilinearly; ``method`` is ``"grad_cam"`` or ``"class_logit_map"``.

    Raises:
        ValueError: the layer emits raw tokens or another shape, runs never or several times, no gradient
            reaches it, or several windows come without ``merge``.
        TypeError: the layer emits no tensor.
    """
    require_steady(score, layer)
    probe = _Probe(tokens)
    with gradients_enabled():
        batch = inputs.detach().clone()[None]
        value, cams = _captum_grad_cam(score, batch, layer, probe, relu)
        degenerate = _is_parallel(probe.gradient) and _is_linear(score, batch, layer, tokens, probe.gradient)
    cams = cams if tokens is None else tokens.unstack(cams)
    return Attribution(
        heatmap=_picture(cams, merge, size or (inputs.shape[-2], inputs.shape[-1])).cpu().numpy(),
        method="class_logit_map" if degenerate else "grad_cam",
        score=value,
        degenerate=degenerate,
    )


class _Probe(nn.Module):
    """Carries a layer's output over a module of its own, where Captum can hook without meeting others."""

    def __init__(self, layout: TokenLayout | None, alter: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.maps = nn.Identity()
        self.calls = 0
        self.gradient = torch.empty(0)
        self.leaf = torch.empty(0)
        self._layout = layout
        self._alter = alter

    def forward(self, output: Any) -> Tensor:
        tokens = _checked(output, self._layout).detach()
        maps = tokens if self._layout is None else self._layout.to_map(tokens)
        if self._alter is not None:
            maps = self._alter(maps)
        self.calls += 1
        self.leaf = maps.clone().requires_grad_()
        emitted: Tensor = self.maps(self.leaf).clone()
        emitted.register_hook(self._keep)  # type: ignore[no-untyped-call]
        return emitted if self._layout is None else self._layout.to_tokens(emitted, tokens)

    def _keep(self, gradient: Tensor) -> None:
        self.gradient = gradient.detach()

    def score(self, score: Score, batch: Tensor) -> Tensor:
        """Score the one example and see that the layer ran once, on the way to it."""
        self.calls = 0
        value = score_values(score, batch)
        if self.calls != 1:
            raise ValueError(
                f"the layer must run exactly once for one score, it ran {self.calls} times; choose another "
                "layer, or score all windows in one batch"
            )
        if not value.requires_grad:
            raise no_gradient("the layer")
        return value


def _captum_grad_cam(
    score: Score, batch: Tensor, layer: nn.Module, probe: _Probe, relu: bool
) -> tuple[float, Tensor]:
    from captum.attr import LayerGradCam

    values: list[Tensor] = []

    def watched(example: Tensor) -> Tensor:
        values.append(probe.score(score, example))
        return values[-1]

    with rerouted(layer, probe):
        cams = LayerGradCam(watched, probe.maps).attribute(batch, relu_attributions=relu)
    return float(values[-1].detach()), cams.detach()[:, 0]


def _checked(output: Any, layout: TokenLayout | None) -> Tensor:
    if not isinstance(output, Tensor):
        raise TypeError(f"the layer must emit one tensor, got {type(output).__name__}; choose another layer")
    if layout is None and output.ndim == 3:
        raise ValueError(
            f"the layer emits tokens of shape {tuple(output.shape)}; Grad-CAM needs maps (B, D, h, w). "
            "Pass tokens=TokenLayout(grid=(h, w), prefix=number of tokens before the patches)"
        )
    if layout is None and output.ndim != 4:
        raise ValueError(f"the layer must emit maps of shape (B, D, h, w), got {tuple(output.shape)}")
    return output


def _is_parallel(gradient: Tensor) -> bool:
    """Say whether the gradient has one direction at all positions where it is not zero."""
    vectors = gradient.transpose(0, 1).flatten(1).double()
    lengths = vectors.norm(dim=0)
    if not bool(torch.isfinite(lengths).all()) or not bool(lengths.any()):
        return False
    largest = vectors[:, lengths.argmax()]
    cosines = (largest @ vectors) / (lengths * largest.norm())
    return bool((cosines[lengths > 1e-6 * lengths.max()] > 1 - _SAME_DIRECTION).all())


def _is_linear(
    score: Score, batch: Tensor, layer: nn.Module, layout: TokenLayout | None, gradient: Tensor
) -> bool:
    """Say whether the gradient stays as it is when the layer emits something else."""
    probe = _Probe(layout, alter=lambda maps: maps.flip(1, 2, 3) * 0.5)
    with rerouted(layer, probe):
        value = score(batch)  # may leave the score's domain: what is not finite is not linear
    torch.autograd.grad(value, probe.leaf)
    change = (probe.gradient - gradient).abs().max()
    return bool(change <= _SAME_GRADIENT * gradient.abs().max())


def _picture(cams: Tensor, merge: Callable[[Tensor], Tensor] | None, size: tuple[int, int]) -> Tensor:
    if merge is None and len(cams) != 1:
        raise ValueError(
            f"the layer emits maps of {len(cams)} windows; pass merge=, which puts maps (B, h, w) together"
        )
    merged = cams[0] if merge is None else merge(cams)
    return F.interpolate(merged[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]
