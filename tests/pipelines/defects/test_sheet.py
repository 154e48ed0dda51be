import datetime
import re
from html.parser import HTMLParser

import pytest

from pipelines.defects import NOTE, DefectOptions, Scale, find_defects, rule_lines, sheet_html

DAY = datetime.date(2026, 3, 9)
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "{{ 7 * 7 }} & co")


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def test_the_russian_sheet_has_the_columns_of_the_form(facade, image):
    sheet = find_defects(facade, DefectOptions(scale=Scale(((0, 0), (100, 0)), 2.0)))
    page = sheet_html(sheet, image, "фасад.jpg", "ru", DAY)
    heads = re.findall(r"<th[^>]*>([^<]*)</th>", page)
    assert heads[-7:-4] == ["№ п/п", "Дефект", "Местоположение"]
    assert heads[-4:] == ["Фото", "Вероятная причина", "Рекомендуемые мероприятия", "Площадь, м²"]
    assert "Ведомость дефектов" in page
    assert NOTE.ru in page
    assert "09.03.2026" in page
    assert "0,0800" in page  # 200 px at 2 cm
    assert re.search(r"длина около 1,2\d м, средняя ширина около 6\d,\d мм", page)


def test_the_english_sheet_without_a_scale_is_in_pixels(facade, image):
    page = sheet_html(find_defects(facade), image, "facade.jpg", "en", DAY)
    assert "Area, px" in page
    assert "m²" not in re.sub(r"square metres|to get m²", "", page)
    assert NOTE.en in page
    assert "2026-03-09" in page
    assert 'lang="en"' in page


def test_every_row_has_its_photo_and_number(facade, image):
    sheet = find_defects(facade)
    reader = Reader(sheet_html(sheet, image, "facade.jpg"))
    photos = [given["src"] for tag, given in reader.tags if tag == "img"]
    assert len(photos) == 3
    assert all(photo.startswith("data:image/jpeg;base64,") for photo in photos)
    boxes = [given for tag, given in reader.tags if tag == "rect" and given.get("fill") == "none"]
    assert [(int(box["x"]), int(box["y"])) for box in boxes] == [
        each.component.box[:2] for each in sheet.defects
    ]


def test_hostile_names_stay_text(facade, image, hostile_names):
    hostile = hostile_names(facade, *HOSTILE)
    sheet = find_defects(hostile, DefectOptions(damage=HOSTILE))
    page = sheet_html(sheet, image, "<b>.jpg", "en", DAY)
    reader = Reader(page)
    assert not any("onerror" in given for _, given in reader.tags)
    assert sum(tag == "script" for tag, _ in reader.tags) == 0
    assert sum(tag == "b" for tag, _ in reader.tags) == len(sheet.defects), "none but the template's own"
    for name in (*HOSTILE, "<b>.jpg"):
        assert name in reader.text


def test_nothing_is_fetched(facade, image):
    page = sheet_html(find_defects(facade), image, "facade.jpg")
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", page)
    assert "http-equiv" in page


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_sheet_without_defects_says_so(facade, image, language):
    sheet = find_defects(facade, DefectOptions(threshold=1.0))
    page = sheet_html(sheet, image, "facade.jpg", language)
    assert sheet.defects == ()
    assert ("No damaged area" in page) == (language == "en")


@pytest.mark.parametrize(
    ("scale", "line"),
    [
        (
            None,
            "crack, by length as part of the longer side: "
            "minor below 10.0 %, moderate from 10.0 %, major from 30.0 %",
        ),
        (
            Scale(((0, 0), (100, 0)), 2.0),
            "crack, by mean width, mm: minor below 1, moderate from 1, major from 5",
        ),
    ],
)
def test_the_sheet_says_how_severity_was_rated(facade, image, scale, line):
    sheet = find_defects(facade, DefectOptions(scale=scale))
    assert line in rule_lines(sheet, "en")
    assert line in Reader(sheet_html(sheet, image, "facade.jpg")).text


def test_a_reader_finds_both_areas_and_the_box(facade, image):
    sheet = find_defects(facade, DefectOptions(scale=Scale(((0, 0), (100, 0)), 2.0)))
    text = Reader(sheet_html(sheet, image, "facade.jpg", "ru")).text
    for defect in sheet.defects:
        _, _, width, height = defect.component.box
        assert f"рамка {width} × {height} пкс" in text
        assert f"{defect.component.area} пкс" in text
    assert "Всего" in text
