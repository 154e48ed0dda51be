"""Exact nearest neighbours by inner product."""

from __future__ import annotations

import importlib.util

import torch
from torch import Tensor

from lposs_core.config import Knn

_ROWS = 1024  # rows of similarities held at a time: 43 MB at the 10 584 patches of the longest picture
_FAISS_GPU_NEIGHBOURS = 2048  # most neighbours that faiss finds on a GPU; more are searched on the CPU
_FAISS_PAYS_FROM = 5000  # nodes; below, torch is quicker on a CPU


def nearest_neighbours(features: Tensor, k: int, backend: Knn = "auto") -> tuple[Tensor, Tensor]:
    """Find the ``min(k, N)`` most similar nodes of every node, the node itself included.

    Args:
        features: one vector a node, float32, shape ``(N, D)``.
        k: wanted neighbours, at least 1.
        backend: ``"torch"``; ``"faiss"``; or ``"auto"``: faiss for many nodes where it is installed for the
            device of the features, otherwise torch.

    Returns:
        Inner products, float32, and node indices, int64, each ``(N, min(k, N))``, the most similar first.

    Raises:
        RuntimeError: if faiss is asked for and is not installed.
    """
    k = min(k, len(features))
    return _faiss(features, k) if _wants_faiss(features, backend) else _torch(features, k)


def _wants_faiss(features: Tensor, backend: Knn) -> bool:
    if backend != "auto":
        return backend == "faiss"
    if len(features) < _FAISS_PAYS_FROM or not _faiss_is_installed():
        return False
    return not features.is_cuda or _faiss_sees_gpu()


def _faiss_is_installed() -> bool:
    return importlib.util.find_spec("faiss") is not None


def _faiss_sees_gpu() -> bool:
    import faiss

    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


def _torch(features: Tensor, k: int) -> tuple[Tensor, Tensor]:
    found = [(rows @ features.T).topk(k, dim=1) for rows in torch.split(features, _ROWS)]
    return torch.cat([part.values for part in found]), torch.cat([part.indices for part in found])


def _faiss(features: Tensor, k: int) -> tuple[Tensor, Tensor]:
    if not _faiss_is_installed():
        raise RuntimeError(
            'knn = "faiss" needs the package faiss-cpu or faiss-gpu; install one or use "torch"'
        )
    import faiss

    index: faiss.Index = faiss.IndexFlatIP(features.shape[1])
    if features.is_cuda and k <= _FAISS_GPU_NEIGHBOURS and _faiss_sees_gpu():
        index = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), features.device.index or 0, index)
    vectors = features.detach().cpu().contiguous().numpy()
    index.add(vectors)
    similarities, indices = index.search(vectors, k)
    return (
        torch.from_numpy(similarities).to(features.device),
        torch.from_numpy(indices).to(features.device),
    )
