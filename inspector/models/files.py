"""What a model folder must hold, checked before anything is built from it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from inspector.errors import ModelFilesError, UnsupportedModelError
from inspector.models.borrowing import files_of, place_of
from inspector.models.catalog import SEGMENTERS

CLIP_CONFIG = "open_clip_config.json"
CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
PIPELINE_CONFIG = "model_index.json"
PARTS: Mapping[str, str] = {  # part of a pipeline -> stem of its weights
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
}
JOINT_PARTS: Mapping[str, str] = {
    "transformer": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "text_encoder_2": "model",
}
PIPELINES: Mapping[str, Mapping[str, str]] = {  # class that model_index.json names -> its parts
    "StableDiffusionPipeline": PARTS,
    "LatentConsistencyModelPipeline": PARTS,
    "StableDiffusionXLPipeline": {**PARTS, "text_encoder_2": "model"},
    "StableDiffusion3Pipeline": {**JOINT_PARTS, "text_encoder_3": "model"},
    "FluxPipeline": JOINT_PARTS,
}
SEGMENTER_CONFIG, SEGMENTER_PIXELS, SEGMENTER_WEIGHTS = "config.json", "preprocessor_config.json", "model.safetensors"
CHECKSUMS = "checksums.json"
COMPUTING = (".safetensors", ".json", ".gz")  # endings of what changes what a model computes: weights, settings, merges
DESCRIBING = ("card.json", CHECKSUMS)  # and what does not
AGAIN = "get the repository's files again, or train them anew, which writes it"
PICKLES = (".bin", ".ckpt", ".pt", ".pth")


def clip_weights(folder: Path) -> Path:
    """The weights of an open_clip folder. Raises ModelFilesError when there are none we open."""
    for name in CLIP_WEIGHTS:
        if (folder / name).is_file():
            _check_header(folder / name)
            return folder / name
    raise _no_weights(folder, CLIP_WEIGHTS[0])


def pipeline_variant(folder: Path) -> str:
    """Suffix of the weights' names that every part of a pipeline folder has: "" or "fp16".

    Also checks that the folder is a pipeline of PIPELINES whose files are all there and whole.
    Raises ModelFilesError when a file is missing, damaged or not safetensors, UnsupportedModelError when
    it is another kind of pipeline.
    """
    index = read_json(folder / PIPELINE_CONFIG)
    kind = str(index.get("_class_name"))
    if kind not in PIPELINES:
        raise UnsupportedModelError(f"{folder} holds a {kind}; only {', '.join(PIPELINES)} can be read so far.")
    read_json(place_of(folder, "scheduler") / "scheduler_config.json")
    parts = {part: stem for part, stem in PIPELINES[kind].items() if index.get(part) != [None, None]}
    for tokenizer in (part.replace("text_encoder", "tokenizer") for part in parts if part.startswith("text_encoder")):
        read_json(place_of(folder, tokenizer) / "tokenizer_config.json")
    stems = {place_of(folder, part): stem for part, stem in parts.items()}
    for place in stems:
        read_json(place / "config.json")
    for variant in ("", "fp16"):
        if all(_shards(place, stem, variant) for place, stem in stems.items()):
            for place, stem in stems.items():
                for file in _shards(place, stem, variant):
                    _check_header(file)
            return variant
    place, stem = next((place, stem) for place, stem in stems.items() if not _shards(place, stem, ""))
    raise _no_weights(place, f"{stem}.safetensors")


def segmenter_type(folder: Path) -> str:
    """transformers' name of the architecture of a segmenter's folder, whose files are all there and whole.

    Raises ModelFilesError when a file is missing, damaged or not safetensors, UnsupportedModelError when it is of
    another architecture than SEGMENTERS.
    """
    kind = str(read_json(folder / SEGMENTER_CONFIG).get("model_type"))
    if kind not in SEGMENTERS:
        raise UnsupportedModelError(f"{folder} holds a {kind}; only {', '.join(SEGMENTERS)} can be read so far.")
    read_json(folder / SEGMENTER_PIXELS)
    if not (folder / SEGMENTER_WEIGHTS).is_file():
        raise _no_weights(folder, SEGMENTER_WEIGHTS)
    _check_header(folder / SEGMENTER_WEIGHTS)
    return kind


def _shards(folder: Path, stem: str, variant: str) -> list[Path]:
    """The files that hold a part's weights: one, or those its index names; none when the part is absent."""
    suffix = f".{variant}" if variant else ""
    single = folder / f"{stem}{suffix}.safetensors"
    index = folder / f"{stem}.safetensors.index{suffix}.json"
    if index.is_file():
        return [folder / name for name in sorted(set(read_json(index)["weight_map"].values()))]
    return [single] if single.is_file() else []


def read_json(file: Path) -> dict[str, Any]:
    """A configuration file. Raises ModelFilesError when it is missing or no JSON object."""
    if not file.is_file():
        raise ModelFilesError(f"{file} is missing; copy the whole model folder, or download it again.")
    try:
        content = json.loads(file.read_text("utf-8"))
    except ValueError:  # not JSON, or not even text
        content = None
    if not isinstance(content, dict):
        raise ModelFilesError(f"{file} is damaged: it is not a JSON object; download it again.")
    return content


def _check_header(file: Path) -> None:
    """Raise ModelFilesError when a safetensors file is missing, truncated or something else."""
    if not file.is_file():
        raise ModelFilesError(f"{file} is missing; copy the whole model folder, or download it again.")
    try:
        with safe_open(file, framework="np"):
            pass
    except SafetensorError as error:
        raise damaged(file) from error


def damaged(file: Path) -> ModelFilesError:
    """The error of a weights file that cannot be read."""
    return ModelFilesError(f"{file} is damaged or incomplete: it is not a whole safetensors file; download it again.")


def _no_weights(folder: Path, wanted: str) -> ModelFilesError:
    pickles = sorted(file.name for file in folder.glob("*") if file.suffix in PICKLES)
    if pickles:
        return ModelFilesError(
            f"{folder} holds only pickled weights ({pickles[0]}), which can run code when opened and are never "
            f"loaded; save them as safetensors ({wanted})."
        )
    return ModelFilesError(f"{folder} has no {wanted}; copy the whole model folder, or download it again.")


def missing_weights(where: Path, missing: Iterable[str]) -> ModelFilesError:
    """The error of weights that lack some of the model's parameters."""
    names = sorted(missing)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return ModelFilesError(f"{where} lacks the weights {names[0]}{more}; download it again, or use another model.")


def fingerprint(folder: Path) -> str:
    """First 12 hexadecimal digits of a SHA-256 over the model's weights, names and borrowed parts included."""
    digest = hashlib.sha256()
    for name, file in files_of(folder):
        if file.suffix == ".safetensors":
            digest.update(name.encode())
            for block in _blocks(file):
                digest.update(block)
    return digest.hexdigest()[:12]


def checked_fingerprint(folder: Path) -> str:
    """The folder's `fingerprint`, each file read once, when its files are as its checksums.json says.

    Raises ModelFilesError, which names the file, for one that was changed, is missing or was added, and where there
    are no checksums.
    """
    if not (folder / CHECKSUMS).is_file():
        raise ModelFilesError(
            f"{folder} has no {CHECKSUMS}, so nobody can tell whether its files were changed since they were made; "
            f"{AGAIN}."
        )
    known, (revision, found) = read_json(folder / CHECKSUMS), _checksums(folder)
    for name in sorted(known.keys() | found.keys()):
        part, _, rest = name.partition("/")
        file = place_of(folder, part) / rest
        if name not in found:
            raise ModelFilesError(f"{file} is missing; {AGAIN}.")
        if name not in known:
            raise ModelFilesError(f"{file} is no part of the model that {CHECKSUMS} describes; remove it.")
        if found[name] != known[name]:
            raise ModelFilesError(
                f"{file} was changed since it was made: its bytes do not match {folder.name}/{CHECKSUMS}; {AGAIN}."
            )
    return revision


def write_checksums(folder: Path) -> None:
    """Write `folder`/checksums.json: the SHA-256 of what changes what it computes, borrowed files included."""
    (folder / CHECKSUMS).write_text(json.dumps(_checksums(folder)[1], indent=2) + "\n", "utf-8")


def _checksums(folder: Path) -> tuple[str, dict[str, str]]:
    """The model's `fingerprint`, and the SHA-256 of each file that changes what it computes, by name."""
    weights, found = hashlib.sha256(), {}
    for name, file in files_of(folder):
        if file.suffix not in COMPUTING or name in DESCRIBING:
            continue
        digest, is_weights = hashlib.sha256(), file.suffix == ".safetensors"
        if is_weights:
            weights.update(name.encode())
        for block in _blocks(file):
            digest.update(block)
            if is_weights:
                weights.update(block)
        found[name] = digest.hexdigest()
    return weights.hexdigest()[:12], found


def _blocks(file: Path) -> Iterator[bytes]:
    """The file's bytes; a text's lines end in the same way whatever a checkout on Windows has made of them."""
    if file.suffix == ".json":
        yield file.read_bytes().replace(b"\r\n", b"\n")
        return
    with open(file, "rb") as stream:
        while block := stream.read(1 << 20):
            yield block
