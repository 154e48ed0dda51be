"""Every sentence of the panel of explanations, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipelines.messages import Phrase

EXPLAIN: Final[Mapping[str, Phrase]] = {
    "explain.title": Phrase("Why? Explanations with proof", "Почему? Объяснения с проверкой"),
    "explain.class": Phrase("Explain the class", "Объяснить класс"),
    "explain.kinds": Phrase("Maps", "Карты"),
    "explain.kind.grad_cam": Phrase("Grad-CAM", "Grad-CAM"),
    "explain.kind.integrated_gradients": Phrase("Integrated Gradients", "Integrated Gradients"),
    "explain.kind.influence": Phrase("Influence", "Влияние"),
    "explain.kind.salience_dropout": Phrase("Dropout rounds", "Раунды dropout"),
    "explain.kind.class_logit_map": Phrase("Class-logit map", "Карта логитов класса"),
    "explain.both": Phrase("Stock and fine-tuned side by side", "Исходный и дообученный рядом"),
    "explain.randomise": Phrase(
        "Check against random weights (slow)", "Проверить на случайных весах (долго)"
    ),
    "explain.run": Phrase("Explain", "Объяснить"),
    "explain.stop": Phrase("Stop", "Остановить"),
    "explain.empty": Phrase(
        "Choose a class, or click a spot on the picture. Maps show what speaks for it, and how far they can "
        "be believed.",
        "Выберите класс или щёлкните точку на изображении. Карты покажут, что говорит за него и насколько "
        "им можно верить.",
    ),
    "explain.segmentation": Phrase("Segmentation", "Разметка"),
    "explain.hint": Phrase(
        "Click a spot to explain its score.", "Щёлкните точку, чтобы объяснить её оценку."
    ),
    "explain.hint.whole": Phrase(
        "PnP-OVSS matches the picture as a whole: click a spot to choose its class.",
        "PnP-OVSS сопоставляет изображение целиком: щёлкните точку, чтобы выбрать её класс.",
    ),
    "explain.guide.colours": Phrase(
        "Warm places speak for the class, cold ones against it. Compared maps share one scale.",
        "Тёплые места говорят за класс, холодные — против. У сравниваемых карт один масштаб.",
    ),
    "explain.guide.test": Phrase(
        "The test: blur the hottest places first, and the score should fall faster than in random order; "
        "uncover them first, and it should come back faster.",
        "Проверка: если сначала размыть горячие места, оценка должна упасть быстрее, чем в случайном "
        "порядке; если сначала открыть их — быстрее вернуться.",
    ),
    "explain.guide.sum": Phrase(
        "Integrated Gradients must also add up to the score to within 1 %.",
        "Integrated Gradients к тому же должны складываться в оценку с точностью 1 %.",
    ),
    "explain.guide.doubt": Phrase(
        "A doubtful map is not wrong, but nothing here proves it.",
        "Сомнительная карта не обязательно неверна, но ничто здесь её не подтверждает.",
    ),
    "explain.whole": Phrase("Explain the whole class again", "Снова объяснять класс целиком"),
    "explain.spot": Phrase("Spot {x}, {y}", "Точка {x}, {y}"),
    "explain.canvas": Phrase(
        "{name}. Click, or move with the arrow keys and press Enter, to explain a spot.",
        "{name}. Щёлкните или выберите точку стрелками и нажмите Enter, чтобы объяснить её.",
    ),
    "explain.stale": Phrase(
        "The picture, the prompts or a setting has changed since these maps were made.",
        "С тех пор как карты построены, изображение, классы или параметры изменились.",
    ),
    "explain.stopped": Phrase("Stopped. The model is free.", "Остановлено. Модель свободна."),
    "explain.opacity": Phrase("Strength of the colours", "Яркость цвета"),
    "explain.stage.segment": Phrase("Segmenting", "Разметка"),
    "explain.stage.explain": Phrase("Drawing the map", "Строится карта"),
    "explain.stage.trust": Phrase("Putting it to the test", "Проверка карты"),
    "explain.stage.randomise": Phrase("Trying random weights", "Проба на случайных весах"),
    "explain.waiting": Phrase("Waiting for its turn", "Ждёт очереди"),
    "explain.about.grad_cam": Phrase(
        "Where a middle layer of the network holds evidence.", "Где средний слой сети видит доводы."
    ),
    "explain.about.class_logit_map": Phrase(
        "Here Grad-CAM holds no gradient information: this is plain similarity to the class.",
        "Здесь в Grad-CAM нет сведений градиента: это просто сходство с классом.",
    ),
    "explain.about.integrated_gradients": Phrase(
        "What each pixel adds to the score, counted from a black picture.",
        "Сколько каждый пиксель добавляет к оценке, считая от чёрного изображения.",
    ),
    "explain.about.influence": Phrase(
        "Which patches the score is drawn from. Exact: no approximation.",
        "Из каких фрагментов сложилась оценка. Точно, без приближений.",
    ),
    "explain.about.salience_dropout": Phrase(
        "Where the network looked for the class, all rounds added up. The test asks for the match of picture "
        "and caption.",
        "Где сеть искала класс: сумма всех раундов. Проверяется совпадение изображения и подписи.",
    ),
    "explain.for": Phrase("for", "за"),
    "explain.against": Phrase("against", "против"),
    "explain.none": Phrase("none", "нет"),
    "explain.strong": Phrase("strong", "сильное"),
    "explain.score.probability": Phrase("certainty {score}", "уверенность {score}"),
    "explain.score.cosine": Phrase("similarity {score}", "сходство {score}"),
    "explain.score.match": Phrase("match {score}", "совпадение {score}"),
    "explain.where.pixel": Phrase("at {x}, {y}", "в точке {x}, {y}"),
    "explain.where.carried": Phrase("where the class is", "там, где этот класс"),
    "explain.where.everywhere": Phrase("over the whole picture", "по всему изображению"),
    "explain.believable": Phrase("Believable", "Можно верить"),
    "explain.doubtful": Phrase("Doubtful", "Под сомнением"),
    "explain.yes.all": Phrase(
        "The score really hangs on the places that this map marks.",
        "Оценка действительно зависит от мест, отмеченных на карте.",
    ),
    "explain.no.completeness": Phrase(
        "Its values do not add up to the score.", "Её значения не складываются в оценку."
    ),
    "explain.no.deletion": Phrase(
        "Hiding the marked places hurts no more than hiding random ones.",
        "Скрыть отмеченные места вредит не больше, чем случайные.",
    ),
    "explain.no.insertion": Phrase(
        "Showing only the marked places helps no more than random ones.",
        "Показать только отмеченные места помогает не больше, чем случайные.",
    ),
    "explain.no.randomisation": Phrase(
        "It looks alike when the network's weights are random.",
        "Она похожа на карту сети со случайными весами.",
    ),
    "explain.hidden": Phrase("Hottest places hidden first", "Сначала скрыты горячие места"),
    "explain.revealed": Phrase("Hottest places shown first", "Сначала показаны горячие места"),
    "explain.compared": Phrase("{value} on average, random {random}", "в среднем {value}, случайно {random}"),
    "explain.sums": Phrase("Values add up to the score", "Значения складываются в оценку"),
    "explain.gap": Phrase("to within {gap}", "с точностью {gap}"),
    "explain.steps": Phrase("{gap} off after {steps} steps", "расхождение {gap} за {steps} шагов"),
    "explain.similarity": Phrase("Similarity with random weights", "Сходство при случайных весах"),
    "explain.raw": Phrase("Raw values (.npz)", "Исходные значения (.npz)"),
    "explain.total": Phrase("{seconds} s", "{seconds} с"),
    "explain.chart": Phrase(
        "Score from {low} to {top} while the picture changes; grey lines are random orders.",
        "Оценка от {low} до {top} по мере изменения; серые линии — случайный порядок.",
    ),
}
"""Keys begin with ``explain.``; the part after it is what the browser asks for."""
