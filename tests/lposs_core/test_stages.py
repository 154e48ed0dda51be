import time
from collections.abc import Callable, Hashable
from typing import Any

from lposs_core.stages import NoCache, Watch, look_up


class DictCache:
    def __init__(self) -> None:
        self.kept: dict[Hashable, Any] = {}

    def get(self, key: Hashable, build: Callable[[], Any]) -> Any:
        if key not in self.kept:
            self.kept[key] = build()
        return self.kept[key]


def test_looking_up_builds_and_keeps_nothing():
    cache = DictCache()
    assert look_up(cache, "a") is None
    assert cache.kept == {}
    cache.get("a", lambda: 3)
    assert look_up(cache, "a") == 3
    assert look_up(NoCache(), "a") is None


def test_nested_stages_are_not_counted_twice():
    watch = Watch()
    start = time.perf_counter()
    with watch.stage("outer"):
        time.sleep(0.02)
        with watch.stage("inner"):
            time.sleep(0.05)
        with watch.stage("inner"):
            time.sleep(0.05)
    elapsed = time.perf_counter() - start
    assert watch.seconds["inner"] >= 0.1
    assert watch.seconds["outer"] >= 0.02
    assert sum(watch.seconds.values()) <= elapsed


def test_progress_is_passed_on():
    seen: list[tuple[str, float]] = []
    watch = Watch(lambda name, fraction: seen.append((name, fraction)))
    with watch.stage("graph"):
        watch.report("graph", 0.5)
    assert seen == [("graph", 0.0), ("graph", 0.5), ("graph", 1.0)]
