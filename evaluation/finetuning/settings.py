"""Everything that decides a fine-tuning besides its base and its data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from lposs_core.templates import template_set

Tunable = Literal["head", "lora", "blocks"]

TUNABLE: Final[tuple[Tunable, ...]] = get_args(Tunable)
LEARNING_RATES: Final = {"head": 5e-3, "lora": 2e-3, "blocks": 3e-4}
"""Peaks that suit each part; several parts take the smallest."""


class FineTuneError(ValueError):
    """The fine-tuning asked for is not possible; the sentence says why and what would be."""


@dataclass(frozen=True, slots=True)
class FineTuneSettings:
    """Settings of one fine-tuning; equal settings, base and data give equal weights on one CPU thread.

    Attributes:
        tune: what is trained: ``head`` (the projection into the text space, a 1 x 1 convolution over
            patches), ``lora`` (low-rank changes of the linear layers of some blocks), ``blocks`` (all of the
            last blocks and the norm behind them).
        blocks: how many last blocks ``blocks`` trains.
        lora_blocks: indices of the blocks that ``lora`` changes; negative ones count from the end.
        rank: of the low-rank changes.
        alpha: low-rank changes are multiplied by ``alpha / rank``.
        steps: updates.
        batch: crops of one update on one process.
        crop: side of a crop in pixels.
        short_side: short side of a picture in pixels before it is cropped, as in segmentation.
        temperature: cosines are multiplied by it before the cross-entropy. Segmentation uses 100, at which a
            wrong base is so sure that only its worst pixels count.
        learning_rate: its peak, after a linear rise and before a cosine down to 1 %.
        weight_power: class weights are ``(largest frequency / own frequency) ** weight_power``.
        weight_cap: the most a class may weigh.
        validate_every: updates between two validations.
        seed: of crops, augmentation and low-rank starts.
        amp: compute products in bfloat16.
        templates: name of the template set of the prompts.
    """

    tune: tuple[Tunable, ...] = ("head",)
    blocks: int = 2
    lora_blocks: tuple[int, ...] = (-2, -1)
    rank: int = 4
    alpha: float = 8.0
    steps: int = 400
    batch: int = 8
    crop: int = 224
    short_side: int = 448
    temperature: float = 20.0
    learning_rate: float = 5e-3
    weight_power: float = 0.5
    weight_cap: float = 10.0
    validate_every: int = 100
    seed: int = 0
    amp: bool = False
    templates: str = "imagenet"

    def __post_init__(self) -> None:
        """Refuse values without meaning.

        Raises:
            FineTuneError: the setting, the value seen and what would be right.
        """
        unknown = [name for name in self.tune if name not in TUNABLE]
        if unknown or not self.tune or len(set(self.tune)) < len(self.tune):
            raise FineTuneError(f"tune must name some of {', '.join(TUNABLE)} once, got {list(self.tune)}")
        for name in ("blocks", "rank", "steps", "batch", "crop", "short_side", "validate_every"):
            if getattr(self, name) < 1:
                raise FineTuneError(f"{name} must be at least 1, got {getattr(self, name)}")
        try:
            template_set(self.templates)
        except ValueError as error:
            raise FineTuneError(str(error)) from error
        for name in ("alpha", "temperature", "learning_rate"):
            if not getattr(self, name) > 0:
                raise FineTuneError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0 <= self.weight_power <= 1 or not self.weight_cap >= 1:
            raise FineTuneError(
                "weight_power must lie in [0, 1] and weight_cap be at least 1, "
                f"got {self.weight_power} and {self.weight_cap}"
            )

    def to_mapping(self) -> dict[str, Any]:
        """All settings by name, ready for JSON."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }
