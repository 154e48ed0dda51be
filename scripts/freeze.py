"""Rewrite constraints.txt: the exact releases that requirements*.txt resolve to in this environment.

Run it in the environment whose tests passed: ``.venv/bin/python scripts/freeze.py``.
"""

from __future__ import annotations

import importlib.metadata as metadata
import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[1]
ROOTS = ("requirements.txt", "requirements-test.txt")
HEADER = """\
# The exact releases this version was tested with (Linux, x86-64, Python 3.11); `make` installs them.
# Written by scripts/freeze.py from the environment whose tests passed; do not edit by hand.
"""


def read_requirements(path: Path) -> list[Requirement]:
    """Requirements named in one file, options such as ``-r`` left out."""
    lines = (line.partition(" #")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def _needed(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""})


def closure(roots: list[Requirement]) -> dict[str, str]:
    """Map each distribution the roots need, directly or not, to its public release number."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = list(roots)
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        distribution = metadata.distribution(requirement.name)
        found[distribution.name] = re.sub(r"\+.*", "", distribution.version)
        children = [Requirement(line) for line in distribution.requires or []]
        waiting += [child for child in children if _needed(child, set(requirement.extras))]
    return found


def main() -> None:
    """Write constraints.txt beside the requirements."""
    roots = [one for name in ROOTS for one in read_requirements(REPOSITORY / name)]
    releases = sorted(closure(roots).items(), key=lambda item: canonicalize_name(item[0]))
    text = HEADER + "".join(f"{name}=={version}\n" for name, version in releases)
    (REPOSITORY / "constraints.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
