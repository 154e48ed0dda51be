"""The page: the only package that knows Gradio."""

from .blocks import build_demo, warm_up
from .serving import launch_options, prepare_environment

__all__ = ["build_demo", "launch_options", "prepare_environment", "warm_up"]
