"""The LPOSS graph: patches tied by looks and by nearness."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lposs_core import cupy_product
from lposs_core.config import LPOSSConfig
from lposs_core.knn import nearest_neighbours

DENSE_NODES = 4000  # a dense matrix of more nodes passes 64 MB and is slower than a sparse one
_ROWS = 1024  # rows of a large affinity made at a time
MAX_NODES = 60_000  # 48 M ties at k = 400, about half a gigabyte


@dataclass(frozen=True, slots=True)
class PatchGraph:
    """The degree-normalised affinity ``S = D^-1/2 W D^-1/2`` of ``N`` patches.

    Attributes:
        affinity: ``S``, float32, shape ``(N, N)``, symmetric with a zero diagonal; dense, or CSR where large.
    """

    affinity: Tensor

    @property
    def nodes(self) -> int:
        """Number of patches ``N``."""
        return len(self.affinity)

    @property
    def nbytes(self) -> int:
        """Memory of the affinity, in bytes."""
        if self.affinity.layout == torch.strided:
            return self.affinity.nbytes
        parts = (self.affinity.crow_indices(), self.affinity.col_indices(), self.affinity.values())
        return sum(part.nbytes for part in parts)

    def multiply(self, columns: Tensor) -> Tensor:
        """Compute ``S x`` for several columns.

        Args:
            columns: one column a row, float32, shape ``(C, N)``.

        Returns:
            Products, float32, shape ``(C, N)``.
        """
        if self.affinity.layout == torch.strided:
            return columns @ self.affinity
        if cupy_product.is_usable(self.affinity):
            return cupy_product.csr_product(self.affinity, columns)
        return (self.affinity @ columns.T).T

    def dense(self) -> Tensor:
        """Return ``S`` as a dense tensor of shape ``(N, N)``."""
        return self.affinity if self.affinity.layout == torch.strided else self.affinity.to_dense()


def build_patch_graph(
    features: Tensor, positions: Tensor, config: LPOSSConfig, *, dense_nodes: int = DENSE_NODES
) -> PatchGraph:
    """Tie every patch to its nearest neighbours.

    ``w_ij = max(f_i . f_j, 0)^gamma * exp(-sigma * |p_i - p_j|^pow)`` for j among the k neighbours of i,
    ``W <- W + W^T`` (mutual neighbours count twice), zero diagonal, degrees normalised; a patch without any
    tie keeps degree 1.

    Args:
        features: unit vectors, float32, shape ``(N, D)``.
        positions: patch centres ``(y, x)`` in pixels, float32, shape ``(N, 2)``, on the same device.
        config: ``gamma``, ``k``, ``sigma``, ``pix_dist_pow`` and ``knn`` are used.
        dense_nodes: largest graph stored as a dense matrix.

    Returns:
        The graph, on the device of ``features``.

    Raises:
        ValueError: if the shapes do not agree or there are too many patches.
    """
    _check_nodes(features, positions)
    similarities, neighbours = nearest_neighbours(features, config.k, config.knn)
    weights = similarities.clamp_min(0) ** config.gamma
    weights *= _nearness(positions, neighbours, config)
    if len(features) <= dense_nodes:
        return PatchGraph(_normalise_dense(weights, neighbours))
    return PatchGraph(_normalise_sparse(weights, neighbours))


def _check_nodes(features: Tensor, positions: Tensor) -> None:
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(f"features must have shape (N, D) with N, D >= 1, got {tuple(features.shape)}")
    if positions.shape != (len(features), 2):
        raise ValueError(
            f"positions must have shape (N, 2) with N = {len(features)} nodes, got {tuple(positions.shape)}"
        )
    if len(features) > MAX_NODES:
        raise ValueError(
            f"the patch graph holds at most {MAX_NODES} nodes, got {len(features)}; "
            "choose a larger stride or a smaller short_side"
        )


def _nearness(positions: Tensor, neighbours: Tensor, config: LPOSSConfig) -> Tensor:
    """``exp(-sigma * |p_i - p_j|^pow)`` of each tie, shape ``(N, k)``; no N x N distances are made."""
    dy = positions[:, 0, None] - positions[:, 0][neighbours]
    dx = positions[:, 1, None] - positions[:, 1][neighbours]
    distance = torch.hypot(dy, dx)
    return torch.exp(-config.sigma * distance**config.pix_dist_pow)


def _normalise_dense(weights: Tensor, neighbours: Tensor) -> Tensor:
    nodes = len(weights)
    directed = weights.new_zeros(nodes, nodes).scatter_(1, neighbours, weights)
    affinity = directed + directed.T
    affinity.fill_diagonal_(0)
    scale = _inverse_root(affinity.sum(1, dtype=torch.float64))
    return affinity.mul_(scale[:, None]).mul_(scale)


def _normalise_sparse(weights: Tensor, neighbours: Tensor) -> Tensor:
    blocks = [_affinity_rows(weights, neighbours, *span) for span in _spans(neighbours)]
    rows, columns, values = (torch.cat(parts) for parts in zip(*blocks, strict=True))
    nodes = len(weights)
    degrees = torch.zeros(nodes, dtype=torch.float64, device=values.device).index_add_(
        0, rows, values.double()
    )
    scale = _inverse_root(degrees)
    return _csr(rows, columns, values * scale[rows] * scale[columns], nodes)


def _spans(neighbours: Tensor) -> Iterator[tuple[int, int, Tensor]]:
    """Blocks of rows ``first, last`` with the flat indices of the ties that point into the block."""
    nodes = len(neighbours)
    order = neighbours.flatten().argsort(stable=True)
    ends = torch.bincount(neighbours.flatten(), minlength=nodes).cumsum(0).tolist()
    for first in range(0, nodes, _ROWS):
        last = min(first + _ROWS, nodes)
        yield first, last, order[ends[first - 1] if first else 0 : ends[last - 1]]


def _affinity_rows(
    weights: Tensor, neighbours: Tensor, first: int, last: int, incoming: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows ``first`` to ``last`` of ``W + W^T`` without the diagonal: row, column and value of each tie."""
    nodes, k = weights.shape
    block = weights.new_zeros(last - first, nodes).scatter_(1, neighbours[first:last], weights[first:last])
    places = (neighbours.flatten()[incoming] - first) * nodes + incoming // k
    block.view(-1).index_add_(0, places, weights.flatten()[incoming])
    block[:, first:last].fill_diagonal_(0)
    rows, columns = block.nonzero(as_tuple=True)
    return rows + first, columns, block[rows, columns]


def _csr(rows: Tensor, columns: Tensor, values: Tensor, nodes: int) -> Tensor:
    ends = torch.bincount(rows, minlength=nodes).cumsum(0)
    starts = torch.cat([ends.new_zeros(1), ends])
    with warnings.catch_warnings():  # a notice about torch itself, given once a process
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            starts.int(), columns.int(), values, (nodes, nodes), check_invariants=False
        )


def _inverse_root(degrees: Tensor) -> Tensor:
    """``D^-1/2`` in float32 of degrees summed in float64: their rounding would show in every step."""
    scale = torch.where(degrees > 0, degrees, torch.ones_like(degrees)).rsqrt()
    return scale.float()
