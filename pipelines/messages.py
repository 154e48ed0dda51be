"""Every sentence that users can meet in an error or a note, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Language = Literal["en", "ru"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that exist in both languages: a sentence, or a part of one such as a place in a file."""

    en: str
    ru: str

    def text(self, language: Language) -> str:
        """The words in one language."""
        return self.ru if language == "ru" else self.en

    def __str__(self) -> str:
        return self.en


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

MODEL_MESSAGES: Final[Mapping[str, Phrase]] = {
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

DOWNLOAD_MESSAGES: Final[Mapping[str, Phrase]] = {
    "download.offline": Phrase(
        "Downloads are switched off here (FACADE_LENS_OFFLINE or HF_HUB_OFFLINE). "
        "Choose a checkpoint that is on this machine.",
        "Скачивание здесь выключено (FACADE_LENS_OFFLINE или HF_HUB_OFFLINE). "
        "Выберите чекпойнт, который есть на этой машине.",
    ),
    "download.unreachable": Phrase(
        "{host} cannot be reached ({problem}). Check the network and try again; models that are on this "
        "machine work meanwhile.",
        "{host} недоступен ({problem}). Проверьте сеть и повторите; модели, которые уже есть на этой "
        "машине, работают.",
    ),
    "download.silent": Phrase(
        "{host} does not answer: nothing came for {seconds} s. What has arrived is kept; try again later.",
        "{host} не отвечает: {seconds} с ничего не приходит. Скачанное сохранено; повторите позже.",
    ),
    "download.status": Phrase(
        "{host} refuses {file} (HTTP {status}). Choose another checkpoint, or check the catalogue's row.",
        "{host} не отдаёт {file} (HTTP {status}). Выберите другой чекпойнт или проверьте строку каталога.",
    ),
    "download.truncated": Phrase(
        "The download of {file} broke off at {received} of {total} bytes. What has arrived is kept; "
        "choose the checkpoint again to go on.",
        "Скачивание {file} оборвалось: {received} из {total} байт. Скачанное сохранено; выберите чекпойнт "
        "снова, чтобы продолжить.",
    ),
    "download.digest": Phrase(
        "{file} from {host} is not the file expected ({problem}). It was deleted; try again later.",
        "{file} с {host} — не тот файл, который ожидался ({problem}). Он удалён; повторите позже.",
    ),
    "download.space": Phrase(
        "There is no room for {file}: {needed} MB are needed, {free} MB are free. Free some space.",
        "Для {file} нет места: нужно {needed} МБ, свободно {free} МБ. Освободите место.",
    ),
    "download.disk": Phrase(
        "{file} cannot be written to the folder of downloads ({problem}). Set FACADE_LENS_CACHE to "
        "another one.",
        "{file} не записывается в папку скачанного ({problem}). Задайте другую в FACADE_LENS_CACHE.",
    ),
    "download.busy": Phrase(
        "Another download is running. Wait until it has ended, or stop it.",
        "Уже идёт другое скачивание. Подождите, пока оно закончится, или остановите его.",
    ),
    "download.stopped": Phrase(
        "The download was stopped. What has arrived is kept.",
        "Скачивание остановлено. Скачанное сохранено.",
    ),
}

MESSAGES: Final[Mapping[str, Phrase]] = {
    **IMAGE_MESSAGES,
    **PROMPT_MESSAGES,
    **MODEL_MESSAGES,
    **DOWNLOAD_MESSAGES,
}


def render_message(key: str, language: Language, values: Mapping[str, Any]) -> str:
    """Fill a sentence of :data:`MESSAGES`.

    Args:
        key: such as ``image.too_small``.
        language: ``en`` or ``ru``.
        values: for the sentence's fields; a :class:`Phrase` is put in its own language.

    Raises:
        KeyError: unknown key, or a field of the sentence has no value.
    """
    words = {name: item.text(language) if isinstance(item, Phrase) else item for name, item in values.items()}
    return MESSAGES[key].text(language).format(**words)
