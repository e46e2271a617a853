"""DiffCut (Couairon et al., NeurIPS 2024): regions without names, by cutting a graph of a UNet's features in two.

Cells of the encoder's last self-attention are nodes; an edge weighs as much as their features are alike. The graph is
cut where the normalised cut (Shi and Malik 2000) is least, and so is each side, until no cut is below tau; then the
features, enlarged, go to the region whose mean they are nearest to.

Unusual: every cut along the sorted eigenvector is weighed, by cumulative sums; the original tries a hundred.
"""

import numpy as np
import scipy.linalg
import torch
from torch import nn
from torch.nn import functional as F

from inspector.errors import UnsupportedModelError
from inspector.trace.self_attention import self_attention_layers

TAU, ALPHA = 0.5, 10.0
MOST_CELLS = 2048  # nodes of a graph, whose eigenvectors take their third power: 3 s on one core
FINEST_SIDE = 128  # of the longer side, cells that enlarged features have; the paper's


def encoder_layer(unet: nn.Module) -> str:
    """The encoder's last self-attention; UnsupportedModelError where there is none."""
    names = [name for name in self_attention_layers(unet) if name.startswith("down_blocks")]
    if not names:
        raise UnsupportedModelError("This UNet's encoder has no self-attention; choose a Stable Diffusion model.")
    return names[-1]


def affinity(features: torch.Tensor, alpha: float = ALPHA) -> np.ndarray:
    """float64 (cell, cell) in [0, 1]: cosines of features (channel, h, w), stretched from 0 to 1, to the alpha-th."""
    unit = F.normalize(features.flatten(1).double(), dim=0)
    cosines = (unit.T @ unit).numpy()
    low, high = cosines.min(), cosines.max()
    return ((cosines - low) / max(high - low, 1e-12)) ** alpha


def best_cut(weights: np.ndarray) -> tuple[np.ndarray, float]:
    """bool (node,), one side, and the normalised cut of weights (node, node): the least along the eigenvector.

    The vector is the second of (D - W) x = lambda D x (Shi and Malik, section 2.2). Two nodes or more.
    """
    degrees = weights.sum(1)
    scale = 1 / np.sqrt(np.maximum(degrees, 1e-300))
    count = len(weights)
    _, vectors = scipy.linalg.eigh(scale[:, None] * weights * scale, subset_by_index=[count - 2, count - 2])
    order = np.argsort(scale * vectors[:, 0], kind="stable")
    sorted_ = weights[np.ix_(order, order)]
    total = np.cumsum(degrees[order])
    inside = np.cumsum(2 * np.tril(sorted_, -1).sum(1) + np.diag(sorted_))  # of the first 1, 2, ... nodes
    cut = np.maximum(total - inside, 0)[:-1]
    values = cut / np.maximum(total[:-1], 1e-300) + cut / np.maximum(total[-1] - total[:-1], 1e-300)
    place = int(values.argmin())
    side = np.zeros(count, bool)
    side[order[: place + 1]] = True
    return side, float(values[place])


def recursive_cut(weights: np.ndarray, tau: float = TAU) -> np.ndarray:
    """int32 (node,), numbered from 0: parts of which none has a normalised cut below tau."""
    labels, parts, count = np.zeros(len(weights), np.int32), [np.arange(len(weights))], 0
    while parts:
        nodes = parts.pop()
        side, value = best_cut(weights[np.ix_(nodes, nodes)]) if len(nodes) > 1 else (nodes, np.inf)
        if value < tau:
            parts += [nodes[~side], nodes[side]]
        else:
            labels[nodes] = count
            count += 1
    return labels


def regions(features: torch.Tensor, size: tuple[int, int], tau: float = TAU, alpha: float = ALPHA) -> np.ndarray:
    """int32 (h, w) of `size`, numbered from 0, of features float32 (channel, gh, gw).

    Grids beyond `MOST_CELLS` cells are averaged two by two before they are cut. An enlarged cell goes to the region
    whose mean of unit features has the highest dot product with it.
    """
    while features.shape[1] * features.shape[2] > MOST_CELLS:
        features = F.avg_pool2d(features[None], 2, ceil_mode=True)[0]
    unit = F.normalize(features, dim=0)
    labels = torch.from_numpy(recursive_cut(affinity(features, alpha), tau)).long()
    members = F.one_hot(labels).float()  # (cell, region)
    means = (unit.flatten(1) @ members) / members.sum(0)  # (channel, region)
    alike = (means.T @ unit.flatten(1)).unflatten(1, features.shape[1:])  # dot products enlarge as features do
    best = F.interpolate(alike[None], size=size, mode="bilinear")[0].argmax(0).numpy()
    return np.unique(best, return_inverse=True)[1].reshape(size).astype(np.int32)
