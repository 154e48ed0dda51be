"""The frozen values that pass between the page, the command lines and the models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .messages import Language, render_message

if TYPE_CHECKING:
    from lposs_core import LPOSSConfig
    from pnp_ovss import PnPOVSSConfig

Method = Literal["maskclip", "lposs", "lposs_plus", "pnp_ovss"]
Precision = Literal["fp32", "bf16"]

METHODS: Final[tuple[Method, ...]] = get_args(Method)
PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)
DEFAULT_METHOD: Final[Method] = "lposs"
DEFAULT_CHECKPOINT: Final = "tiny-finetuned"
NO_CLASS: Final = 255
"""Value of label-map pixels that carry the background or none of the classes."""


@dataclass(frozen=True, slots=True)
class ClassPrompt:
    """One class: the name shown in the legend and the texts it is searched by."""

    name: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PromptSet:
    """The classes of a request; a class's place is its value in the label map."""

    classes: tuple[ClassPrompt, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in order."""
        return tuple(item.name for item in self.classes)

    @property
    def texts(self) -> tuple[tuple[str, ...], ...]:
        """Texts of each class in order."""
        return tuple(item.texts for item in self.classes)

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True, slots=True)
class Abstention:
    """When a pixel may belong to none of the classes.

    Attributes:
        threshold: least probability of the winning class, in ``[0, 1]``; 0 never abstains.
        background: texts of what is not searched for; where one of them wins, the pixel is :data:`NO_CLASS`.
    """

    threshold: float = 0.0
    background: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TopClasses:
    """CLIP keeps the classes that it finds most certain anywhere in the picture.

    Attributes:
        count: how many, at least 1.
    """

    count: int

    def __post_init__(self) -> None:
        """Refuse less than one class.

        Raises:
            ValueError: ``count`` is below 1.
        """
        if self.count < 1:
            raise ValueError(f"count must be at least 1 class, got {self.count}")


@dataclass(frozen=True, slots=True)
class KeptClasses:
    """Exactly these classes are searched for.

    Attributes:
        indices: places in the request's prompts, in the order of the caption; at least one.
    """

    indices: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse an empty choice and repetitions.

        Raises:
            ValueError: no index, or one twice.
        """
        if not self.indices or len(set(self.indices)) < len(self.indices):
            raise ValueError(f"indices must name at least one class and each once, got {self.indices}")


ClassFilter = TopClasses | KeptClasses
"""Which classes PnP-OVSS puts into its caption; None stands for all of them."""


@dataclass(frozen=True, slots=True, eq=False)
class InferenceRequest:
    """All that a result depends on.

    Attributes:
        image: upright picture, ``(H, W, 3)`` uint8 RGB.
        prompts: classes to search for.
        method: see :data:`METHODS`.
        checkpoint: id of a catalogue row.
        settings: hyper-parameters; None takes those of the checkpoint's row.
        abstain: when a pixel may stay without a class.
        max_side: longest side of the label map in pixels; None keeps the image's size.
        precision: ``fp32`` or ``bf16``.
        templates: name of the template set that each text is put into.
        pnp: hyper-parameters of PnP-OVSS; None takes those of the checkpoint's row.
        class_filter: which classes PnP-OVSS searches for; None searches for all.
        glossary: whether a text tower that reads English only gets the glossary's words.
    """

    image: NDArray[np.uint8]
    prompts: PromptSet
    method: Method = DEFAULT_METHOD
    checkpoint: str = DEFAULT_CHECKPOINT
    settings: LPOSSConfig | None = None
    abstain: Abstention = field(default_factory=Abstention)
    max_side: int | None = None
    precision: Precision = "fp32"
    templates: str = "imagenet"
    pnp: PnPOVSSConfig | None = None
    class_filter: ClassFilter | None = None
    glossary: bool = True

    def __post_init__(self) -> None:
        """Refuse arrays that are no RGB pictures.

        Raises:
            ValueError: wrong shape or dtype, or ``max_side`` below 1.
        """
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError(
                f"image must be (H, W, 3) uint8 RGB, got {self.image.shape} {self.image.dtype}; "
                "pipelines.read_image reads files that way"
            )
        if self.max_side is not None and self.max_side < 1:
            raise ValueError(f"max_side must be at least 1 pixel or None, got {self.max_side}")

    @property
    def label_size(self) -> tuple[int, int]:
        """(height, width) of the label map: the image's, or smaller so that no side is above ``max_side``."""
        height, width = self.image.shape[:2]
        if self.max_side is None or max(height, width) <= self.max_side:
            return height, width
        scale = self.max_side / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One class of a result: where it stands in the label map, how it is drawn and how much it covers.

    Attributes:
        index: value of its pixels in the label map.
        name: as the user wrote it.
        prompts: texts it was searched by.
        colour: ``#rrggbb``.
        share: part of all pixels, in ``[0, 1]``.
    """

    index: int
    name: str
    prompts: tuple[str, ...]
    colour: str
    share: float


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """The checkpoint that gave a result.

    Attributes:
        id: stable id of the catalogue row.
        sha256: digest of its file; where it has several, of their digests, sorted and written in a row.
        label: visible name by language.
        kind: ``stock`` or ``finetuned``.
        base: what it was trained from.
        licence: SPDX name.
        languages: languages its text tower knows.
    """

    id: str
    sha256: str
    label: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    base: str = ""
    licence: str = ""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """A remark beside a result that is no error, for instance a text that had to be cut."""

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def text(self, language: Language = "en") -> str:
        """The remark as a sentence."""
        return render_message(self.key, language, self.values)


@dataclass(frozen=True, slots=True, eq=False)
class ScoreMaps:
    """Scores before the argmax, kept small for an inspector.

    Attributes:
        scores: mean cosine of each class (``maskclip``: its probability) at working size, ``(C, h, w)``
            float16.
        background: the same for the best background text, ``(h, w)``; None without background texts.
        image_size: (height, width) of the upright image whose pixels are asked for.
        scale: what scores are multiplied by before the softmax; 0 where they are probabilities already.
        texts: the same as ``scores`` for each single text, ``(h, w)``; empty where a method has no such.
    """

    scores: NDArray[np.float16]
    background: NDArray[np.float16] | None
    image_size: tuple[int, int]
    scale: float
    texts: Mapping[str, NDArray[np.float16]] = field(default_factory=dict)

    def at(self, x: int, y: int) -> NDArray[np.float32]:
        """Scores of every class at a pixel of the upright image, ``(C,)`` float32.

        Raises:
            ValueError: the pixel lies outside the image.
        """
        return self._sample(self.scores, x, y)

    def probabilities(self) -> NDArray[np.float32]:
        """Probabilities of every class, ``(C, h, w)`` float32; see :meth:`probabilities_at`."""
        planes = self.scores.astype(np.float32)
        if self.scale == 0:
            return planes
        if self.background is not None:
            planes = np.concatenate([planes, self.background[None].astype(np.float32)])
        weights = np.exp(self.scale * (planes - planes.max(0)))
        return np.asarray(weights / weights.sum(0), dtype=np.float32)[: len(self.scores)]

    def probabilities_at(self, x: int, y: int) -> NDArray[np.float32]:
        """Probabilities of every class at a pixel, ``(C,)`` float32; they sum to at most 1.

        What is missing to 1 belongs to background texts and, with ``maskclip``, to further texts of classes.
        """
        values = self._sample(self.scores, x, y)
        if self.scale == 0:
            return values
        if self.background is not None:
            values = np.append(values, self._sample(self.background[None], x, y))
        weights = np.exp(self.scale * (values - values.max()))
        return np.asarray(weights / weights.sum(), dtype=np.float32)[: len(self.scores)]

    def texts_at(self, x: int, y: int) -> dict[str, float]:
        """Score of every single text at a pixel of the upright image.

        Raises:
            ValueError: the pixel lies outside the image.
        """
        return {text: float(self._sample(plane[None], x, y)[0]) for text, plane in self.texts.items()}

    def _sample(self, maps: NDArray[np.float16], x: int, y: int) -> NDArray[np.float32]:
        """Maps at a pixel, bilinear as the label map is: ``(C,)``."""
        height, width = self.image_size
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"pixel x={x}, y={y} lies outside the image of {width} x {height} pixels")
        rows, down = _neighbours(y, height, maps.shape[1])
        columns, right = _neighbours(x, width, maps.shape[2])
        corners = maps[:, rows][:, :, columns].astype(np.float32)
        weights = np.outer([1 - down, down], [1 - right, right])
        return np.asarray((corners * weights).sum((1, 2)), dtype=np.float32)


def _neighbours(place: int, length: int, cells: int) -> tuple[list[int], float]:
    """The two cells nearest to a pixel along one axis, and how far it is from the first to the second."""
    position = min(max((place + 0.5) * cells / length - 0.5, 0.0), cells - 1.0)
    first = int(position)
    return [first, min(first + 1, cells - 1)], position - first


@dataclass(frozen=True, slots=True, eq=False)
class DropoutRounds:
    """What each round of Salience DropOut looked at, for P x P patches of the squeezed picture.

    Attributes:
        maps: GradCAM of each round and class, ``(R, C, P, P)`` float32; 0 where patches were missing and for
            classes that were filtered out.
        merged: what the rounds add up to, ``(C, P, P)`` float32.
        dropped: patches missing in each round, ``(R, P, P)``.
        match: raw match logit of the picture and the caption in each round, the mean over captions, ``(R,)``.
    """

    maps: NDArray[np.float32]
    merged: NDArray[np.float32]
    dropped: NDArray[np.bool_]
    match: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class InferenceResult:
    """What :func:`pipelines.infer` returns.

    Attributes:
        label_map: class index of each pixel, ``(H, W)`` uint8, :data:`NO_CLASS` where there is none.
        classes: one entry a class, in prompt order.
        none_share: part of all pixels without a class; with the classes' shares it sums to 1.
        size: (height, width) of ``label_map``.
        image_size: (height, width) of the upright image.
        method: as asked for.
        checkpoint: what computed it.
        seconds: wall seconds of each stage; stages taken from the cache are near 0.
        settings: hyper-parameters that were used.
        scores: scores before the argmax at working size.
        notes: remarks for the user.
        rounds: of PnP-OVSS; None for the other methods.
    """

    label_map: NDArray[np.uint8]
    classes: tuple[ClassResult, ...]
    none_share: float
    size: tuple[int, int]
    image_size: tuple[int, int]
    method: Method
    checkpoint: CheckpointInfo
    seconds: Mapping[str, float]
    settings: LPOSSConfig | PnPOVSSConfig
    scores: ScoreMaps
    notes: tuple[Note, ...] = ()
    rounds: DropoutRounds | None = None

    def scores_at(self, x: int, y: int) -> dict[str, float]:
        """Score of every class at a pixel of the upright image, by class name."""
        values = self.scores.at(x, y)
        return {item.name: float(value) for item, value in zip(self.classes, values, strict=True)}

    def report(self) -> dict[str, Any]:
        """The JSON object of the ``/segment`` endpoint."""
        return {
            "classes": [
                {
                    "index": item.index,
                    "name": item.name,
                    "prompts": list(item.prompts),
                    "colour": item.colour,
                    "share": item.share,
                }
                for item in self.classes
            ],
            "none_share": self.none_share,
            "size": list(self.size),
            "method": self.method,
            "checkpoint": {"id": self.checkpoint.id, "sha256": self.checkpoint.sha256},
            "settings": self.settings.to_mapping(),
            "seconds": {stage: round(value, 4) for stage, value in self.seconds.items()},
            "notes": [note.text() for note in self.notes],
        }
