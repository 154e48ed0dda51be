"""The words of a defect sheet in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..messages import Language, Phrase

NOTE: Final = Phrase(
    "A visual aid, not an expert opinion: areas were found by a neural network in one photograph and may be "
    "missing, surplus or wrong. An engineer has to check every row on site.",
    "Вспомогательный материал, а не экспертное заключение: участки найдены нейронной сетью по одной "
    "фотографии, часть дефектов может быть пропущена, указана лишней или неверно. Каждую строку проверяет на "
    "месте инженер.",
)

SHEET: Final[Mapping[str, Phrase]] = {
    "title": Phrase("Defect sheet", "Ведомость дефектов"),
    "object": Phrase("Building, address", "Объект, адрес"),
    "facade": Phrase("Facade, axes", "Фасад, оси"),
    "date": Phrase("Date of survey", "Дата осмотра"),
    "picture": Phrase("Photograph", "Фотография"),
    "created": Phrase("Drawn up", "Составлена"),
    "number": Phrase("No.", "№ п/п"),
    "defect": Phrase("Defect", "Дефект"),
    "location": Phrase("Location", "Местоположение"),
    "photo": Phrase("Photo", "Фото"),
    "cause": Phrase("Likely cause", "Вероятная причина"),
    "measures": Phrase("Recommended measures", "Рекомендуемые мероприятия"),
    "area": Phrase("Area, m²", "Площадь, м²"),
    "area_px": Phrase("Area, px", "Площадь, пкс"),
    "length": Phrase("Length, m", "Длина, м"),
    "width": Phrase("Mean width, mm", "Средняя ширина, мм"),
    "class": Phrase("Class", "Класс"),
    "prompt": Phrase("Prompt", "Запрос"),
    "severity": Phrase("Severity", "Степень"),
    "score": Phrase("Mean probability", "Средняя вероятность"),
    "centre_x": Phrase("Centre x, px", "Центр x, пкс"),
    "centre_y": Phrase("Centre y, px", "Центр y, пкс"),
    "left": Phrase("Left, px", "Слева, пкс"),
    "top": Phrase("Top, px", "Сверху, пкс"),
    "box_width": Phrase("Box width, px", "Ширина рамки, пкс"),
    "box_height": Phrase("Box height, px", "Высота рамки, пкс"),
    "place": Phrase(
        "centre x {x}, y {y}; box {width} × {height} px", "центр x {x}, y {y}; рамка {width} × {height} пкс"
    ),
    "extent": Phrase(
        "length about {length} m, mean width about {width} mm",
        "длина около {length} м, средняя ширина около {width} мм",
    ),
    "extent_px": Phrase(
        "length about {length} px, mean width about {width} px",
        "длина около {length} пкс, средняя ширина около {width} пкс",
    ),
    "pixels": Phrase("{area} px", "{area} пкс"),
    "scale": Phrase("Scale", "Масштаб"),
    "scale_known": Phrase(
        "{metres} m = {pixels} px as marked in the picture, so 1 px = {millimetres} mm. It holds in the "
        "plane of the mark; perspective is not removed.",
        "{metres} м = {pixels} пкс по отметке на снимке, то есть 1 пкс = {millimetres} мм. Верно в плоскости "
        "отметки; перспектива не исправлена.",
    ),
    "scale_unknown": Phrase(
        "not marked: areas are in pixels. Mark a known length in the picture to get square metres.",
        "не отмечен: площади даны в пикселях. Отметьте на снимке известную длину, чтобы получить м².",
    ),
    "summary": Phrase("Summary", "Сводка"),
    "count": Phrase("Number", "Количество"),
    "share": Phrase("Part of the picture", "Доля снимка"),
    "total": Phrase("Total", "Всего"),
    "none": Phrase(
        "No damaged area was found at this sensitivity.", "При этой чувствительности повреждений не найдено."
    ),
    "left_out": Phrase(
        "Not listed: {count} areas below {least} px or beyond the number of rows.",
        "Не вошло в ведомость: {count} участков меньше {least} пкс или сверх числа строк.",
    ),
    "rule": Phrase("How severity is rated", "Как определена степень"),
    "rule_line": Phrase("{title}, by {quantity}: {steps}", "{title}, по признаку «{quantity}»: {steps}"),
    "rule_below": Phrase("{level} below {figure}", "{level} — меньше {figure}"),
    "rule_step": Phrase("{level} from {figure}", "{level} — от {figure}"),
    "found_by": Phrase("How it was found", "Как найдено"),
    "found_by_line": Phrase(
        "method {method}, checkpoint {checkpoint} ({digest}); damage probability at least {threshold}; "
        "counted as damage: {damage}.",
        "метод {method}, чекпойнт {checkpoint} ({digest}); вероятность повреждения не меньше {threshold}; "
        "повреждениями считались: {damage}.",
    ),
    "engineer": Phrase("Engineer", "Инженер"),
    "signature": Phrase("signature", "подпись"),
    "print": Phrase("Print or save as PDF", "Печать или сохранение в PDF"),
}

QUANTITIES: Final[Mapping[str, Phrase]] = {
    "area_m2": Phrase("area, m²", "площадь, м²"),
    "area_share": Phrase("part of the picture", "доля снимка"),
    "width_mm": Phrase("mean width, mm", "средняя ширина, мм"),
    "length_share": Phrase("length as part of the longer side", "длина в долях большей стороны"),
}


def say(key: str, language: Language, **values: object) -> str:
    """A phrase of :data:`SHEET`, its fields filled in."""
    return SHEET[key].text(language).format(**values)


def number(value: float, language: Language, digits: int) -> str:
    """A figure with a decimal comma in Russian."""
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if language == "ru" else text


def percent(share: float, language: Language) -> str:
    """A share in [0, 1] in whole per cent; in Russian a space stands before the sign."""
    return f"{share:.0%}".replace("%", "\u00a0%" if language == "ru" else "%")


def thousands(count: int) -> str:
    """A whole number with narrow spaces between groups of three digits."""
    return f"{count:,}".replace(",", "\u202f")
