"""Names of diffusion models that files change, as requests, addresses, provenance and recipes tell them.

    stable-diffusion-1.5+style@0.8+cat=<cat>

is that model with the LoRA `style` at the scale 0.8 and the embedding `cat`, which a prompt calls <cat>.
"""

import re
from dataclasses import dataclass

_CHANGE = r"\+[^+@=]+(?:@-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?|=[^+@=]+)"
_NAME = re.compile(rf"(.+?)((?:{_CHANGE})*)", re.DOTALL)
_KEPT_FREE = re.compile(r"[+@=,]")  # what a name, or a list of names, is taken apart by


@dataclass(frozen=True)
class ModelName:
    """base: the model as it is. lora: label of a file, "" for none; scale: of its changes.

    embeddings: (label of a file, the word that stands for it in a prompt) of each.
    """

    base: str
    lora: str = ""
    scale: float = 1.0
    embeddings: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        lora = f"+{self.lora}@{self.scale:g}" if self.lora else ""
        return self.base + lora + "".join(f"+{label}={word}" for label, word in self.embeddings)

    @property
    def changed(self) -> bool:
        """Whether any file changes the model."""
        return bool(self.lora or self.embeddings)


def read_model_name(name: str) -> ModelName:
    """The parts of a model's name; any text is one."""
    found = _NAME.fullmatch(name)
    if found is None:
        return ModelName(name)
    lora, scale, embeddings = "", 1.0, []
    for change in found[2].split("+")[1:]:
        label, sign, told = re.split("([@=])", change)
        if sign == "=":
            embeddings.append((label, told))
        else:
            lora, scale = label, float(told)
    return ModelName(found[1], lora, scale, tuple(embeddings))


def label_of(stem: str) -> str:
    """What a file is called in a model's name: its own name, less what would take that apart."""
    return _KEPT_FREE.sub("-", stem)


def is_label(text: str) -> bool:
    """Whether a text can stand in a model's name."""
    return bool(text) and not _KEPT_FREE.search(text)
