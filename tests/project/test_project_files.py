"""Files of the project that must agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGES = ("ui", "evaluation", "pipelines", "lposs_core", "pnp_ovss", "attribution", "tiny_vlm")
TARGETS = ("demo", "test", "check", "photos", "bench", "docker-steps", "help")


def _requirements(path: Path) -> list[Requirement]:
    lines = (line.partition(" #")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def _constraints(repository: Path) -> dict[str, str]:
    pins = _requirements(repository / "constraints.txt")
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def _front_matter(repository: Path) -> dict[str, object]:
    text = (repository / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\n")
    content: dict[str, object] = yaml.safe_load(text.split("---\n")[1])
    return content


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt"])
def test_every_requirement_is_pinned_to_a_release_it_allows(repository: Path, name: str) -> None:
    pins = _constraints(repository)
    for requirement in _requirements(repository / name):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


def test_constraints_hold_releases_of_registries_only(repository: Path) -> None:
    for name, version in _constraints(repository).items():
        assert re.fullmatch(r"[0-9][0-9a-z.]*", version), f"{name} is pinned to {version}"


def test_the_space_uses_the_tested_gradio(repository: Path) -> None:
    front = _front_matter(repository)
    assert front["sdk"] == "gradio"
    assert front["sdk_version"] == _constraints(repository)["gradio"]
    required = {one.name: str(one.specifier) for one in _requirements(repository / "requirements.txt")}
    assert required["gradio"] == f"=={front['sdk_version']}"


def test_the_space_finds_its_entry_and_a_python_that_is_allowed(repository: Path) -> None:
    front = _front_matter(repository)
    assert (repository / str(front["app_file"])).is_file()
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert Requirement(f"python{project['requires-python']}").specifier.contains(str(front["python_version"]))


def test_the_library_asks_for_no_more_than_the_page(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = {canonicalize_name(one.name) for one in _requirements(repository / "requirements.txt")}
    for line in project["dependencies"]:
        requirement = Requirement(line)
        assert canonicalize_name(requirement.name) in page, line


def test_make_has_the_promised_targets_with_a_line_of_help(repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    for target in TARGETS:
        assert re.search(rf"^{target}:.* ## \S", makefile, flags=re.M), target


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs"])
def test_links_between_documents_lead_somewhere(repository: Path, document: str) -> None:
    place = repository / document
    for path in sorted(place.glob("*.md")) if place.is_dir() else [place]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/deploy.md"])
def test_documents_name_targets_that_exist(repository: Path, document: str) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z-]+)", (repository / document).read_text(encoding="utf-8")):
        assert re.search(rf"^{target}:", makefile, flags=re.M), target


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_typed_and_described(repository: Path, package: str) -> None:
    assert (repository / package / "__init__.py").read_text(encoding="utf-8").startswith('"""')
    assert (repository / package / "py.typed").exists() or package in ("ui", "pipelines", "evaluation")


def test_the_changelog_knows_the_version(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"## [{project['version']}]" in (repository / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_image_serves_as_the_page_is_served(repository: Path) -> None:
    dockerfile = (repository / "Dockerfile").read_text(encoding="utf-8")
    for words in (
        "MALLOC_ARENA_MAX=2",
        "HOST=0.0.0.0",
        "PORT=7860",
        "--uid 1000",
        "USER user",
        "HEALTHCHECK",
    ):
        assert words in dockerfile, words
    assert "-c constraints.txt" in dockerfile
    assert dockerfile.index("COPY --chown=user requirements.txt") < dockerfile.index("COPY --chown=user . .")
