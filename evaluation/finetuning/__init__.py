"""Fine-tuning of a checkpoint's image tower on labelled facades; text prototypes stay frozen."""

from .settings import TUNABLE, FineTuneError, FineTuneSettings, Tunable

__all__ = ["TUNABLE", "FineTuneError", "FineTuneSettings", "Tunable"]
