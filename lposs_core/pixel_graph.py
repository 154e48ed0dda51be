"""The LPOSS+ graph: every pixel tied to the pixels around it by colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lposs_core.windows import Image, check_image

_RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_WHITE = (0.95047, 1.0, 1.08883)
_LAB_SCALE = (100.0, 128.0, 128.0)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert sRGB to CIE Lab under D65.

    Args:
        rgb: in ``[0, 1]``, float, shape ``(3, H, W)``.

    Returns:
        L in ``[0, 100]``, a and b in about ``[-128, 127]``, shape ``(3, H, W)``.
    """
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    matrix = torch.tensor(_RGB_TO_XYZ, dtype=rgb.dtype, device=rgb.device)
    white = torch.tensor(_WHITE, dtype=rgb.dtype, device=rgb.device)
    xyz = torch.einsum("ij,jhw->ihw", matrix, linear) / white[:, None, None]
    fx, fy, fz = torch.where(xyz > 0.008856, xyz.clamp_min(0.008856) ** (1 / 3), 7.787 * xyz + 4 / 29)
    return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def scaled_lab(image: Image, device: torch.device | str = "cpu") -> Tensor:
    """Convert a picture to Lab divided by ``(100, 128, 128)``.

    Args:
        image: RGB, uint8, shape ``(H, W, 3)``.
        device: where to compute.

    Returns:
        Float32, shape ``(3, H, W)``.
    """
    check_image(image)
    rgb = torch.from_numpy(image.astype(np.float32)).to(device).permute(2, 0, 1) / 255
    scale = torch.tensor(_LAB_SCALE, device=rgb.device)
    return rgb_to_lab(rgb) / scale[:, None, None]


@dataclass(frozen=True, slots=True)
class PixelGraph:
    """The degree-normalised colour affinity ``S`` of all pixels, stored as offset planes.

    A tie is kept once, at its upper (or left) pixel: ``planes[o, p]`` is the tie of pixel ``p`` with pixel
    ``p + shifts[o]``, in row-major order, and 0 where that pixel would lie outside the picture.

    Attributes:
        planes: float32, shape ``(O, H * W)``; 84 planes for r = 13.
        shifts: distance of the two pixels of a plane in row-major order, one a plane.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
    """

    planes: Tensor
    shifts: tuple[int, ...]
    height: int
    width: int

    @property
    def nodes(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    @property
    def nbytes(self) -> int:
        """Memory of the planes, in bytes."""
        return self.planes.nbytes

    def multiply(self, columns: Tensor) -> Tensor:
        """Compute ``S x`` for several columns.

        Args:
            columns: one column a row, float32, shape ``(C, H * W)``, contiguous.

        Returns:
            Products, float32, shape ``(C, H * W)``.
        """
        # Zero ties at the border make one flat shift serve a whole plane: what wraps round to the next row
        # is multiplied by 0.
        product = torch.zeros_like(columns)
        for plane, shift in zip(self.planes, self.shifts, strict=True):
            ties = plane[:-shift]
            product[:, :-shift].addcmul_(ties, columns[:, shift:])
            product[:, shift:].addcmul_(ties, columns[:, :-shift])
        return product


def build_pixel_graph(
    image: Image, tau: float = 0.01, r: int = 13, device: torch.device | str = "cpu"
) -> PixelGraph:
    """Tie every pixel to the others of the square around it by ``exp(-|lab_p - lab_q| / tau)``.

    Weights are float32 as published: in double precision those that float32 rounds to 0 would connect
    pixels that are isolated in the published answer.

    Args:
        image: RGB, uint8, shape ``(H, W, 3)``.
        tau: colour distance at which a tie falls to 1/e, in Lab divided by ``(100, 128, 128)``.
        r: side of the square in pixels; the radius is ``r // 2``.
        device: where to compute and keep the graph.

    Returns:
        The degree-normalised graph; a pixel without any tie keeps degree 1.
    """
    lab = scaled_lab(image, device)
    height, width = lab.shape[1:]
    offsets = [
        offset for offset in half_plane_offsets(r // 2) if offset[0] < height and abs(offset[1]) < width
    ]
    planes = lab.new_zeros(len(offsets), height, width)
    for plane, (dy, dx) in zip(planes, offsets, strict=True):
        here, there = _overlap(height, width, dy, dx)
        plane[here] = _norm(lab[(slice(None), *here)] - lab[(slice(None), *there)]).div_(-tau).exp_()
    shifts = tuple(dy * width + dx for dy, dx in offsets)
    graph = PixelGraph(planes.flatten(1), shifts, height, width)
    _normalise_in_place(graph)
    return graph


def half_plane_offsets(radius: int) -> list[tuple[int, int]]:
    """List the offsets ``(dy, dx)`` of a square that lie below its centre, or beside it on the right.

    Args:
        radius: of the square, in pixels; 6 gives 84 offsets.
    """
    beside = [(0, dx) for dx in range(1, radius + 1)]
    below = [(dy, dx) for dy in range(1, radius + 1) for dx in range(-radius, radius + 1)]
    return beside + below


def _norm(vectors: Tensor) -> Tensor:
    """Length of vectors of shape ``(3, h, w)``; torch's own norm over a leading axis is 90 times slower."""
    x, y, z = vectors.unbind()
    length: Tensor = (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_()
    return length


def _overlap(height: int, width: int, dy: int, dx: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Pixels that have a partner at ``(dy, dx)``, and those partners."""
    left, right = max(-dx, 0), width - max(dx, 0)
    here = (slice(0, height - dy), slice(left, right))
    there = (slice(dy, height), slice(left + dx, right + dx))
    return here, there


def _normalise_in_place(graph: PixelGraph) -> None:
    degrees = torch.zeros(graph.nodes, dtype=torch.float64, device=graph.planes.device)
    for plane, shift in zip(graph.planes, graph.shifts, strict=True):
        degrees += plane
        degrees[shift:] += plane[:-shift]
    scale = torch.where(degrees > 0, degrees, torch.ones_like(degrees)).rsqrt().float()
    for plane, shift in zip(graph.planes, graph.shifts, strict=True):
        plane *= scale
        plane[:-shift] *= scale[shift:]
