import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from pipelines.errors import Busy
from pipelines.pool import ModelPool, Need


class Model:
    """A stand-in that knows its name and whether it is still held by the pool."""

    def __init__(self, name: str) -> None:
        self.name = name


def need(name: str, size: int = 10, builds: list[str] | None = None) -> dict[str, Need]:
    def build() -> tuple[Model, int]:
        if builds is not None:
            builds.append(name)
        return Model(name), size

    return {name: Need(build, size)}


def lease(pool: ModelPool, name: str, size: int = 10, builds: list[str] | None = None):
    return pool.lease(need(name, size, builds), label=name)


def held(pool: ModelPool) -> list[str]:
    return [slot.key for slot in pool.status()]


def test_eight_threads_one_build():
    pool, builds, gate = ModelPool(100, 5), [], threading.Barrier(8)

    def use(_: int) -> Model:
        gate.wait()
        with lease(pool, "a", builds=builds) as models:
            return models["a"]

    with ThreadPoolExecutor(8) as threads:
        models = list(threads.map(use, range(8)))
    assert builds == ["a"]
    assert len(set(map(id, models))) == 1


def test_the_least_recently_used_unleased_model_is_dropped():
    pool = ModelPool(30, 5)
    for name in "abc":
        with lease(pool, name):
            pass
    with lease(pool, "a"):
        pass
    with lease(pool, "d"):
        assert held(pool) == ["c", "a", "d"]


def test_a_leased_model_is_never_dropped_and_the_next_request_waits_for_room():
    pool = ModelPool(20, 5)
    order = []
    with ExitStack() as stack:
        stack.enter_context(lease(pool, "a"))
        inner = ExitStack()
        inner.enter_context(lease(pool, "b"))

        def late() -> None:
            with lease(pool, "c"):
                order.append(held(pool))

        thread = threading.Thread(target=late)
        thread.start()
        time.sleep(0.05)
        assert held(pool) == ["a", "b"]
        inner.close()
        thread.join(5)
    assert order == [["a", "c"]]


def test_waiting_requests_are_served_in_the_order_they_came():
    pool, served = ModelPool(10, 5), []
    blocker = ExitStack()
    blocker.enter_context(lease(pool, "first"))

    def wait_for(name: str) -> None:
        with lease(pool, name):
            served.append(name)

    threads = []
    for name in ("b", "c", "d", "e"):
        threads.append(threading.Thread(target=wait_for, args=(name,)))
        threads[-1].start()
        time.sleep(0.02)
    blocker.close()
    for thread in threads:
        thread.join(5)
    assert served == ["b", "c", "d", "e"]


def test_no_room_in_time_is_said_and_leaves_no_trace():
    pool = ModelPool(10, 0.05)
    with lease(pool, "a"):
        with pytest.raises(Busy, match=r"0\.05 s of waiting") as caught, lease(pool, "b"):
            pass
        assert caught.value.code == "timeout"
    with lease(pool, "b"):
        assert held(pool) == ["b"]


def test_more_than_the_whole_budget_is_refused_at_once():
    with (
        pytest.raises(Busy, match="needs 3 MB, more than the 2 MB"),
        lease(ModelPool(2_000_000, 60), "a", 2_500_000),
    ):
        pass


def test_a_failed_build_reaches_everybody_who_waits_and_is_tried_again():
    pool, attempts, gate = ModelPool(100, 5), [], threading.Event()

    def build() -> tuple[Model, int]:
        attempts.append(1)
        gate.wait()
        if len(attempts) == 1:
            raise OSError("disk on fire")
        return Model("a"), 10

    def use(_: int) -> str:
        try:
            with pool.lease({"a": Need(build, 10)}, label="a") as models:
                return models["a"].name
        except OSError as error:
            return str(error)

    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(use, n) for n in range(4)]
        time.sleep(0.1)
        gate.set()
        assert {answer.result() for answer in answers} == {"disk on fire"}
    assert len(attempts) == 1
    assert held(pool) == []
    assert use(0) == "a"


def test_the_failure_of_one_part_does_not_spoil_the_other():
    pool = ModelPool(100, 5)

    def fail() -> tuple[Model, int]:
        raise OSError("no file")

    with pytest.raises(OSError, match="no file"), pool.lease({"x": Need(fail, 10), **need("y")}, label="xy"):
        pass
    assert held(pool) == ["y"]


def test_a_model_larger_than_announced_pushes_out_others():
    pool = ModelPool(30, 5)
    with lease(pool, "a"), lease(pool, "b"):
        pass
    with pool.lease({"c": Need(lambda: (Model("c"), 25), 5)}, label="c"):
        assert held(pool) == ["c"]


def test_lease_and_evict_at_once_never_gives_a_wrong_or_dropped_model():
    pool = ModelPool(30, 30)  # three of six models fit
    in_use: dict[str, int] = dict.fromkeys("abcdef", 0)
    guard, builds, wrong = threading.Lock(), [], []

    def build(name: str) -> tuple[Model, int]:
        with guard:
            builds.append(name)
            if in_use[name]:
                wrong.append(f"{name} was built again while it was leased")
        return Model(name), 10

    def visit(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(60):
            names = draw.sample("abcdef", draw.choice((1, 1, 2)))
            needs = {name: Need(lambda name=name: build(name), 10) for name in names}
            with pool.lease(needs, label="test") as models:
                with guard:
                    for name in names:
                        in_use[name] += 1
                        if models[name].name != name or name not in held(pool):
                            wrong.append(name)
                    if sum(bool(count) for count in in_use.values()) > 3:
                        wrong.append("over budget")
                time.sleep(draw.random() * 0.001)
                with guard:
                    for name in names:
                        in_use[name] -= 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(visit, range(8)))
    assert wrong == []
    assert set(builds) == set("abcdef")
    assert all(slot.leases == 0 for slot in pool.status())
    assert sum(slot.bytes for slot in pool.status()) <= 30
