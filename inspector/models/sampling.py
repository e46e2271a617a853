"""How a diffusion model makes pictures, and with which values: data, read from its files where the catalog is silent.

Importing it loads no torch. Sources: the scheduler_config.json and model cards of the published models; defaults of
diffusers' pipelines.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

# free: against a pass without the prompt (Ho and Salimans 2022). distilled: the scale is an input of the network. none:
# the model was made to be used without.
Guidance = Literal["free", "distilled", "none"]
DENOISERS = ("ddim", "pndm", "euler", "dpm++", "euler-a")  # of models that predict noise or v
SD3_PIPELINE, TURBO_NAME = "StableDiffusion3Pipeline", "turbo"
SD3_NAMES = ("stable-diffusion-3", "sd3", TURBO_NAME)  # of which a name that tells has one
NAMED = "_name_or_path"  # in a configuration: what it was saved from
CONSISTENT, FLOWING = ("lcm",), ("flow",)


@dataclass(frozen=True)
class Sampling:
    """What is usual for a model, and what it can be asked for.

    schedulers: names of `models.diffusion.SCHEDULERS` that it works with. inverts: whether DDIM inversion is defined
    for it. few: steps that it was distilled for at most, 0 where it was not; most: that its scheduler can make. apart:
    whether free guidance takes a pass of its own without the prompt, and not one of both together. assumed: the family
    whose values these are, where nothing in the files tells which of several the model is; "" where they do.
    """

    guidance: Guidance = "free"
    guidance_scale: float = 7.5
    steps: int = 20
    scheduler: str = "ddim"
    schedulers: tuple[str, ...] = DENOISERS
    inverts: bool = True
    few: int = 0
    most: int = 0
    apart: bool = False
    assumed: str = ""

    @property
    def values(self) -> dict[str, Any]:
        """Field of a request -> its usual value."""
        return {"steps": self.steps, "guidance_scale": self.guidance_scale, "scheduler": self.scheduler}

    @property
    def noising(self) -> str:
        """The scheduler by which noise is added to a finished picture, and a noised one denoised again."""
        return "ddim" if "ddim" in self.schedulers else self.schedulers[0]


TURBO = Sampling("none", 1.0, 1, "euler", few=4)  # Sauer et al. 2023: one to four steps, no guidance
XL = Sampling(guidance_scale=5.0)
XL_INPAINTING = Sampling(guidance_scale=8.0)  # its model card's
XL_TURBO = Sampling("none", 1.0, 1, "euler-a", few=4)
LCM = Sampling("distilled", 8.5, 4, "lcm", CONSISTENT, inverts=False, few=8, most=50)  # Luo et al. 2023
SD3 = Sampling("free", 7.0, 28, "flow", FLOWING, inverts=False)
SD35_TURBO = Sampling("none", 1.0, 4, "flow", FLOWING, inverts=False, few=8)
FLUX_DEV = Sampling("distilled", 3.5, 28, "flow", FLOWING, inverts=False)
FLUX_SCHNELL = Sampling("none", 1.0, 4, "flow", FLOWING, inverts=False, few=4)


FLUX2_KLEIN = Sampling("none", 1.0, 4, "flow", FLOWING, inverts=False, few=4)
FLUX2_KLEIN_BASE = Sampling("free", 4.0, 50, "flow", FLOWING, inverts=False, apart=True)
PIXART = Sampling(guidance_scale=4.5, scheduler="dpm++")


def sampling_of(
    pipeline: str, scheduler: Mapping[str, Any], network: Mapping[str, Any], index: Mapping[str, Any] | None = None
) -> Sampling:
    """What the files of a pipeline tell: its class's name, scheduler_config.json, and config.json of what denoises.

    index: what model_index.json holds beside.
    """
    if pipeline == "Flux2KleinPipeline":
        return FLUX2_KLEIN if (index or {}).get("is_distilled") else FLUX2_KLEIN_BASE
    if pipeline == "FluxPipeline":
        return FLUX_DEV if network.get("guidance_embeds") else FLUX_SCHNELL
    if pipeline == SD3_PIPELINE:
        return SD35_TURBO if TURBO_NAME in str((index or {}).get(NAMED)).lower() else SD3
    kind, large = str(scheduler.get("_class_name")), pipeline.startswith("StableDiffusionXL")
    if kind == "LCMScheduler":
        told: Guidance = "distilled" if network.get("time_cond_proj_dim") else "none"
        scale, most = (
            LCM.guidance_scale if told == "distilled" else 1.0,
            int(scheduler.get("original_inference_steps", 50)),
        )
        return Sampling(told, scale, LCM.steps, "lcm", CONSISTENT, inverts=False, few=LCM.few, most=most)
    if _is_turbo(kind, scheduler):
        return XL_TURBO if large else TURBO
    if pipeline.startswith("PixArt"):
        return PIXART
    if network.get("time_cond_proj_dim"):
        return Sampling("distilled", LCM.guidance_scale)
    if large:
        return XL if network.get("in_channels", 4) == 4 else XL_INPAINTING
    return Sampling()


def _is_turbo(kind: str, scheduler: Mapping[str, Any]) -> bool:
    """Whether a scheduler is that of SD-Turbo and SDXL-Turbo.

    They alone, of what is published, predict noise with Euler's steps that trail: models with trailing steps that were
    not distilled predict v, or have their noise levels rescaled.
    """
    trailing = scheduler.get("timestep_spacing") == "trailing" and kind.startswith("Euler")
    noise = scheduler.get("prediction_type", "epsilon") == "epsilon"
    return trailing and noise and not scheduler.get("rescale_betas_zero_snr")


def sampling_of_folder(folder: Path) -> Sampling | None:
    """As `sampling_of`, of a pipeline's folder; None where its files cannot be read, which loading then says.

    Stable Diffusion 3 and its Turbo have the same class and schedules: which it is, is told by the name that its files
    were saved under, and at last by the folder's own. Where neither tells, Stable Diffusion 3 is assumed.
    """
    index = _object(folder / "model_index.json")
    part = "unet" if "unet" in index else "transformer"
    scheduler, network = _object(folder / "scheduler" / "scheduler_config.json"), _object(folder / part / "config.json")
    if not scheduler or not network:
        return None
    kind = str(index.get("_class_name"))
    place = folder.parents[1] if folder.parent.name == "snapshots" else folder  # in the hub's cache
    names = [str(name) for name in (index.get(NAMED), network.get(NAMED), place.name)]
    told = next((name for name in names if any(word in name.lower() for word in SD3_NAMES)), "")
    found = sampling_of(kind, scheduler, network, {**index, NAMED: told} if kind == SD3_PIPELINE else index)
    return replace(found, assumed="Stable Diffusion 3") if kind == SD3_PIPELINE and not told else found


def _object(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
