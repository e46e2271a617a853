"""Joint attention of a diffusion transformer (MM-DiT), recorded while it runs, without changing what it computes.

Text and picture are one sequence there: each place attends to the prompt's tokens and to all other places at once. What
is kept is the picture's attention to wanted tokens, a share of the whole joint row, whose sum is formed a block of rows
at a time; the joint matrix is never held. Of FLUX.1 at 1,024 px it would be 2 GB a layer.

Beside that, the output space (Helbling et al., ConceptAttention, ICML 2025): dot products of what attention gives the
places and the tokens, before it is projected, over all heads, and their softmax over the wanted tokens. Theirs gives
words of their own a stream of their own; here it is the prompt's tokens.

Position REST stands for all else that a place attends to: the picture itself, and padding.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from inspector.errors import RecordingError
from inspector.trace import forming
from inspector.trace.forming import half, keep_call, one_timestep, with_rest, words_of
from inspector.trace.recordings import Kept, Recording

ATTENTION, OUTPUT = "attention", "output"  # what is recorded
JOINT = ("transformer_blocks", "single_transformer_blocks")
THOUSAND = 1000  # by which a network of packed latents divides its timestep


def is_transformer(network: nn.Module) -> bool:
    """Whether blocks of a transformer over patches denoise, and no UNet."""
    return hasattr(network, JOINT[0])


def joint_layers(network: nn.Module) -> tuple[str, ...]:
    """Names of the modules in which text and picture attend to each other, in order of running; () where none do."""
    return tuple(name for name, _ in network.named_modules() if _is_joint(name))


def _is_joint(name: str) -> bool:
    block, _, rest = name.partition(".")
    return block in JOINT and rest.partition(".")[2] == "attn"


def joint_grid(network: nn.Module, sample: tuple[int, int]) -> tuple[int, int]:
    """(h, w) of every layer's places, of latents (h, w): patches, or latents packed two by two.

    Those of FLUX.2, whose places have four axes, are packed before noise is added.
    """
    config: Any = network.config
    packed = 1 if len(getattr(config, "axes_dims_rope", ())) == 4 else 2
    patch = config.patch_size if config.patch_size > 1 else packed
    return sample[0] // patch, sample[1] // patch


@contextmanager
def record_joint(
    network: nn.Module, positions: Sequence[int], images: int, heads: bool, into: Recording, model: str, reading: str
) -> Iterator[Recording]:
    """As `recorders.record`, whose arguments these are. reading: ATTENTION or OUTPUT; REST may be a position.

    In the output space a layer that drops the text has no map.
    """
    names = joint_layers(network)
    modules: dict[str, Any] = {name: network.get_submodule(name) for name in names}
    if reading == OUTPUT:
        modules = {name: module for name, module in modules.items() if _gives_text(module)}
    into.layers = tuple(modules)
    call: list[Kept] = []
    told: dict[str, Any] = {}  # of the call under way: grid, tokens of the text, timestep

    def begin(_: nn.Module, _args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        call.clear()
        told["recorded"] = forming.is_recorded()
        hidden, timestep = kwargs["hidden_states"], torch.as_tensor(kwargs["timestep"]).float()
        told["text"] = int(kwargs["encoder_hidden_states"].shape[1])
        if hidden.ndim == 4:
            told["grid"] = joint_grid(network, (hidden.shape[-2], hidden.shape[-1]))
        else:
            told["grid"], timestep = _packed_grid(kwargs["img_ids"]), timestep * THOUSAND
        told["time"] = one_timestep(timestep)

    def done(layer: str, seen: Mapping[str, Any]) -> None:
        if not told["recorded"]:
            return
        form = _attention if reading == ATTENTION else _output
        mean, each = form(modules[layer], seen, told["text"], positions, images)
        call.append(Kept((layer,), False, half(mean.unflatten(-1, told["grid"]))))
        if heads:
            call.append(Kept((layer,), True, half(each.unflatten(-1, told["grid"]))))

    def end(*_: Any) -> None:
        kept = list(call)
        call.clear()
        if told["recorded"]:
            keep_call(into, kept, told["time"], model)

    with ExitStack() as stack:
        stack.enter_context(network.register_forward_pre_hook(begin, with_kwargs=True))
        for layer, module in modules.items():
            for handle in _read(layer, module, done):
                stack.enter_context(handle)
        stack.enter_context(network.register_forward_hook(end))
        yield into


def _gives_text(module: Any) -> bool:
    """Whether what attention gives the text goes on."""
    return getattr(module, "add_k_proj", None) is None or getattr(module, "to_add_out", None) is not None


def _packed_grid(places: torch.Tensor) -> tuple[int, int]:
    """(h, w) of packed latents, from the places (h * w, 3) that they are told: nothing, row, column."""
    rows, columns = (places[..., axis].max() for axis in (1, 2))
    return int(rows) + 1, int(columns) + 1


def _read(layer: str, module: Any, done: Callable[[str, Mapping[str, Any]], None]) -> list[Any]:
    """Handles of hooks that keep what a module projects, takes and gives, and pass it to `done` when it is done."""
    seen: dict[str, Any] = {}

    def keep(kind: str) -> Callable[..., None]:
        return lambda _module, _args, output: seen.update({kind: output.detach()})

    def keep_input(kind: str) -> Callable[..., None]:
        return lambda _module, args: seen.update({kind: args[0].detach()})

    def begin(_: nn.Module, _args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.clear()
        if kwargs.get("attention_mask") is not None:
            raise RecordingError(f"{layer} runs with an attention mask; run the transformer without one.")
        seen["places"] = kwargs.get("image_rotary_emb")

    def split(_module: nn.Module, _args: Any, output: torch.Tensor) -> None:
        width = module.inner_dim
        seen.update(query=output[..., :width].detach(), key=output[..., width : 2 * width].detach())

    def finish(_: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        if not {"query", "key"} <= set(seen):
            raise RecordingError(
                f"{layer} computes no queries and keys of its own; call unfuse_qkv_projections() on the transformer."
            )
        if "given" not in seen:
            seen["given"] = output.detach()  # of a module without a projection out
        done(layer, seen)
        seen.clear()

    handles = [module.register_forward_pre_hook(begin, with_kwargs=True), module.register_forward_hook(finish)]
    if hasattr(module, "to_qkv_mlp_proj"):  # FLUX.2 projects at once what attention and the layers beside it take

        def keep_given(_module: nn.Module, args: tuple[torch.Tensor]) -> None:
            seen["given"] = args[0][..., : module.inner_dim].detach()

        handles.append(module.to_qkv_mlp_proj.register_forward_hook(split))
        handles.append(module.to_out.register_forward_pre_hook(keep_given))
        return handles
    handles.append(module.to_q.register_forward_hook(keep("query")))
    handles.append(module.to_k.register_forward_hook(keep("key")))
    if getattr(module, "add_k_proj", None) is not None:
        handles.append(module.add_k_proj.register_forward_hook(keep("text key")))
        handles.append(module.to_out[0].register_forward_pre_hook(keep_input("given")))
        if getattr(module, "to_add_out", None) is not None:
            handles.append(module.to_add_out.register_forward_pre_hook(keep_input("text given")))
    return handles


@torch.no_grad()
def _attention(
    module: Any, seen: Mapping[str, Any], text: int, positions: Sequence[int], images: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The wanted tokens' share, (n, token, h * w), mean over heads, and (n, head, token, h * w)."""
    query, key = (
        _normed(seen[kind][-images:], module.heads, norm)
        for kind, norm in (("query", module.norm_q), ("key", module.norm_k))
    )
    if "text key" in seen:
        text_key = _normed(seen["text key"][-images:], module.heads, getattr(module, "norm_added_k", None))
    else:  # one sequence, the text first
        query, text_key, key = query[:, text:], key[:, :text], key[:, text:]
    if seen["places"] is not None:
        cosine, sine = seen["places"]
        text_key = _turned(text_key, cosine[:text], sine[:text])
        query, key = (_turned(part, cosine[text:], sine[text:]) for part in (query, key))
    maps = joint_probabilities(query, key, text_key, positions)
    return maps.mean(1), maps


def _normed(projected: torch.Tensor, heads: int, norm: Any) -> torch.Tensor:
    """(n, length, head * channel) -> (n, length, head, channel), normalised where the module does."""
    parts = projected.unflatten(-1, (heads, -1))
    return parts if norm is None else norm(parts)


def _turned(parts: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """Rotary places (Su et al. 2021) of neighbouring channels; parts (n, length, head, channel), the others (length,
    channel).
    """
    real, imaginary = parts.unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack([-imaginary, real], -1).flatten(-2)
    return (parts.float() * cosine[None, :, None] + turned.float() * sine[None, :, None]).to(parts.dtype)


def joint_probabilities(
    query: torch.Tensor, key: torch.Tensor, text_key: torch.Tensor, positions: Sequence[int]
) -> torch.Tensor:
    """float32 (n, head, token, h * w): of each place's softmax over text and picture the wanted tokens'.

    query, key: (n, h * w, head, channel) of the picture; text_key: (n, tokens, head, channel). positions: REST is what
    the other wanted tokens leave of 1. Rows are formed a few at a time.
    """
    wanted = torch.tensor(words_of(positions), device=query.device)
    count, length, heads, width = query.shape
    keys, texts = (part.transpose(1, 2).float().transpose(-1, -2) for part in (key, text_key))
    rows = max(1, forming.FORMED // (4 * count * heads * (length + text_key.shape[1])))
    found = []
    for part in (query.transpose(1, 2).float() * width**-0.5).split(rows, 2):
        scores = part @ texts
        total = torch.logaddexp(scores.logsumexp(-1), (part @ keys).logsumexp(-1))
        found.append((scores[..., wanted] - total[..., None]).exp())
    return with_rest(torch.cat(found, 2).transpose(-1, -2), positions)


@torch.no_grad()
def _output(
    module: Any, seen: Mapping[str, Any], text: int, positions: Sequence[int], images: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """As `_attention`, of the output space: softmax over the wanted tokens of dot products; REST is 0."""
    given = seen["given"][-images:]
    words = seen["text given"][-images:] if "text given" in seen else given[:, :text]
    places = given if "text given" in seen else given[:, text:]
    wanted = torch.tensor(words_of(positions), device=given.device)
    whole = (words[:, wanted].float() @ places.float().transpose(-1, -2)).softmax(-2)
    words, places = (part.unflatten(-1, (module.heads, -1)).transpose(1, 2).float() for part in (words, places))
    each = (words[:, :, wanted] @ places.transpose(-1, -2)).softmax(-2)
    return with_rest(whole, positions, rest=False), with_rest(each, positions, rest=False)
