"""Files for the browser: written whole or not at all, under names that say what is in them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from gradio.data_classes import FileData
from gradio.utils import get_upload_folder

FOLDER: Final = "facade-lens"


def served_folder() -> Path:
    """The folder below Gradio's cache that our files are written to and served from."""
    folder = Path(get_upload_folder()) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let ``write`` make the file beside its place, then move it there in one step."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    return path


def write_once(kind: str, suffix: str, content: bytes, write: Callable[[Path], object]) -> Path:
    """Write a file named after its content, unless it is there already.

    Args:
        kind: first word of the name.
        suffix: with the dot.
        content: bytes that decide what the file holds; they need not be the file's own.
        write: makes the file at the path it is given.
    """
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    path = served_folder() / f"{kind}-{digest}{suffix}"
    if path.exists():
        os.utime(path)
        return path
    return write_whole(path, write)


def write_unique(kind: str, suffix: str, write: Callable[[Path], object]) -> Path:
    """Write a file under a name that no other answer has."""
    return write_whole(served_folder() / f"{kind}-{uuid.uuid4().hex}{suffix}", write)


def write_download(name: str, write: Callable[[Path], object]) -> Path:
    """Write a file that a visitor keeps: under its plain name, in a folder that no other answer has."""
    folder = served_folder() / uuid.uuid4().hex
    folder.mkdir()
    return write_whole(folder / name, write)


def file_data(path: Path) -> dict[str, Any]:
    """What makes Gradio serve a file to the browser by URL."""
    return FileData(path=str(path), orig_name=path.name).model_dump()
