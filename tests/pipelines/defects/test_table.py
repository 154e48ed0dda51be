import csv
import io

from pipelines.defects import DefectOptions, Scale, csv_text, find_defects


def read(sheet, language, tmp_path):
    path = tmp_path / "defects.csv"
    path.write_text(csv_text(sheet, language), encoding="utf-8-sig", newline="")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel knows UTF-8 by this mark"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";" if language == "ru" else ","))


def test_a_spreadsheet_reads_the_russian_table(facade, tmp_path):
    sheet = find_defects(facade, DefectOptions(scale=Scale(((0, 0), (100, 0)), 2.0)))
    rows = read(sheet, "ru", tmp_path)
    stain = next(row for row in rows if row["Класс"] == "WATER_STAIN")
    assert stain["Запрос"] == "подтёк"
    assert stain["Площадь, м²"] == "0,0800"
    assert stain["Местоположение"] == "внизу справа"
    assert stain["Площадь, пкс"] == "200"


def test_the_english_table_has_points_and_empty_cells(facade, tmp_path):
    rows = read(find_defects(facade), "en", tmp_path)
    assert [row["No."] for row in rows] == ["1", "2", "3"]
    stain = next(row for row in rows if row["Class"] == "WATER_STAIN")
    assert (stain["Area, m²"], stain["Mean probability"]) == ("", "0.5000")
    assert (stain["Left, px"], stain["Top, px"], stain["Box width, px"]) == ("150", "100", "20")


def test_names_are_no_formulas(facade, hostile_names):
    hostile = hostile_names(facade, "=HYPERLINK(1)", '@a,"b;c', "-3")
    sheet = find_defects(hostile, DefectOptions(damage=tuple(item.name for item in hostile.classes[:3])))
    for row in list(csv.reader(io.StringIO(csv_text(sheet))))[1:]:
        assert row[3] in {"'=HYPERLINK(1)", "'@a,\"b;c", "'-3"}
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)
