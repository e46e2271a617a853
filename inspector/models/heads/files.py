"""Heads on disk: half-precision weights of each row in one folder, safetensors alone."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from inspector.errors import ModelFilesError
from inspector.models.files import damaged, missing_weights
from inspector.models.heads.build import Surroundings, build_head
from inspector.models.heads.specs import HeadSpec
from inspector.settings import ASSETS

FOLDER = ASSETS / "models" / "heads-plain"


def save_head(head: nn.Module, spec: HeadSpec, folder: Path) -> Path:
    """Write `folder`/NAME.safetensors in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().to(torch.float16).contiguous() for name, value in head.state_dict().items()}
    path = folder / f"{spec.name}.safetensors"
    save_file(state, path)
    return path


def open_head(spec: HeadSpec, around: Surroundings, folder: Path = FOLDER) -> nn.Module:
    """The head of a row in float32, ready to use. Raises ModelFilesError where its file is missing or does not fit."""
    path = folder / f"{spec.name}.safetensors"
    if not path.is_file():
        raise ModelFilesError(f"{path} is missing; train it by `python -m inspector train heads --rows {spec.name}`.")
    head = build_head(spec, around)
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise damaged(path) from error
    if missing := head.state_dict().keys() - state.keys():
        raise missing_weights(path, missing)
    try:
        head.load_state_dict({name: value.float() for name, value in state.items()})
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip().rstrip(".")
        raise ModelFilesError(f"{path} does not fit its models ({reason}); train it again on them.") from error
    return head.eval().requires_grad_(False)
