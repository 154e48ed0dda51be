"""Sentences about downloads of checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .phrase import Phrase

DOWNLOAD_MESSAGES: Final[Mapping[str, Phrase]] = {
    "download.offline": Phrase(
        "The checkpoint {checkpoint} is not on this machine ({megabytes} MB), and downloads are switched off "
        "here (FACADE_LENS_OFFLINE or HF_HUB_OFFLINE). Choose a checkpoint that is on this machine.",
        "Чекпойнта {checkpoint} нет на этой машине ({megabytes} МБ), а скачивание здесь выключено "
        "(FACADE_LENS_OFFLINE или HF_HUB_OFFLINE). Выберите чекпойнт, который есть на этой машине.",
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
        "Another download is running, and only one runs at a time. Try again when it has ended.",
        "Уже идёт другое скачивание, а одновременно идёт только одно. Повторите, когда оно закончится.",
    ),
    "download.stopped": Phrase(
        "The download was stopped. What has arrived is kept.",
        "Скачивание остановлено. Скачанное сохранено.",
    ),
}
