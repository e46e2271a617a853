"""What questions after a run need: the queries of cross-attention, and queries and keys of self-attention.

With them every further word's map (`pipelines.probes`) and where any place looks (`results.projections`) are algebra:
softmax(Q K^T), without a pass of the UNet. Kept is what the modules projected, normalised where they normalise it and
queries times the module's scale, of the conditional image, in half precision, at the layer's own size.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from inspector.errors import RecordingError
from inspector.trace.hooks import find_modules
from inspector.trace.joint import is_transformer
from inspector.trace.recorders import cross_attention_layers, grid_of, grids, read_projections
from inspector.trace.recordings import Kept, Shipment
from inspector.trace.self_attention import self_attention_layers


@dataclass
class Projections:
    """What was kept so far, one entry per call of the UNet, or of the last call alone.

    queries, selves: whether those of cross-attention and of self-attention are wanted. every: of each call.
    kept: module -> per kept call float16 (part, channel, h, w); part is the query, and of self-attention the key too.
    """

    queries: bool = False
    selves: bool = False
    every: bool = False
    kept: dict[str, list[np.ndarray]] = field(default_factory=dict)
    _waiting: list[Kept] = field(default_factory=list)  # on the device, of the last call

    def layers(self, unet: nn.Module) -> dict[str, bool]:
        """Module -> whether its keys are wanted too; of a transformer nothing is kept."""
        if is_transformer(unet):
            return {}
        cross = dict.fromkeys(cross_attention_layers(unet), False) if self.queries else {}
        return cross | (dict.fromkeys(self_attention_layers(unet), True) if self.selves else {})

    def take(self, call: list[Kept]) -> None:
        """The maps of a call that has ended; those of the call before go, unless every one is wanted."""
        self._waiting = call
        if self.every:
            self._file()

    def taken(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Layer -> float16 (step, channel, h, w) of cross-attention, (step, 2, channel, h, w) of self-attention.

        Both are forgotten here. Layers are named as in a recording: by their cross-attention, and by their own name.
        """
        self._file()
        stacked = {layer: np.stack(parts) for layer, parts in self.kept.items()}
        self.kept = {}
        cross = {layer: parts[:, 0] for layer, parts in stacked.items() if parts.shape[1] == 1}
        return cross, {layer: parts for layer, parts in stacked.items() if parts.shape[1] == 2}

    def _file(self) -> None:
        if self._waiting:
            for one in Shipment(self._waiting).arrived():
                self.kept.setdefault(one.layers[0], []).append(one.maps.numpy().copy())
        self._waiting = []


@contextmanager
def keep(unet: nn.Module, into: Projections) -> Iterator[None]:
    """Keep what `into` wants of every call of `unet` inside the `with` that ends; the hooks are gone after it.

    The last image of a batch is kept, which is the conditional one. Raises RecordingError as `recorders.record`.
    """
    wanted = into.layers(unet)
    modules = find_modules(unet, list(wanted))
    size: list[int] = []  # (h, w) of the sample in the call under way
    call: list[Kept] = []

    def begin(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        size[:] = (args[0] if args else kwargs["sample"]).shape[-2:]
        call.clear()

    def layer_done(layer: str, query: torch.Tensor, key: torch.Tensor) -> None:
        own = query.shape == key.shape
        if wanted[layer] and not own:
            raise RecordingError(f"{layer} attends to something else than itself; choose a Stable Diffusion UNet.")
        grid = grid_of(query.shape[1], (size[0], size[1]))
        parts = [query_of(modules[layer], query[-1])]
        if wanted[layer]:
            parts.append(key_of(modules[layer], key[-1]))
        call.append(Kept((layer,), False, torch.stack([part.T.unflatten(-1, grid).half() for part in parts])))

    with ExitStack() as stack:
        if wanted:
            stack.enter_context(unet.register_forward_pre_hook(begin, with_kwargs=True))
            for layer, module in modules.items():
                for handle in read_projections(layer, module, layer_done):
                    stack.enter_context(handle)
            stack.enter_context(unet.register_forward_hook(lambda *_: into.take(list(call))))
        yield


def query_of(module: Any, query: torch.Tensor) -> torch.Tensor:
    """What a module's scores are formed of: its query (..., channel), normalised as it does, times its scale."""
    return _normalised(module, query, module.norm_q) * module.scale


def key_of(module: Any, key: torch.Tensor) -> torch.Tensor:
    """Likewise its key (..., channel)."""
    return _normalised(module, key, module.norm_k)


def _normalised(module: Any, projected: torch.Tensor, norm: Callable[[torch.Tensor], torch.Tensor] | None) -> Any:
    if norm is None:
        return projected
    return norm(projected.unflatten(-1, (module.heads, -1))).flatten(-2)


def head_counts(unet: nn.Module, wanted: Projections) -> dict[str, int]:
    """Module that is kept -> number of its heads."""
    modules: dict[str, Any] = dict(find_modules(unet, list(wanted.layers(unet))))
    return {name: int(module.heads) for name, module in modules.items()}


def projection_bytes(unet: nn.Module, sample: tuple[int, int], wanted: Projections, calls: int) -> int:
    """Bytes that `keep` will keep of so many calls, known before anything runs; assumes as `recording_bytes`."""
    layers = wanted.layers(unet)
    modules: dict[str, Any] = dict(find_modules(unet, list(layers)))
    total = 0
    for (layer, both), (height, width) in zip(layers.items(), grids(unet, list(layers), sample), strict=True):
        total += (1 + both) * int(modules[layer].to_q.out_features) * height * width
    return 2 * total * calls
