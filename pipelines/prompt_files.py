"""Prompt files from unknown sources: every limit is checked before anything is constructed.

A file maps class names to texts, as JSON or YAML: ``{"wall": ["brick wall", "plaster"], "sky": "sky"}``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from .errors import PromptError
from .messages import Phrase
from .prompts import Entry, build_prompt_set, check_bytes, parse_prompts, shown
from .types import PromptSet

MAX_DEPTH: Final = 4
MAX_NODES: Final = 5000
"""More than 64 classes with 32 texts each need."""
JSON_BRACKETS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)

WHOLE_FILE: Final = Phrase("The prompt file", "Файл с классами")


@dataclass(frozen=True, slots=True)
class Other:
    """A scalar that is no text: a number, a truth value, a date."""

    seen: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One key of a mapping with its value and place."""

    key: object
    value: object
    place: Phrase


@dataclass(frozen=True, slots=True)
class Pairs:
    """A mapping as written: in order, duplicates included."""

    items: tuple[Pair, ...]


def load_prompt_file(path: str | os.PathLike[str]) -> PromptSet:
    """Read a prompt file.

    Args:
        path: UTF-8, at most 256 kB: ``.json``, ``.yaml`` or ``.yml`` with ``name: text`` or
            ``name: [text, ...]``, or ``.txt`` with the text of the prompt box.

    Raises:
        PromptError: the sentence names the place; codes of :func:`pipelines.parse_prompts`, and ``missing``,
            ``unsupported``, ``encoding``, ``syntax``, ``schema``, ``too_deep`` or ``unsafe``.
    """
    file = Path(path)
    try:
        check_bytes(file.stat().st_size)
        data = file.read_bytes()
    except OSError as error:
        raise PromptError.of("missing", name=file.name) from error
    return parse_prompt_file(data, file.name)


def parse_prompt_file(data: bytes, name: str) -> PromptSet:
    """Read the bytes of a prompt file whose format is told by the suffix of ``name``.

    Raises:
        PromptError: as :func:`load_prompt_file`.
    """
    check_bytes(len(data))
    text = _decode(data)
    suffix = Path(name).suffix.lower()
    if suffix not in (".json", ".yaml", ".yml", ".txt"):
        raise PromptError.of("unsupported", name=shown(name))
    if not text.strip():
        raise PromptError.of("empty")
    if suffix == ".txt":
        return parse_prompts(text)
    return build_prompt_set(_read_entries(_read_json(text) if suffix == ".json" else _read_yaml(text)))


def format_prompt_file(prompts: PromptSet) -> str:
    """Write a prompt set as the YAML that :func:`parse_prompt_file` reads."""
    classes = {item.name: list(item.texts) for item in prompts.classes}
    return yaml.safe_dump(classes, allow_unicode=True, sort_keys=False, default_flow_style=None, width=2**20)


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PromptError.of("encoding", position=error.start + 1) from None
    if "\0" in text:  # UTF-16 without its mark
        raise PromptError.of("encoding", position=text.index("\0") + 1)
    return text


def _read_entries(tree: object) -> Iterator[Entry]:
    """Hold the parsed file to ``{name: text or list of texts}``."""
    if not isinstance(tree, Pairs):
        raise PromptError.of("schema.top", place=WHOLE_FILE, found=_describe(tree))
    for pair in tree.items:
        if not isinstance(pair.key, str):
            raise PromptError.of("schema.name", place=pair.place, found=_describe(pair.key))
        yield Entry(pair.place, pair.key, tuple(_read_texts(pair, pair.key)))


def _read_texts(pair: Pair, name: str) -> Iterator[str]:
    for text in pair.value if isinstance(pair.value, list) else [pair.value]:
        if not isinstance(text, str):
            found = _describe(text)
            raise PromptError.of("schema.texts", place=pair.place, name=shown(name), found=found)
        yield text


def _describe(value: object) -> Phrase:
    match value:
        case Pairs():
            return Phrase("a mapping", "словарь")
        case list():
            return Phrase("a list", "список")
        case None:
            return Phrase("nothing", "пустое значение")
        case Other(seen) | str(seen):
            return Phrase(shown(seen), shown(seen))
        case _:
            return Phrase(shown(str(value)), shown(str(value)))


def _place(line: int, column: int) -> Phrase:
    return Phrase(
        f"Line {line}, column {column} of the prompt file", f"Строка {line}, символ {column} файла с классами"
    )


def _read_json(text: str) -> object:
    _check_json_depth(text)
    try:
        return json.loads(
            text, object_pairs_hook=_json_pairs, parse_int=Other, parse_float=Other, parse_constant=Other
        )
    except json.JSONDecodeError as error:
        place = _place(error.lineno, error.colno)
        raise PromptError.of("syntax", place=place, format="JSON", problem=error.msg) from None


def _check_json_depth(text: str) -> None:
    depth = 0
    for match in JSON_BRACKETS.finditer(text):
        bracket = match.group()
        depth += (bracket in "[{") - (bracket in "]}")
        if depth > MAX_DEPTH:
            line = text.count("\n", 0, match.start()) + 1
            column = match.start() - text.rfind("\n", 0, match.start())
            raise PromptError.of("too_deep", place=_place(line, column), limit=MAX_DEPTH)


def _json_pairs(pairs: list[tuple[str, Any]]) -> Pairs:
    return Pairs(
        tuple(
            Pair(key, value, Phrase(f"Class {number} of the prompt file", f"Класс {number} файла"))
            for number, (key, value) in enumerate(pairs, start=1)
        )
    )


def _read_yaml(text: str) -> object:
    loader = _YAML_LOADER(text)
    try:
        return _YamlReader(loader).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(mark.line + 1, mark.column + 1) if mark else WHOLE_FILE
        raise PromptError.of("syntax", place=place, format="YAML", problem=error.problem) from None
    except yaml.YAMLError:
        problem = "unreadable characters"
        raise PromptError.of("syntax", place=WHOLE_FILE, format="YAML", problem=problem) from None
    finally:
        loader.dispose()


_YAML_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _YamlReader:
    """Builds the tree from parse events, so that limits apply before an alias or a tag could act."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._nodes = 0
        self._open_anchors: list[str | None] = []

    def read(self) -> object:
        """The only document of the stream; None when there is none."""
        self._next(yaml.StreamStartEvent)
        if isinstance(self._loader.peek_event(), yaml.StreamEndEvent):
            return None
        self._next(yaml.DocumentStartEvent)
        tree = self._node(self._loader.get_event())
        self._next(yaml.DocumentEndEvent)
        following = self._loader.get_event()
        if not isinstance(following, yaml.StreamEndEvent):
            raise PromptError.of("syntax.documents", place=_mark_place(following))
        return tree

    def _next(self, kind: type[yaml.Event]) -> None:
        event = self._loader.get_event()
        if not isinstance(event, kind):  # pragma: no cover - the parser's own grammar forbids it
            raise PromptError.of("syntax", place=_mark_place(event), format="YAML", problem="unexpected part")

    def _node(self, event: Any) -> object:
        self._check(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        self._open_anchors.append(event.anchor)
        tree = self._list() if isinstance(event, yaml.SequenceStartEvent) else self._map()
        self._open_anchors.pop()
        return tree

    def _check(self, event: Any) -> None:
        self._nodes += 1
        place = _mark_place(event)
        if isinstance(event, yaml.AliasEvent):
            case = "schema.cycle" if event.anchor in self._open_anchors else "too_large.alias"
            raise PromptError.of(case, place=place, name=event.anchor)
        if event.tag not in (None, "!"):
            raise PromptError.of("unsafe", place=place, tag=shown(event.tag))
        if self._nodes > MAX_NODES:
            raise PromptError.of("too_large.nodes", place=place, limit=MAX_NODES)
        if len(self._open_anchors) >= MAX_DEPTH and not isinstance(event, yaml.ScalarEvent):
            raise PromptError.of("too_deep", place=place, limit=MAX_DEPTH)

    def _scalar(self, event: Any) -> object:
        tag = self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag == "tag:yaml.org,2002:str":
            return event.value
        return None if tag == "tag:yaml.org,2002:null" else Other(event.value)

    def _list(self) -> list[object]:
        items = []
        while not isinstance(event := self._loader.get_event(), yaml.SequenceEndEvent):
            items.append(self._node(event))
        return items

    def _map(self) -> Pairs:
        items = []
        while not isinstance(event := self._loader.get_event(), yaml.MappingEndEvent):
            key = self._node(event)
            items.append(Pair(key, self._node(self._loader.get_event()), _mark_place(event)))
        return Pairs(tuple(items))


def _mark_place(event: Any) -> Phrase:
    return _place(event.start_mark.line + 1, event.start_mark.column + 1)
