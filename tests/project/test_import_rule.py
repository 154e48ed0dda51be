"""The import rule of the house, checked on the packages as they are."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARIES = ("lposs_core", "pnp_ovss", "attribution", "tiny_vlm")
WITHOUT_GRADIO = (*LIBRARIES, "pipelines", "evaluation.segment", "evaluation.evaluate_bundled")


def test_arrows_go_down(repository: Path) -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    outcome = subprocess.run(
        [linter, "--no-cache"], cwd=repository, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stdout
    assert "2 kept, 0 broken" in outcome.stdout


def test_everything_below_the_page_imports_without_gradio(repository: Path) -> None:
    code = f"import sys; sys.modules['gradio'] = None; import {', '.join(WITHOUT_GRADIO)}"
    outcome = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("package", [*LIBRARIES, "pipelines"])
def test_public_names_exist_and_are_listed_once(package: str) -> None:
    module = importlib.import_module(package)
    assert len(module.__all__) == len(set(module.__all__))
    for name in module.__all__:
        assert hasattr(module, name), name
