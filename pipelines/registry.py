"""Checkpoints on one device, leased by requests."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import torch

from lposs_core import PatchEncoder, TextAlignedEncoder

from .cache import DEFAULT_CACHE_BYTES, CacheStatus, FeatureCache
from .catalogue import (
    CATALOGUE_FILE,
    DENSE_ROLES,
    Catalogue,
    CheckpointSpec,
    PartSpec,
    find_checkpoint,
)
from .errors import PipelineError, PipelineUnavailable, UnknownChoice
from .hub_catalogue import build_catalogue
from .loading import build_part, estimated_bytes
from .pool import ModelPool, Need
from .types import PRECISIONS, CheckpointInfo, Precision

DEFAULT_BUDGET_BYTES: Final = 6_000_000_000
DEFAULT_WAIT_SECONDS: Final = 120.0

Loader = Callable[[CheckpointSpec, PartSpec, torch.device, Precision], tuple[Any, int]]


@dataclass(frozen=True, slots=True)
class LoadedCheckpoint:
    """A leased checkpoint.

    Attributes:
        info: what results say about it.
        spec: its row of the catalogue.
        parts: its networks by role, as far as they were asked for.
    """

    info: CheckpointInfo
    spec: CheckpointSpec
    parts: Mapping[str, Any]

    @property
    def clip(self) -> TextAlignedEncoder:
        """The dual encoder; None where the lease was not asked for it."""
        return cast(TextAlignedEncoder, self.parts.get("clip"))

    @property
    def patches(self) -> PatchEncoder:
        """The encoder in DINO's role; None where the lease was not asked for it."""
        return cast(PatchEncoder, self.parts.get("patches"))

    @property
    def itm(self) -> Any:
        """The ``pnp_ovss.ITMBackbone`` of PnP-OVSS; None where the lease was not asked for it."""
        return self.parts.get("itm")


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One network in memory.

    Attributes:
        checkpoints: ids of the rows it belongs to; shared parts have several.
        role: ``clip``, ``patches`` or ``itm``.
        precision: ``fp32`` or ``bf16``.
        bytes: what it takes.
        leases: requests that use it now.
        ready: False while it is being built.
    """

    checkpoints: tuple[str, ...]
    role: str
    precision: str
    bytes: int
    leases: int
    ready: bool


@dataclass(frozen=True, slots=True)
class RegistryStatus:
    """What the registry holds at one moment."""

    device: str
    budget_bytes: int
    parts: tuple[PartStatus, ...]
    cache: CacheStatus


class PipelineRegistry:
    """Builds checkpoints when they are first asked for and keeps them within a memory budget.

    Parts with equal weights (the patch encoder of stock and fine-tuned) are loaded once. A failed build is
    reported to everybody who waits for it, and tried again by the next request.

    Args:
        catalogue: rows by id.
        device: where all models live.
        budget_bytes: what models may take together.
        wait_seconds: longest wait while every model in memory is in use.
        cache: features shared by all requests.
        load: loads one part; replaced in tests that count loads.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        device: torch.device,
        budget_bytes: int = DEFAULT_BUDGET_BYTES,
        *,
        wait_seconds: float = DEFAULT_WAIT_SECONDS,
        cache: FeatureCache | None = None,
        load: Loader = build_part,
    ) -> None:
        self.catalogue = catalogue
        self.device = device
        self.cache = cache if cache is not None else FeatureCache()
        self._pool = ModelPool(budget_bytes, wait_seconds)
        self._load = load

    @contextmanager
    def lease(
        self,
        checkpoint: str,
        precision: Precision = "fp32",
        roles: Collection[str] = DENSE_ROLES,
    ) -> Iterator[LoadedCheckpoint]:
        """Hold a checkpoint for the time of the ``with`` block; it is not dropped meanwhile.

        Args:
            checkpoint: id of a catalogue row.
            precision: ``fp32`` or ``bf16``.
            roles: which of its parts are needed; only these are loaded.

        Raises:
            UnknownChoice: no such checkpoint, precision or part.
            PipelineUnavailable: the files of these parts are not on this machine.
            CheckpointError: its files are not what the catalogue promises.
            Busy: no room in time.
        """
        spec = find_checkpoint(self.catalogue, checkpoint)
        if precision not in PRECISIONS:
            raise UnknownChoice.of("precision", seen=repr(precision), known=", ".join(PRECISIONS))
        if refusal := spec.refusal(roles):
            raise refusal
        parts = _chosen_parts(spec, roles)
        keys: dict[str, Hashable] = {role: _part_key(part, precision) for role, part in parts.items()}
        needs = {keys[role]: self._need(spec, part, precision) for role, part in parts.items()}
        with self._pool.lease(needs, label=spec.id) as models:
            yield LoadedCheckpoint(spec.info, spec, {role: models[key] for role, key in keys.items()})

    def status(self) -> RegistryStatus:
        """What is in memory now."""
        parts = tuple(
            PartStatus(
                self._owners(slot.key), *_role_and_precision(slot.key), slot.bytes, slot.leases, slot.ready
            )
            for slot in self._pool.status()
        )
        return RegistryStatus(str(self.device), self._pool.budget_bytes, parts, self.cache.status())

    def _need(self, spec: CheckpointSpec, part: PartSpec, precision: Precision) -> Need:
        return Need(lambda: self._load_part(spec, part, precision), estimated_bytes(part))

    def _load_part(self, spec: CheckpointSpec, part: PartSpec, precision: Precision) -> tuple[Any, int]:
        try:
            return self._load(spec, part, self.device, precision)
        except PipelineError:
            raise
        except (OSError, RuntimeError, ValueError) as error:
            problem = type(error).__name__
            raise PipelineUnavailable.of("build", checkpoint=spec.id, problem=problem) from error

    def _owners(self, key: Hashable) -> tuple[str, ...]:
        role, digest, _ = cast(tuple[str, str, str], key)
        return tuple(
            spec.id
            for spec in self.catalogue.values()
            if role in spec.parts and spec.parts[role].digest == digest
        )


def build_registry(
    catalogue: Path = CATALOGUE_FILE,
    *,
    device: str | None = None,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
    cache_bytes: int = DEFAULT_CACHE_BYTES,
) -> PipelineRegistry:
    """The registry of a catalogue file; nothing is loaded yet.

    Args:
        catalogue: YAML file.
        device: such as ``cpu`` or ``cuda:0``; None takes the variable ``DEVICE``, then CUDA where there is
            one, otherwise the CPU.
        budget_bytes: what models may take together.
        cache_bytes: what cached features may take together.

    Raises:
        SettingsError: the catalogue is not what it should be.
        PipelineUnavailable: the device cannot be used.
    """
    chosen = choose_device(device if device is not None else os.environ.get("DEVICE"))
    return PipelineRegistry(build_catalogue(catalogue), chosen, budget_bytes, cache=FeatureCache(cache_bytes))


def choose_device(name: str | None = None) -> torch.device:
    """The device to work on: the one named, otherwise CUDA where there is one, otherwise the CPU.

    Raises:
        PipelineUnavailable: the device named does not exist here.
    """
    if not name or name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        problem = str(error).splitlines()[0][:120]
        raise PipelineUnavailable.of("device", device=repr(name), problem=problem) from error
    return device


def _chosen_parts(spec: CheckpointSpec, roles: Collection[str]) -> dict[str, PartSpec]:
    """The parts of these roles.

    Raises:
        UnknownChoice: the checkpoint has no such part.
    """
    for role in roles:
        if role not in spec.parts:
            raise UnknownChoice.of("part", seen=repr(role), checkpoint=spec.id, known=", ".join(spec.parts))
    return {role: spec.parts[role] for role in dict.fromkeys(roles)}


def _part_key(part: PartSpec, precision: Precision) -> tuple[str, str, str]:
    return part.role, part.digest, precision


def _role_and_precision(key: Hashable) -> tuple[str, str]:
    role, _, precision = cast(tuple[str, str, str], key)
    return role, precision
