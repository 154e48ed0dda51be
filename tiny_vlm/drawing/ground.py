"""The ground before the house: pavement, kerb, road, lane marks, reflections on a wet road."""

import cv2
import numpy as np

from tiny_vlm.drawing.canvas import Grid, Plane, mix, rgb, tone
from tiny_vlm.drawing.geometry import Box
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.materials import cloud
from tiny_vlm.drawing.parts import Part

EYE_HEIGHT = 1.65


def draw_ground(stage: Stage, kerb: float, snow: float = 0.0, asphalt: float | None = None) -> None:
    """Everything below y = 0: pavement slabs, a kerb at y = -``kerb`` and asphalt, seen from eye height."""
    view, rng = stage.canvas.view, stage.rng
    if view.bottom >= 0:
        return
    stone = mix((150.0, 146.0, 140.0), (178.0, 170.0, 158.0), stage.pick(0, 1))
    grey = asphalt or stage.pick(75, 120)
    slab, middle, distance = stage.pick(0.5, 1.0), view.centre[0], stage.pick(8.0, 14.0)
    lawn = stage.chance(0.08) and asphalt is None

    def texture(grid: Grid) -> Plane:
        depth = distance * (-grid.y) / (EYE_HEIGHT - grid.y)
        x = middle + (grid.x - middle) * EYE_HEIGHT / (EYE_HEIGHT - grid.y)
        grain = cloud(rng, grid.shape, max(0.05 * grid.scale, 1.0), 2)
        broad = cloud(rng, grid.shape, 1.5 * grid.scale, 3)
        fine = np.clip(slab * grid.scale / 8, 0, 1)
        joint = (np.abs((x / slab) % 1 - 0.5) > 0.485) | (np.abs((depth / slab) % 1 - 0.5) > 0.47)
        tint = 0.05 * np.sin(np.floor(x / slab) * 12.9 + np.floor(depth / slab) * 78.2)
        pavement = rgb(stone) * (1 + 0.04 * grain + 0.05 * broad + tint - 0.25 * fine * joint)[..., None]
        road = rgb([grey, grey, grey * 1.03]) * (1 + 0.06 * grain + 0.035 * broad)[..., None]
        if lawn:
            road = rgb([92, 118, 58]) * (1 + 0.2 * grain + 0.1 * broad)[..., None]
        colours = np.where((grid.y > -kerb)[..., None], pavement, road)
        white = np.clip((broad + 2.4 * snow - 1.2) * 2, 0, 1)[..., None] * (snow > 0)
        return np.asarray(colours * (1 - white) + rgb([228, 232, 240]) * white, np.float32)

    ground = Box(view.left, view.bottom, view.right, 0.0)
    stage.canvas.textured(ground.points(), texture, Part.GROUND)
    edge = Box(view.left, -kerb - 0.1, view.right, -kerb)
    stage.canvas.gradient(edge, tone(stone, 1.1), tone(stone, 0.7))
    contact = Box(view.left, -0.12, view.right, 0.03)
    stage.canvas.shade(contact.points(), 0.3, 0.15)


def draw_lane(stage: Stage, y: float) -> None:
    """Dashes of a lane marking along the road."""
    view = stage.canvas.view
    for x in np.arange(view.left - 1.0, view.right, 4.2):
        dash = np.array([[x, y], [x + 2.2, y], [x + 2.24, y - 0.07], [x + 0.02, y - 0.07]])
        stage.canvas.polygon(dash, (206.0, 204.0, 198.0))


def draw_wet_road(stage: Stage, strength: float) -> None:
    """Mirror the street faintly in the ground, drawn out downwards as on a wet road."""
    canvas = stage.canvas
    height, width = canvas.mask.shape
    first = int(canvas.to_pixels(np.array([[0.0, 0.0]]))[0, 1])
    if first >= height:
        return
    depth = np.arange(height - first)
    wobble = cloud(stage.rng, (len(depth), width), canvas.length(0.35), 3) * canvas.length(0.07)
    columns = np.arange(width, dtype=np.float32)[None, :] + wobble
    source = np.broadcast_to((first - 1 - 1.9 * depth)[:, None], wobble.shape).astype(np.float32) + wobble
    share = np.where(
        canvas.mask[first:] == Part.GROUND, strength * np.linspace(1, 0.55, len(depth))[:, None], 0
    )
    smear = (1, max(3, int(canvas.length(0.5)) | 1))
    for plane in (canvas.image, canvas.glow):
        mirrored = cv2.remap(plane, columns, source, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        mirrored = cv2.blur(mirrored, smear).astype(np.float32)
        alpha = share[..., None] if plane.ndim == 3 else share
        plane[first:] = (plane[first:] + (mirrored - plane[first:]) * alpha).astype(np.uint8)
