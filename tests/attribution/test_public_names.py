from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import attribution


def test_every_public_name_is_there_and_documented():
    assert sorted(attribution.__all__) == attribution.__all__
    for name in attribution.__all__:
        assert hasattr(attribution, name), name
    assert callable(attribution.grad_cam)
    assert callable(attribution.integrated_gradients)
    assert callable(attribution.faithfulness)


def test_the_import_is_light_and_stands_alone(repository: Path):
    code = (
        "import sys; sys.modules['gradio'] = None; import attribution; "
        "heavy = {'captum', 'scipy', 'lposs_core', 'pipelines', 'open_clip', 'timm'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=repository)
