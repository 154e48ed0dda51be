import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from pipelines.cache import FeatureCache, nested_bytes


def floats(count: int) -> torch.Tensor:
    return torch.zeros(count)


def test_a_value_is_built_once_and_handed_out_as_it_is():
    cache = FeatureCache(1_000_000)
    first = cache.get("a", lambda: floats(10))
    assert cache.get("a", lambda: pytest.fail("built again")) is first
    status = cache.status()
    assert (status.entries, status.hits, status.misses) == (1, 1, 1)
    assert status.bytes == nested_bytes(first) == 40


def test_the_least_recently_used_value_goes_first():
    cache = FeatureCache(100)
    for key in "ab":
        cache.get(key, lambda: floats(10))
    cache.get("a", lambda: pytest.fail("was there"))
    cache.get("c", lambda: floats(10))
    assert cache.status().entries == 2
    cache.get("a", lambda: pytest.fail("used last, so it stays"))
    built = []
    cache.get("b", lambda: built.append(1) or floats(10))
    assert built == [1]


def test_the_bound_holds_after_any_sequence():
    cache = FeatureCache(1000)
    draw = np.random.default_rng(0)
    for _ in range(500):
        size = int(draw.integers(1, 150))
        cache.get((int(draw.integers(40)), size), lambda size=size: floats(size))
        assert cache.status().bytes <= 1000


def test_an_oversize_value_passes_through_and_drops_nothing():
    cache = FeatureCache(100)
    kept = cache.get("small", lambda: floats(10))
    assert cache.get("large", lambda: floats(100)).numel() == 100
    assert cache.get("small", lambda: pytest.fail("was there")) is kept
    assert cache.status().entries == 1


def test_eight_threads_build_once():
    cache = FeatureCache(1_000_000)
    builds = []
    gate = threading.Barrier(8)

    def build() -> torch.Tensor:
        builds.append(threading.get_ident())
        time.sleep(0.05)
        return floats(5)

    def ask(_: int) -> torch.Tensor:
        gate.wait()
        return cache.get("key", build)

    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(ask, range(8)))
    assert len(builds) == 1
    assert all(value is values[0] for value in values)


def test_a_failure_is_not_kept_and_does_not_reach_other_threads():
    cache = FeatureCache(1_000_000)
    started, release = threading.Event(), threading.Event()

    def fail() -> torch.Tensor:
        started.set()
        release.wait()
        raise RuntimeError("out of luck")

    with ThreadPoolExecutor(2) as pool:
        unlucky = pool.submit(cache.get, "key", fail)
        started.wait()
        lucky = pool.submit(cache.get, "key", lambda: floats(3))
        release.set()
        with pytest.raises(RuntimeError, match="out of luck"):
            unlucky.result()
        assert lucky.result().numel() == 3


def test_a_build_may_ask_for_other_keys():
    cache = FeatureCache(1_000_000)
    value = cache.get("outer", lambda: cache.get("inner", lambda: floats(2)) + 1)
    assert value.tolist() == [1, 1]
    assert cache.status().entries == 2


def test_many_threads_and_keys_always_get_the_value_of_their_key():
    cache = FeatureCache(600)  # holds a fraction of the keys, so that values come and go

    def ask(number: int) -> bool:
        key = number % 37
        return bool((cache.get(key, lambda: torch.full((20,), float(key))) == key).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(3000)))
    assert cache.status().bytes <= 600


@dataclass(slots=True)
class Graph:
    weights: torch.Tensor
    extra: dict[str, np.ndarray]


@pytest.mark.parametrize(
    ("value", "tensors"),
    [
        (torch.zeros(10, dtype=torch.float16), 20),
        (torch.zeros(100)[:10], 400),
        (np.zeros(7), 56),
        (np.zeros((10, 10))[2:3], 800),
    ],
)
def test_sizes_count_the_storage_behind_a_value(value, tensors):
    assert nested_bytes(value) == tensors


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_sizes_of_sparse_matrices_count_values_and_indices():
    matrix = torch.sparse_csr_tensor(torch.arange(5), torch.arange(4), torch.ones(4), check_invariants=True)
    assert nested_bytes(matrix) == 5 * 8 + 4 * 8 + 4 * 4


def test_sizes_of_nested_values_count_shared_storages_once():
    weights = torch.zeros(1000)
    graph = Graph(weights, {"rows": np.zeros(500), "same": np.zeros(0)})
    assert 8000 <= nested_bytes(graph) < 9000
    assert nested_bytes([graph, weights, weights[5:]]) < 9500


def test_a_negative_bound_is_refused():
    with pytest.raises(ValueError, match="at least 0, got -1"):
        FeatureCache(-1)
