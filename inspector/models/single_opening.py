"""A single file of Stable Diffusion as a pipeline's folder: small files in a temporary place, weights in the file."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    create_diffusers_clip_model_from_ldm,
)
from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, SimpleTokenizer
from safetensors.torch import load_file

from inspector.models.files import SINGLE, missing_weights, read_json, single_file
from inspector.models.single_files import configurations, family_of, published_as
from inspector.models.tokenizer import CONFIG_FILE, write_tokenizer

CONVERSIONS: Mapping[Any, Callable[..., dict[str, torch.Tensor]]] = {
    UNet2DConditionModel: convert_ldm_unet_checkpoint,
    AutoencoderKL: convert_ldm_vae_checkpoint,
}


@contextmanager
def as_folder(file: Path) -> Iterator[Path]:
    """A folder, there until the `with` ends, from which a pipeline is opened as from diffusers' own.

    Raises ModelFilesError and UnsupportedModelError as `single_files.configurations`.
    """
    configs = configurations(file)
    with TemporaryDirectory(prefix="inspector-") as made:
        folder = Path(made)
        for name, config in configs.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.dumps(config), "utf-8")
        for name, padding in published_as(file, family_of(file)).pads.items():
            write_tokenizer(folder / name, list(SimpleTokenizer().bpe_ranks), DEFAULT_CONTEXT_LENGTH)
            told = json.loads((folder / name / CONFIG_FILE).read_text("utf-8")) | {"pad_token": padding}
            (folder / name / CONFIG_FILE).write_text(json.dumps(told), "utf-8")
        (folder / SINGLE).write_text(json.dumps({"file": str(file)}), "utf-8")
        yield folder


def open_single(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    """One part of a single file, by diffusers' own conversion of its names. folder: the part's, made by `as_folder`.

    Raises ModelFilesError where weights are missing.
    """
    file = single_file(folder.parent)
    state = load_file(file)
    try:
        if kind in CONVERSIONS:
            return _fill(kind, folder, CONVERSIONS[kind](state, read_json(folder / "config.json")), dtype)
        options = {"subfolder": folder.name, "torch_dtype": dtype, "local_files_only": True}
        part = create_diffusers_clip_model_from_ldm(kind, state, config=str(folder.parent), **options)
    except KeyError as error:  # of a name that the conversion looks for
        raise missing_weights(file, [str(error.args[0])]) from error
    if missing := [name for name, weight in part.named_parameters() if weight.is_meta]:
        raise missing_weights(file, missing)
    return part


def _fill(kind: Any, folder: Path, state: Mapping[str, torch.Tensor], dtype: torch.dtype) -> Any:
    """A part of diffusers with all of its weights from `state`, which may hold others too."""
    with torch.device("meta"):
        part = kind.from_config(kind.load_config(folder))
    own = part.state_dict()
    if missing := own.keys() - state.keys():
        raise missing_weights(single_file(folder.parent), missing)
    for name, value in own.items():
        if value.shape != state[name].shape:
            raise ValueError(f"{name} has {tuple(state[name].shape)} and should have {tuple(value.shape)}")
    part.load_state_dict({name: state[name].to(dtype, copy=True) for name in own}, assign=True)
    return part
