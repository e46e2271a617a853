"""Files of one's own that change a diffusion model: each known by a label, so that whoever asks never says a path."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from inspector.models.listed import ModelSpec
from inspector.results import ModelName, label_of

Kept = TypeVar("Kept")

_LORAS: dict[str, Path] = {}
_EMBEDDINGS: dict[str, tuple[Path, str]] = {}  # with the word for it


def keep_lora(file: Path) -> str:
    """Know a LoRA by a label; the same file has the same one."""
    return _kept(_LORAS, file, file.resolve())


def keep_embedding(file: Path, word: str) -> str:
    """Know an embedding by a label; the same file for the same word has the same one."""
    return _kept(_EMBEDDINGS, file, (file.resolve(), word))


def _kept(known: dict[str, Kept], file: Path, thing: Kept) -> str:
    stem, same = label_of(file.stem), 1
    label = stem
    while known.get(label, thing) != thing:
        same += 1
        label = f"{stem}-{same}"
    known[label] = thing
    return label


def lora_file(label: str) -> Path:
    """The file of a label of `loras`."""
    return _LORAS[label]


def loras() -> tuple[str, ...]:
    """Labels of the LoRAs, in the order that they were given."""
    return tuple(_LORAS)


def embedding(label: str) -> tuple[Path, str]:
    """The file of a label of `embeddings`, and the word for it."""
    return _EMBEDDINGS[label]


def embeddings() -> tuple[str, ...]:
    """Labels of the embeddings, in the order that they were given."""
    return tuple(_EMBEDDINGS)


def changed(plain: ModelSpec, name: ModelName) -> ModelSpec | None:
    """The entry of a model that files change; None where a label is nobody's, or has another word."""
    if name.lora and name.lora not in _LORAS:
        return None
    if any(label not in _EMBEDDINGS or _EMBEDDINGS[label][1] != word for label, word in name.embeddings):
        return None
    title, lora = plain.title, None
    if name.lora:
        title, lora = f"{title} with {name.lora} at {name.scale:g}", (str(_LORAS[name.lora]), name.scale)
    if name.embeddings:
        title = f"{title} with {' and '.join(word for _, word in name.embeddings)}"
    files = tuple((str(_EMBEDDINGS[label][0]), word) for label, word in name.embeddings)
    return replace(plain, name=str(name), title=title, lora=lora, embeddings=files)
