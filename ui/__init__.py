"""The page: the only package that knows Gradio."""

from .blocks import build_demo, warm_up
from .serving import launch_options

__all__ = ["build_demo", "launch_options", "warm_up"]
