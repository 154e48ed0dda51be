"""Renew the digests of a catalogue after its weights have changed.

python -m pipelines.stamp [CATALOGUE]
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .catalogue import CATALOGUE_FILE, load_catalogue
from .errors import PipelineError

FILE_AND_DIGEST: Final = re.compile(r'(file: (?P<file>\S+)\n\s+sha256: )"[0-9a-f]{64}"')


def stamp(catalogue: Path) -> list[str]:
    """Write the SHA-256 of every file that is there behind its name.

    Returns:
        The files whose digest changed.
    """
    changed = []

    def renew(match: re.Match[str]) -> str:
        file = catalogue.parent / match["file"]
        if not file.is_file():
            return match[0]
        renewed = f'{match[1]}"{hashlib.sha256(file.read_bytes()).hexdigest()}"'
        if renewed != match[0]:
            changed.append(match["file"])
        return renewed

    text = FILE_AND_DIGEST.sub(renew, catalogue.read_text(encoding="utf-8"))
    catalogue.write_text(text, encoding="utf-8")
    return sorted(set(changed))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.stamp", description=stamp.__doc__)
    parser.add_argument("catalogue", nargs="?", type=Path, default=CATALOGUE_FILE)
    catalogue: Path = parser.parse_args(argv).catalogue
    try:
        changed = stamp(catalogue)
        rows = load_catalogue(catalogue).values()
        missing = [name for spec in rows if not spec.missing_from_hub() for name in spec.missing_files()]
    except (PipelineError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(
        f"renewed: {', '.join(changed) or 'nothing'}; missing: {', '.join(sorted(set(missing))) or 'nothing'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
