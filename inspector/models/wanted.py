"""Which of a repository's files a model is loaded from: configuration, tokenizer and safetensors, nothing else."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.errors import ModelFilesError
from inspector.models.catalog import ModelSpec
from inspector.models.files import (
    CLIP_CONFIG,
    CLIP_WEIGHTS,
    PARTS,
    PICKLES,
    PIPELINE_CONFIG,
    SEGMENTER_CONFIG,
    SEGMENTER_PIXELS,
    SEGMENTER_WEIGHTS,
    VARIANTS,
    parts_of,
    shard_names,
)

TOKENIZER = (
    "vocab.json",
    "merges.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "spiece.model",
    "added_tokens.json",
    "chat_template.jinja",
)


@dataclass(frozen=True)
class Wanted:
    """required: names without which the model cannot be opened, there or not; optional: others that are there."""

    required: tuple[str, ...]
    optional: tuple[str, ...]

    def lacking(self, names: Collection[str]) -> tuple[str, ...]:
        """What is required and not among `names`."""
        return tuple(name for name in self.required if name not in names)


def variants(spec: ModelSpec) -> tuple[str, ...]:
    """Suffixes of the weights' names that a model may be opened from, the catalog's own first."""
    if spec.kind != "diffusion":
        return ("",)
    return (spec.variant, *(variant for variant in VARIANTS if variant != spec.variant))


def wanted(
    spec: ModelSpec,
    names: Collection[str],
    variant: str = "",
    index: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> Wanted:
    """What the model is loaded from, of a repository or a part of one that holds `names`.

    variant: suffix of the weights' names. index: what model_index.json holds, where it is known; else the parts are
    those of Stable Diffusion 1.x and 2.x. folder: where the files lie, whose indices of shards are then read.
    """
    if spec.kind == "clip":
        weights = next((name for name in CLIP_WEIGHTS if name in names), CLIP_WEIGHTS[0])
        # The names of OpenAI's and LAION's models say all that their configuration does.
        required, optional = [weights], [name for name in names if name in TOKENIZER]
        (optional if spec.architecture and CLIP_CONFIG in names else required).append(CLIP_CONFIG)
        if spec.architecture and CLIP_CONFIG not in names:
            required.remove(CLIP_CONFIG)
        return Wanted(tuple(required), tuple(optional))
    if spec.kind == "segmenter":
        required = [SEGMENTER_CONFIG, SEGMENTER_PIXELS, SEGMENTER_WEIGHTS]
        return Wanted(tuple(required), tuple(name for name in names if name in TOKENIZER))
    parts = PARTS if index is None else parts_of(index)
    required = [PIPELINE_CONFIG, "scheduler/scheduler_config.json", *(f"{part}/config.json" for part in parts)]
    optional = []
    for place in ["tokenizer", *(f"tokenizer_{number}" for number in (2, 3) if f"text_encoder_{number}" in parts)]:
        own = [name for name in names if name.rpartition("/")[0] == place and name.rpartition("/")[2] in TOKENIZER]
        needed = ["tokenizer_config.json"]
        needed += ["tokenizer.json"] if f"{place}/tokenizer.json" in own else []
        needed += [] if len(needed) > 1 or f"{place}/spiece.model" in own else ["vocab.json", "merges.txt"]
        required += [f"{place}/{name}" for name in needed]
        optional += [name for name in own if name not in required]
    for part, stem in parts.items():
        required += _weights(f"{part}/{stem}", variant, names, folder)
    return Wanted(tuple(required), tuple(optional))


def _weights(stem: str, variant: str, names: Collection[str], folder: Path | None) -> list[str]:
    """A part's weights: one file, or its shards and the index that names them."""
    suffix = f".{variant}" if variant else ""
    index = f"{stem}.safetensors.index{suffix}.json"
    if folder is not None and index in names:
        return [f"{stem.rpartition('/')[0]}/{name}" for name in shard_names(folder / index)] + [index]
    single = f"{stem}{suffix}.safetensors"
    shards = [name for name in names if name.startswith(f"{stem}-") and name.endswith(".safetensors")]
    shards = [name for name in shards if (".fp16" in name) == bool(variant)]
    if single in names or not shards:
        return [single]
    return [*sorted(shards), index]


def wanted_files(
    spec: ModelSpec, names: Collection[str], variant: str | None = None, index: Mapping[str, Any] | None = None
) -> list[str]:
    """The names of a repository's files that a model is fetched from; `variant` is the catalog's own unless told.

    Raises ModelFilesError when some lack.
    """
    found = wanted(spec, names, spec.variant if variant is None else variant, index)
    for name in found.lacking(names):
        pickled = name.endswith(".safetensors") and any(other.endswith(PICKLES) for other in names)
        what = "only pickled weights, which are never loaded" if pickled else "less"
        raise ModelFilesError(f"{spec.source} has no {name} ({what}); choose another model.")
    return [*found.required, *found.optional]
