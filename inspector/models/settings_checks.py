"""Settings in a pipeline's configuration files, checked before anything is built from them.

Only those are listed with which a library would fail later, or compute nonsense; what they may be is far wider than
what any published model has.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.errors import ModelFilesError


@dataclass(frozen=True)
class Rule:
    """What a setting may be: a test, and words for it."""

    fits: Callable[[Any], bool]
    words: str


def whole(least: int, most: int) -> Rule:
    """A whole number."""
    return Rule(lambda value: type(value) is int and least <= value <= most, f"a whole number from {least} to {most}")


def number(least: float, most: float) -> Rule:
    """A number."""
    return Rule(
        lambda value: type(value) in (int, float) and math.isfinite(value) and least <= value <= most,
        f"a number from {least:g} to {most:g}",
    )


def one_of(*names: str) -> Rule:
    """One of some names."""
    return Rule(lambda value: value in names if isinstance(value, str) else False, f"one of {', '.join(names)}")


def list_of(rule: Rule) -> Rule:
    """A list that is not empty."""
    return Rule(
        lambda value: isinstance(value, list) and bool(value) and all(map(rule.fits, value)),
        f"a list, each {rule.words}",
    )


def either(*rules: Rule) -> Rule:
    """What one of the rules lets through."""
    return Rule(lambda value: any(rule.fits(value) for rule in rules), " or ".join(rule.words for rule in rules))


NONE = Rule(lambda value: value is None, "null")
NAME = Rule(lambda value: isinstance(value, str) and bool(value), "a name")
TOKEN = either(NAME, Rule(lambda value: isinstance(value, dict) and isinstance(value.get("content"), str), "a token"))
FLAG = Rule(lambda value: isinstance(value, bool), "true or false")
WIDTH, COUNT, SHARE = whole(1, 65536), whole(1, 256), number(1e-9, 1)
SIDE = whole(1, 4096)

SCHEDULER: Mapping[str, Rule] = {
    "_class_name": NAME,
    "num_train_timesteps": whole(1, 100_000),
    "beta_start": SHARE,
    "beta_end": SHARE,
    "beta_schedule": one_of("linear", "scaled_linear", "squaredcos_cap_v2"),
    "trained_betas": either(NONE, list_of(number(0, 1))),
    "steps_offset": whole(0, 1000),
    "prediction_type": one_of("epsilon", "sample", "v_prediction", "flow_prediction"),
    "timestep_spacing": one_of("linspace", "leading", "trailing"),
    "clip_sample": FLAG,
    "set_alpha_to_one": FLAG,
    "rescale_betas_zero_snr": FLAG,
    "skip_prk_steps": FLAG,
    "clip_sample_range": number(1e-6, 1e6),
    "sample_max_value": number(1e-6, 1e6),
    "dynamic_thresholding_ratio": SHARE,
    "thresholding": FLAG,
}
UNET: Mapping[str, Rule] = {
    "sample_size": either(SIDE, list_of(SIDE)),
    "in_channels": COUNT,
    "out_channels": COUNT,
    "block_out_channels": list_of(WIDTH),
    "cross_attention_dim": either(WIDTH, list_of(WIDTH)),
    "attention_head_dim": either(WIDTH, list_of(WIDTH)),
    "layers_per_block": either(COUNT, list_of(COUNT)),
    "norm_num_groups": either(NONE, WIDTH),
    "norm_eps": SHARE,
    "mid_block_scale_factor": number(1e-6, 1e6),
    "freq_shift": number(-1000, 1000),
    "flip_sin_to_cos": FLAG,
    "downsample_padding": whole(0, 8),
}
VAE: Mapping[str, Rule] = {
    "in_channels": COUNT,
    "out_channels": COUNT,
    "latent_channels": COUNT,
    "block_out_channels": list_of(WIDTH),
    "layers_per_block": COUNT,
    "norm_num_groups": WIDTH,
    "scaling_factor": number(1e-6, 1e6),
    "shift_factor": either(NONE, number(-1e6, 1e6)),
}
REQUIRED = ("sample_size", "block_out_channels")  # of a UNet and an autoencoder: their defaults are nobody's
TEXT: Mapping[str, Rule] = {
    "hidden_size": WIDTH,
    "intermediate_size": whole(1, 1_000_000),
    "num_hidden_layers": COUNT,
    "num_attention_heads": COUNT,
    "max_position_embeddings": whole(3, 100_000),
    "vocab_size": whole(3, 10_000_000),
    "bos_token_id": whole(0, 10_000_000),
    "eos_token_id": whole(0, 10_000_000),
    "layer_norm_eps": SHARE,
    "layer_norm_epsilon": SHARE,
}


TOKENIZER: Mapping[str, Rule] = {
    "model_max_length": number(1, 1e31),  # transformers writes 1e30 for any length
    "bos_token": either(NONE, TOKEN),
    "eos_token": TOKEN,
    "pad_token": TOKEN,
    "unk_token": either(NONE, TOKEN),
}


def rules_of(part: str) -> Mapping[str, Rule]:
    """The rules of a part's settings, none where it is not known."""
    if part.startswith("text_encoder"):
        return TEXT
    if part.startswith("tokenizer"):
        return TOKENIZER
    return {"unet": UNET, "vae": VAE, "scheduler": SCHEDULER}.get(part, {})


def check_settings(file: Path, found: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Raise ModelFilesError, with its name and what it may be, for a setting that cannot be."""
    for name, rule in rules.items():
        if (name in found or name in REQUIRED) and not rule.fits(found.get(name)):
            raise ModelFilesError(f"{file} has {name} {str(found.get(name))[:60]!r}; write {rule.words}.")
