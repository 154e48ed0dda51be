"""Trees, bushes and ivy."""

import numpy as np

from tiny_vlm.drawing.canvas import Colour, mix, tone
from tiny_vlm.drawing.geometry import Box, Points, ellipse
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part

GREENS: tuple[Colour, ...] = (
    (86.0, 118.0, 48.0),
    (62.0, 96.0, 44.0),
    (112.0, 134.0, 60.0),
    (54.0, 84.0, 52.0),
    (150.0, 140.0, 56.0),
    (176.0, 110.0, 44.0),
)


def draw_tree(
    stage: Stage, x: float, y: float, height: float, *, bare: bool = False, green: Colour | None = None
) -> None:
    """A street tree with trunk, branches and a crown of leaf clusters."""
    canvas, rng = stage.canvas, stage.rng
    spread = height * stage.pick(0.26, 0.4)
    if not canvas.sees(Box(x - spread, y, x + spread, y + height)):
        return
    bark = mix((70.0, 58.0, 48.0), (112.0, 104.0, 96.0), stage.pick(0, 1))
    canvas.shade(ellipse((x + stage.light.slant * 0.6, y), (spread * 0.8, 0.18)), 0.35, 0.25)
    draw_branches(stage, x, y, height, bark, 5 if bare else 2)
    if bare:
        return
    green = green or GREENS[int(rng.integers(len(GREENS)))]
    crown = (x, y + height * 0.66)
    turn, reach = rng.uniform(0, 2 * np.pi, 30), np.sqrt(rng.random(30))
    outline = np.stack([np.cos(turn) * spread * 0.72, np.sin(turn) * height * 0.23], 1)
    centres = crown + outline * reach[:, None]
    canvas.shade(
        ellipse((crown[0] + stage.light.slant, crown[1] - stage.light.drop), (spread * 0.9, height * 0.27)),
        stage.light.shadow * 0.5,
        0.5,
    )
    draw_leaves(stage, centres, height * stage.pick(0.085, 0.12), green)


def draw_branches(stage: Stage, x: float, y: float, height: float, bark: Colour, levels: int) -> None:
    """A trunk that forks ``levels`` times."""
    starts = [(x, y, np.pi / 2 + 0.05 * stage.rng.standard_normal(), height * 0.38, height * 0.032)]
    for level in range(levels + 1):
        following = []
        for sx, sy, angle, length, width in starts:
            ex, ey = sx + np.cos(angle) * length, sy + np.sin(angle) * length
            stage.canvas.line(
                np.array([[sx, sy], [ex, ey]]), width, tone(bark, 0.85 + 0.1 * (level % 3)), Part.VEGETATION
            )
            for turn in (-0.42, 0.4, 0.05)[: 3 if level < 2 else 2]:
                bend = turn * (1 + 0.4 * stage.rng.standard_normal())
                following.append(
                    (ex, ey, angle + bend, length * stage.pick(0.55, 0.8), max(width * 0.6, 0.015))
                )
        starts = following


def draw_leaves(stage: Stage, centres: Points, radius: float, green: Colour) -> None:
    """Clusters of leaf blobs, dark inside and below, bright towards the sun."""
    canvas, rng = stage.canvas, stage.rng
    for centre in centres:
        canvas.polygon(
            ellipse((centre[0], centre[1]), (radius * 0.8, radius * 0.65)), tone(green, 0.45), Part.VEGETATION
        )
    crown = 0.45 * len(centres) * (2.2 * radius) ** 2
    count = int(np.clip(canvas.length(radius) ** 2 * len(centres) / 7, 60, 60000))
    turn, reach = (
        rng.uniform(0, 2 * np.pi, count),
        radius * (1.05 * np.sqrt(rng.random(count)) + 0.12 * rng.standard_normal(count)),
    )
    offset = np.stack([np.cos(turn), 0.85 * np.sin(turn)], 1) * reach[:, None]
    place = centres[rng.integers(len(centres), size=count)] + offset
    low, high = place.min(0), place.max(0)
    toward = np.array([-np.sign(stage.light.slant) * 0.5, 0.9])
    bright = (offset @ toward) / radius * 0.22 + ((place - low) / np.maximum(high - low, 1e-6)) @ np.abs(
        toward
    ) * 0.3
    seen = np.flatnonzero(canvas.inside(place, 0.3))[: canvas.mask.size // 50]
    seen = seen[np.argsort(bright[seen] + 0.25 * rng.standard_normal(len(seen)))]
    size = np.clip(np.sqrt(2.0 * crown / count), 0.035, max(0.11, 4.0 / canvas.scale))
    radii = size * rng.uniform(0.6, 1.3, len(seen))
    hue = rng.uniform(0.93, 1.07, (len(seen), 3)) * rng.uniform(0.85, 1.15, (len(seen), 1))
    colours = np.array(green) * hue * np.clip(0.6 + bright[seen, None] * 1.1, 0.4, 1.7)
    canvas.spots(place[seen], radii, np.clip(colours, 0, 255).astype(np.uint8), Part.VEGETATION)


def draw_bush(stage: Stage, box: Box) -> None:
    """A hedge, a bush or ivy that fills a box."""
    if not stage.canvas.sees(box):
        return
    green = GREENS[int(stage.rng.integers(4))]
    count = max(4, int(box.width * box.height * 5))
    centres = np.stack(
        [stage.rng.uniform(box.left, box.right, count), stage.rng.uniform(box.bottom, box.top, count)], 1
    )
    draw_leaves(stage, centres, float(np.clip(min(box.width, box.height) * 0.35, 0.12, 0.5)), green)
