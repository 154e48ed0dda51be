"""Sentences about prompts and prompt files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .phrase import Phrase

PROMPT_MESSAGES: Final[Mapping[str, Phrase]] = {
    "prompt.empty": Phrase(
        "There are no prompts. Write one class a line, for example: window = window, shop window.",
        "Нет ни одного класса. Пишите по классу в строке, например: окно = окно, витрина.",
    ),
    "prompt.empty.name": Phrase(
        '{place}: there is no class name before "=" in {seen}. Write NAME = text, text.',
        "{place}: перед «=» нет имени класса: {seen}. Пишите ИМЯ = текст, текст.",
    ),
    "prompt.empty.texts": Phrase(
        "{place}: the class {name} has no text. Write NAME = text, text, or just NAME.",
        "{place}: у класса {name} нет ни одного текста. Пишите ИМЯ = текст, текст или только ИМЯ.",
    ),
    "prompt.duplicate": Phrase(
        "{place}: the class {name} is there already ({first}). Give it another name, or put its texts "
        "into one class.",
        "{place}: класс {name} уже есть ({first}). Дайте ему другое имя или соберите тексты в один класс.",
    ),
    "prompt.too_long": Phrase(
        "{place}: {seen} has {length} characters; at most {limit} are accepted. Shorten it.",
        "{place}: в тексте {seen} символов: {length}, принимается не больше {limit}. Сократите его.",
    ),
    "prompt.too_many.classes": Phrase(
        "There are {count} classes; at most {limit} are accepted. Leave some out.",
        "Классов слишком много: {count}, принимается не больше {limit}. Уберите лишние.",
    ),
    "prompt.too_many.texts": Phrase(
        "{place}: the class {name} has {count} texts; at most {limit} are accepted. Leave some out.",
        "{place}: у класса {name} слишком много текстов: {count}, принимается не больше {limit}. "
        "Уберите лишние.",
    ),
    "prompt.not_english": Phrase(
        "PnP-OVSS reads English only, and the glossary has no word for {seen} (class {name}). "
        "Write it in English, or choose the method LPOSS.",
        "PnP-OVSS понимает только английский, а в словаре нет слова {seen} (класс {name}). "
        "Напишите его по-английски или выберите метод LPOSS.",
    ),
    "prompt.unknown_word": Phrase(
        "The model knows no part of the text {seen}. Write another English word.",
        "Модель не знает ни одной части текста {seen}. Напишите другое английское слово.",
    ),
    "prompt.too_long.pieces": Phrase(
        "The text {seen} has {count} word pieces; a caption of this model takes at most {limit}. Shorten it.",
        "В тексте {seen} частей слов: {count}, подпись этой модели вмещает не больше {limit}. Сократите его.",
    ),
    "prompt.invisible": Phrase(
        "{place}: {seen} holds an invisible control character (U+{code_point}). "
        "Delete it or type the text anew.",
        "{place}: в {seen} есть невидимый управляющий символ (U+{code_point}). "
        "Удалите его или наберите текст заново.",
    ),
    "prompt.missing": Phrase(
        "The prompt file {name} cannot be opened. Check the name and the permissions.",
        "Файл с классами {name} не открывается. Проверьте имя и права доступа.",
    ),
    "prompt.unsupported": Phrase(
        "The prompt file {name} is neither JSON nor YAML. Name it .json, .yaml, .yml or .txt.",
        "Файл с классами {name} не JSON и не YAML. Дайте ему расширение .json, .yaml, .yml или .txt.",
    ),
    "prompt.encoding": Phrase(
        "The prompt file is not UTF-8 text (byte {position} does not fit). "
        "Open it in an editor and save as UTF-8.",
        "Файл с классами не в кодировке UTF-8 (не подходит байт {position}). "
        "Откройте его в редакторе и сохраните как UTF-8.",
    ),
    "prompt.too_large": Phrase(
        "The prompts take {kilobytes} kB; at most {limit} kB are accepted. Leave some out.",
        "Классы занимают {kilobytes} кБ, принимается не больше {limit} кБ. Уберите лишние.",
    ),
    "prompt.too_large.nodes": Phrase(
        "{place}: the prompt file holds more than {limit} entries. Leave some out.",
        "{place}: в файле с классами больше {limit} записей. Уберите лишние.",
    ),
    "prompt.too_large.alias": Phrase(
        "{place}: the alias *{name} is not accepted, for a few aliases can stand for a text too large "
        "to read. Write the texts out.",
        "{place}: псевдоним *{name} не принимается: несколько псевдонимов могут развернуться в слишком "
        "большой текст. Напишите тексты полностью.",
    ),
    "prompt.schema.cycle": Phrase(
        "{place}: the alias *{name} refers to itself. Write the texts out.",
        "{place}: псевдоним *{name} ссылается сам на себя. Напишите тексты полностью.",
    ),
    "prompt.too_deep": Phrase(
        "{place}: the file is nested more than {limit} levels deep. Write class names with lists of texts: "
        "wall: [brick wall, plaster].",
        "{place}: вложенность больше {limit} уровней. Пишите имена классов со списками текстов: "
        "стена: [кирпичная стена, штукатурка].",
    ),
    "prompt.unsafe": Phrase(
        "{place}: the tag {tag} is not accepted; a prompt file holds plain text only. Delete the tag.",
        "{place}: тег {tag} не принимается: в файле с классами может быть только текст. Удалите тег.",
    ),
    "prompt.syntax": Phrase(
        "{place}: this is not valid {format} ({problem}). Mend the file there.",
        "{place}: это не {format} ({problem}). Исправьте файл в этом месте.",
    ),
    "prompt.syntax.documents": Phrase(
        "{place}: a second document begins here. Keep one document in the file.",
        "{place}: здесь начинается второй документ. Оставьте в файле один.",
    ),
    "prompt.schema.top": Phrase(
        "{place}: the file must map class names to texts, but holds {found}. "
        "Write wall: [brick wall, plaster].",
        "{place}: файл должен сопоставлять именам классов тексты, а в нём {found}. "
        "Пишите стена: [кирпичная стена, штукатурка].",
    ),
    "prompt.schema.name": Phrase(
        "{place}: a class name must be text, got {found}. Put it in quotes.",
        "{place}: имя класса должно быть текстом, а это {found}. Поставьте кавычки.",
    ),
    "prompt.schema.texts": Phrase(
        "{place}: the class {name} must hold a text or a list of texts, got {found}. Put texts in quotes.",
        "{place}: у класса {name} должен быть текст или список текстов, а это {found}. "
        "Поставьте текст в кавычки.",
    ),
}
