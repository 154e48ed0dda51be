"""The published code path in plain NumPy and SciPy: the other side of the benchmark.

Same arithmetic and the same data structures as the published LPOSS code on a CPU: sparse matrices in float64,
one conjugate-gradient run a class, texts at their full context length, whole networks. Slow on purpose; made
for the benchmark and for tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sparse
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from lposs_core import LPOSSConfig

Matrix = Any  # scipy.sparse.csr_matrix, float64
Scores = NDArray[np.float64]

_RGB_TO_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]],
    dtype=np.float32,
)
_WHITE = np.array([0.95047, 1.0, 1.08883], dtype=np.float32)


def patch_matrix(
    features: NDArray[np.float32], positions: NDArray[np.float32], config: LPOSSConfig
) -> Matrix:
    """``I - alpha S`` of the patch graph.

    Args:
        features: unit vectors ``(N, D)``.
        positions: patch centres (y, x) in pixels, ``(N, 2)``.
        config: ``k``, ``gamma``, ``sigma``, ``pix_dist_pow`` and ``alpha`` are used.

    Returns:
        Sparse float64 ``(N, N)``.
    """
    similarity = features @ features.T
    k = min(config.k, len(features))
    columns = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
    rows = np.repeat(np.arange(len(features)), k)
    distance = torch.cdist(torch.from_numpy(positions), torch.from_numpy(positions)).numpy()
    near = np.exp(-config.sigma * distance**config.pix_dist_pow)
    alike = np.maximum(np.take_along_axis(similarity, columns, 1), 0).ravel() ** config.gamma
    weights = (alike * near[rows, columns.ravel()]).astype(np.float32)
    size = (len(features), len(features))
    one_way = sparse.csr_matrix((weights, (rows, columns.ravel())), shape=size)
    both_ways = (one_way + one_way.T).tolil()
    both_ways.setdiag(0)
    return _system(both_ways.tocsr(), config.alpha)


def pixel_matrix(image: NDArray[np.uint8], config: LPOSSConfig) -> Matrix:
    """``I - alpha S`` of the pixel graph.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        config: ``tau``, ``r`` and ``alpha`` are used.

    Returns:
        Sparse float64 ``(H * W, H * W)``.
    """
    lab = scaled_lab(image)
    height, width = lab.shape[:2]
    y, x = np.mgrid[:height, :width]
    here, there, weights = [], [], []
    reach = config.r // 2
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
            if (dy, dx) == (0, 0):
                continue
            here.append((y * width + x)[inside])
            there.append(((y + dy) * width + x + dx)[inside])
            difference = lab[y[inside], x[inside]] - lab[y[inside] + dy, x[inside] + dx]
            weights.append(np.exp(-np.sqrt((difference**2).sum(1)) / np.float32(config.tau)))
    entries = (np.concatenate(weights), (np.concatenate(here), np.concatenate(there)))
    return _system(sparse.csr_matrix(entries, shape=(height * width, height * width)), config.alpha)


def scaled_lab(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIE Lab divided by (100, 128, 128), ``(H, W, 3)`` float32."""
    rgb = image.astype(np.float32) / np.float32(255)
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = linear.astype(np.float32) @ _RGB_TO_XYZ.T / _WHITE
    f = np.where(xyz > 0.008856, np.cbrt(np.maximum(xyz, 0.008856)), 7.787 * xyz + 4 / 29)
    fx, fy, fz = np.moveaxis(f.astype(np.float32), -1, 0)
    return np.stack([(116 * fy - 16) / 100, 500 * (fx - fy) / 128, 200 * (fy - fz) / 128], axis=-1)


def _system(weights: Matrix, alpha: float) -> Matrix:
    degree = np.asarray(weights.sum(1)).ravel()
    degree[degree == 0] = 1
    root = sparse.diags((1 / np.sqrt(degree)).astype(np.float32))
    normalised = (root @ weights @ root).astype(np.float32)
    return (sparse.identity(weights.shape[0], dtype=np.float64) - alpha * normalised).tocsr()


def solve(system: Matrix, seeds: NDArray[np.floating[Any]], config: LPOSSConfig) -> Scores:
    """Conjugate gradients for each class on its own, from zero, stopped after ``cg_maxiter`` steps.

    Args:
        system: sparse float64 ``(N, N)``.
        seeds: ``(N, C)``.
        config: ``cg_tol`` and ``cg_maxiter`` are used.

    Returns:
        Float64 ``(N, C)``.
    """
    columns = [_solve_one(system, seeds[:, c].astype(np.float64), config) for c in range(seeds.shape[1])]
    return np.stack(columns, axis=1)


def _solve_one(system: Matrix, seed: Scores, config: LPOSSConfig) -> Scores:
    x = np.zeros_like(seed)
    residual = seed.copy()
    direction = residual.copy()
    rho = residual @ residual
    limit = config.cg_tol * np.sqrt(rho)
    for _ in range(config.cg_maxiter):
        if np.sqrt(rho) <= limit:
            break
        image = system @ direction
        step = rho / (direction @ image)
        x += step * direction
        residual -= step * image
        rho, previous = residual @ residual, rho
        direction = residual + rho / previous * direction
    return x


@torch.no_grad()
def text_prototype(model: Any, tokenizer: Any, text: str, templates: Sequence[str]) -> Tensor:
    """Mean of a text's unit vectors over all templates, at the full context length; ``(d,)``."""
    ids = tokenizer([template.replace("{}", text) for template in templates])
    vectors = F.normalize(model.encode_text(ids), dim=-1)
    return F.normalize(vectors.mean(0), dim=0)


@torch.no_grad()
def clip_patches(model: Any, crops: Tensor) -> Tensor:
    """Dense features of an open_clip ViT: the whole tower runs, then its last block is done again.

    Args:
        model: open_clip's own ``CLIP`` with a vision transformer.
        crops: normalised, ``(n, 3, h, w)``.

    Returns:
        Unit vectors ``(n, tokens, d)``.
    """
    visual = model.visual
    kept: list[Tensor] = []
    last = visual.transformer.resblocks[-1]
    handle = last.register_forward_pre_hook(lambda _, given: kept.append(given[0]))
    try:
        visual(crops)
    finally:
        handle.remove()
    x = kept[0]
    query_key_value = F.linear(last.ln_1(x), last.attn.in_proj_weight, last.attn.in_proj_bias)
    parts = [last.attn.out_proj(part) for part in query_key_value.chunk(3, dim=-1)]
    x = x + parts[2]
    x = x + last.mlp(last.ln_2(x))
    return F.normalize(visual.ln_post(x)[:, 1:] @ visual.proj, dim=-1)


@torch.no_grad()
def value_patches(model: Any, crops: Tensor) -> Tensor:
    """Value vectors of the last block of a timm ViT: the whole network runs.

    Args:
        model: timm ``VisionTransformer``.
        crops: normalised, ``(n, 3, h, w)``.

    Returns:
        Unit vectors ``(n, tokens, D)``.
    """
    kept: list[Tensor] = []
    handle = model.blocks[-1].attn.qkv.register_forward_hook(lambda _, __, out: kept.append(out))
    try:
        model(crops)
    finally:
        handle.remove()
    return F.normalize(kept[0].chunk(3, dim=-1)[2][:, model.num_prefix_tokens :], dim=-1)
