"""The import rule of the house, checked on the packages as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LIBRARIES = ("lposs_core", "pnp_ovss", "attribution", "tiny_vlm")


def test_arrows_go_down(repository: Path) -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    outcome = subprocess.run(
        [linter, "--no-cache"], cwd=repository, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stdout
    assert "2 kept, 0 broken" in outcome.stdout


@pytest.mark.parametrize("package", [*LIBRARIES, "pipelines", "evaluation.segment"])
def test_packages_import_without_gradio(repository: Path, package: str) -> None:
    code = f"import sys; sys.modules['gradio'] = None; import {package}"
    outcome = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("package", LIBRARIES)
def test_public_names_exist(repository: Path, package: str) -> None:
    code = f"import {package} as p; [getattr(p, name) for name in p.__all__]"
    outcome = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr
