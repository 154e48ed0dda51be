"""Daylight, dusk and night: where shadows fall and what colour the light has."""

from dataclasses import dataclass

import cv2
import numpy as np

from tiny_vlm.drawing.canvas import Canvas, Colour, Plane, mix, rgb
from tiny_vlm.drawing.geometry import Points
from tiny_vlm.drawing.materials import cloud
from tiny_vlm.drawing.parts import Part


@dataclass(frozen=True)
class Light:
    """The light of a scene.

    Attributes:
        slant: how far to the right a shadow falls for each metre of depth (negative: left).
        drop: how far it falls down for each metre of depth.
        shadow: share of the light that a full shadow takes, in [0, 1].
        softness: blur of a shadow's edge in metres for each metre of depth.
        sky_high: colour of the sky at the top.
        sky_low: colour of the sky near the horizon.
        cloudiness: share of clouds in [0, 1].
        tint: colour that multiplies the picture, 1 = neutral.
        night: share of darkness in [0, 1]; lit things keep their brightness.
    """

    slant: float = 0.6
    drop: float = 0.9
    shadow: float = 0.5
    softness: float = 0.12
    sky_high: Colour = (92.0, 142.0, 205.0)
    sky_low: Colour = (196.0, 218.0, 236.0)
    cloudiness: float = 0.4
    tint: Colour = (1.0, 1.0, 1.0)
    night: float = 0.0


@dataclass(frozen=True)
class Stage:
    """What every drawing function needs: where to paint, under which light, with which dice."""

    canvas: Canvas
    light: Light
    rng: np.random.Generator

    def chance(self, probability: float) -> bool:
        """True with a probability."""
        return bool(self.rng.random() < probability)

    def pick(self, low: float, high: float) -> float:
        """A uniform number between two bounds, in either order."""
        return low + (high - low) * float(self.rng.random())

    def cast(self, points: Points, depth: float, within: Points | None = None, strength: float = 1.0) -> None:
        """Shadow of a flat thing that stands ``depth`` metres in front of what is painted."""
        light = self.light
        fallen = points + np.array([light.slant * depth, -light.drop * depth])
        self.canvas.shade(fallen, light.shadow * strength, light.softness * depth + 0.01, within)

    def fine(self, metres: float, pixels: float = 1.0) -> bool:
        """Whether something of this size would show on the canvas."""
        return self.canvas.length(metres) >= pixels


def draw_sky(stage: Stage) -> None:
    """Fill the canvas with sky and clouds."""
    canvas, light = stage.canvas, stage.light
    height, width = (side // 2 + 1 for side in canvas.mask.shape)
    share = np.linspace(1, 0, height, dtype=np.float32)[:, None, None] ** 1.2
    sky = rgb(light.sky_high) * share + rgb(light.sky_low) * (1 - share)
    veil = _billows(stage.rng, height, width, stage.pick(0.25, 0.6))
    veil = np.clip((veil + 2.2 * light.cloudiness - 1.1) * 0.8, 0, 1)[..., None]
    shape = cloud(stage.rng, (height, width), width * 0.2, 4)[..., None]
    white = rgb(mix((250.0, 250.0, 250.0), light.sky_low, 0.35)) * (1 + 0.05 * shape)
    half = np.clip(sky * (1 - veil) + white * veil, 0, 255).astype(np.uint8)
    canvas.image[...] = cv2.resize(half, canvas.mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    canvas.mask[...] = Part.SKY


def _billows(rng: np.random.Generator, height: int, width: int, size: float) -> Plane:
    """Noise drawn out sideways and stirred, so that it looks like clouds; ``size`` in picture widths."""
    tall = cloud(rng, (2 * height, width), width * size, 7)
    flat = cv2.resize(tall, (width, height), interpolation=cv2.INTER_AREA)
    swirl = width * 0.018
    across = np.arange(width, dtype=np.float32)[None, :] + swirl * cloud(
        rng, (height, width), width * 0.12, 3
    )
    down = np.arange(height, dtype=np.float32)[:, None] + swirl * 0.6 * cloud(
        rng, (height, width), width * 0.12, 3
    )
    stirred = cv2.remap(flat, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(stirred, np.float32)


def random_light(rng: np.random.Generator) -> Light:
    """Sun, overcast, dusk or night, in about the shares of street photographs."""
    kind = rng.choice(["sun", "overcast", "dusk", "night"], p=[0.42, 0.38, 0.08, 0.12])
    slant = float(rng.choice([-1, 1]) * rng.uniform(0.25, 1.0))
    drop = float(rng.uniform(0.5, 1.2))
    if kind == "sun":
        high = (float(rng.uniform(60, 130)), float(rng.uniform(120, 175)), float(rng.uniform(190, 235)))
        warm = (1.04, 1.0, float(rng.uniform(0.86, 1.0)))
        low = mix(high, (245.0, 245.0, 240.0), 0.65)
        return Light(
            slant, drop, float(rng.uniform(0.35, 0.6)), 0.12, high, low, float(rng.uniform(0, 0.7)), warm
        )
    if kind == "overcast":
        grey = float(rng.uniform(170, 240))
        cold = (float(rng.uniform(0.9, 1.0)), float(rng.uniform(0.94, 1.0)), 1.0)
        sky = (grey * 0.95, grey * 0.98, grey)
        return Light(slant, drop, float(rng.uniform(0.12, 0.3)), 0.6, sky, tuple_of(grey + 12), 0.8, cold)
    if kind == "dusk":
        high = (float(rng.uniform(60, 120)), float(rng.uniform(70, 110)), float(rng.uniform(110, 170)))
        return Light(slant, drop, 0.2, 0.8, high, (235.0, 170.0, 130.0), 0.5, (1.0, 0.9, 0.85), 0.35)
    dark = float(rng.uniform(0.6, 0.93))
    glow = (float(rng.uniform(25, 110)), float(rng.uniform(25, 60)), float(rng.uniform(30, 70)))
    colour = (float(rng.uniform(0.6, 1.1)), float(rng.uniform(0.75, 1.0)), float(rng.uniform(0.6, 1.2)))
    return Light(slant, drop, 0.15, 0.6, mix(glow, (0.0, 0.0, 0.0), 0.5), glow, 0.3, colour, dark)


def tuple_of(grey: float) -> Colour:
    """A grey as a colour."""
    return (grey, grey, grey)


def nightfall(canvas: Canvas, light: Light, base: Colour = (0.36, 0.40, 0.52)) -> None:
    """Darken everything that does not shine, and let what shines light its surroundings."""
    shining = canvas.glow.astype(np.float32) / 255.0
    small = cv2.resize(shining, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    near, wide = (max(3, int(canvas.length(reach) / 4)) | 1 for reach in (0.7, 2.6))
    spread = 0.7 * cv2.blur(cv2.blur(small, (near, near)), (near, near)) + cv2.blur(
        cv2.blur(small, (wide, wide)), (wide, wide)
    )
    halo = cv2.resize(spread, shining.shape[::-1], interpolation=cv2.INTER_LINEAR)
    dark = 1 - light.night * (1 - rgb(base) * (1.2 - light.night))
    warm = rgb([1.0, 0.82, 0.55])
    level = dark + (1 - dark) * np.maximum(shining[..., None], np.clip(halo * 0.9, 0, 0.7)[..., None] * warm)
    sky = (canvas.mask == Part.SKY)[..., None]
    canvas.image[...] = np.where(sky, canvas.image, np.clip(canvas.image * level, 0, 255)).astype(np.uint8)
