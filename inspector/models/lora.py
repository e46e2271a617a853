"""LoRA (Hu et al. 2022): a file of low-rank changes, added to a diffusion model's own weights when it is opened.

A weight W becomes W + scale * alpha / rank * up @ down. Files name the layers as diffusers and peft do
(unet.mid_block...lora_A.weight), or as kohya's scripts (lora_unet_mid_block_..._lora_down.weight with an alpha;
of XL lora_unet_input_blocks_4_1_..., lora_te1_ and lora_te2_).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers.loaders import StableDiffusionXLLoraLoaderMixin
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from inspector.errors import ModelFilesError
from inspector.models.files import damaged
from inspector.models.headers import shapes
from inspector.models.listed import ModelSpec
from inspector.models.opening import check_numbers
from inspector.models.skeletons import skeleton

# Ends of names -> which of the two matrices, or the alpha.
ENDS = re.compile(
    r"[._](?:lora_linear_layer\.|lora[._])?(?P<which>down|up|A|B)(?:\.default)?\.weight$|\.(?P<alpha>alpha)$"
)
WHICH = {"down": "down", "A": "down", "up": "up", "B": "up"}
UNET = "lora_unet_"
COUNTED = tuple(f"{UNET}{blocks}_" for blocks in ("input_blocks", "middle_block", "output_blocks"))
OF_DOWN = re.compile(r"_lora\.down\.weight\.alpha$")  # an alpha that diffusers calls after the whole name
TEXTS = ("text_encoder", "text_encoder_2")


@dataclass
class _Change:
    """What a file holds of one layer."""

    matrices: dict[str, torch.Tensor] = field(default_factory=dict)
    alpha: torch.Tensor | None = None


def apply_lora(model: Any, file: Path, scale: float) -> None:
    """Change the weights of an adapter's UNet and text encoders in place.

    Raises ModelFilesError where the file is damaged, holds no LoRA, changes a layer that the model has not, or one of
    another shape.
    """
    parts = _parts(model)
    try:
        changes = read_changes(by_blocks(file, load_file(file), parts["unet"]))
    except SafetensorError as error:
        raise damaged(file) from error
    if not changes:
        raise ModelFilesError(f"{file} holds no LoRA; give one as safetensors, of diffusers' or kohya's names.")
    known = layers(parts)
    for name, change in changes.items():
        if misfit := _misfit(name, change, known.get(name)):
            raise ModelFilesError(f"{file} {misfit}; give a LoRA that was made for {model.spec.title}.")
    for name, change in changes.items():
        with torch.no_grad():
            known[name].add_(delta(change, known[name], scale))
    for part in parts.values():
        check_numbers(part, file)


def fits(file: Path, spec: ModelSpec) -> bool:
    """Whether a model has every layer that a file changes, as large as the file has it; by their headers alone."""
    parts = skeleton(spec)
    if not parts:
        return False
    # An alpha is one number, whatever it is.
    state = {name: torch.empty(shape, device="meta" if shape else "cpu") for name, shape in shapes(file).items()}
    known = layers(parts)
    try:
        changes = read_changes(by_blocks(file, state, parts["unet"]))
    except ModelFilesError:
        return False
    return bool(changes) and not any(_misfit(name, change, known.get(name)) for name, change in changes.items())


def by_blocks(file: Path, state: Mapping[str, torch.Tensor], unet: nn.Module) -> dict[str, torch.Tensor]:
    """A file's tensors by diffusers' names, also where kohya's scripts count XL's blocks as its authors' code does.

    lora_unet_input_blocks_4_1_... is in down_blocks.1.attentions.0, as diffusers' own loader says. Raises
    ModelFilesError for a block that the UNet has not.
    """
    counted = {name: value for name, value in state.items() if name.startswith(UNET)}
    if not any(name.startswith(COUNTED) for name in counted):
        return dict(state)
    others = {name: value for name, value in state.items() if name not in counted}
    try:
        found, alphas = StableDiffusionXLLoraLoaderMixin.lora_state_dict(counted, unet_config=unet.config)
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # names that it does not know
        raise ModelFilesError(
            f"{file} names layers as none does ({str(error)[:80].strip()}); give one of diffusers' or kohya's names."
        ) from error
    told = {OF_DOWN.sub(".alpha", name): torch.tensor(alpha) for name, alpha in (alphas or {}).items()}
    return {**others, **found, **told}


def read_changes(state: Mapping[str, torch.Tensor]) -> dict[str, _Change]:
    """Layer, as `layers` names it -> its change. Names of other things, such as of DoRA's scales, count as layers."""
    found: dict[str, _Change] = {}
    for name, value in state.items():
        end = ENDS.search(name)
        if end is None:
            continue
        change = found.setdefault(plain_name(name[: end.start()]), _Change())
        if end["alpha"]:
            change.alpha = value
        else:
            change.matrices[WHICH[end["which"]]] = value.float()
    return found


def plain_name(name: str) -> str:
    """A layer's name without what differs between those who write such files: points, wrappers, processors."""
    name = name.removeprefix("base_model.model.")
    if not name.startswith(("unet.", "text_encoder", "lora_")):
        name = f"unet.{name}"
    name = name.removesuffix(".lora_linear_layer").replace(".processor.", ".")
    name = re.sub(r"\bto_out$", "to_out.0", re.sub(r"[._]lora$", "", name))
    name = name.replace(".", "_").removeprefix("lora_")
    for kohya, part in (("te1_", "text_encoder_"), ("te2_", "text_encoder_2_"), ("te_", "text_encoder_")):
        name = part + name.removeprefix(kohya) if name.startswith(kohya) else name
    return re.sub(r"^(text_encoder(?:_2)?)_text_model_", r"\1_", name)


def layers(parts: Mapping[str, nn.Module]) -> dict[str, nn.Parameter]:
    """Plain name -> weight, of all layers of a model's parts that have one."""
    return {
        plain_name(f"{part}.{name}"): layer.weight
        for part, network in parts.items()
        for name, layer in network.named_modules()
        if isinstance(getattr(layer, "weight", None), nn.Parameter)
    }


def _parts(model: Any) -> dict[str, nn.Module]:
    return {"unet": model.unet, **dict(zip(TEXTS, model.texts[0], strict=False))}


def _misfit(name: str, change: _Change, weight: torch.Tensor | None) -> str:
    """Why a layer of this weight cannot be changed so, "" where it can."""
    if weight is None:
        return f"changes {name}, which the model has not"
    if set(change.matrices) != {"up", "down"}:
        return f"holds half of {name}"
    up, down = change.matrices["up"], change.matrices["down"]
    sizes = tuple(up.shape), tuple(down.shape)
    if up.flatten(1).shape[1] != down.shape[0] or up.shape[0] * down[0].numel() != weight.numel():
        return f"changes {name} by {sizes[0]} and {sizes[1]}, and the model's weight is {tuple(weight.shape)}"
    return ""


def delta(change: _Change, weight: torch.Tensor, scale: float) -> torch.Tensor:
    """What is added to a weight."""
    up, down = change.matrices["up"], change.matrices["down"]
    share = 1.0 if change.alpha is None else float(change.alpha) / down.shape[0]
    found = up.flatten(1) @ down.flatten(1)
    return (scale * share * found).reshape(weight.shape).to(weight.device, weight.dtype)
