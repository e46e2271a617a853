"""Usual: what a request asks of a model that was not made for it, said before anything runs, or beside the result."""

from typing import Any

from inspector.errors import ChoiceError, UnsupportedModelError
from inspector.models.listed import ModelSpec
from inspector.models.protocols import DiffusionModel
from inspector.models.sampling import Sampling
from inspector.results import AGAIN, GENERATION, INVERSION, AttentionRequest
from inspector.trace.joint import OUTPUT, is_transformer, joint_layers


def check_usual(request: AttentionRequest, spec: ModelSpec, sampling: Sampling | None) -> None:
    """Refuse what a model cannot do; sampling: None where it is not known before loading, which refuses nothing.

    Raises ChoiceError for guidance of a model that was made to be used without, and for a scheduler that it does not
    work with; UnsupportedModelError for an inversion that is not defined.
    """
    if sampling is None:
        return
    arms = set(request.chosen_arms)
    if sampling.guidance == "none" and request.guidance_scale > 1 and {GENERATION, AGAIN} & arms:
        raise ChoiceError(
            f"guidance_scale is {request.guidance_scale:g}, and {spec.title} was made to be used without guidance; "
            f"use 1, and {_steps(sampling)} of {sampling.scheduler}."
        )
    if request.scheduler not in sampling.schedulers:
        raise ChoiceError(
            f"The scheduler is {request.scheduler!r:.40}, which {spec.title} does not work with; choose one of "
            f"{', '.join(sampling.schedulers)}."
        )
    if INVERSION in arms and not sampling.inverts:
        raise UnsupportedModelError(
            f"DDIM inversion is not defined for {spec.title}; leave out the arm inversion, or choose a Stable "
            "Diffusion model that is no consistency or flow model."
        )


def check_network(request: AttentionRequest, model: DiffusionModel) -> None:
    """Raise UnsupportedModelError for what is defined for UNets alone, or for joint attention alone."""
    if is_transformer(model.network) and (request.edit is not None or request.probes):
        check_unet(model)
    if request.reading == OUTPUT and not joint_layers(model.network):
        raise UnsupportedModelError(
            f"{model.spec.title} has no joint attention, whose output places and tokens share; leave out the reading "
            f"{OUTPUT!r}, or choose a transformer such as FLUX.1."
        )


def check_features(model: DiffusionModel) -> None:
    """Raise UnsupportedModelError, in one sentence, where the picture's features are one sequence with the text's."""
    if joint_layers(model.network):
        check_unet(model)


def check_unet(model: DiffusionModel) -> None:
    """Raise UnsupportedModelError, in one sentence, where it is no UNet that denoises."""
    _ = model.unet


def unusual(request: Any, model: Any) -> str:
    """What to say beside a result: what a model that inpaints was told, and values that are not the usual ones.

    "" where there is nothing.
    """
    notes = (_told_of_picture(request, model), _assumed(request, model), _too_many_steps(request, model))
    return " ".join(filter(None, notes))


def _told_of_picture(request: Any, model: Any) -> str:
    if not getattr(model, "inpaints", False):
        return ""
    told = "all of the generated picture is" if request.image is None else "nothing of the given picture is"
    return f"{model.spec.title} paints where a picture is masked; it was told that {told} masked."


def _assumed(request: Any, model: Any) -> str:
    sampling: Sampling | None = getattr(model, "sampling", None)
    if sampling is None or not isinstance(request, AttentionRequest) or not sampling.assumed:
        return ""
    return (
        f"Nothing in the files of {model.spec.title} tells whether it was distilled; its usual values are taken to be "
        f"{sampling.assumed}'s: guidance {sampling.guidance_scale:g}, {_steps(sampling)}. A folder's name with "
        "“turbo” in it tells that it was."
    )


def _too_many_steps(request: Any, model: Any) -> str:
    sampling: Sampling | None = getattr(model, "sampling", None)
    if sampling is None or not isinstance(request, AttentionRequest) or not sampling.few:
        return ""
    if GENERATION not in request.chosen_arms or request.steps <= sampling.few:
        return ""
    return (
        f"{model.spec.title} was distilled for at most {sampling.few} steps, and {request.steps} were made: the "
        "picture and its maps are not what its makers mean."
    )


def _steps(sampling: Sampling) -> str:
    return f"{sampling.steps} step" if sampling.steps == 1 else f"{sampling.steps} steps"
