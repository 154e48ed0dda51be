"""A picture and its class mask, painted together by the same strokes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tiny_vlm.drawing.geometry import Box, Points
from tiny_vlm.drawing.parts import Part

Colour = tuple[float, float, float]
Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
UNPAINTED = 254
SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a patch of texture lie, in metres.

    Attributes:
        x: shape (1, w).
        y: shape (h, 1), upwards.
        scale: pixels per metre.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    scale: float

    @property
    def shape(self) -> tuple[int, int]:
        return self.y.shape[0], self.x.shape[1]


Texture = Callable[[Grid], NDArray[np.float32]]


@dataclass
class Canvas:
    """Image and mask that show one rectangle of the street's elevation.

    Attributes:
        view: the rectangle shown, in metres.
        scale: pixels per metre.
        image: RGB uint8, shape (H, W, 3).
        mask: class index of each pixel, ``UNPAINTED`` where nothing was drawn, shape (H, W).
        glow: how much each pixel shines by itself at night in [0, 255], shape (H, W).
    """

    view: Box
    scale: float
    image: Pixels = field(init=False)
    mask: Pixels = field(init=False)
    glow: Pixels = field(init=False)

    def __post_init__(self) -> None:
        height, width = round(self.view.height * self.scale), round(self.view.width * self.scale)
        self.image = np.zeros((height, width, 3), np.uint8)
        self.mask = np.full((height, width), UNPAINTED, np.uint8)
        self.glow = np.zeros((height, width), np.uint8)

    def to_pixels(self, points: Points) -> NDArray[np.float64]:
        """Metres to (column, row)."""
        return (points - (self.view.left, self.view.top)) * (self.scale, -self.scale)

    def sees(self, box: Box) -> bool:
        """Whether a box touches the view."""
        return (
            box.right > self.view.left
            and box.left < self.view.right
            and box.top > self.view.bottom
            and box.bottom < self.view.top
        )

    def inside(self, points: Points, margin: float) -> NDArray[np.bool_]:
        """Which points lie in the view or at most ``margin`` metres outside."""
        left, bottom, right, top = self.view.grow(margin)
        x, y = points[:, 0], points[:, 1]
        return (x > left) & (x < right) & (y > bottom) & (y < top)

    def length(self, metres: float) -> float:
        """A length in pixels."""
        return metres * self.scale

    def polygon(
        self, points: Points, colour: Colour, part: int | None = None, glow: int | None = None
    ) -> None:
        """Fill a polygon; the mask is left alone where ``part`` is None."""
        corners = _fixed_point(self.to_pixels(points))
        cv2.fillPoly(self.image, [corners], colour, cv2.LINE_AA, SUBPIXEL_BITS)
        self._mark(corners, part, glow)

    def rect(self, box: Box, colour: Colour, part: int | None = None, glow: int | None = None) -> None:
        """Fill a box."""
        if self.sees(box):
            self.polygon(box.points(), colour, part, glow)

    def line(
        self, points: Points, width: float, colour: Colour, part: int | None = None, glow: int | None = None
    ) -> None:
        """Draw an open line of a width in metres (at least one pixel)."""
        corners = _fixed_point(self.to_pixels(points))
        thickness = max(1, round(self.length(width)))
        cv2.polylines(self.image, [corners], False, colour, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
        if part is not None:
            cv2.polylines(self.mask, [corners], False, int(part), thickness, cv2.LINE_8, SUBPIXEL_BITS)
        if glow is not None:
            cv2.polylines(self.glow, [corners], False, int(glow), thickness, cv2.LINE_8, SUBPIXEL_BITS)

    def spots(
        self, centres: Points, radii: NDArray[np.float64], colours: NDArray[np.uint8], part: int
    ) -> None:
        """Many small ovals turned every way (leaves), painted in order.

        Args:
            centres: shape (n, 2), metres.
            radii: shape (n,), metres.
            colours: shape (n, 3).
            part: their class.
        """
        places = _fixed_point(self.to_pixels(centres)).tolist()
        sizes = np.rint(np.maximum(radii * self.scale, 0.5) * (1 << SUBPIXEL_BITS)).astype(int).tolist()
        for index, (place, size, colour) in enumerate(zip(places, sizes, colours.tolist(), strict=True)):
            axes, angle = (size, max(size * 5 // 8, 1)), index * 37 % 180
            cv2.ellipse(self.image, place, axes, angle, 0, 360, colour, -1, cv2.LINE_AA, SUBPIXEL_BITS)
            cv2.ellipse(self.mask, place, axes, angle, 0, 360, part, -1, cv2.LINE_8, SUBPIXEL_BITS)

    def gradient(
        self, box: Box, top: Colour, bottom: Colour, part: int | None = None, glow: int | None = None
    ) -> None:
        """Fill a box with a vertical run between two colours."""

        def texture(grid: Grid) -> NDArray[np.float32]:
            share = np.clip((grid.y - box.bottom) / max(box.height, 1e-6), 0, 1)[..., None]
            column = share * rgb(top) + (1 - share) * rgb(bottom)
            return np.broadcast_to(column, (*grid.shape, 3))

        self.textured(box.points(), texture, part, glow=glow)

    def textured(
        self,
        points: Points,
        texture: Texture,
        part: int | None = None,
        *,
        opacity: float = 1.0,
        only: tuple[int, ...] | None = None,
        glow: int | None = None,
    ) -> None:
        """Fill a polygon with a texture, if wanted only where the mask shows one of some classes."""
        window, stencil = self.stencil(points, 0.0)
        if stencil is None:
            return
        rows, columns = window
        inside = stencil
        if only is not None:
            inside = np.where(np.isin(self.mask[rows, columns], only), stencil, 0)
        colours = texture(self.grid(window))
        alpha = (inside.astype(np.float32) * (opacity / 255.0))[..., None]
        patch = self.image[rows, columns]
        patch[...] = np.clip(patch + (colours - patch) * alpha, 0, 255).astype(np.uint8)
        covered = inside > 127
        if part is not None:
            self.mask[rows, columns][covered] = part
        if glow is not None:
            self.glow[rows, columns][covered] = glow

    def shade(
        self,
        points: Points,
        amount: float,
        softness: float = 0.0,
        within: Points | None = None,
        only: tuple[int, ...] | None = None,
    ) -> None:
        """Take light from a polygon; no shadow falls on the sky.

        Args:
            points: the polygon in metres.
            amount: share of the light taken, in [0, 1].
            softness: over how many metres the edge is blurred.
            within: a polygon outside of which nothing is darkened.
            only: classes that are darkened; None for all but the sky.
        """
        window, stencil = self.stencil(points, softness, within)
        if stencil is None or amount <= 0:
            return
        rows, columns = window
        seen = self.mask[rows, columns]
        stencil[seen == Part.SKY if only is None else ~np.isin(seen, only)] = 0
        factor = _attenuation(stencil, amount)
        patch = self.image[rows, columns]
        patch[...] = cv2.multiply(patch, cv2.merge([factor, factor, factor]), scale=1 / 255.0)

    def stamp(
        self, box: Box, alpha: Pixels, colour: Colour, part: int | None = None, glow: int | None = None
    ) -> None:
        """Paint one colour through a stencil stretched over a box."""
        (left, bottom), (right, top) = np.round(self.to_pixels(np.array([box[:2], box[2:]]))).astype(int)
        width, height = right - left, bottom - top
        if width < 2 or height < 2 or not self.sees(box):
            return
        stencil = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA)
        rows = slice(max(top, 0), min(bottom, self.mask.shape[0]))
        columns = slice(max(left, 0), min(right, self.mask.shape[1]))
        stencil = stencil[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        patch = self.image[rows, columns]
        share = stencil[..., None].astype(np.float32) / 255.0
        patch[...] = (patch + (rgb(colour) - patch) * share).astype(np.uint8)
        if part is not None:
            self.mask[rows, columns][stencil > 100] = part
        if glow is not None:
            self.glow[rows, columns][stencil > 100] = glow

    def mark(self, box: Box, part: int, only: tuple[int, ...] | None = None) -> None:
        """Set the class of a box, or of some classes inside it, and leave the picture as it is."""
        (left, bottom), (right, top) = np.round(self.to_pixels(np.array([box[:2], box[2:]]))).astype(int)
        patch = self.mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, left + 1, 0)]
        patch[... if only is None else np.isin(patch, only)] = part

    def _mark(self, corners: NDArray[np.int32], part: int | None, glow: int | None) -> None:
        if part is not None:
            cv2.fillPoly(self.mask, [corners], int(part), cv2.LINE_8, SUBPIXEL_BITS)
        if glow is not None:
            cv2.fillPoly(self.glow, [corners], int(glow), cv2.LINE_8, SUBPIXEL_BITS)

    def grid(self, window: tuple[slice, slice]) -> Grid:
        """Where the pixels of a window of rows and columns lie."""
        rows, columns = window
        x = self.view.left + (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5) / self.scale
        y = self.view.top - (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) / self.scale
        return Grid(x[None, :].astype(np.float32), y[:, None].astype(np.float32), self.scale)

    def stencil(
        self, points: Points, softness: float, within: Points | None = None
    ) -> tuple[tuple[slice, slice], Pixels | None]:
        """The pixels around a polygon and its coverage there, or None where it lies outside the view."""
        pixels = self.to_pixels(points)
        blur = self.length(softness)
        low = np.floor(pixels.min(0) - blur - 1).astype(int)
        high = np.ceil(pixels.max(0) + blur + 1).astype(int)
        if within is not None:
            bounds = self.to_pixels(within)
            low = np.maximum(low, np.rint(bounds.min(0)).astype(int))
            high = np.minimum(high, np.rint(bounds.max(0)).astype(int))
        height, width = self.mask.shape
        rows = slice(max(low[1], 0), min(high[1], height))
        columns = slice(max(low[0], 0), min(high[0], width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return (rows, columns), None
        stencil = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        corners = _fixed_point(pixels - (columns.start, rows.start))
        cv2.fillPoly(stencil, [corners], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        if blur > 0.6:
            size = 2 * int(np.ceil(blur / 2)) + 1
            stencil = cv2.blur(cv2.blur(stencil, (size, size)), (size, size))
        if within is not None and len(within) > 4:
            allowed = np.zeros_like(stencil)
            cv2.fillPoly(
                allowed, [_fixed_point(bounds - (columns.start, rows.start))], 255, cv2.LINE_AA, SUBPIXEL_BITS
            )
            stencil = np.minimum(stencil, allowed)
        return (rows, columns), stencil


def _fixed_point(pixels: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint(pixels * (1 << SUBPIXEL_BITS)).astype(np.int32)


def _attenuation(stencil: Pixels, amount: float) -> Pixels:
    taken = cv2.convertScaleAbs(stencil, alpha=min(amount, 1.0))
    return np.asarray(255 - taken, np.uint8)


def rgb(values: Sequence[float]) -> Plane:
    """A colour as an array that mixes with textures, shape (3,)."""
    return np.asarray(values, np.float32)


def tone(colour: Colour, factor: float) -> Colour:
    """A colour made darker (factor < 1) or lighter (factor > 1, towards white)."""
    if factor <= 1:
        return (colour[0] * factor, colour[1] * factor, colour[2] * factor)
    share = min(factor - 1, 1.0)
    return mix(colour, (255.0, 255.0, 255.0), share)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """``share`` of the second colour in the first."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return (red, green, blue)
