"""Spread scores over the patch graph (LPOSS) and over the pixel graph (LPOSS+)."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lposs_core.config import LPOSSConfig
from lposs_core.patch_graph import PatchGraph, build_patch_graph
from lposs_core.pixel_graph import build_pixel_graph
from lposs_core.solver import (
    FACTOR_NODES,
    Factor,
    Graph,
    Solve,
    conjugate_gradients,
    converge,
    factorise,
    solve_in_chunks,
)

PATCH_COLUMNS = 16  # one register of a matrix product; a single column costs hardly less
PIXEL_COLUMNS = 5  # as many as stay in a processor's cache

Array = TypeVar("Array", Tensor, npt.NDArray[np.floating])


def propagate(features: Array, seeds: Array, positions: Array, config: LPOSSConfig) -> Array:
    """Spread the scores of patches over the graph of look-alike and nearby patches.

    Solves ``(I - alpha S) x = y`` for every column y of the seeds. Values grow up to ``1 / (1 - alpha)``
    times; their order carries the meaning.

    Args:
        features: unit vectors of ``N`` patches, shape ``(N, D)``, NumPy or torch.
        seeds: one column a class, shape ``(N, C)``, of the same kind.
        positions: patch centres ``(y, x)`` in pixels, shape ``(N, 2)``, of the same kind.
        config: graph settings, ``alpha`` and the solver.

    Returns:
        Scores, float32, shape ``(N, C)``, of the kind that came in.

    Raises:
        ValueError: if shapes do not agree or a value is not finite.
    """
    nodes, places, columns = (_tensor(array) for array in (features, positions, seeds))
    if columns.ndim != 2 or len(columns) != len(nodes):
        raise ValueError(
            f"seeds must have shape (N, C) with N = {len(nodes)} nodes, got {tuple(columns.shape)}"
        )
    _check_finite(features=nodes, positions=places, seeds=columns)
    with torch.no_grad():
        graph = build_patch_graph(nodes, places, config)
        solve = patch_solver(graph, config)
        scores = solve_in_chunks(solve, columns.T.contiguous(), PATCH_COLUMNS).T
    return _like(seeds, scores)


def refine(image: npt.NDArray[np.uint8], scores: Array, config: LPOSSConfig) -> Array:
    """Spread the scores of pixels over the graph of nearby pixels of like colour (LPOSS+).

    Args:
        image: RGB, uint8, shape ``(H, W, 3)``.
        scores: one layer a class, shape ``(H, W, C)``, NumPy or torch; a tensor says where to compute.
        config: ``tau``, ``r``, ``alpha`` and the solver.

    Returns:
        Scores, float32, shape ``(H, W, C)``, of the kind that came in.

    Raises:
        ValueError: if shapes do not agree or a value is not finite.
    """
    layers = _tensor(scores)
    if layers.ndim != 3 or tuple(layers.shape[:2]) != tuple(np.shape(image)[:2]):
        raise ValueError(
            f"scores must have shape (H, W, C) with (H, W) = {tuple(np.shape(image)[:2])} of the image, "
            f"got {tuple(layers.shape)}"
        )
    _check_finite(scores=layers)
    with torch.no_grad():
        graph = build_pixel_graph(image, config.tau, config.r, layers.device)
        solve = graph_solver(graph, config)
        columns = layers.flatten(0, 1).T.contiguous()
        refined = torch.cat([solve(chunk) for chunk in torch.split(columns, PIXEL_COLUMNS)])
    return _like(scores, refined.T.reshape(layers.shape))


def is_factorised(graph: PatchGraph, config: LPOSSConfig) -> bool:
    """Say whether the columns of a graph are solved with a factor.

    Args:
        graph: any patch graph.
        config: ``solver`` decides; a graph too large to be held densely converges step by step.
    """
    return config.solver == "exact" and graph.nodes <= FACTOR_NODES


def patch_solver(graph: PatchGraph, config: LPOSSConfig, factor: Factor | None = None) -> Solve:
    """Choose how patch columns are solved.

    Args:
        graph: the patch graph.
        config: ``solver``, ``alpha`` and the limits of the published solver.
        factor: of this graph and ``alpha``; made here where it is needed and not given.

    Returns:
        Maps seeds of shape ``(C, N)`` to scores of that shape.
    """
    if not is_factorised(graph, config):
        return graph_solver(graph, config)
    return (factor or factorise(graph, config.alpha)).solve


def graph_solver(graph: Graph, config: LPOSSConfig) -> Solve:
    """Choose how the columns of a graph without a factor are solved.

    Args:
        graph: the pixel graph, or a large patch graph.
        config: ``solver``, ``alpha`` and the limits of the published solver.

    Returns:
        Maps seeds of shape ``(C, nodes)`` to scores of that shape.
    """
    if config.solver == "exact":
        return partial(converge, graph, alpha=config.alpha)
    return partial(conjugate_gradients, graph, alpha=config.alpha, tol=config.cg_tol, steps=config.cg_maxiter)


def _tensor(array: Tensor | npt.NDArray[np.floating]) -> Tensor:
    if isinstance(array, Tensor):
        return array.detach().float()
    return torch.from_numpy(np.array(array, dtype=np.float32))  # a copy: the array may be read-only


def _like(given: Array, scores: Tensor) -> Array:
    return scores.contiguous() if isinstance(given, Tensor) else scores.contiguous().cpu().numpy()


def _check_finite(**arrays: Tensor) -> None:
    for name, array in arrays.items():
        if not bool(torch.isfinite(array).all()):
            raise ValueError(f"{name} must be finite, got {int((~torch.isfinite(array)).sum())} other values")
