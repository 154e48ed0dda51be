"""Sentences about picture files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .phrase import Phrase

IMAGE_MESSAGES: Final[Mapping[str, Phrase]] = {
    "image.missing": Phrase(
        "The picture file {name} cannot be opened. Check the name and the permissions.",
        "Файл изображения {name} не открывается. Проверьте имя и права доступа.",
    ),
    "image.unsupported": Phrase(
        "This file is not a PNG, JPEG, WebP or GIF picture. Save it as one of these and try again.",
        "Этот файл не является изображением PNG, JPEG, WebP или GIF. Сохраните его в одном из этих форматов.",
    ),
    "image.corrupt": Phrase(
        "The {format} picture is damaged: its data end early or do not fit its header. "
        "Save or copy it again.",
        "Изображение {format} повреждено: данные обрываются или не соответствуют заголовку. "
        "Сохраните или скопируйте его заново.",
    ),
    "image.corrupt.short": Phrase(
        "The picture file is cut short or empty: it has only {length} bytes. Copy it again.",
        "Файл изображения пуст или обрезан: в нём всего {length} байт. Скопируйте его заново.",
    ),
    "image.too_large.pixels": Phrase(
        "The picture is too large: {width} x {height} pixels. At most {megapixels} megapixels are accepted; "
        "make it smaller.",
        "Изображение слишком велико: {width} x {height} пикселей. Принимается не больше {megapixels} Мп; "
        "уменьшите его.",
    ),
    "image.too_large.side": Phrase(
        "The picture is too large: {width} x {height} pixels. A side may have at most {limit} pixels; "
        "make it smaller.",
        "Изображение слишком велико: {width} x {height} пикселей. Сторона не может быть больше "
        "{limit} пикселей; уменьшите его.",
    ),
    "image.too_large.bytes": Phrase(
        "The picture file is too large: {megabytes} MB. At most {limit} MB are accepted; save it as a JPEG.",
        "Файл изображения слишком велик: {megabytes} МБ. Принимается не больше {limit} МБ; "
        "сохраните его как JPEG.",
    ),
    "image.too_small": Phrase(
        "The picture is too small: {width} x {height} pixels. Each side needs at least {limit} pixels.",
        "Изображение слишком мало: {width} x {height} пикселей. Каждая сторона должна быть не меньше "
        "{limit} пикселей.",
    ),
    "image.aspect": Phrase(
        "The picture is too narrow: {width} x {height} pixels. One side may be at most {limit} times "
        "the other; crop it.",
        "Изображение слишком вытянуто: {width} x {height} пикселей. Одна сторона может быть больше другой "
        "не более чем в {limit} раз; обрежьте его.",
    ),
    "image.note.first_frame": Phrase(
        "The picture is animated; only its first frame is used.",
        "Изображение анимированное; используется только первый кадр.",
    ),
}
