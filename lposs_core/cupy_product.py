"""Products of a sparse graph with columns through CuPy, where it is installed and the graph lies on a GPU."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


def is_usable(affinity: Tensor) -> bool:
    """Say whether products with ``affinity`` go through CuPy.

    Args:
        affinity: of a patch graph.
    """
    return (
        affinity.is_cuda
        and affinity.layout == torch.sparse_csr
        and importlib.util.find_spec("cupy") is not None
    )


def csr_product(affinity: Tensor, columns: Tensor) -> Tensor:
    """Compute ``S x`` for several columns on the GPU; torch and CuPy share the memory, nothing is copied.

    Args:
        affinity: CSR, float32, shape ``(N, N)``, on a CUDA device.
        columns: one column a row, float32, shape ``(C, N)``, on the same device.

    Returns:
        Products, float32, shape ``(C, N)``.
    """
    import cupy
    import cupyx.scipy.sparse as cupy_sparse

    with _on_torch_stream(cupy, affinity.device):
        return product_with(cupy, cupy_sparse, affinity, columns)


def product_with(arrays: Any, sparse: Any, affinity: Tensor, columns: Tensor) -> Tensor:
    """Compute ``S x`` with an array module and its sparse module.

    Args:
        arrays: ``cupy``, or ``numpy`` for tensors on the CPU.
        sparse: ``cupyx.scipy.sparse``, or ``scipy.sparse``.
        affinity: CSR, float32, shape ``(N, N)``.
        columns: one column a row, float32, shape ``(C, N)``.

    Returns:
        Products, float32, shape ``(C, N)``.
    """
    parts = (affinity.values(), affinity.col_indices(), affinity.crow_indices())
    matrix = sparse.csr_matrix(tuple(arrays.from_dlpack(part) for part in parts), shape=tuple(affinity.shape))
    product = matrix @ arrays.from_dlpack(columns.T.contiguous())
    return torch.utils.dlpack.from_dlpack(product).T.contiguous()


@contextmanager
def _on_torch_stream(cupy: Any, device: torch.device) -> Iterator[None]:
    """Queue CuPy's work behind torch's, on one stream."""
    stream = torch.cuda.current_stream(device)
    with cupy.cuda.Device(stream.device_index), cupy.cuda.ExternalStream(stream.cuda_stream):
        yield
