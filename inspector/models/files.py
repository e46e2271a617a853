"""What a model folder must hold, checked before anything is built from it."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from inspector.errors import ModelFilesError, UnsupportedModelError
from inspector.models.borrowing import place_of
from inspector.models.listed import SEGMENTERS
from inspector.models.settings_checks import check_settings, rules_of

CLIP_CONFIG = "open_clip_config.json"
CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
PIPELINE_CONFIG = "model_index.json"
PIPELINES = (  # _class_name of what `diffusion_adapter` opens
    "StableDiffusionPipeline",
    "StableDiffusionInpaintPipeline",
    "LatentConsistencyModelPipeline",
    "StableDiffusionXLPipeline",
    "StableDiffusionXLInpaintPipeline",
    "StableDiffusion3Pipeline",
    "FluxPipeline",
    "Flux2KleinPipeline",
    "PixArtAlphaPipeline",
    "PixArtSigmaPipeline",
)
PARTS: Mapping[str, str] = {  # part of a Stable Diffusion pipeline -> stem of its weights
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
}
CONFIGS = {"scheduler": "scheduler_config.json", "tokenizer": "tokenizer_config.json"}  # where it is another name
STEMS = {"diffusers": "diffusion_pytorch_model", "transformers": "model"}  # library -> stem of its weights
WEIGHTLESS = ("Tokenizer", "Scheduler", "FeatureExtractor", "ImageProcessor")  # classes with such names have none
UNUSED = ("safety_checker", "image_encoder", "feature_extractor")  # parts that are never opened
VARIANTS = ("", "fp16")  # suffixes of the weights' names, the first preferred
SINGLE = "single_file.json"  # in a folder that stands for a single file: where that is
SEGMENTER_CONFIG, SEGMENTER_PIXELS, SEGMENTER_WEIGHTS = "config.json", "preprocessor_config.json", "model.safetensors"
SHARD = re.compile(r"[^/\\:]+\.safetensors")
PICKLES = (".bin", ".ckpt", ".pt", ".pth")


def clip_weights(folder: Path) -> list[Path]:
    """The weights of a folder of open_clip or of transformers' CLIPModel, the latter's perhaps in shards.

    Raises ModelFilesError when there are none we open.
    """
    if is_transformers_clip(folder):
        files, wanted = _shards(folder, STEMS["transformers"], ""), SEGMENTER_WEIGHTS
    else:
        files, wanted = [folder / name for name in CLIP_WEIGHTS if (folder / name).is_file()][:1], CLIP_WEIGHTS[0]
    if not files:
        raise _no_weights(folder, wanted)
    for file in files:
        check_header(file)
    return files


def is_transformers_clip(folder: Path) -> bool:
    """Whether a CLIP's folder is laid out as transformers does, not as open_clip."""
    if any((folder / name).is_file() for name in CLIP_WEIGHTS) or not (folder / "config.json").is_file():
        return False
    return not (folder / CLIP_CONFIG).is_file() or bool(_shards(folder, STEMS["transformers"], ""))


def check_pipeline(folder: Path) -> dict[str, str]:
    """Part -> stem of its weights, of a pipeline's folder whose small files are there and which can be opened.

    Raises ModelFilesError when a small file is missing or damaged, UnsupportedModelError when it is another kind of
    pipeline than PIPELINES. Reads no weights.
    """
    index = read_json(folder / PIPELINE_CONFIG)
    kind = index.get("_class_name")
    if kind not in PIPELINES:
        raise UnsupportedModelError(f"{folder} holds a {kind}; only {', '.join(PIPELINES)} can be read so far.")
    parts = parts_of(index)
    tokenizers = [part for part in index if part.startswith("tokenizer_") and index[part] != [None, None]]
    for part in ("scheduler", "tokenizer", *tokenizers, *parts):
        file = place_of(folder, part) / CONFIGS.get(part.partition("_")[0], "config.json")
        check_settings(file, read_json(file), rules_of(part))
    return parts


def single_file(folder: Path) -> Path:
    """The file that the weights are in, of the folder that stands for a single file."""
    return Path(read_json(folder / SINGLE)["file"])


def parts_of(index: Mapping[str, Any]) -> dict[str, str]:
    """Part -> stem of its weights, of what model_index.json holds: those that have weights and are opened."""
    found = dict(PARTS) if index.get("_class_name") == "StableDiffusionPipeline" else {}
    for part, made in index.items():
        if not isinstance(made, list) or len(made) != 2 or not part.isidentifier() or part in UNUSED:
            continue
        library, kind = made
        if library in STEMS and isinstance(kind, str) and not any(word in kind for word in WEIGHTLESS):
            found[part] = STEMS[library]
    return found


def pipeline_variant(folder: Path) -> str:
    """Suffix of the weights' names that every part of a pipeline folder has, whole: "" or "fp16".

    Raises ModelFilesError when a file is missing, damaged or not safetensors, and otherwise as `check_pipeline`.
    """
    parts = check_pipeline(folder)
    if (folder / SINGLE).is_file():
        check_header(single_file(folder))
        return ""
    places = {place_of(folder, part): stem for part, stem in parts.items()}
    broken: ModelFilesError | None = None
    for variant in VARIANTS:
        if all(_shards(place, stem, variant) for place, stem in places.items()):
            try:
                for place, stem in places.items():
                    for file in _shards(place, stem, variant):
                        check_header(file)
            except ModelFilesError as error:
                broken = broken or error
                continue
            return variant
    if broken is not None:
        raise broken
    raise _lacking(places)


def _lacking(places: Mapping[Path, str]) -> ModelFilesError:
    """The error of a pipeline that has neither variant: it names the first part that lacks the better one's file."""
    found = {
        variant: [place for place, stem in places.items() if _shards(place, stem, variant)] for variant in VARIANTS
    }
    variant = max(VARIANTS, key=lambda name: len(found[name]))
    place = next(place for place in places if place not in found[variant])
    return _no_weights(place, _single(places[place], variant))


def segmenter_type(folder: Path) -> str:
    """transformers' name of the architecture of a segmenter's folder, whose files are all there and whole.

    Raises ModelFilesError when a file is missing, damaged or not safetensors, UnsupportedModelError when it is of
    another architecture than SEGMENTERS.
    """
    kind = check_segmenter(folder)
    if not (folder / SEGMENTER_WEIGHTS).is_file():
        raise _no_weights(folder, SEGMENTER_WEIGHTS)
    check_header(folder / SEGMENTER_WEIGHTS)
    return kind


def check_segmenter(folder: Path) -> str:
    """As `segmenter_type`, from the small files alone."""
    kind = str(read_json(folder / SEGMENTER_CONFIG).get("model_type"))
    if kind not in SEGMENTERS:
        raise UnsupportedModelError(f"{folder} holds a {kind}; only {', '.join(SEGMENTERS)} can be read so far.")
    read_json(folder / SEGMENTER_PIXELS)
    return kind


def pipeline_weights(folder: Path) -> list[Path]:
    """The files that a pipeline's folder is loaded from, those of the other variant left out. As `pipeline_variant`."""
    variant, found = pipeline_variant(folder), []
    for part, stem in parts_of(read_json(folder / PIPELINE_CONFIG)).items():
        found += _shards(place_of(folder, part), stem, variant)
    return found


def _single(stem: str, variant: str) -> str:
    return f"{stem}.{variant}.safetensors" if variant else f"{stem}.safetensors"


def _shards(folder: Path, stem: str, variant: str) -> list[Path]:
    """The files that hold a part's weights: one, or those its index names; none when the part is absent."""
    single = folder / _single(stem, variant)
    suffix = f".{variant}" if variant else ""
    index = folder / f"{stem}.safetensors.index{suffix}.json"
    if index.is_file():
        return [folder / name for name in shard_names(index)]
    return [single] if single.is_file() else []


def shard_names(index: Path) -> list[str]:
    """The files beside an index of shards that it names. Raises ModelFilesError when it names none, or other places."""
    named = read_json(index).get("weight_map")
    names = (
        set(named.values()) if isinstance(named, dict) and all(isinstance(n, str) for n in named.values()) else set()
    )
    if not names or any(Path(name).name != name or not name.endswith(".safetensors") for name in names):
        raise ModelFilesError(f"{index} names no safetensors files beside it; download it again.")
    return sorted(set(names))


def read_json(file: Path) -> dict[str, Any]:
    """A configuration file. Raises ModelFilesError when it is missing, unreadable or no JSON object."""
    if not file.is_file():
        raise ModelFilesError(f"{file} is missing; copy the whole model folder, or download it again.")
    try:
        content = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError):  # not JSON, or not even text
        content = None
    except OSError as error:
        raise ModelFilesError(
            f"{file} cannot be read ({error.strerror}); make it readable, or copy it again."
        ) from error
    if not isinstance(content, dict):
        raise ModelFilesError(f"{file} is damaged: it is not a JSON object; download it again.")
    return content


def check_header(file: Path) -> None:
    """Raise ModelFilesError when a safetensors file is missing, truncated or something else."""
    if not file.is_file():
        raise ModelFilesError(f"{file} is missing; copy the whole model folder, or download it again.")
    try:
        with safe_open(file, framework="np"):
            pass
    except SafetensorError as error:
        raise damaged(file) from error
    except OSError as error:
        raise ModelFilesError(
            f"{file} cannot be read ({error.strerror}); make it readable, or copy it again."
        ) from error


def _unreadable(file: Path, error: OSError) -> ModelFilesError:
    return ModelFilesError(f"{file} cannot be read ({error.strerror}); make it readable, or copy it again.")


def damaged(file: Path) -> ModelFilesError:
    """The error of a weights file that cannot be read."""
    return ModelFilesError(f"{file} is damaged or incomplete: it is not a whole safetensors file; download it again.")


def _no_weights(folder: Path, wanted: str) -> ModelFilesError:
    pickles = sorted(file.name for file in folder.glob("*") if file.suffix in PICKLES)
    if pickles:
        return ModelFilesError(
            f"{folder} holds only pickled weights ({pickles[0]}), which can run code when opened and are never "
            f"loaded; save them as safetensors ({wanted}): {conversion(folder / pickles[0], folder / wanted)}"
        )
    return ModelFilesError(f"{folder} has no {wanted}; copy the whole model folder, or download it again.")


def conversion(pickled: Path, wanted: Path) -> str:
    """The command that a person can run to turn a file of pickled weights into safetensors; it runs no code in it."""
    code = (
        "import sys, torch; from safetensors.torch import save_file; "
        "s = torch.load(sys.argv[1], map_location='cpu', weights_only=True); s = s.get('state_dict', s); "
        "save_file({k: v.clone().contiguous() for k, v in s.items() if torch.is_tensor(v)}, sys.argv[2], "
        "{'format': 'pt'})"
    )
    return f'python -c "{code}" {shlex.quote(str(pickled))} {shlex.quote(str(wanted))}'


def missing_weights(where: Path, missing: Iterable[str]) -> ModelFilesError:
    """The error of weights that lack some of the model's parameters."""
    names = sorted(missing)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return ModelFilesError(f"{where} lacks the weights {names[0]}{more}; download it again, or use another model.")
