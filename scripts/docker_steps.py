"""Perform the Dockerfile's steps without Docker, in a scratch folder, then ask the page.

    python3 scripts/docker_steps.py               # everything, as `docker build` and `docker run` would
    python3 scripts/docker_steps.py --venv .venv  # quick: with packages that are installed already

COPY (with .dockerignore), ENV, ARG, WORKDIR, RUN, HEALTHCHECK and CMD are read from the Dockerfile and
carried out there. What an unprivileged process cannot do is only printed: FROM and the steps before USER.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
IMAGE_HOME = "/home/user"
PASSED_ON = ("PIP_", "SSL_CERT", "REQUESTS_CA", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http", "no_proxy")
START_LIMIT = 180.0  # seconds until the page must answer


@dataclass(frozen=True)
class Step:
    """One instruction of a Dockerfile."""

    word: str
    rest: str


def read_steps(text: str) -> list[Step]:
    """Instructions of a Dockerfile in order; comments dropped, continued lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    pairs = (line.strip().split(maxsplit=1) for line in joined.splitlines())
    return [Step(word.upper(), rest) for word, rest in pairs]


def is_ignored(path: str, patterns: list[str]) -> bool:
    """Whether .dockerignore leaves a path (relative, with slashes) out of the build."""
    parts = path.split("/")
    heads = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    return any(
        fnmatch.fnmatch(head.rsplit("/", 1)[-1], pattern[3:])
        if pattern.startswith("**/")
        else fnmatch.fnmatch(head, pattern.rstrip("/"))
        for pattern in patterns
        for head in heads
    )


def context_files() -> Iterator[str]:
    """Files of the checkout that a build can see."""
    patterns = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").split()
    for folder, folders, files in os.walk(REPOSITORY):
        place = Path(folder).relative_to(REPOSITORY)
        folders[:] = [name for name in folders if not is_ignored((place / name).as_posix(), patterns)]
        paths = ((place / name).as_posix() for name in files)
        yield from (path for path in paths if not is_ignored(path, patterns))


@dataclass
class Build:
    """State of a build: where the image's files are, and its environment so far."""

    root: Path
    venv: Path | None
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = Path("/")
    unprivileged: bool = False
    health: str = ""
    command: list[str] = field(default_factory=list)

    def here(self, text: str) -> str:
        """Move the image's home folder into the scratch folder."""
        return text.replace(IMAGE_HOME, f"{self.root}{IMAGE_HOME}")

    def perform(self, step: Step) -> None:
        """Carry out one instruction."""
        getattr(self, f"do_{step.word.lower()}", self.skip)(step.rest)

    def skip(self, rest: str) -> None:
        """Say what was not done."""
        print(f"   skipped: {rest}")

    do_from = do_expose = skip

    def do_user(self, rest: str) -> None:
        """From here on steps need no privileges."""
        self.unprivileged = True

    def do_env(self, rest: str) -> None:
        """Set variables of the image."""
        for pair in shlex.split(rest):
            name, _, value = pair.partition("=")
            self.environment[name] = self.here(value)
        tools = f"{self.root}/usr/local/bin"
        path = self.environment.get("PATH", "")
        if path and tools not in path:  # the stand-in of the image's own Python comes first
            self.environment["PATH"] = path.replace("/usr/local/bin", f"{tools}:/usr/local/bin", 1)

    def do_arg(self, rest: str) -> None:
        """Set a build argument to its default, unless the caller's environment has one."""
        name, _, value = shlex.split(rest)[0].partition("=")
        self.environment.setdefault(name, os.environ.get(name, value))

    def do_workdir(self, rest: str) -> None:
        """Enter a folder."""
        self.folder = Path(self.here(rest))
        self.folder.mkdir(parents=True, exist_ok=True)

    def do_copy(self, rest: str) -> None:
        """Copy from the checkout, without what .dockerignore names."""
        *sources, target = [word for word in shlex.split(rest) if not word.startswith("--")]
        for name in context_files():
            if any(source in (".", name) for source in sources):
                copy = self.folder / target / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(REPOSITORY / name, copy)

    def do_run(self, rest: str) -> None:
        """Run a shell command of the build."""
        if not self.unprivileged:
            self.skip(rest)
        elif self.venv and "venv" in rest:
            self.use_venv(self.venv)
        else:
            subprocess.run(["sh", "-c", self.here(rest)], check=True, cwd=self.folder, env=self.variables())

    def use_venv(self, venv: Path) -> None:
        """Stand an existing environment where the build would make its own."""
        Path(self.here(f"{IMAGE_HOME}/venv")).symlink_to(venv.resolve())

    def do_healthcheck(self, rest: str) -> None:
        """Remember how Docker would ask whether the page is well."""
        self.health = rest.partition("CMD ")[2]

    def do_cmd(self, rest: str) -> None:
        """Remember the container's command."""
        self.command = json.loads(rest)

    def variables(self) -> dict[str, str]:
        """The image's environment, and what the caller says about networks."""
        passed = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        return passed | self.environment


def stand_in_python(build: Build) -> None:
    """Offer this interpreter as the image's `python`."""
    script = build.root / "usr/local/bin/python"
    script.parent.mkdir(parents=True)
    script.write_text(f'#!/bin/sh\nexec {Path(sys._base_executable).resolve()} "$@"\n')  # type: ignore[attr-defined]
    script.chmod(0o755)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes]) -> str:
    """Ask until the page answers.

    Raises:
        SystemExit: the process ended, or the time is up.
    """
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                text: str = answer.read().decode()
                return text
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.5)
    raise SystemExit(f"{url} did not answer within {START_LIMIT:.0f} s (exit code {process.poll()})")


def serve_and_ask(build: Build) -> None:
    """Start the container's command, load the page and run the health check."""
    port = free_port()
    variables = build.variables() | {"PORT": str(port)}
    started = time.monotonic()
    process = subprocess.Popen(build.command, cwd=build.folder, env=variables)
    try:
        page = wait_for(f"http://127.0.0.1:{port}/", process)
        print(f"-- the page answers after {time.monotonic() - started:.1f} s with {len(page)} characters")
        subprocess.run(["sh", "-c", build.health], check=True, cwd=build.folder, env=variables)
        print("-- the health check passes")
    finally:
        process.terminate()
        process.wait(30)


def main() -> None:
    """Build in a scratch folder, serve, ask, clean up."""
    parser = argparse.ArgumentParser(description="Perform the Dockerfile's steps without Docker.")
    parser.add_argument("--venv", type=Path, help="use these installed packages instead of installing")
    venv: Path | None = parser.parse_args().venv
    with tempfile.TemporaryDirectory(prefix="docker-steps-") as folder:
        build = Build(Path(folder), venv)
        stand_in_python(build)
        for step in read_steps((REPOSITORY / "Dockerfile").read_text(encoding="utf-8")):
            print(f"-- {step.word} {step.rest}", flush=True)
            build.perform(step)
        serve_and_ask(build)


if __name__ == "__main__":
    main()
