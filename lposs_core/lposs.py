"""LPOSS, LPOSS+ and MaskCLIP: from a picture and texts to class scores."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Tensor

from lposs_core.config import LPOSSConfig
from lposs_core.encoders import PatchEncoder, TextAlignedEncoder
from lposs_core.patch_graph import PatchGraph, build_patch_graph
from lposs_core.pixel_graph import PixelGraph, build_pixel_graph
from lposs_core.propagation import (
    PATCH_COLUMNS,
    PIXEL_COLUMNS,
    graph_solver,
    is_factorised,
    patch_solver,
)
from lposs_core.scores import METHODS, TEMPERATURE, ClassScores, Method
from lposs_core.solver import Factor, factorise, solve_in_chunks
from lposs_core.stages import NoCache, Progress, StageCache, Watch, look_up
from lposs_core.templates import OPENAI_IMAGENET_TEMPLATES
from lposs_core.text import text_prototypes
from lposs_core.window_encoding import encode_windows
from lposs_core.windows import (
    Boxes,
    Image,
    check_image,
    merge_columns,
    on_grid,
    patch_centres,
    resize_image,
    window_boxes,
    working_size,
)

_DEFAULTS = LPOSSConfig()


@dataclass(frozen=True, slots=True, eq=False)
class WorkingImage:
    """A picture at the size it is segmented at.

    Attributes:
        pixels: RGB, uint8, shape ``(h, w, 3)``.
        boxes: windows, rows ``y1, y2, x1, x2``, shape ``(n, 4)``.
        key: content of the pixels and geometry of the windows.
    """

    pixels: Image
    boxes: Boxes
    key: tuple[Hashable, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def grid(self, patch: int) -> tuple[int, int]:
        """Rows and columns of patches in one window.

        Args:
            patch: side of a patch, in pixels.
        """
        y1, y2, x1, x2 = self.boxes[0].tolist()
        return -(-(y2 - y1) // patch), -(-(x2 - x1) // patch)


class LPOSS:
    """Segments pictures by texts: CLIP scores of patches, spread over look-alike patches, then over pixels.

    Holds no state of a request and may serve several threads at once. Each stage is kept in ``cache`` under
    a key made of content alone, a propagated column once for each text: an edited text encodes nothing of
    the picture again and solves for itself only, and a kept column equals a fresh one to the last bit.

    Args:
        clip: compares patches with texts.
        patches: says which patches look alike.
        config: settings; the published values by default.
        templates: what each text is put into before it is encoded, each with one ``{}``.
        cache: keeps stages between requests; by default none is kept.
    """

    def __init__(
        self,
        clip: TextAlignedEncoder,
        patches: PatchEncoder,
        config: LPOSSConfig = _DEFAULTS,
        *,
        templates: Sequence[str] = OPENAI_IMAGENET_TEMPLATES,
        cache: StageCache | None = None,
    ) -> None:
        self.clip = clip
        self.patches = patches
        self.config = config
        self.templates = tuple(templates)
        self.cache: StageCache = NoCache() if cache is None else cache
        self._text_key = ("text", clip.text_digest, _digest("\0".join(self.templates).encode()))

    def segment(
        self,
        image: Image,
        classes: Sequence[Sequence[str]],
        *,
        method: Method = "lposs",
        background: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> ClassScores:
        """Score every class at every pixel of the working image.

        Args:
            image: RGB, uint8, shape ``(H, W, 3)``.
            classes: the texts of each class; a class takes the largest score of its texts.
            method: ``"maskclip"``, ``"lposs"`` or ``"lposs_plus"``.
            background: texts of what belongs to no class.
            progress: called with a stage's name and its finished fraction; may raise to cancel.

        Returns:
            Scores, float32, on the device of the encoders.

        Raises:
            ValueError: if there is no class, a class without text, or the method is unknown.
            TypeError: if the image is no uint8 array or a class is a bare text.
        """
        _check_request(classes, background, method)
        texts = list(dict.fromkeys([text for group in (*classes, background) for text in group]))
        watch = Watch(progress)
        with torch.no_grad():
            with watch.stage("windows"):
                scene = self.working_image(image)
            planes = self._planes(scene, texts, method, watch)
            groups = [_largest(planes, texts, group) for group in classes]
            rest = _largest(planes, texts, background) if background else None
        single = dict(zip(texts, planes, strict=True))
        return ClassScores(torch.stack(groups), rest, self._gain(method), watch.seconds, method, single)

    def working_image(self, image: Image) -> WorkingImage:
        """Resize a picture and place its windows.

        Args:
            image: RGB, uint8, shape ``(H, W, 3)``.
        """
        check_image(image)
        config = self.config
        height, width = image.shape[:2]
        size = working_size(height, width, config.short_side, config.long_side)
        pixels = np.ascontiguousarray(resize_image(image, *size))
        boxes = window_boxes(*size, config.crop, config.stride)
        return WorkingImage(pixels, boxes, (_digest(pixels.tobytes()), size, config.crop, config.stride))

    def clip_features(self, scene: WorkingImage, watch: Watch | None = None) -> Tensor:
        """Encode the windows for comparison with texts.

        Args:
            scene: of ``working_image``.
            watch: of the request.

        Returns:
            Unit vectors, float32, shape ``(n, gh, gw, d)``.
        """
        return self._encoded("encode_clip", self.clip, scene, watch or Watch())

    def patch_features(self, scene: WorkingImage, watch: Watch | None = None) -> Tensor:
        """Encode the windows for comparison with each other.

        Args:
            scene: of ``working_image``.
            watch: of the request.

        Returns:
            Unit vectors, float32, shape ``(n, gh, gw, D)``.
        """
        return self._encoded("encode_patches", self.patches, scene, watch or Watch())

    def _encoded(self, stage: str, encoder: PatchEncoder, scene: WorkingImage, watch: Watch) -> Tensor:
        def build() -> Tensor:
            with watch.stage(stage):
                report = partial(watch.report, stage)
                return encode_windows(encoder, scene.pixels, scene.boxes, scene.key, self.cache, report)

        return self.cache.get(("features", stage, encoder.image_digest, scene.key), build)

    def patch_graph(self, scene: WorkingImage, watch: Watch | None = None) -> PatchGraph:
        """Build the graph of the patches of all windows; it is the same for every ``clip``.

        Args:
            scene: of ``working_image``.
            watch: of the request.
        """
        watch = watch or Watch()

        def build() -> PatchGraph:
            features = self.patch_features(scene, watch)
            grid = features.shape[1:3]
            with watch.stage("graph"):
                centres = patch_centres(scene.boxes, self.patches.patch_size, *grid).to(features.device)
                return build_patch_graph(features.flatten(0, 2), centres, self.config)

        return self.cache.get(self._graph_key(scene), build)

    def factor(self, scene: WorkingImage, watch: Watch | None = None) -> Factor | None:
        """Factorise the patch graph for the exact solver, once an image.

        Args:
            scene: of ``working_image``.
            watch: of the request.

        Returns:
            The factor; None for the published solver and for graphs that are too large.
        """
        watch = watch or Watch()
        graph = self.patch_graph(scene, watch)
        if not is_factorised(graph, self.config):
            return None

        def build() -> Factor:
            with watch.stage("graph"):
                return factorise(graph, self.config.alpha)

        return self.cache.get(("factor", self.config.alpha, self._graph_key(scene)), build)

    def pixel_graph(self, scene: WorkingImage, watch: Watch | None = None) -> PixelGraph:
        """Build the graph of the pixels of the working image.

        Args:
            scene: of ``working_image``.
            watch: of the request.
        """
        watch = watch or Watch()

        def build() -> PixelGraph:
            with watch.stage("graph"):
                return build_pixel_graph(scene.pixels, self.config.tau, self.config.r, self.patches.device)

        return self.cache.get(("pixel_graph", scene.key[:2], self.config.tau, self.config.r), build)

    def prototypes(self, texts: Sequence[str], watch: Watch | None = None) -> Tensor:
        """Encode texts, each in all templates.

        Args:
            texts: at least one.
            watch: of the request.

        Returns:
            Unit vectors, float32, shape ``(len(texts), d)``.
        """
        watch = watch or Watch()
        vectors = []
        with watch.stage("text"):
            for index, text in enumerate(texts):
                watch.report("text", index / len(texts))
                build = partial(text_prototypes, self.clip, [text], self.templates)
                vectors.append(self.cache.get((*self._text_key, text), build))
        return torch.cat(vectors)

    def patch_columns(self, scene: WorkingImage, texts: Sequence[str], watch: Watch | None = None) -> Tensor:
        """Propagate the patch scores of each text.

        Args:
            scene: of ``working_image``.
            texts: at least one, all different.
            watch: of the request.

        Returns:
            Scores, float32, shape ``(len(texts), N)``.
        """
        watch = watch or Watch()
        return self._columns(
            ("patch_column", *self._column_key(scene)), texts, lambda new: self._propagate(scene, new, watch)
        )

    def pixel_columns(self, scene: WorkingImage, texts: Sequence[str], watch: Watch | None = None) -> Tensor:
        """Refine the scores of each text over the pixels.

        Args:
            scene: of ``working_image``.
            texts: at least one, all different.
            watch: of the request.

        Returns:
            Scores, float32, shape ``(len(texts), h, w)``.
        """
        watch = watch or Watch()
        key = ("pixel_column", *self._column_key(scene), self.config.tau, self.config.r)
        return self._columns(key, texts, lambda new: self._refine(scene, new, watch))

    def merged(self, scene: WorkingImage, columns: Tensor) -> Tensor:
        """Bring patch columns to the pixels of the working image.

        Args:
            scene: of ``working_image``.
            columns: scores of the patches, shape ``(C, N)``.

        Returns:
            Scores of the pixels, float32, shape ``(C, h, w)``.
        """
        grids = columns.reshape(-1, len(scene.boxes), *scene.grid(self.patches.patch_size))
        return merge_columns(grids, scene.boxes, *scene.size)

    def _planes(self, scene: WorkingImage, texts: list[str], method: Method, watch: Watch) -> Tensor:
        if method == "maskclip":
            return self._maskclip(scene, texts, watch)
        if method == "lposs_plus":
            return self.pixel_columns(scene, texts, watch)
        columns = self.patch_columns(scene, texts, watch)
        with watch.stage("propagate"):
            return self.merged(scene, columns)

    def _maskclip(self, scene: WorkingImage, texts: list[str], watch: Watch) -> Tensor:
        features = self.clip_features(scene, watch)
        prototypes = self.prototypes(texts, watch)
        with watch.stage("propagate"):
            chances = (TEMPERATURE * (features @ prototypes.T)).softmax(-1)
            return merge_columns(chances.permute(3, 0, 1, 2), scene.boxes, *scene.size)

    def _propagate(self, scene: WorkingImage, texts: list[str], watch: Watch) -> Tensor:
        features = self._aligned_features(scene, watch)
        graph, factor = self.patch_graph(scene, watch), self.factor(scene, watch)
        prototypes = self.prototypes(texts, watch).to(features.device)
        solve = patch_solver(graph, self.config, factor)
        with watch.stage("propagate"):
            return solve_in_chunks(lambda chunk: solve(chunk @ features.T), prototypes, PATCH_COLUMNS)

    def _aligned_features(self, scene: WorkingImage, watch: Watch) -> Tensor:
        """CLIP features on the patch grid of the graph: shape ``(N, d)``."""
        features = self.clip_features(scene, watch)
        grid = scene.grid(self.patches.patch_size)
        return on_grid(features, grid).flatten(0, 2).to(self.patches.device)

    def _refine(self, scene: WorkingImage, texts: list[str], watch: Watch) -> Tensor:
        columns = self.patch_columns(scene, texts, watch)
        solve = graph_solver(self.pixel_graph(scene, watch), self.config)
        refined: list[Tensor] = []
        with watch.stage("refine"):
            for chunk in torch.split(columns, PIXEL_COLUMNS):
                watch.report("refine", len(refined) * PIXEL_COLUMNS / len(texts))
                refined.append(solve(self.merged(scene, chunk).flatten(1)).view(-1, *scene.size))
        return torch.cat(refined)

    def _columns(
        self, key: tuple[Hashable, ...], texts: Sequence[str], solve: Callable[[list[str]], Tensor]
    ) -> Tensor:
        """One column a text: the kept ones, and those of the new texts solved together."""
        kept = {text: look_up(self.cache, (*key, text)) for text in texts}
        new = [text for text, column in kept.items() if column is None]
        if new:
            for text, column in zip(new, solve(new), strict=True):
                kept[text] = self.cache.get((*key, text), column.clone)
        return torch.stack([cast(Tensor, kept[text]) for text in texts])

    def _graph_key(self, scene: WorkingImage) -> tuple[Hashable, ...]:
        config = self.config
        ties = (config.k, config.gamma, config.sigma, config.pix_dist_pow, config.knn)
        return ("patch_graph", self.patches.image_digest, scene.key, ties)

    def _column_key(self, scene: WorkingImage) -> tuple[Hashable, ...]:
        config = self.config
        limits = (config.cg_tol, config.cg_maxiter) if config.solver == "published" else ()
        solver = (config.solver, config.alpha, *limits)
        return (self.clip.image_digest, self._graph_key(scene), solver, self._text_key)

    def _gain(self, method: Method) -> float:
        powers = {"maskclip": 0, "lposs": 1, "lposs_plus": 2}
        return float((1 - self.config.alpha) ** -powers[method])


def _check_request(classes: Sequence[Sequence[str]], background: Sequence[str], method: str) -> None:
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if not classes:
        raise ValueError("there must be at least one class, got none")
    for index, texts in enumerate(classes):
        if isinstance(texts, str):
            raise TypeError(f"class {index} must be a sequence of texts, got the bare text {texts!r}")
        if not texts:
            raise ValueError(f"class {index} has no text; give each class at least one")
    if isinstance(background, str):
        raise TypeError(f"background must be a sequence of texts, got the bare text {background!r}")


def _largest(planes: Tensor, texts: list[str], group: Sequence[str]) -> Tensor:
    return planes[[texts.index(text) for text in group]].amax(0)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
