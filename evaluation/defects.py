"""Write the defect sheet of a picture without a browser.

    python -m evaluation.defects facade.jpg --scale 120,340,120,560,2.5 --language ru --out out/facade

Writes ``sheet.html`` (to read, print or save as PDF), ``defects.csv``, ``defects.coco.json`` and
``defects.geojson``; with ``--pdf`` also ``sheet.pdf``, printed by a Chromium of this machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.commands import UsageError, answer
from pipelines import (
    DEFAULT_CHECKPOINT,
    METHODS,
    InferenceRequest,
    PromptSet,
    build_registry,
    find_prompt_set,
    infer,
    load_prompt_file,
    parse_prompts,
    prompt_sets,
    read_image,
)
from pipelines.defects import (
    DefectOptions,
    DefectSheet,
    Scale,
    coco_document,
    csv_text,
    find_defects,
    geojson_document,
    sheet_html,
)
from pipelines.defects.types import DEFAULT_LEAST_SHARE, DEFAULT_THRESHOLD
from pipelines.messages import Language
from pipelines.types import Method

PROMPT_FILES: Final = (".json", ".yaml", ".yml", ".txt")
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
PRINT_SECONDS: Final = 120
SHEET_METHOD: Final[Method] = "maskclip"
"""It keeps small damaged areas that propagation over look-alike neighbours levels out."""


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.defects", description="Write the defect sheet of a picture."
    )
    add = parser.add_argument
    add("image", type=Path, metavar="IMAGE", help="a PNG, JPEG, WebP or GIF")
    add(
        "--prompts",
        metavar="FILE or TEXT",
        help="classes as for evaluation.segment (the built-in damage set of the language)",
    )
    add("--damage", action="append", metavar="NAME", help="class that counts as damage (by its words)")
    add("--method", choices=METHODS, default=SHEET_METHOD, help="whose scores are searched (%(default)s)")
    add("--checkpoint", default=DEFAULT_CHECKPOINT, metavar="ID")
    add(
        "--threshold",
        type=float,
        default=DEFAULT_THRESHOLD,
        help="least summed probability of the damage classes (%(default)s)",
    )
    add(
        "--least-share",
        type=float,
        default=DEFAULT_LEAST_SHARE,
        help="smallest area as part of the picture (%(default)s)",
    )
    add("--scale", metavar="X1,Y1,X2,Y2,METRES", help="two pixels and the known length between them")
    add("--language", choices=("en", "ru"), default="en", help="of the sheet and the table (%(default)s)")
    add("--out", type=Path, metavar="DIR", help="where the files go (out/NAME)")
    add("--pdf", action="store_true", help="also print the sheet with a Chromium of this machine")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 when the files were written; 2, with a sentence on stderr, for bad input.
    """
    arguments = build_parser().parse_args(argv)
    return answer(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> int:
    """Do what the options ask for; bad input is refused before any model is loaded."""
    source: Path = arguments.image
    options = DefectOptions(
        damage=tuple(arguments.damage) if arguments.damage else None,
        threshold=arguments.threshold,
        least_share=arguments.least_share,
        scale=None if arguments.scale is None else read_scale(arguments.scale),
    )
    browser = find_browser() if arguments.pdf else None
    image = read_image(source)
    request = InferenceRequest(
        image,
        choose_prompts(arguments.prompts, arguments.language),
        method=arguments.method,
        checkpoint=arguments.checkpoint,
    )
    sheet = find_defects(infer(request, build_registry()), options)
    out: Path = arguments.out or Path("out") / source.resolve().stem
    write_files(out, sheet, image, source.name, arguments.language)
    if browser is not None:
        print_pdf(browser, out / "sheet.html", out / "sheet.pdf")
    print(f"{describe(sheet)}\nwritten to {out}")
    return 0


def choose_prompts(given: str | None, language: Language) -> PromptSet:
    """Prompts of a built-in set, a file or a text; the damage prompts of the language when none are given.

    Raises:
        PromptError: they cannot be used.
    """
    if given is None:
        return find_prompt_set(f"facade-damage-{language}").prompts
    if given in {item.id for item in prompt_sets()}:
        return find_prompt_set(given).prompts
    return load_prompt_file(given) if given.lower().endswith(PROMPT_FILES) else parse_prompts(given)


def read_scale(text: str) -> Scale:
    """The known length of ``--scale``.

    Raises:
        UsageError: it is not five numbers.
        SettingsError: the numbers give no scale.
    """
    try:
        x, y, u, v, metres = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"--scale must be five numbers X1,Y1,X2,Y2,METRES such as 120,340,120,560,2.5, got {text!r}."
        ) from None
    return Scale(((x, y), (u, v)), metres)


def write_files(
    folder: Path, sheet: DefectSheet, image: NDArray[np.uint8], name: str, language: Language
) -> None:
    """Write the sheet as HTML, CSV, COCO JSON and GeoJSON.

    Args:
        folder: where to; it is made.
        sheet: all defects.
        image: the upright picture, ``(H, W, 3)`` uint8 RGB.
        name: of the picture's file.
        language: of the words in the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sheet.html").write_text(sheet_html(sheet, image, name, language), encoding="utf-8")
    (folder / "defects.csv").write_bytes(csv_text(sheet, language).encode("utf-8-sig"))
    documents = {
        "defects.coco.json": coco_document(sheet, name),
        "defects.geojson": geojson_document(sheet, name, language),
    }
    for file, document in documents.items():
        (folder / file).write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")


def find_browser() -> str:
    """Path of a Chromium.

    Raises:
        UsageError: there is none.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise UsageError(
            f"--pdf needs one of {', '.join(BROWSERS)} on this machine. "
            "Leave it out and print sheet.html from any browser."
        )
    return found


def print_pdf(browser: str, page: Path, target: Path) -> None:
    """Print a page as PDF.

    Raises:
        UsageError: the browser wrote no file.
    """
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        own = [f"--user-data-dir={profile}", f"--print-to-pdf={target.resolve()}"]
        command = [browser, *options, *own, page.resolve().as_uri()]
        done = subprocess.run(command, capture_output=True, timeout=PRINT_SECONDS, check=False)
    if done.returncode or not target.is_file():
        raise UsageError(f"{browser} could not print {page.name} (exit code {done.returncode}).")


def describe(sheet: DefectSheet) -> str:
    """How many defects of which kind, in one line."""
    if not sheet.defects:
        return f"no damaged area at a probability of {sheet.threshold:g} or more"
    kinds = [defect.kind.title.en for defect in sheet.defects]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))


if __name__ == "__main__":
    sys.exit(main())
