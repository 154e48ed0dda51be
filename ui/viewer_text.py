"""Every sentence of the result viewer, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipelines.messages import Phrase

VIEWER: Final[Mapping[str, Phrase]] = {
    "empty": Phrase(
        "Drop a photo of a facade here, click to choose one, or take an example.",
        "Перетащите сюда фото фасада, нажмите, чтобы выбрать его, или возьмите пример.",
    ),
    "canvas": Phrase(
        "Segmented picture. Arrow keys move the crosshair, Enter shows the scores there, "
        "plus and minus zoom, 0 fits.",
        "Размеченное изображение. Стрелки двигают перекрестие, Enter показывает оценки в точке, "
        "плюс и минус меняют масштаб, 0 — целиком.",
    ),
    "view": Phrase("View", "Вид"),
    "overlay": Phrase("Overlay", "Заливка"),
    "outline": Phrase("Outline", "Контур"),
    "split": Phrase("Split", "Шторка"),
    "divider": Phrase("Divider between result and photo", "Граница между результатом и фото"),
    "opacity": Phrase("Opacity", "Плотность"),
    "zoom_in": Phrase("Zoom in", "Приблизить"),
    "zoom_out": Phrase("Zoom out", "Отдалить"),
    "fit": Phrase("Fit the whole picture", "Показать целиком"),
    "fullscreen": Phrase("Full screen", "На весь экран"),
    "legend": Phrase("Classes", "Классы"),
    "show_all": Phrase("All", "Все"),
    "show_none": Phrase("None", "Скрыть"),
    "toggle": Phrase("Show or hide {name}", "Показать или скрыть: {name}"),
    "solo": Phrase("Only {name}", "Только {name}"),
    "no_class": Phrase("none of these", "ничего из названного"),
    "readout": Phrase(
        "Point at the picture to read a class.", "Наведите на изображение, чтобы узнать класс."
    ),
    "label_png": Phrase("Label map", "Карта классов"),
    "overlay_png": Phrase("Picture", "Картинка"),
    "download": Phrase("Download", "Скачать"),
    "total": Phrase("{seconds} s", "{seconds} с"),
    "details": Phrase("Timings", "Время по этапам"),
    "cached": Phrase("from cache", "из кэша"),
    "milliseconds": Phrase("{value} ms", "{value} мс"),
    "digest": Phrase("SHA-256 of its weights: {digest}", "SHA-256 весов: {digest}"),
    "stage.windows": Phrase("windows", "окна"),
    "stage.encode_clip": Phrase("text-aligned features", "признаки, связанные с текстом"),
    "stage.encode_patches": Phrase("patch features", "признаки фрагментов"),
    "stage.graph": Phrase("graph", "граф"),
    "stage.text": Phrase("prompts", "запросы"),
    "stage.propagate": Phrase("propagation", "распространение"),
    "stage.refine": Phrase("pixel refinement", "уточнение по пикселям"),
    "stage.label_map": Phrase("label map", "карта классов"),
    "stage.load": Phrase("model", "модель"),
    "stage.filter": Phrase("class filter", "фильтр классов"),
    "stage.rounds": Phrase("dropout rounds", "раунды"),
    "stage.postprocess": Phrase("post-processing", "постобработка"),
    "stage.total": Phrase("total", "всего"),
    "busy": Phrase(
        "Working. The first run also loads the model.", "Считаю. Первый запуск ещё и загружает модель."
    ),
    "queued": Phrase(
        "Others are being served. Your place in the queue: {place}.",
        "Сейчас обслуживаются другие. Ваше место в очереди: {place}.",
    ),
    "click": Phrase("click for its scores", "нажмите, чтобы увидеть оценки"),
    "measure": Phrase(
        "Click the two ends of a length that you know. Escape stops.",
        "Щёлкните по двум концам известной вам длины. Escape — отмена.",
    ),
    "measuring": Phrase("end of the length", "конец отрезка"),
}
