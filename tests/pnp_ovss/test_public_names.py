from __future__ import annotations

import subprocess
import sys

import pnp_ovss


def test_every_public_name_exists() -> None:
    for name in pnp_ovss.__all__:
        assert hasattr(pnp_ovss, name), name


def test_importing_loads_no_heavy_package() -> None:
    heavy = {"transformers", "pydensecrf", "scipy", "gradio", "open_clip", "lposs_core"}
    code = f"import pnp_ovss, sys; found = {heavy} & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)
