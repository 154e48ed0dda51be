"""Every sentence of the panel of dropout rounds, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipelines.messages import Phrase

ROUNDS: Final[Mapping[str, Phrase]] = {
    "rounds.title": Phrase("Rounds of PnP-OVSS", "Раунды PnP-OVSS"),
    "rounds.count": Phrase("Rounds", "Раундов"),
    "rounds.count.info": Phrase(
        "Each takes out the patches seen best before", "Каждый убирает то, что замечено раньше"
    ),
    "rounds.threshold": Phrase("Threshold of a map", "Порог карты"),
    "rounds.threshold.info": Phrase(
        "Weaker places of a class's map count as nothing", "Более слабые места карты класса отбрасываются"
    ),
    "rounds.postprocess": Phrase("Post-processing", "Постобработка"),
    "rounds.postprocess.none": Phrase("none", "нет"),
    "rounds.postprocess.blur": Phrase("blur", "размытие"),
    "rounds.postprocess.crf": Phrase("dense CRF", "плотное CRF"),
    "rounds.postprocess.blur+crf": Phrase("blur + CRF", "размытие + CRF"),
    "rounds.empty": Phrase(
        "When PnP-OVSS has segmented a picture, this shows where each round looked for a class.",
        "Когда PnP-OVSS разметит изображение, здесь будет видно, куда смотрел каждый раунд.",
    ),
    "rounds.class": Phrase("Class", "Класс"),
    "rounds.round": Phrase("Round {number}", "Раунд {number}"),
    "rounds.sum": Phrase("Added up", "В сумме"),
    "rounds.sum.about": Phrase("what the label map is made from", "из этого строится карта классов"),
    "rounds.missing": Phrase("{count} of {all} patches taken out", "убрано фрагментов: {count} из {all}"),
    "rounds.match": Phrase("match with the caption {value}", "совпадение с подписью {value}"),
    "rounds.nothing": Phrase("nothing speaks for this word", "за это слово ничто не говорит"),
    "rounds.about": Phrase(
        "The redder a place, the more the picture and the caption match because this word looks at it. "
        "All maps of a class share one scale. Striped squares were taken out before the round began.",
        "Чем краснее место, тем больше изображение и подпись совпадают из-за того, что слово смотрит туда. "
        "У всех карт класса одна шкала. Заштрихованные квадраты убраны до начала раунда.",
    ),
    "rounds.canvas": Phrase("Where {round} looked for {name}", "{round}: где искали «{name}»"),
}
