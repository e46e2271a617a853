"""Grad-CAM of a CLIP vision transformer at the first LayerNorm of its last block, all classes in one call.

Recipe of CLIP-ES (Lin et al., CVPR 2023), which the paper follows (section 3.1): the target is one
class's softmax probability over the classes and the background words; activations and gradients are
those of the output of the last block's `ln_1`, before the residual path joins; a channel's weight is the
mean of its gradient over the patches, and the map is the sum over the channels (Selvaraju et al., 2017).

Unusual: there is no backward pass per class. Since the mean over patches is all that is needed of a
gradient, its sum over the patches' queries, keys and values is taken for many classes at once
(`last_gradient`), and the projection's weights carry that back to the activations.
"""

from dataclasses import dataclass

import torch

from inspector.analysis import last_block
from inspector.analysis.last_gradient import LastPass
from inspector.errors import ClassesError, UnsupportedModelError
from inspector.models.protocols import ClipModel, Trunk


@dataclass(frozen=True)
class GradCam:
    """Maps and scores of one image, float64 on the CPU: a sharp softmax's least probable class needs it.

    signed: (class, gh, gw), before the ReLU, in true scale: units of probability.
    probabilities: (class,), softmax over classes and background words. scores: (class,), cosines.
    """

    signed: torch.Tensor
    probabilities: torch.Tensor
    scores: torch.Tensor
    background_probability: float


@torch.no_grad()
def gradcam(
    model: ClipModel, trunk: Trunk, text: torch.Tensor, background: torch.Tensor, pooling: str = "mean"
) -> GradCam:
    """Grad-CAM of every class of one image.

    text: (k, embed), one embedding per class. background: (b, embed), b may be 0.
    pooling: "class" (the class token, plain CLIP) or "mean" (mean of the patches, CLIP-ES).
    Raises UnsupportedModelError for another kind of block or a pooling the model has not, and ClassesError for one
    class without background words: its probability is 1 whatever the image shows.
    """
    if pooling not in model.poolings:
        raise UnsupportedModelError(
            f"{model.spec.name} has no {pooling!r} pooling; choose {' or '.join(map(repr, model.poolings))}."
        )
    if len(text) + len(background) < 2:
        raise ClassesError(
            "One class without background words has probability 1 in any image; add a class or a background word."
        )
    block = last_block.check_block(model.last_block)
    activations = block.ln_1(trunk.tokens)  # (1, n, width)
    run = LastPass(model, trunk, activations, pooling, len(text))
    cosines, probabilities, targets = _softmax_targets(run.embedding, text, background, model.logit_scale)
    sums = run.pull_back(targets)
    patches = activations[0, trunk.prefix :].cpu().double()  # (patch, width)
    weights = sums @ block.attn.in_proj_weight.detach().cpu().double() / len(patches)  # (class, width)
    signed = weights @ patches.T
    count = len(text)
    return GradCam(
        signed=signed.reshape(count, *trunk.grid),
        probabilities=probabilities[:count],
        scores=cosines[:count],
        background_probability=float(probabilities[count:].sum()),
    )


def _softmax_targets(
    embedding: torch.Tensor, text: torch.Tensor, background: torch.Tensor, logit_scale: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cosines (k + b,), probabilities (k + b,), and d probability / d embedding (k, embed), fp64 on the CPU.

    With t the unit texts and u the unit embedding, dp_c/du = scale p_c sum_j p_j (t_c - t_j). Summed over the other
    classes rather than as t_c minus the mean text, it keeps its digits where p_c is all but 1.
    """
    image = embedding.detach().cpu().double()
    length = image.norm()
    unit = image / length
    words = torch.cat([text, background]).detach().cpu().double()
    words = words / words.norm(dim=-1, keepdim=True)
    cosines = words @ unit
    probabilities = (logit_scale * cosines).softmax(0)
    count = len(text)
    others = probabilities.repeat(count, 1)  # (class, word)
    others[torch.arange(count), torch.arange(count)] = 0
    direction = others.sum(1, keepdim=True) * words[:count] - others @ words
    direction = logit_scale * probabilities[:count, None] * direction
    return cosines, probabilities, (direction - (direction @ unit)[:, None] * unit) / length
