"""Every sentence a visitor can see on the page, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipelines.messages import Language, Phrase

from .explain_text import EXPLAIN
from .rounds_text import ROUNDS
from .viewer_text import VIEWER

LANGUAGES: Final[tuple[Language, ...]] = ("en", "ru")

PAGE: Final[Mapping[str, Phrase]] = {
    "title": Phrase("Facade Lens", "Facade Lens"),
    "purpose": Phrase(
        "Name what to find on a facade, and see where it is.",
        "Назовите, что найти на фасаде, и увидите, где оно.",
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
    "topic.facade-grouped": Phrase("Groups", "Группы"),
    "variant": Phrase("Prompts in", "Язык запросов"),
    "promptfile.open": Phrase("Open a file", "Открыть файл"),
    "promptfile.save": Phrase("Save as YAML", "Сохранить YAML"),
    "kind.stock": Phrase("Stock", "Исходный"),
    "kind.finetuned": Phrase("Fine-tuned", "Дообученный"),
    "method": Phrase("Method", "Метод"),
    "method.maskclip": Phrase(
        "MaskCLIP compares every patch with the words, each on its own: quick, uneven edges.",
        "MaskCLIP сравнивает со словами каждый фрагмент сам по себе: быстро, края неровные.",
    ),
    "method.lposs": Phrase(
        "LPOSS lets patches that look alike and lie close agree on a class.",
        "LPOSS: похожие и близкие фрагменты приходят к общему классу.",
    ),
    "method.lposs_plus": Phrase(
        "LPOSS+ adds pixels to LPOSS: sharper edges, slower.",
        "LPOSS+ добавляет к LPOSS пиксели: края чётче, дольше.",
    ),
    "method.pnp_ovss": Phrase(
        "PnP-OVSS asks in rounds which places make a word fit the picture.",
        "PnP-OVSS по раундам ищет места, из-за которых слово подходит снимку.",
    ),
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
    "none": Phrase("None of these: threshold and background", "Ничего из названного: порог и фон"),
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
    "models.more": Phrase("More models", "Другие модели"),
    "models.choose": Phrase("More models…", "Другие модели…"),
    "models.stop": Phrase("Stop the download", "Остановить скачивание"),
    "models.glossary": Phrase("Glossary into English", "Глоссарий на английский"),
    "models.english": Phrase("Reads English only", "Понимает только английский"),
    "models.pnp": Phrase("PnP-OVSS reads English only", "PnP-OVSS понимает только английский"),
    "models.left": Phrase(
        "You no longer wait for this download. It goes on, since others wait for it.",
        "Вы больше не ждёте это скачивание. Оно продолжается: его ждут другие посетители.",
    ),
    "models.reads": Phrase("Reads {languages}", "Понимает языки: {languages}"),
    "models.here": Phrase("on this machine", "есть на этой машине"),
    "models.away": Phrase("not on this machine, {megabytes} MB", "нет на этой машине, {megabytes} МБ"),
    "models.fetch": Phrase("{megabytes}\u00a0MB to download", "скачать {megabytes}\u00a0МБ"),
    "models.broken": Phrase("files are missing", "не хватает файлов"),
    "models.progress": Phrase("{received} of {total} MB", "{received} из {total} МБ"),
    "tongue.en": Phrase("English", "английский"),
    "tongue.ru": Phrase("Russian", "русский"),
    "tongue.de": Phrase("German", "немецкий"),
    "tongue.fr": Phrase("French", "французский"),
    "tongue.es": Phrase("Spanish", "испанский"),
    "tongue.zh": Phrase("Chinese", "китайский"),
    "inspect.title": Phrase("Pixel {x}, {y}", "Точка {x}, {y}"),
    "inspect.close": Phrase("Close the inspector", "Закрыть"),
    "inspect.probability": Phrase("Probability among the classes", "Вероятность среди классов"),
    "inspect.score": Phrase("Score: the best of its texts", "Оценка: лучшая из текстов класса"),
    "inspect.texts": Phrase("Texts of the class", "Тексты класса"),
    "inspect.hint": Phrase(
        "probability and score of each class, score of each text",
        "вероятность и оценка каждого класса, оценка каждого текста",
    ),
    "inspect.none": Phrase("Left without a class.", "Осталась без класса."),
    "inspect.gone": Phrase(
        "This result is no longer kept. Change a prompt or a setting to compute it again.",
        "Этот результат уже не хранится. Измените класс или параметр, чтобы посчитать его заново.",
    ),
    "compare.title": Phrase("Compare checkpoints and methods", "Сравнить чекпойнты и методы"),
    "compare.checkpoint_a": Phrase("First", "Первый"),
    "compare.checkpoint_b": Phrase("Second", "Второй"),
    "compare.run": Phrase("Compare", "Сравнить"),
    "compare.empty": Phrase(
        "Two results of this picture and these prompts, side by side and zoomed together.",
        "Два результата по этому изображению и этим классам рядом, с общим масштабом.",
    ),
    "compare.working": Phrase("Working …", "Считаю …"),
    "compare.stale": Phrase(
        "The picture, the prompts or a setting has changed since; press Compare again.",
        "Изображение, классы или параметры с тех пор изменились; нажмите «Сравнить» ещё раз.",
    ),
    "compare.view": Phrase("View of the comparison", "Вид сравнения"),
    "compare.side": Phrase("Side by side", "Рядом"),
    "compare.swipe": Phrase("Swipe", "Шторка"),
    "compare.difference": Phrase("Difference", "Различия"),
    "compare.opacity": Phrase("Opacity", "Плотность"),
    "compare.divider": Phrase("Divider between the results", "Граница между результатами"),
    "compare.canvas": Phrase(
        "Result. Arrow keys move, plus and minus zoom, 0 fits; both results follow.",
        "Результат. Стрелки двигают, плюс и минус меняют масштаб, 0 — целиком; второй результат следует.",
    ),
    "compare.changed": Phrase("Changed: {share} of all pixels", "Изменилось: {share} всех пикселей"),
    "compare.same": Phrase("Not a pixel differs", "Различий нет"),
    "compare.class": Phrase("Class", "Класс"),
    "compare.share_a": Phrase("First", "Первый"),
    "compare.share_b": Phrase("Second", "Второй"),
    "compare.per_class": Phrase("Changed of the class", "Изменилось в классе"),
    "compare.first": Phrase("First: {name}", "Первый: {name}"),
    "compare.second": Phrase("Second: {name}", "Второй: {name}"),
    "defects.title": Phrase("Defect sheet", "Ведомость дефектов"),
    "defects.method": Phrase("Scores of", "Оценки метода"),
    "defects.method.info": Phrase(
        "MaskCLIP keeps small areas that propagation over look-alike neighbours levels out",
        "MaskCLIP сохраняет мелкие участки, которые распространение по похожим соседям сглаживает",
    ),
    "defects.damage": Phrase("Classes that count as damage", "Какие классы считать повреждениями"),
    "defects.damage.info": Phrase(
        "Ticked by their names and texts; change it as you like. Start from the damage prompts to have any.",
        "Отмечены по именам и текстам; меняйте как угодно. Начните с набора «Повреждения», чтобы они были.",
    ),
    "defects.threshold": Phrase("Least damage probability", "Наименьшая вероятность"),
    "defects.threshold.info": Phrase(
        "Of all damage classes together; lower finds more", "Всех повреждений вместе; меньше — найдёт больше"
    ),
    "defects.least": Phrase("Smallest area, %", "Наименьший участок, %"),
    "defects.least.info": Phrase(
        "Part of the picture; smaller is left out", "Доля снимка; меньшие не вносятся"
    ),
    "defects.metres": Phrase("Known length, m", "Известная длина, м"),
    "defects.metres.info": Phrase("Between two marks on the picture", "Между двумя отметками на снимке"),
    "defects.mark": Phrase("Mark its two ends", "Отметить два её конца"),
    "defects.find": Phrase("Find defects", "Найти дефекты"),
    "defects.html": Phrase("Sheet to print (HTML)", "Ведомость для печати (HTML)"),
    "defects.csv": Phrase("Table (CSV)", "Таблица (CSV)"),
    "defects.coco": Phrase("COCO JSON", "COCO JSON"),
    "defects.geojson": Phrase("GeoJSON", "GeoJSON"),
    "defects.table.empty": Phrase(
        "Connected areas of damage become numbered rows with place, area, severity and photo.",
        "Связные участки повреждений становятся строками с местом, площадью, степенью и фото.",
    ),
    "defects.table.stale": Phrase(
        "The picture, the prompts or a setting has changed since; press Find defects again.",
        "Изображение, классы или параметры с тех пор изменились; нажмите «Найти дефекты» ещё раз.",
    ),
    "defects.table.none": Phrase(
        "No damaged area reaches this probability. Lower it to find more.",
        "Ни один участок не достигает этой вероятности. Уменьшите её, чтобы найти больше.",
    ),
    "defects.table.found": Phrase("Rows: {count}", "Строк: {count}"),
    "defects.table.number": Phrase("No.", "№"),
    "defects.table.photo": Phrase("Photo", "Фото"),
    "defects.table.defect": Phrase("Defect", "Дефект"),
    "defects.table.location": Phrase("Location", "Место"),
    "defects.table.area_px": Phrase("Area, px", "Площадь, пкс"),
    "defects.table.area": Phrase("Area, m²", "Площадь, м²"),
    "defects.table.severity": Phrase("Severity", "Степень"),
    "defects.table.score": Phrase("Probability", "Вероятность"),
    "defects.table.place": Phrase(
        "x {x}, y {y}; box {width} × {height} px", "x {x}, y {y}; рамка {width} × {height} пкс"
    ),
    "defects.table.length": Phrase(
        "about {length} m long, {width} mm wide", "длина ≈ {length} м, ширина ≈ {width} мм"
    ),
    "defects.table.length_px": Phrase("about {length} px long", "длина ≈ {length} пкс"),
    "defects.table.scale": Phrase(
        "1 px = {value} mm, by the marked length", "1 пкс = {value} мм, по отмеченной длине"
    ),
    "defects.table.no_scale": Phrase(
        "No scale yet: give a known length and mark its two ends to get square metres.",
        "Масштаба ещё нет: задайте известную длину и отметьте два её конца, чтобы получить м².",
    ),
    "defects.table.show": Phrase("Show on the picture", "Показать на снимке"),
    "defects.table.change": Phrase("What defect {number} is", "Вид дефекта {number}"),
    "defects.table.left_out": Phrase(
        "Smaller areas or areas beyond the table: {count}.",
        "Меньших участков или не вошедших в таблицу: {count}.",
    ),
    **EXPLAIN,
    **ROUNDS,
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
