"""Official ODISE and SAN checkpoints as folders of this project, and those folders opened.

A folder holds head.safetensors, the trained weights under the names of `heads.full_odise` or `heads.full_san`, and
config.json: sizes, source, licences, the SHA-256 of the file it was made of, and what was left out of it.
"""

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from inspector.errors import ModelFilesError
from inspector.models.catalog import ModelSpec
from inspector.models.files import damaged, missing_weights, read_json
from inspector.models.imports import CHANGES, published_name, published_shapes
from inspector.models.protocols import ImportedHead
from inspector.models.published import PUBLISHED, FullHead, published_sizes

WEIGHTS, CONFIG = "head.safetensors", "config.json"
WRAPPERS = ("model", "state_dict")  # under which a training loop saves the weights, beside its own state


@dataclass(frozen=True)
class Turned:
    """A checkpoint under the names here.

    state: name -> value. used: published names of what was trained -> number of values. left_out: prefix -> (names,
    number of values) under it.
    """

    family: str
    sizes: Any
    state: Mapping[str, torch.Tensor]
    used: Mapping[str, int]
    left_out: Mapping[str, tuple[int, int]]


def read_checkpoint(file: Path) -> dict[str, torch.Tensor]:
    """Published name -> value of a .pth or .pkl file, opened as weights alone: no code in it is run.

    Raises ModelFilesError where it is missing, damaged, holds anything but weights, or needs code to be opened.
    """
    if not file.is_file():
        raise ModelFilesError(f"{file} is missing; give the checkpoint's file.")
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelFilesError(
            f"{file} is no file of weights alone: opening it could run code that is in it, so it is not opened; save "
            "its state dict by torch.save, tensors only."
        ) from error
    except (RuntimeError, EOFError, ValueError) as error:  # a torn zip archive
        raise ModelFilesError(f"{file} is damaged or no checkpoint of PyTorch; download it again.") from error
    for name in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    if (
        not isinstance(found, Mapping)
        or not found
        or not all(isinstance(item, torch.Tensor) for item in found.values())
    ):
        raise ModelFilesError(f"{file} holds no state dict of tensors; give the checkpoint's own file.")
    return dict(found)


def turn(family: str, state: Mapping[str, torch.Tensor], sizes: Any = None) -> Turned:
    """A checkpoint's values under the names here; sizes: other than the published ones.

    Every name of `state` is used, or left out by a prefix. Raises ModelFilesError, of one sentence, for a name that is
    missing, one that is neither, or a wrong shape.
    """
    known = PUBLISHED[family]
    sizes = sizes or published_sizes(family, state)
    with torch.device("meta"):
        own = known.module(sizes).state_dict()
    wanted = published_shapes(own, known.table)
    left_out: dict[str, tuple[int, int]] = {}
    for name in sorted(state.keys() - wanted.keys()):
        prefix = next((prefix for prefix in known.left_out if name.startswith(prefix)), None)
        if prefix is None:
            raise _surplus(family, name)
        names, values = left_out.get(prefix, (0, 0))
        left_out[prefix] = (names + 1, values + state[name].numel())
    if missing := sorted(wanted.keys() - state.keys()):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelFilesError(
            f"The checkpoint lacks {missing[0]}{more}, which {known.title} has; give a file of {known.source}."
        )
    for name, shape in wanted.items():
        if tuple(state[name].shape) != shape:
            raise ModelFilesError(
                f"{name} of the checkpoint is {tuple(state[name].shape)}, and of {known.title} {shape}; give a file of "
                f"{known.source}."
            )
    turned = {}
    for name, value in own.items():
        published, change = published_name(known.table, name)
        turned[name] = CHANGES[change].turn(state[published], tuple(value.shape)).contiguous()
    return Turned(family, sizes, turned, {name: state[name].numel() for name in wanted}, left_out)


def _surplus(family: str, name: str) -> ModelFilesError:
    known = PUBLISHED[family]
    other = next((other for prefix, other in known.others.items() if name.startswith(prefix)), "")
    what = f"is of {other}" if other else f"is no part of {known.title}"
    return ModelFilesError(
        f"The checkpoint holds {name}, which {what}; give a file of {known.source} for {known.title}."
    )


def write_imported(turned: Turned, file: Path, folder: Path) -> None:
    """Write `folder`: weights and configuration, with the licences and the fingerprint of the file they come from."""
    folder.mkdir(parents=True, exist_ok=True)
    known = PUBLISHED[turned.family]
    with open(file, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    config = {
        "family": turned.family,
        "title": known.title,
        "source": known.source,
        "licences": {"code": known.code, "weights": known.weights},
        "needs": known.needs,
        "file": {"name": file.name, "sha256": digest},
        "left_out": {prefix: known.left_out[prefix] for prefix in turned.left_out},
        "sizes": asdict(turned.sizes),
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    save_file(dict(turned.state), folder / WEIGHTS, {"licence": known.weights, "source": known.source})


def open_imported(folder: Path) -> FullHead:
    """The head of a folder that `write_imported` wrote, in float32, ready to use; `config` holds its config.json.

    Raises ModelFilesError where a file is missing or damaged, or the weights do not fit the configuration.
    """
    config = read_json(folder / CONFIG)
    known = PUBLISHED.get(str(config.get("family")))
    if known is None or not isinstance(config.get("sizes"), dict):
        raise ModelFilesError(f"{folder / CONFIG} is of no imported head; make it by `python -m inspector import`.")
    file = folder / WEIGHTS
    if not file.is_file():
        raise ModelFilesError(f"{file} is missing; make it again by `python -m inspector import`.")
    try:
        state = load_file(file)
    except SafetensorError as error:
        raise damaged(file) from error
    try:
        head: Any = known.module(known.sizes(**_tuples(config["sizes"])))
        if missing := head.state_dict().keys() - state.keys():
            raise missing_weights(file, missing)
        head.load_state_dict({name: value.float() for name, value in state.items()})
    except (RuntimeError, TypeError) as error:  # other shapes, a setting that there is not
        raise ModelFilesError(f"{file} does not fit {CONFIG} beside it; make both again.") from error
    head.config = config
    return head.eval().requires_grad_(False)


def open_head_folder(
    folder: Path, spec: ModelSpec, device: torch.device, dtype: torch.dtype, revision: str
) -> ImportedHead:
    """The head of a folder, on a device; it stays in float32, whatever the models beside it are in.

    Raises ModelFilesError as `open_imported`.
    """
    return ImportedHead(spec, open_imported(folder).to(device), revision, device)


def _tuples(value: Any) -> Any:
    """What JSON made lists of, as tuples again."""
    if isinstance(value, dict):
        return {name: _tuples(item) for name, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
