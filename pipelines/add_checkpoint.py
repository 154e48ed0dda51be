"""Check a fine-tuned checkpoint and offer it on this machine.

python -m pipelines.add_checkpoint FILE --base tiny-stock --label "Our facades"

FILE is safetensors, or what ``torch.save`` wrote. It is compared with the base's networks key by key and
shape by shape, saved as safetensors beside the local catalogue, and written into it as a row.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
import yaml
from torch import Tensor

from lposs_core.checkpoint import (
    CheckpointFileError,
    CheckpointMismatch,
    LoadReport,
    compare,
    file_sha256,
    load_safetensors,
    require_complete,
)
from lposs_core.checkpoint_layout import Layout, LayoutError, equal_first_blocks, find_part, plain_layout
from lposs_core.checkpoint_torch import load_torch_state

from .catalogue import CATALOGUE_FILE, DENSE_ROLES, CheckpointSpec, PartSpec, find_checkpoint, load_catalogue
from .errors import PipelineError, SettingsError
from .hub_catalogue import LOCAL_NAME, build_catalogue
from .hub_networks import NETWORKS

DEFAULT_BASE: Final = "openclip-vitb16-laion2b"
IDENTIFIER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")


@dataclass(frozen=True, slots=True)
class Added:
    """What came of a file.

    Attributes:
        layout: prefixes, adapters, head and text vectors.
        reports: how each network's weights fit, by role.
        filled: keys taken from the base.
        shared: first image blocks that equal the base's; None where the base is not on this machine.
        files: safetensors that were written, by role.
    """

    layout: Layout
    reports: Mapping[str, LoadReport]
    filled: tuple[str, ...] = ()
    shared: int | None = None
    files: Mapping[str, Path] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The report for a terminal."""
        found = [
            f"{role}: {len(report.matched)} keys match, 0 missing, 0 unexpected"
            for role, report in self.reports.items()
        ]
        facts = {
            "dropped text vectors": ", ".join(self.layout.dropped),
            "merged LoRA adapters": ", ".join(self.layout.merged),
            "projection taken from": self.layout.head,
            "taken from the base": f"{len(self.filled)} keys" if self.filled else "",
            "first blocks equal to the base's": "" if self.shared is None else str(self.shared),
            "written": ", ".join(path.name for path in self.files.values()),
        }
        return found + [f"{name}: {fact}" for name, fact in facts.items() if fact]


def read_file(path: Path) -> dict[str, Tensor]:
    """The weights of a file of either kind.

    Raises:
        CheckpointFileError: it cannot be used.
    """
    if path.suffix == ".safetensors":
        return load_safetensors(path)
    return load_torch_state(path).state


def split(
    layout: Layout, base: CheckpointSpec, name: str, given: Mapping[str, Tensor]
) -> tuple[dict[str, dict[str, Tensor]], dict[str, LoadReport], tuple[str, ...]]:
    """The state of each network of the base's family that a file holds.

    Args:
        layout: of the file.
        base: whose networks they must fit.
        name: what to call the file.
        given: the base's dual encoder, for keys that the file lacks; empty allows no gap.

    Returns:
        States by role, their reports, and the keys that were taken from ``given``.

    Raises:
        CheckpointMismatch: the dual encoder does not fit, or keys of no network are left.
        LayoutError: a network stands twice.
    """
    networks = {role: empty_network(base, base.parts[role]) for role in DENSE_ROLES}
    dual = find_part(layout.state, networks["clip"].state_dict())
    filled = {key: value for key, value in given.items() if key not in dual.state} if dual.state else {}
    vision = find_part(dual.rest, networks["patches"].state_dict())
    whole = len(vision.state) == len(networks["patches"].state_dict())
    rest = vision.rest if whole else dual.rest
    states = {"clip": {**filled, **dual.state}} | ({"patches": vision.state} if whole else {})
    reports = {role: compare(networks[role], state) for role, state in states.items()}
    foreign = compare(networks["clip"], {**states["clip"], **rest})
    require_complete(foreign, name, type(networks["clip"]).__name__)
    return states, reports, tuple(filled)


def empty_network(spec: CheckpointSpec, part: PartSpec) -> torch.nn.Module:
    """A part's network without memory for its weights: names and shapes alone."""
    with torch.device("meta"):
        return NETWORKS[part.builder](spec, part)


def add_checkpoint(
    file: Path,
    *,
    base: str = DEFAULT_BASE,
    identifier: str | None = None,
    label: str | None = None,
    licence: str | None = None,
    lora_alpha: float | None = None,
    fill: bool = False,
    catalogue: Path | None = None,
) -> Added:
    """Check a file and write its row.

    Args:
        file: safetensors, or what ``torch.save`` wrote.
        base: id of the checkpoint that it was fine-tuned from; says which networks it must fit.
        identifier: id of the new row; None makes one of the file's name.
        label: what the page shows; None takes the file's name.
        licence: of the weights; None takes the base's.
        lora_alpha: of LoRA adapters, where the file does not hold it.
        fill: take keys that the file lacks (a frozen text tower) from the base.
        catalogue: local catalogue; None takes the one beside the built-in catalogue.

    Raises:
        CheckpointFileError: the file cannot be read.
        CheckpointMismatch: its keys or shapes are not the base's.
        LayoutError: no plain network can stand for it.
        PipelineError: the base, the id or the local catalogue cannot be used.
    """
    known = build_catalogue()
    spec = find_checkpoint(known, base)
    target = catalogue or CATALOGUE_FILE.with_name(LOCAL_NAME)
    name = _identifier(identifier or re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-"), known)
    state = read_file(file)
    layout = plain_layout(state, lora_alpha=lora_alpha)
    original = _base_state(spec)
    states, reports, filled = split(layout, spec, file.name, original if fill else {})
    shared = equal_first_blocks(states["clip"], original) if original else None
    files = _save(states, spec, name, target)
    row = _row(spec, name, label or file.stem, licence, files, shared, target.parent)
    write_row(target, row)
    return Added(layout, reports, filled, shared, files)


def write_row(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row to a local catalogue, or replace the one with its id; refused rows leave the file as it was.

    Raises:
        SettingsError: the catalogue would not be readable.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {"checkpoints": []}
    rows = [item for item in content["checkpoints"] if item["id"] != row["id"]] + [dict(row)]
    draft = path.with_suffix(".draft")
    draft.write_text(
        yaml.safe_dump({"checkpoints": rows}, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )
    try:
        load_catalogue(draft)
    except SettingsError:
        draft.unlink()
        raise
    draft.replace(path)


def _identifier(wanted: str, known: Mapping[str, CheckpointSpec]) -> str:
    taken = wanted in known and known[wanted].source != "local"
    if not IDENTIFIER.fullmatch(wanted) or taken:
        problem = (
            "a built-in checkpoint has this id" if taken else "an id has small letters, digits and hyphens"
        )
        raise SettingsError.of("out_of_range", name=f"--id {wanted}", problem=problem)
    return wanted


def _base_state(spec: CheckpointSpec) -> dict[str, Tensor]:
    """The base's dual encoder where it is on this machine."""
    file = spec.parts["clip"].file
    return load_safetensors(file) if file is not None and file.is_file() else {}


def _save(
    states: Mapping[str, Mapping[str, Tensor]], spec: CheckpointSpec, name: str, catalogue: Path
) -> dict[str, Path]:
    """Write the networks; a patch encoder that equals the base's is not written again."""
    from safetensors.torch import save_file

    folder = catalogue.parent / "local"
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for role, state in states.items():
        if role == "patches" and _equals(state, spec.parts[role].file):
            continue
        files[role] = folder / f"{name}-{role}.safetensors"
        save_file({key: value.clone().contiguous() for key, value in state.items()}, files[role])
    return files


def _equals(state: Mapping[str, Tensor], file: Path | None) -> bool:
    if file is None or not file.is_file():
        return False
    other = load_safetensors(file)
    return state.keys() == other.keys() and all(
        torch.equal(state[key].float(), other[key].float()) for key in state
    )


def _row(
    spec: CheckpointSpec,
    name: str,
    label: str,
    licence: str | None,
    files: Mapping[str, Path],
    shared: int | None,
    folder: Path,
) -> dict[str, Any]:
    parts = {role: _part_row(spec.parts[role], files.get(role), folder) for role in DENSE_ROLES}
    if shared:
        parts["clip"]["shares"] = {"checkpoint": spec.id, "blocks": shared}
    return {
        "id": name,
        "label": {"en": label, "ru": label},
        "kind": "finetuned",
        "base": spec.id,
        "licence": licence or spec.licence,
        "languages": list(spec.languages),
        "methods": [method for method in spec.methods if method != "pnp_ovss"],
        "parts": parts,
        "settings": dict(spec.settings.to_mapping()),
    }


def _part_row(part: PartSpec, file: Path | None, folder: Path) -> dict[str, Any]:
    """A part with weights of its own, or the base's."""
    own = file or (part.file if not part.hub else None)
    row: dict[str, Any] = {"builder": part.builder}
    row |= {"options": dict(part.options)} if part.options else {}
    row |= {"memory_mib": part.memory_mib} if part.memory_mib else {}
    if own is not None:
        row |= {"file": os.path.relpath(own, folder), "sha256": file_sha256(own)}
    hub = part.hub[1:] if file is not None else part.hub
    keys = ("repo", "name", "revision", "megabytes")
    return row | ({"hub": [{key: getattr(item, key) for key in keys} for item in hub]} if hub else {})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; exit 2 with a sentence where the file is refused."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.add_checkpoint",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="safetensors, or what torch.save wrote")
    parser.add_argument("--base", default=DEFAULT_BASE, help="id of the checkpoint it was fine-tuned from")
    parser.add_argument("--id", dest="identifier", help="id of the new row (default: the file's name)")
    parser.add_argument("--label", help="what the page shows (default: the file's name)")
    parser.add_argument("--licence", help="SPDX name (default: the base's)")
    parser.add_argument("--lora-alpha", type=float, help="alpha of LoRA adapters that do not hold it")
    parser.add_argument(
        "--fill", action="store_true", help="take missing keys (a frozen tower) from the base"
    )
    parser.add_argument("--catalogue", type=Path, help=f"local catalogue (default: assets/{LOCAL_NAME})")
    options = vars(parser.parse_args(argv))
    try:
        added = add_checkpoint(options.pop("file"), **options)
    except (CheckpointFileError, CheckpointMismatch, LayoutError, PipelineError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(added.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
