"""Sentences about models: missing, broken, busy, cancelled; and notes beside a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .phrase import Phrase

MODEL_MESSAGES: Final[Mapping[str, Phrase]] = {
    "unavailable.method": Phrase(
        "The method {method} does not work with the checkpoint {checkpoint}. Choose one of {known}.",
        "Метод {method} не работает с чекпойнтом {checkpoint}. Выберите один из: {known}.",
    ),
    "unavailable.kind": Phrase(
        "The explanation {kind} does not exist for the method {method}. Choose the method {known}.",
        "Объяснения {kind} для метода {method} нет. Выберите метод {known}.",
    ),
    "unavailable.explanation": Phrase(
        "The checkpoint {checkpoint} cannot be explained: its image encoder is not read block by block. "
        "Choose another checkpoint.",
        "Чекпойнт {checkpoint} объяснить нельзя: его кодировщик изображений не читается по блокам. "
        "Выберите другой чекпойнт.",
    ),
    "unavailable.file": Phrase(
        "The checkpoint {checkpoint} lacks its file {file}. Restore the file or choose another checkpoint.",
        "У чекпойнта {checkpoint} нет файла {file}. Восстановите файл или выберите другой чекпойнт.",
    ),
    "unavailable.download": Phrase(
        "The checkpoint {checkpoint} is not on this machine yet ({megabytes} MB). Choose it under More "
        "models to download it, or run: python -m pipelines.download {checkpoint}",
        "Чекпойнта {checkpoint} ещё нет на этой машине ({megabytes} МБ). Выберите его в списке «Другие "
        "модели», чтобы скачать, или выполните: python -m pipelines.download {checkpoint}",
    ),
    "unavailable.package": Phrase(
        "The checkpoint {checkpoint} needs the Python package {package}, which is not installed. "
        "Run: pip install {package}",
        "Чекпойнту {checkpoint} нужен пакет Python {package}, а он не установлен. "
        "Выполните: pip install {package}",
    ),
    "unavailable.device": Phrase(
        "The device {device} cannot be used here ({problem}). Choose cpu, or leave DEVICE unset.",
        "Устройство {device} здесь недоступно ({problem}). Выберите cpu или не задавайте DEVICE.",
    ),
    "unavailable.build": Phrase(
        "The checkpoint {checkpoint} could not be loaded ({problem}). Choose another checkpoint.",
        "Чекпойнт {checkpoint} не загрузился ({problem}). Выберите другой чекпойнт.",
    ),
    "checkpoint.digest": Phrase(
        "The file {file} of the checkpoint {checkpoint} is not the one in the catalogue: its SHA-256 begins "
        "with {found}, expected {expected}. Restore the file.",
        "Файл {file} чекпойнта {checkpoint} не тот, что в каталоге: его SHA-256 начинается с {found}, "
        "ожидается {expected}. Восстановите файл.",
    ),
    "checkpoint.changed": Phrase(
        "The file {file} of the checkpoint {checkpoint} has changed since it was downloaded: its SHA-256 "
        "begins with {found}, recorded was {expected}. Delete it and choose the checkpoint again.",
        "Файл {file} чекпойнта {checkpoint} изменился после скачивания: его SHA-256 начинается с {found}, "
        "записан {expected}. Удалите файл и выберите чекпойнт снова.",
    ),
    "checkpoint.mismatch": Phrase(
        "The file {file} of the checkpoint {checkpoint} cannot be used: {problem}.",
        "Файл {file} чекпойнта {checkpoint} не подходит: {problem}.",
    ),
    "busy.timeout": Phrase(
        "All memory for models is taken by running requests, and {seconds} s of waiting did not help. "
        "Try again in a moment.",
        "Вся память для моделей занята работающими запросами, и {seconds} с ожидания не помогли. "
        "Повторите чуть позже.",
    ),
    "busy.too_big": Phrase(
        "The checkpoint {checkpoint} needs {needed} MB, more than the {budget} MB that models may take here. "
        "Choose a smaller one.",
        "Чекпойнту {checkpoint} нужно {needed} МБ, а для моделей здесь отведено {budget} МБ. "
        "Выберите чекпойнт меньше.",
    ),
    "cancelled.stopped": Phrase(
        "The request was stopped.",
        "Запрос остановлен.",
    ),
    "note.glossary": Phrase(
        "{checkpoint} reads English only; the glossary gave it: {pairs}.",
        "{checkpoint} понимает только английский; глоссарий передал ему: {pairs}.",
    ),
    "note.foreign": Phrase(
        "{checkpoint} reads English only and the glossary does not know: {texts}. Write them in English, or "
        "choose a checkpoint that reads your language.",
        "{checkpoint} понимает только английский, а в глоссарии нет: {texts}. Напишите их по-английски или "
        "выберите чекпойнт, который понимает ваш язык.",
    ),
    "note.explained_everywhere": Phrase(
        "The class {name} wins no pixel here; its mean score over the whole picture is explained.",
        "Класс {name} здесь не побеждает ни в одной точке; объяснена его средняя оценка по всему "
        "изображению.",
    ),
    "note.explained_alone": Phrase(
        "{name} has no other class to compete with, so its probability is 1 everywhere; "
        "its similarity to the picture is explained.",
        "У {name} нет соперников, поэтому вероятность везде равна 1; объяснено сходство с изображением.",
    ),
    "note.explained_sample": Phrase(
        "Through the pixel refinement, the score of {name} is explained at {pixels} pixels spread over "
        "its area.",
        "Через уточнение по пикселям оценка {name} объяснена в {pixels} точках, взятых по всей его площади.",
    ),
    "note.translated": Phrase(
        "PnP-OVSS reads English only; the glossary's words are used: {pairs}.",
        "PnP-OVSS понимает только английский; взяты слова из словаря: {pairs}.",
    ),
    "note.left_out": Phrase(
        "PnP-OVSS reads English only; these texts are left out, their classes have others: {texts}.",
        "PnP-OVSS понимает только английский; эти тексты пропущены, у их классов есть другие: {texts}.",
    ),
    "note.kept": Phrase(
        "Searched for {count} of {total} classes: {names}.",
        "Искались классы ({count} из {total}): {names}.",
    ),
    "note.whole_picture": Phrase(
        "Salience DropOut looks for a class in the whole picture; the pixel is not asked.",
        "Salience DropOut ищет класс на всём изображении; пиксель не учитывается.",
    ),
    "note.fp32": Phrase(
        "PnP-OVSS always computes in fp32.",
        "PnP-OVSS всегда считает в fp32.",
    ),
    "note.no_crf": Phrase(
        "The dense CRF gave no answer ({problem}); the result is the one before it.",
        "Плотное CRF не дало ответа ({problem}); показан результат до него.",
    ),
    "note.cut_text": Phrase(
        "The text {seen} takes up to {tokens} tokens in its templates; {checkpoint} reads the first {limit}. "
        "Shorten it.",
        "Текст {seen} вместе с шаблоном занимает до {tokens} токенов; {checkpoint} читает первые {limit}. "
        "Сократите его.",
    ),
}
