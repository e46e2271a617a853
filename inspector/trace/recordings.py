"""What a recorder keeps: maps that wait on the model's device and go to the CPU together, when somebody reads them.

A copy to the CPU waits for everything that the device still has to compute, so one a layer would make a run on a GPU
half as long again. What is on the CPU anyway waits for nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

HELD = 2**26  # bytes of maps that may wait on the device: a run of Stable Diffusion 1.5 of 50 steps and 24 tokens


@dataclass(frozen=True)
class Kept:
    """Maps of some layers in one call: float16 (layer * image, token, h, w), or (layer * image, head, token, h, w)."""

    layers: tuple[str, ...]
    heads: bool
    maps: torch.Tensor

    def parts(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Each layer's share."""
        yield from zip(self.layers, self.maps.chunk(len(self.layers)), strict=True)


class Recording:
    """What was recorded so far; grows by one entry per call of the UNet.

    timesteps: one per call.
    layers: names of the recorded modules in the order of the forward pass, once there was a `record`.
    maps: layer -> per call, float16 (image, token, h, w), mean over heads; axis `token` follows `positions`.
    head_maps: layer -> per call, float16 (image, head, token, h, w); empty unless asked for.
    waiting: bytes of maps that are still on the device, and not on their way; reading any maps fetches and awaits them.
    held: bytes that may be waiting at a call's end.
    """

    def __init__(self, held: int = HELD) -> None:
        self.timesteps: list[int] = []
        self.layers: tuple[str, ...] = ()
        self.waiting = 0
        self._held = held
        self._waiting: list[Kept] = []  # on the device
        self._sent: Shipment | None = None  # on its way
        self._maps: dict[str, list[np.ndarray]] = {}  # on the CPU
        self._head_maps: dict[str, list[np.ndarray]] = {}

    @property
    def maps(self) -> dict[str, list[np.ndarray]]:
        """The mean over heads; the dictionary itself, so that what is taken out of it is gone."""
        self._read()
        return self._maps

    @property
    def head_maps(self) -> dict[str, list[np.ndarray]]:
        """Every head, likewise."""
        self._read()
        return self._head_maps

    def keep(self, call: Sequence[Kept]) -> None:
        """Take the maps of one call, and start moving them where more is waiting than may."""
        if call and not is_away(call[0].maps):
            self._file(call)
            return
        self._waiting.extend(call)
        self.waiting += sum(kept.maps.nbytes for kept in call)
        if self.waiting > self._held:
            self._send()

    def stacked(self, image: int = 0, heads: bool = False) -> dict[str, np.ndarray]:
        """layer -> float16 (step, token, h, w) of one image, or (step, head, token, h, w)."""
        source = self.head_maps if heads else self.maps
        return {layer: np.stack([maps[image] for maps in calls]) for layer, calls in source.items()}

    def taken(self, heads: bool = False) -> dict[str, np.ndarray]:
        """As `stacked` of the first image, and forgotten here layer by layer, so that nothing large is there twice."""
        source = self.head_maps if heads else self.maps
        return {layer: np.stack([maps[0] for maps in source.pop(layer)]) for layer in list(source)}

    def _read(self) -> None:
        self._send()
        self._receive()

    def _send(self) -> None:
        """Start moving what waits; one shipment is under way at a time, so that pinned memory is bounded too."""
        self._receive()
        if self._waiting:
            self._sent = Shipment(self._waiting)
        self._waiting, self.waiting = [], 0

    def _receive(self) -> None:
        if self._sent is not None:
            self._file(self._sent.arrived())
            self._sent = None

    def _file(self, call: Sequence[Kept]) -> None:
        """Put maps on the CPU where they belong, each layer's in memory of its own, so that it can go by itself."""
        for kept in call:
            place = self._head_maps if kept.heads else self._maps
            for layer, part in kept.parts():
                place.setdefault(layer, []).append(part.numpy().copy())
            for layer in filter(place.__contains__, self.layers):  # in their order, which those of one shape left
                place[layer] = place.pop(layer)


def is_away(maps: torch.Tensor) -> bool:
    """Whether maps are on a device that a copy to the CPU would wait for."""
    return maps.device.type != "cpu"


class Shipment:
    """Maps of many layers and calls on their way to the CPU in one copy: on CUDA into pinned memory, and unwaited.

    What was sent is not held here, so that the device's memory is free once the copy is made.
    """

    def __init__(self, kept: Sequence[Kept]) -> None:
        flat = torch.cat([item.maps.flatten() for item in kept])
        cuda = flat.device.type == "cuda"
        host = torch.empty(flat.shape, dtype=flat.dtype, pin_memory=cuda)
        host.copy_(flat, non_blocking=cuda)
        self._arrival = torch.cuda.current_stream(flat.device).record_event() if cuda else None
        parts = host.split([item.maps.numel() for item in kept])
        self._kept = [replace(item, maps=part.view(item.maps.shape)) for item, part in zip(kept, parts, strict=True)]

    def arrived(self) -> list[Kept]:
        """All of them on the CPU, after the one wait."""
        if self._arrival is not None:
            self._arrival.synchronize()
        return self._kept
