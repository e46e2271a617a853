"""Grad-CAM of a CLIP vision transformer at the first LayerNorm of its last block, all classes in one call.

Recipe of CLIP-ES (Lin et al., CVPR 2023), which the paper follows (section 3.1): the target is one
class's softmax probability over the classes and the background words; activations and gradients are
those of the output of the last block's `ln_1`, before the residual path joins; a channel's weight is the
mean of its gradient over the patches, and the map is the sum over the channels (Selvaraju et al., 2017).

Unusual: there is no backward pass per class. Since the mean over patches is all that is needed of a
gradient, one zero vector is added to every patch's query, key and value; the gradient with respect to
it is the sum over patches, `is_grads_batched` takes it for all classes at once, and the projection's
weights carry it back to the activations.
"""

from dataclasses import dataclass

import torch

from inspector.analysis import last_block
from inspector.errors import ClassesError, UnsupportedModelError
from inspector.models.protocols import ClipModel, Trunk

CHUNK_BYTES = 2**28  # of attention cotangents held at once: 20 classes of ViT-B/16 at 224 px take 150 MB


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
    with torch.enable_grad():
        activations = block.ln_1(trunk.tokens).detach()  # (1, n, width)
        projected = last_block.project(block, activations).detach()  # (1, n, 3 * width)
        shift = projected.new_zeros(projected.shape[-1], requires_grad=True)
        embedding = _embed(model, trunk, _shift_patches(projected, shift, trunk.prefix), pooling)
        cosines, probabilities, targets = _softmax_targets(embedding, text, background, model.logit_scale)
        sums = _pull_back(embedding, shift, targets, _chunk(model.heads, activations, pooling))
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


def _shift_patches(projected: torch.Tensor, shift: torch.Tensor, prefix: int) -> torch.Tensor:
    """Projections (1, n, 3 * width) with `shift` (3 * width,) added to every patch, not to the prefix."""
    return torch.cat([projected[:, :prefix], projected[:, prefix:] + shift], dim=1)


def _embed(model: ClipModel, trunk: Trunk, projected: torch.Tensor, pooling: str) -> torch.Tensor:
    """Image embedding (embed,) from the last block's queries, keys and values (1, n, 3 * width).

    For the class token only its own row is computed: the other rows of the last block do not reach it.
    """
    block = model.last_block
    rows = slice(0, 1) if pooling == "class" else slice(None)
    query, key, value = last_block.split_heads(block, projected)
    attention = last_block.scores(query[:, :, rows], key).softmax(-1)
    attended = last_block.merge_heads(block, attention @ value)
    return model.head(last_block.finish(block, trunk.tokens[:, rows], attended), trunk, pooling)[0]


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


def _chunk(heads: int, activations: torch.Tensor, pooling: str) -> int:
    """How many classes' attention cotangents fit in CHUNK_BYTES."""
    tokens = activations.shape[1]
    rows = 1 if pooling == "class" else tokens
    cells = heads * rows * tokens * activations.element_size()
    return max(1, CHUNK_BYTES // (2 * cells))


def _pull_back(embedding: torch.Tensor, shift: torch.Tensor, targets: torch.Tensor, chunk: int) -> torch.Tensor:
    """Gradients (k, 3 * width), fp64 on the CPU, of k targets given as d target / d embedding (k, embed).

    Each target goes through the block with unit length and is scaled back after: a probability near 0 or 1
    has a gradient that half precision would round to nothing.
    """
    lengths = targets.norm(dim=-1, keepdim=True)
    units = (targets / lengths.clamp_min(torch.finfo(targets.dtype).tiny)).to(embedding)
    parts = [
        torch.autograd.grad(embedding, shift, part, retain_graph=True, is_grads_batched=True)[0].cpu().double()
        for part in units.split(chunk)
    ]
    return torch.cat(parts) * lengths
