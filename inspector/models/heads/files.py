"""Heads on disk: half-precision weights of each row in one folder a pair of models, safetensors alone.

A folder's card.json says on which models, by revision, its heads were trained; on others they would mean nothing.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from inspector.errors import ModelFilesError, UnsupportedModelError
from inspector.models.checksums import checked_fingerprint
from inspector.models.files import damaged, missing_weights, read_json
from inspector.models.heads.build import Surroundings, build_head
from inspector.models.heads.specs import HeadSpec
from inspector.settings import ASSETS

SHIPPED = ASSETS / "models"
CARD = "card.json"


def folder_for(spec: HeadSpec, models: Mapping[str, str], root: Path = SHIPPED) -> tuple[Path, str]:
    """The folder with the head of a row that was trained on these models, name -> revision, and its own revision.

    Raises UnsupportedModelError, which says on which it was trained, where there is none, and ModelFilesError where the
    folder's files were changed.
    """
    found: list[str] = []
    for folder in sorted(root.glob("heads-*")):
        if not (folder / f"{spec.weights}.safetensors").is_file():
            continue
        trained_on: Mapping[str, str] = read_json(folder / CARD)["models"]
        if all(trained_on.get(name) == revision for name, revision in models.items()):
            return folder, checked_fingerprint(folder)
        found.append(" and ".join(trained_on))
    if not found:
        raise UnsupportedModelError(
            f"No head {spec.weights} has been trained; choose a method that needs none, or train it: "
            f"python -m inspector train heads --rows {spec.weights} --out assets/models."
        )
    raise UnsupportedModelError(
        f"The head {spec.weights} was trained on {', or on '.join(found)}, and means nothing on "
        f"{' and '.join(models)}; choose those models, or a method that needs no training."
    )


def save_head(head: nn.Module, spec: HeadSpec, folder: Path) -> Path:
    """Write `folder`/NAME.safetensors in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().to(torch.float16).contiguous() for name, value in head.state_dict().items()}
    path = folder / f"{spec.name}.safetensors"
    save_file(state, path)
    path.chmod(0o644)  # as other files, where it is written for its owner alone
    return path


def open_head(spec: HeadSpec, around: Surroundings, folder: Path) -> nn.Module:
    """The head of a row in float32, ready to use. Raises ModelFilesError where its file is missing or does not fit."""
    path = folder / f"{spec.weights}.safetensors"
    if not path.is_file():
        raise ModelFilesError(
            f"{path} is missing; train it by `python -m inspector train heads --rows {spec.weights}`."
        )
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
