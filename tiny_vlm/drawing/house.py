"""A house from its style: wall, floors and ground floor painted in order."""

from dataclasses import replace
from itertools import pairwise

from tiny_vlm.drawing.balconies import draw_balcony
from tiny_vlm.drawing.geometry import Box
from tiny_vlm.drawing.ground_floor import draw_ground_floor
from tiny_vlm.drawing.house_style import House
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.ornament import (
    draw_cornice,
    draw_course,
    draw_frieze,
    draw_panel,
    draw_pilaster,
    draw_quoins,
)
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.roofs import draw_roof
from tiny_vlm.drawing.windows import draw_ledge, draw_window


def draw_house(stage: Stage, house: House, left: float, right: float) -> None:
    """Paint a house between two x positions, from its roof to its ground floor."""
    body = Box(left, 0.0, right, house.top)
    if not stage.canvas.sees(body.grow(1.0, 5.0)):
        return
    draw_shell(stage, house, left, right)
    lower = body._replace(top=house.ground)
    if stage.canvas.sees(lower):
        draw_ground_floor(stage, house, lower)


def draw_shell(stage: Stage, house: House, left: float, right: float) -> None:
    """Roof, walls, mouldings and upper floors; the ground floor is left blank."""
    body = Box(left, 0.0, right, house.top)
    roof = Box(left - 0.1, house.top, right + 0.1, house.top + (house.roof_height or stage.pick(1.2, 3.2)))
    draw_roof(stage, roof, house.roof, house.roof_colour)
    stage.canvas.textured(body.points(), house.texture, house.wall)
    _draw_mouldings(stage, house, body)
    if house.wall != Part.GLASS_WALL:
        for floor in range(house.floors):
            _draw_floor(stage, house, body, floor)
    lower = body._replace(top=house.ground)
    if stage.canvas.sees(lower):
        stage.canvas.textured(lower.points(), house.base_texture, house.base)
        draw_ledge(stage, Box(left, house.ground - 0.12, right, house.ground + 0.12), house.trim)


def bays(house: House, body: Box) -> list[float]:
    """Positions of the window axes of a house."""
    count = max(1, int(body.width / house.bay))
    return [body.left + body.width * (index + 0.5) / count for index in range(count)]


def _draw_mouldings(stage: Stage, house: House, body: Box) -> None:
    if house.ornate < 0.08:
        return
    draw_cornice(
        stage, Box(body.left, house.top - 0.75, body.right, house.top), house.trim, house.ornate > 0.3
    )
    if house.ornate > 0.55:
        draw_frieze(stage, Box(body.left, house.top - 1.15, body.right, house.top - 0.8), house.trim)
    if house.ornate > 0.25:
        for floor in range(1, house.floors):
            y = house.ground + floor * house.storey
            draw_course(stage, Box(body.left, y - 0.1, body.right, y + 0.12), house.trim)
    if house.ornate > 0.4:
        draw_quoins(stage, body.left, house.ground, house.top - 0.8, house.trim, 1)
        draw_quoins(stage, body.right, house.ground, house.top - 0.8, house.trim, -1)
    if house.ornate > 0.75:
        axes = bays(house, body)
        for first, second in pairwise(axes):
            x = (first + second) / 2
            draw_pilaster(
                stage,
                Box(x - 0.2, house.ground + 0.2, x + 0.2, house.top - 1.15),
                house.trim,
                house.ornate > 0.85,
            )


def _draw_floor(stage: Stage, house: House, body: Box, floor: int) -> None:
    base = house.ground + floor * house.storey
    width, height = house.size
    for index, x in enumerate(bays(house, body)):
        box = Box(x - width / 2, base + 0.75, x + width / 2, base + 0.75 + height)
        if not stage.canvas.sees(box.grow(1.0)):
            continue
        has_balcony = floor > 0 and ((index * 7 + 3) % 10) / 10 < house.balconies
        style = house.window
        if has_balcony:
            box = box._replace(bottom=base + 0.15)
            style = replace(style, sill=False)
        draw_window(stage, box, style)
        if has_balcony:
            draw_balcony(
                stage,
                Box(x - width / 2 - 0.55, base, x + width / 2 + 0.55, base + 1.15),
                house.parapet,
                house.trim if house.parapet != "iron" else (34.0, 34.0, 36.0),
            )
        elif house.ornate > 0.6:
            draw_panel(stage, Box(box.left, base + 0.2, box.right, box.bottom - 0.16), house.trim)
