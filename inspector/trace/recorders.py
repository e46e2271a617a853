"""Cross-attention maps of a UNet, or of a transformer that has it, recorded without changing what is computed.

Hooks read the queries and keys that each cross-attention module computes anyway and form the softmax a
second time beside it (0.1% of a guided step of Stable Diffusion 1.5); no attention processor is replaced,
so the image stays the same to the bit. Kept are the prompt's own tokens, the conditional images, the mean
over heads, in half precision, at the layer's own size, one entry per call of the UNet: a timestep may occur
twice (PNDM). Maps are formed at the end of a call, of layers that are alike together, and looked over once; no layer
waits for the device. `recordings` says when maps go to the CPU.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from inspector.errors import RecordingError
from inspector.trace.forming import FORMED, Used, chosen, half, keep_call, one_timestep, with_rest, words_of
from inspector.trace.hooks import find_modules
from inspector.trace.joint import ATTENTION, JOINT, OUTPUT, is_transformer, joint_grid, joint_layers, record_joint
from inspector.trace.recordings import Kept, Recording


def cross_attention_layers(unet: nn.Module) -> tuple[str, ...]:
    """Names of the cross-attention modules in the order of the forward pass; RecordingError if there is none."""
    order = ("down_blocks", "mid_block", "up_blocks", JOINT[0])
    names = [name for name, _ in unet.named_modules() if name.split(".")[-1] == "attn2" and name.startswith(order)]
    if not names:
        raise RecordingError("This model has no cross-attention modules named attn2; choose a Stable Diffusion UNet.")
    return tuple(sorted(names, key=lambda name: order.index(name.split(".")[0])))


def attention_layers(network: nn.Module) -> tuple[str, ...]:
    """Names of the modules in which the picture attends to the text; RecordingError if there is none."""
    return joint_layers(network) or cross_attention_layers(network)


@contextmanager
def record(
    unet: nn.Module,
    positions: Sequence[int],
    images: int = 1,
    heads: bool = False,
    into: Recording | None = None,
    model: str = "The model",
    used: Used | None = None,
    reading: str = ATTENTION,
) -> Iterator[Recording]:
    """Record every call of `unet` inside the `with` that ends; the hooks are gone after it, also after a crash.

    positions: indices of the tokens to keep; the softmax runs over all of them. REST is what they leave of 1.
    images: how many images are conditional: the last ones of the batch, since classifier-free guidance
        puts the unconditional ones first.
    heads: keep every head too.
    into: continue this recording, so that a lock need not be held from one denoising step to the next.
    model: its name, for errors.
    used: what the layers attend with instead of their own probabilities, as `edits.impose` yields it.
    reading: of a transformer with joint attention, ATTENTION or OUTPUT, as `joint` says; `unet` may be one.
    Raises RecordingError when a layer does not compute queries and keys of its own (fused projections), or has a grid
    that does not come from halving the sample's; NotFiniteError at the end of the first call with a map that is none.
    """
    recording = Recording() if into is None else into
    if joint_layers(unet):
        with record_joint(unet, positions, images, heads, recording, model, reading) as recording:
            yield recording
        return
    if reading == OUTPUT:
        raise RecordingError("A UNet's cross-attention has no output space that its tokens share; record attention.")
    if not recording.layers:  # a search through all modules takes 1 ms
        recording.layers = cross_attention_layers(unet)
    modules = {layer: unet.get_submodule(layer) for layer in recording.layers}
    size: list[int] = []  # (h, w) of the sample in the call under way
    time: list[int] = []  # its timestep
    call: list[_Projected] = []
    masks: dict[str, torch.Tensor] = {}

    def begin(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        sample = args[0] if args else kwargs["sample"]
        time[:] = [one_timestep(args[1] if len(args) > 1 else kwargs["timestep"])]
        size[:] = sample.shape[-2:]
        call.clear()

    def layer_done(layer: str, query: torch.Tensor, key: torch.Tensor) -> None:
        mask = masks.pop(layer, None)
        mask = None if mask is None else mask[-images:]
        call.append(_Projected(layer, modules[layer], query[-images:], key[-images:], mask))

    def end(*_: Any) -> None:
        index = chosen(words_of(positions), call[0].query.device) if call else slice(0)
        groups = (_formed(group, index, positions, (size[0], size[1]), heads, used) for group in _alike(call))
        kept = [maps for group in groups for maps in group]
        call.clear()
        keep_call(recording, kept, time[0], model)

    with ExitStack() as stack:
        stack.enter_context(unet.register_forward_pre_hook(begin, with_kwargs=True))
        for layer, module in modules.items():
            for handle in read_projections(layer, module, layer_done, masks):
                stack.enter_context(handle)
        stack.enter_context(unet.register_forward_hook(end))
        yield recording


@dataclass(frozen=True)
class _Projected:
    """Of the conditional images, what one module projected: query (n, h * w, width), key (n, tokens, width).

    mask: (n, 1, tokens), added to the scores.
    """

    layer: str
    module: Any
    query: torch.Tensor
    key: torch.Tensor
    mask: torch.Tensor | None


def _alike(call: Sequence[_Projected]) -> Iterator[list[_Projected]]:
    """Layers whose maps can be formed in one batch: as many as `FORMED` allows, all of one shape and scale.

    A small GPU kernel takes longer to start than to run, and Stable Diffusion has 16 layers of 4 shapes.
    """
    groups: dict[Any, list[_Projected]] = {}
    for one in call:
        module = one.module
        own = None if module.norm_q is None and module.norm_k is None else one.layer  # weights of its own
        kind = (one.query.shape, one.key.shape, one.query.dtype, module.heads, module.scale, own, one.mask is None)
        groups.setdefault(kind, []).append(one)
    for group in groups.values():
        first = group[0]
        size = 4 * first.module.heads * first.query.shape[0] * first.query.shape[1] * first.key.shape[1]
        count = max(1, FORMED // size)
        yield from (group[place : place + count] for place in range(0, len(group), count))


@torch.no_grad()
def _formed(
    group: Sequence[_Projected],
    index: torch.Tensor | slice,
    positions: Sequence[int],
    sample: tuple[int, int],
    heads: bool,
    used: Used | None = None,
) -> Iterator[Kept]:
    """The maps of layers that are alike; index: of the positions but REST; sample: (h, w) of the latents."""
    module, layers = group[0].module, tuple(one.layer for one in group)
    query = torch.cat([_by_head(one.query, module.heads) for one in group])
    key = torch.cat([_by_head(one.key, module.heads) for one in group])
    masks = [one.mask for one in group if one.mask is not None]
    maps = _softmax(module, query, key, torch.cat(masks) if masks else None)
    if used is not None:
        parts = maps.chunk(len(group))
        maps = torch.cat([used(one.layer, part) for one, part in zip(group, parts, strict=True)])
    maps = with_rest(maps[..., index, :], positions)
    maps = maps.unflatten(-1, grid_of(maps.shape[-1], sample))
    yield Kept(layers, False, half(maps.mean(1)))
    if heads:
        yield Kept(layers, True, half(maps))


@torch.no_grad()
def attention_maps(
    module: Any, query: torch.Tensor, key: torch.Tensor, positions: Sequence[int] | torch.Tensor | slice
) -> torch.Tensor:
    """The wanted tokens of `attention_weights`, without a gradient: float32 (n, head, token, h * w)."""
    return attention_weights(module, query, key)[..., positions, :]


def attention_weights(module: Any, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """softmax(Q K^T * scale) over all tokens: float32 (n, head, token, h * w).

    query: (n, h * w, head * channel), key: (n, tokens, head * channel), as `module` projected them.
    """
    return _softmax(module, _by_head(query, module.heads), _by_head(key, module.heads))


def _by_head(projected: torch.Tensor, heads: int) -> torch.Tensor:
    """(n, length, head * channel) -> (n, head, length, channel)."""
    return projected.unflatten(-1, (heads, -1)).transpose(1, 2)


def _softmax(module: Any, query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """As `attention_weights`, of queries (n, head, h * w, channel) and keys (n, head, tokens, channel).

    mask: (n, 1, tokens), added to the scores.
    """
    query = query if module.norm_q is None else module.norm_q(query)
    key = key if module.norm_k is None else module.norm_k(key)
    scores = (query.float() @ key.float().transpose(-1, -2)).float() * module.scale  # autocast narrows a product
    if mask is not None:
        scores = scores + mask[:, None].float()
    return scores.softmax(-1).transpose(-1, -2)


def read_projections(
    layer: str,
    module: Any,
    end: Callable[[str, torch.Tensor, torch.Tensor], None],
    masks: dict[str, torch.Tensor] | None = None,
) -> list[Any]:
    """Handles of hooks that keep what `to_q` and `to_k` return and pass both to `end` when the module is done.

    masks: where what is added to a layer's scores, (n, 1, tokens), is left for `end`; RecordingError for it if None.
    """
    seen: dict[str, torch.Tensor] = {}

    def keep(kind: str) -> Callable[..., None]:
        return lambda _module, _args, output: seen.update({kind: output.detach()})

    def finish(_: nn.Module, _args: tuple[Any, ...], kwargs: dict[str, Any], _output: Any) -> None:
        if set(seen) != {"query", "key"}:
            raise RecordingError(
                f"{layer} computes no queries and keys of its own; call unfuse_qkv_projections() on the UNet first."
            )
        if (mask := kwargs.get("attention_mask")) is not None:
            if masks is None or mask.ndim != 3 or mask.shape[1] != 1:
                raise RecordingError(f"{layer} runs with an attention mask; run the UNet without one.")
            masks[layer] = mask.detach()
        end(layer, seen.pop("query"), seen.pop("key"))

    return [
        module.to_q.register_forward_hook(keep("query")),
        module.to_k.register_forward_hook(keep("key")),
        module.register_forward_hook(finish, with_kwargs=True),
    ]


def grid_of(length: int, sample: tuple[int, int]) -> tuple[int, int]:
    """(h, w) with h * w == length, by halving the sample's (h, w), rounded up, as often as needed."""
    height, width = sample
    while height * width > length and (height, width) != (1, 1):
        height, width = -(-height // 2), -(-width // 2)
    if height * width != length:
        raise RecordingError(
            f"A layer has {length} positions, which is no halving of {sample[0]}x{sample[1]}; choose another size."
        )
    return height, width


def recording_bytes(
    unet: nn.Module, sample: tuple[int, int], tokens: int, calls: int, images: int = 1, heads: bool = False
) -> int:
    """Bytes that `record` will keep, known before anything runs.

    sample: (h, w) of the latents. Assumes that each down block but the last halves the grid, as in Stable Diffusion.
    """
    total = 0
    layers = attention_layers(unet)
    for module, (height, width) in zip(find_modules(unet, layers).values(), grids(unet, layers, sample), strict=True):
        total += height * width * (1 + (int(getattr(module, "heads", 1)) if heads else 0))
    return 2 * total * tokens * calls * images


def grids(unet: nn.Module, layers: Sequence[str], sample: tuple[int, int]) -> list[tuple[int, int]]:
    """(h, w) of each layer's grid, of latents (h, w), before anything runs; assumes as `recording_bytes`."""
    if is_transformer(unet):
        return [joint_grid(unet, sample)] * len(layers)
    lowest = sum(1 for name, _ in unet.named_modules() if re.fullmatch(r"down_blocks\.\d+", name)) - 1
    found = []
    for layer in layers:
        block, number, *_ = layer.split(".")
        halvings = {"down_blocks": int(number), "up_blocks": lowest - int(number)} if number.isdigit() else {}
        height, width = (-(-side // 2 ** halvings.get(block, lowest)) for side in sample)
        found.append((height, width))
    return found
