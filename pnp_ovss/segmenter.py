"""PnP-OVSS: from a picture and texts to a label map."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from pnp_ovss.backbone import Caption, ITMBackbone, write_captions
from pnp_ovss.config import PnPOVSSConfig
from pnp_ovss.crf import DenseCRFError
from pnp_ovss.gradcam import token_maps
from pnp_ovss.label_maps import Stack, refined_stack, smoothed_stack
from pnp_ovss.preprocess import Image, check_image, drop_patches, join_words, prepare_image
from pnp_ovss.salience_dropout import Maps, Mask, add_up, contribution, drop_more
from pnp_ovss.word_maps import average_spans, join_texts

Progress = Callable[[str, float], None]
NO_CLASS = 255
_DEFAULTS = PnPOVSSConfig()


@dataclass(frozen=True, slots=True, eq=False)
class PnPResult:
    """One segmented picture.

    Attributes:
        scores: of the classes, float32, shape ``(C, h, w)``: CRF probabilities, or what preceded them.
        background: score of the background, shape ``(h, w)``; None without that channel.
        index_map: index of the winning channel, shape ``(H, W)``; with a background 0 is the background and
            i is class i - 1.
        class_maps: merged GradCAM of each class, shape ``(C, P, P)``.
        rounds: the same of each dropout round, 0 where patches were missing, shape ``(R, C, P, P)``.
        dropped: patches missing in each round, shape ``(R, P, P)``.
        match_logits: raw match logit of each round and caption, shape ``(R, captions)``.
        seconds: time of each stage.
        crf_failure: why the dense CRF was left out; empty where it was not.
    """

    scores: Maps
    background: Maps | None
    index_map: NDArray[np.int16]
    class_maps: Maps
    rounds: Maps
    dropped: Mask
    match_logits: Maps
    seconds: Mapping[str, float]
    crf_failure: str = ""

    @property
    def label_map(self) -> NDArray[np.uint8]:
        """Class index at every pixel, 255 for the background; shape ``(H, W)``."""
        if self.background is None:
            return self.index_map.astype(np.uint8)
        return np.where(self.index_map == 0, NO_CLASS, self.index_map - 1).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Salience:
    """What the dropout rounds of one picture found.

    Attributes:
        class_maps: merged GradCAM of each class, shape ``(C, P, P)``.
        rounds: the same of each round, 0 where patches were missing, shape ``(R, C, P, P)``.
        dropped: patches missing in each round, shape ``(R, P, P)``.
        match_logits: raw match logit of each round and caption, shape ``(R, captions)``.
    """

    class_maps: Maps
    rounds: Maps
    dropped: Mask
    match_logits: Maps


@dataclass(slots=True)
class _Watch:
    """Measures the stages of one request and passes their progress on."""

    progress: Progress | None
    seconds: dict[str, float] = field(default_factory=dict)

    def report(self, name: str, fraction: float) -> None:
        if self.progress is not None:
            self.progress(name, fraction)

    @contextmanager
    def stage(self, name: str, done: float = 0.0) -> Iterator[None]:
        self.report(name, done)
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


class PnPOVSS:
    """Segments pictures by texts, from the cross-attention of an image-text matching model.

    Holds no state of a request and may serve several threads at once.

    Args:
        backbone: the model.
        config: settings; by default the published values with the published mistakes mended.

    Raises:
        ValueError: the layer, head or image side does not exist in this model.
    """

    def __init__(self, backbone: ITMBackbone, config: PnPOVSSConfig = _DEFAULTS) -> None:
        self.backbone = backbone
        self.config = config
        for name, count in (("layer", backbone.layers), ("head", backbone.heads)):
            if getattr(config, name) >= count:
                raise ValueError(
                    f"{name} must be 0 to {count - 1} in this model, got {getattr(config, name)}"
                )
        patch, side = backbone.patch_size, config.image_side
        if side % patch:
            raise ValueError(f"image_side must be a multiple of the patch size {patch}, got {side}")

    def segment(
        self, image: Image, prompts: Sequence[Sequence[str]], *, progress: Progress | None = None
    ) -> PnPResult:
        """Label every pixel of a picture.

        A dense CRF that gives no answer is left out, and the result says why.

        Args:
            image: RGB, uint8, shape ``(H, W, 3)``, of any size.
            prompts: the texts of each class. All texts share a caption as far as they fit; a class takes the
                largest value of its texts at every patch.
            progress: called with a stage's name and its finished fraction; may raise to cancel.

        Raises:
            ValueError: there is no class, a class has no text, or the model knows nothing of a text.
            TypeError: the image is no uint8 array, or a class is a bare text.
        """
        watch = _Watch(progress)
        salience = self._salience(image, prompts, watch)
        with watch.stage("postprocess"):
            stack = smoothed_stack(salience.class_maps, image, self.config)
        failure = ""
        with watch.stage("crf"):
            try:
                stack = refined_stack(stack, image, self.config)
            except DenseCRFError as error:
                failure = str(error)
            index_map = stack.index_map(*image.shape[:2])
        watch.report("crf", 1.0)
        return _result(stack, index_map, salience, watch.seconds, failure)

    def salience(
        self, image: Image, prompts: Sequence[Sequence[str]], *, progress: Progress | None = None
    ) -> Salience:
        """Run the dropout rounds alone; arguments and errors as of :meth:`segment`.

        Args:
            image: RGB, uint8, shape ``(H, W, 3)``, of any size.
            prompts: the texts of each class.
            progress: called with a stage's name and its finished fraction; may raise to cancel.
        """
        return self._salience(image, prompts, _Watch(progress))

    def _salience(self, image: Image, prompts: Sequence[Sequence[str]], watch: _Watch) -> Salience:
        _check_request(image, prompts)
        config, backbone = self.config, self.backbone
        texts = [join_words(text, config.join_words) for group in prompts for text in group]
        captions = write_captions(backbone, texts)
        pixels = prepare_image(
            image, config.image_side, backbone.mean, backbone.std, normalise=config.normalise
        )
        grid = config.image_side // backbone.patch_size
        dropped = np.zeros((grid, grid), dtype=np.bool_)
        contributions, missing, logits = [], [], []
        for turn in range(config.rounds):
            maps, scores = self._look(drop_patches(pixels, dropped), captions, turn, watch)
            contributions.append(contribution(maps, dropped))
            missing.append(dropped)
            logits.append(scores)
            dropped = drop_more(maps, dropped, turn, config)
        counts = [len(group) for group in prompts]
        rounds = [self._classes(maps, captions, counts) for maps in contributions]
        merged = self._classes(add_up(contributions), captions, counts)
        return Salience(merged, np.stack(rounds), np.stack(missing), np.array(logits, np.float32))

    def _look(
        self, pixels: torch.Tensor, captions: Sequence[Caption], turn: int, watch: _Watch
    ) -> tuple[Maps, list[float]]:
        """One round: maps of all class word pieces, shape ``(rows, P, P)``, and the match logits."""
        config, done = self.config, turn / self.config.rounds
        with watch.stage("encode_image", done):
            states = self.backbone.encode(pixels)
        rows, logits = [], []
        for caption in captions:
            with watch.stage("cross_attention", done):
                ids = torch.tensor([caption.ids])
                maps, logit = token_maps(self.backbone, states, ids, layer=config.layer, head=config.head)
                rows.append(maps[0, slice(*caption.words)].float().cpu().numpy())
                logits.append(float(logit))
        return np.concatenate(rows), logits

    def _classes(self, maps: Maps, captions: Sequence[Caption], counts: Sequence[int]) -> Maps:
        """Class maps from the rows of :meth:`_look`."""
        spans, row = [], 0
        for caption in captions:
            offset = row - caption.spans[0][0]
            spans += [(start + offset, stop + offset) for start, stop in caption.spans]
            row += caption.words[1] - caption.words[0]
        return join_texts(average_spans(maps, spans, self.config), counts)


def _check_request(image: Image, prompts: Sequence[Sequence[str]]) -> None:
    check_image(image)
    if not prompts:
        raise ValueError("there must be at least one class, got none")
    for index, texts in enumerate(prompts):
        if isinstance(texts, str):
            raise TypeError(f"class {index} must be a sequence of texts, got the bare text {texts!r}")
        if not texts:
            raise ValueError(f"class {index} has no text; give each class at least one")


def _result(
    stack: Stack, index_map: NDArray[np.int16], salience: Salience, seconds: Mapping[str, float], failure: str
) -> PnPResult:
    first = int(stack.background)
    return PnPResult(
        scores=stack.scores[first:],
        background=stack.scores[0] if stack.background else None,
        index_map=index_map,
        class_maps=salience.class_maps,
        rounds=salience.rounds,
        dropped=salience.dropped,
        match_logits=salience.match_logits,
        seconds=seconds,
        crf_failure=failure,
    )
