"""Every sentence a visitor can see on the page, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipelines.messages import Language, Phrase

LANGUAGES: Final[tuple[Language, ...]] = ("en", "ru")

PAGE: Final[Mapping[str, Phrase]] = {
    "title": Phrase("Facade Lens", "Facade Lens"),
    "purpose": Phrase(
        "Name it, and see it on the facade.",
        "Назовите — и увидите на фасаде.",
    ),
    "skip": Phrase("Skip to the result", "Перейти к результату"),
    "theme": Phrase("Switch between light and dark", "Светлая или тёмная тема"),
    "language": Phrase("Language of the page", "Язык страницы"),
    "image": Phrase("Picture", "Изображение"),
    "image.hint": Phrase(
        "Drop a photo here, paste it, or click to choose a file. "
        "PNG, JPEG, WebP or GIF, up to 20 MB and 16 MP.",
        "Перетащите фото сюда, вставьте его или нажмите, чтобы выбрать файл. "
        "PNG, JPEG, WebP или GIF, до 20 МБ и 16 Мп.",
    ),
    "examples": Phrase("Examples", "Примеры"),
    "example": Phrase("Example {number}", "Пример {number}"),
    "prompts": Phrase("Classes, one a line", "Классы, по одному в строке"),
    "prompts.info": Phrase(
        "Add texts after “=” to give a class synonyms: window = window, glass pane",
        "После «=» перечислите синонимы класса: окно = окно, оконный проём",
    ),
    "topic": Phrase("Start from", "Начать с"),
    "topic.facade-parts": Phrase("Parts", "Части"),
    "topic.facade-damage": Phrase("Damage", "Повреждения"),
    "variant": Phrase("Prompts in", "Язык запросов"),
    "kind.stock": Phrase("Stock", "Исходный"),
    "kind.finetuned": Phrase("Fine-tuned", "Дообученный"),
    "method": Phrase("Method", "Метод"),
    "checkpoint": Phrase("Checkpoint", "Чекпойнт"),
    "settings": Phrase("Settings of the method", "Параметры метода"),
    "reset": Phrase("Reset to the checkpoint's own values", "Вернуть значения чекпойнта"),
    "short_side": Phrase("Short side, px", "Короткая сторона, пкс"),
    "short_side.info": Phrase("The picture is resized to this", "До неё уменьшается изображение"),
    "crop": Phrase("Window, px", "Окно, пкс"),
    "crop.info": Phrase("Side of the sliding window", "Сторона скользящего окна"),
    "stride": Phrase("Stride, px", "Шаг окна, пкс"),
    "stride.info": Phrase("Distance between windows", "Расстояние между окнами"),
    "k": Phrase("Neighbours k", "Соседей k"),
    "k.info": Phrase("Links of each patch in the graph", "Связей у каждого фрагмента графа"),
    "alpha": Phrase("Propagation α", "Распространение α"),
    "alpha.info": Phrase("Share taken from neighbours", "Доля, взятая у соседей"),
    "gamma": Phrase("Affinity power γ", "Степень сходства γ"),
    "gamma.info": Phrase("Higher trusts only close look-alikes", "Больше — учитывать лишь самых похожих"),
    "sigma": Phrase("Reach σ, px", "Радиус σ, пкс"),
    "sigma.info": Phrase("Distance at which links fade", "Расстояние, на котором связи слабеют"),
    "tau": Phrase("Colour tolerance τ", "Допуск по цвету τ"),
    "tau.info": Phrase("LPOSS+: lower keeps sharper edges", "LPOSS+: меньше — резче границы"),
    "r": Phrase("Pixel window r", "Окно пикселей r"),
    "r.info": Phrase("LPOSS+: odd, side in pixels", "LPOSS+: нечётное, сторона в пикселях"),
    "solver": Phrase("Solver", "Решатель"),
    "solver.published": Phrase("published, 10 steps", "как в статье, 10 шагов"),
    "solver.exact": Phrase("exact", "точный"),
    "precision": Phrase("Precision", "Точность чисел"),
    "none": Phrase("None of these", "Ничего из названного"),
    "threshold": Phrase("Least certainty", "Наименьшая уверенность"),
    "threshold.info": Phrase(
        "Pixels below it stay without a class; 0 colours all",
        "Пиксели ниже остаются без класса; 0 — закрасить всё",
    ),
    "background": Phrase("Background words", "Слова фона"),
    "background.info": Phrase(
        "Separated by commas; where they win, nothing is coloured",
        "Через запятую; где побеждают они, цвета не будет",
    ),
    "background.hint": Phrase("for example: people, cars", "например: люди, машины"),
    "busy": Phrase(
        "Working. The first run also loads the model.", "Считаю. Первый запуск ещё и загружает модель."
    ),
    "failed": Phrase(
        "Something went wrong (id {id}). Your picture and prompts are kept; try again.",
        "Что-то пошло не так (номер {id}). Изображение и классы сохранены; попробуйте ещё раз.",
    ),
    "refused": Phrase("Not accepted", "Не принято"),
    "kept": Phrase("The last result is kept.", "Прошлый результат сохранён."),
    "no_image": Phrase(
        "There is no picture yet. Upload one or choose an example.",
        "Изображения пока нет. Загрузите его или выберите пример.",
    ),
    "not_a_file": Phrase(
        "Please send the picture as an uploaded file, not inside the request.",
        "Передайте изображение файлом, а не внутри запроса.",
    ),
    "model_missing": Phrase(
        "The bundled model is not on this machine: {reason}", "Встроенной модели нет на этой машине: {reason}"
    ),
}

VIEWER: Final[Mapping[str, Phrase]] = {
    "empty": Phrase(
        "Drop a photo of a facade here, or choose an example.",
        "Перетащите сюда фото фасада или выберите пример.",
    ),
    "canvas": Phrase(
        "Segmented picture. Arrow keys move the crosshair, plus and minus zoom, 0 fits.",
        "Размеченное изображение. Стрелки двигают перекрестие, плюс и минус меняют масштаб, 0 — целиком.",
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
    "stage.total": Phrase("total", "всего"),
    "busy": PAGE["busy"],
}


def say(key: str, language: Language = "en", **values: Any) -> str:
    """A sentence of :data:`PAGE` in one language, its fields filled in.

    Raises:
        KeyError: unknown key, or a field without a value.
    """
    return PAGE[key].text(language).format(**values)


def viewer_texts() -> dict[str, dict[str, str]]:
    """All sentences of the viewer by language, for the browser."""
    return {code: {key: phrase.text(code) for key, phrase in VIEWER.items()} for code in LANGUAGES}


def as_language(value: object) -> Language:
    """The page language that a visitor's wish stands for; English for anything unknown."""
    return "ru" if str(value).lower().startswith("ru") else "en"
