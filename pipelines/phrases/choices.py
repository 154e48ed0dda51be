"""Sentences about settings, and about names that are not among the choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .phrase import Phrase

CHOICE_MESSAGES: Final[Mapping[str, Phrase]] = {
    "settings.missing": Phrase(
        "The settings file {name} cannot be opened. Check the name and the permissions.",
        "Файл настроек {name} не открывается. Проверьте имя и права доступа.",
    ),
    "settings.syntax": Phrase(
        "{name}: {problem}",
        "{name}: {problem}",
    ),
    "settings.schema": Phrase(
        "{name}: {setting} must be {expected}, got {found}.",
        "{name}: {setting}: ожидается {expected}, а это {found}.",
    ),
    "settings.unknown_key": Phrase(
        "{name}: there is no key {setting}. {advice}",
        "{name}: нет ключа {setting}. {advice}",
    ),
    "settings.missing_key": Phrase(
        "{name}: the key {setting} is missing.",
        "{name}: нет обязательного ключа {setting}.",
    ),
    "settings.scale.points": Phrase(
        "The two marks of the known length lie on one spot. Mark its two ends, at least {limit:g} pixels "
        "apart.",
        "Обе отметки известной длины стоят в одной точке. Отметьте два её конца, не ближе {limit:g} "
        "пикселей.",
    ),
    "settings.scale.length": Phrase(
        "The known length must be above 0 and at most {limit:g} m, got {seen}. "
        "Give it in metres, such as 1.5.",
        "Известная длина должна быть больше 0 и не больше {limit:g} м, а это {seen}. "
        "Задайте её в метрах, например 1,5.",
    ),
    "settings.threshold": Phrase(
        "The least damage probability must be above 0 and at most 1, got {seen}.",
        "Наименьшая вероятность повреждения должна быть больше 0 и не больше 1, а это {seen}.",
    ),
    "settings.least_share": Phrase(
        "The smallest area must be at least 0 and below 1, as part of the picture, got {seen}.",
        "Наименьшая площадь должна быть от 0 до 1 (доля изображения), а это {seen}.",
    ),
    "settings.out_of_range": Phrase(
        "{name}: {problem}.",
        "{name}: недопустимая настройка ({problem}).",
    ),
    "settings.filter": Phrase(
        "The class filter names the class {number}, but there are {count}.",
        "Фильтр называет класс {number}, а классов всего {count}.",
    ),
    "settings.no_reply": Phrase(
        "{name} holds no reply for the picture {picture}. Its entries are named like {example!r}.",
        "{name}: нет ответа для изображения {picture}. Записи в нём называются как {example!r}.",
    ),
    "choice.method": Phrase(
        "There is no method {seen}. Choose one of {known}.",
        "Метода {seen} нет. Выберите один из: {known}.",
    ),
    "choice.checkpoint": Phrase(
        "There is no checkpoint {seen}. Choose one of {known}.",
        "Чекпойнта {seen} нет. Выберите один из: {known}.",
    ),
    "choice.prompt_set": Phrase(
        "There is no prompt set {seen}. Choose one of {known}.",
        "Набора классов {seen} нет. Выберите один из: {known}.",
    ),
    "choice.class": Phrase(
        "There is no facade class {seen}. The classes are {known}.",
        "Класса повреждений {seen} нет. Возможные классы: {known}.",
    ),
    "choice.damage": Phrase(
        "None of the classes counts as damage ({known}). Tick those that do, or start from the damage "
        "prompts.",
        "Ни один класс не считается повреждением ({known}). Отметьте нужные или начните с набора "
        "«Повреждения».",
    ),
    "choice.damage.unknown": Phrase(
        "The class {seen}, which should count as damage, is not among the prompts. They are {known}.",
        "Класса {seen}, который должен считаться повреждением, нет среди классов: {known}.",
    ),
    "choice.pixel": Phrase(
        "The pixel x = {x}, y = {y} lies outside the picture of {width} x {height} pixels. "
        "Give x from 0 to {right} and y from 0 to {bottom}.",
        "Точка x = {x}, y = {y} лежит вне изображения {width} x {height} пикселей. "
        "Задайте x от 0 до {right}, y от 0 до {bottom}.",
    ),
    "choice.pixel.missing": Phrase(
        "The pixel is missing. Give x and y as whole numbers, in pixels from the upper left corner.",
        "Точка не указана. Задайте x и y целыми числами, в пикселях от левого верхнего угла.",
    ),
    "choice.pixel.half": Phrase(
        "A pixel needs both x and y. Give both, or neither to explain the whole class.",
        "Для точки нужны и x, и y. Задайте оба числа или ни одного, чтобы объяснить класс целиком.",
    ),
    "choice.prompt_class": Phrase(
        "There is no class {seen} among the prompts. Choose one of {known}.",
        "Среди классов запроса нет {seen}. Выберите один из: {known}.",
    ),
    "choice.explanation": Phrase(
        "There is no explanation {seen}. Choose one of {known}.",
        "Объяснения {seen} нет. Выберите одно из: {known}.",
    ),
    "choice.baseline": Phrase(
        "There is no baseline {seen}. Choose one of {known}.",
        "Точки отсчёта {seen} нет. Выберите одну из: {known}.",
    ),
    "choice.block": Phrase(
        "There is no block {seen}. The image encoder has blocks 1 to {depth}; {depth} means its features.",
        "Блока {seen} нет. У кодировщика изображений блоки с 1 по {depth}; {depth} означает его признаки.",
    ),
    "choice.steps": Phrase(
        "The steps {seen} cannot be used. Give increasing whole numbers from 1 to {limit}, such as "
        "16,32,64,128.",
        "Число шагов {seen} не подходит. Задайте возрастающие целые числа от 1 до {limit}, например "
        "16,32,64,128.",
    ),
    "choice.precision": Phrase(
        "There is no precision {seen}. Choose one of {known}.",
        "Точности {seen} нет. Выберите одну из: {known}.",
    ),
    "choice.templates": Phrase(
        "There is no template set {seen}. {problem}.",
        "Набора шаблонов {seen} нет ({problem}).",
    ),
    "choice.part": Phrase(
        "The checkpoint {checkpoint} has no part {seen}. Its parts are {known}.",
        "У чекпойнта {checkpoint} нет части {seen}. Его части: {known}.",
    ),
    "choice.builder": Phrase(
        "The catalogue names an architecture {seen} that this version cannot build. Choose one of {known}.",
        "В каталоге указана архитектура {seen}, которой в этой версии нет. Выберите одну из: {known}.",
    ),
}
