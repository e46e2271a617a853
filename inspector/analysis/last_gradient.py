"""Gradients of many targets with respect to the last block's queries, keys and values, summed over the patches.

Only what follows the attention is left to autograd, all targets at once (`is_grads_batched`). With g_r a target's
gradient with respect to the row o_r = sum_j a_rj v_j of a head's attention output, the sums over the patches are

    queries   scale sum_j (m_j . v_j - w_j) k_j        m_j = sum of a_rj g_r, w_j = sum of a_rj g_r . o_r, patches r
    keys      scale sum_r (g_r . (p_r - s_r o_r)) q_r  p_r = sum of a_rj v_j over patches j
    values    sum_r s_r g_r                            s_r = sum of a_rj over patches j

(j runs over all tokens and r over the rows that reach the embedding where nothing else is said). So no array has an
axis of targets and two of tokens; attention is formed a few rows at a time, and targets are taken a few at a time, so
that it all stays within `memory.BUDGET` at any picture size: ViT-B/16 at 1,024 px would need 0.8 GB for one class's
attention and 0.1 GB for its queries, keys and values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

from inspector.analysis import last_block, memory
from inspector.models.protocols import ClipModel, Trunk

Tail = tuple[slice, torch.Tensor, torch.Tensor]  # rows, their attention output (the graph's leaf), the block's output


@dataclass(frozen=True)
class LastPass:
    """The last block run once, and what its gradients need: `embedding`, then `pull_back`.

    activations: (1, n, width), the output of `ln_1`. count: how many targets will be asked for, for which room is kept.
    pooling: for the class token only its own row is computed, since the block's other rows do not reach it.
    """

    model: ClipModel
    trunk: Trunk
    activations: torch.Tensor
    pooling: str
    count: int

    @cached_property
    def embedding(self) -> torch.Tensor:
        """The image's (embed,), not unit length."""
        return self._head[1].detach()

    def pull_back(self, targets: torch.Tensor) -> torch.Tensor:
        """Gradients (k, 3 * width), fp64 on the CPU, of k targets given as d target / d embedding (k, embed).

        Each target goes through the block with unit length and is scaled back after: a probability near 0 or 1
        has a gradient that half precision would round to nothing.
        """
        lengths = targets.norm(dim=-1, keepdim=True)
        units = (targets / lengths.clamp_min(torch.finfo(targets.dtype).tiny)).to(self.embedding)
        parts = [self._sums(self._behind_attention(part)) for part in units.split(self._targets_at_once)]
        return torch.cat(parts) * lengths

    # ------------------------------------------------------------------------------------------------ forward

    @cached_property
    def _heads(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries (1, head, r, head_dim) of rows that reach the embedding, keys and values (1, head, n, head_dim)."""
        block = self.model.last_block
        query, key, value = last_block.split_heads(block, last_block.project(block, self.activations))
        # Each in one piece: a product would copy the parts of a larger array again for every few rows.
        return query[:, :, : self._rows].contiguous(), key.contiguous(), value.contiguous()

    @cached_property
    def _attended(self) -> torch.Tensor:
        """(1, head, r, head_dim)."""
        query, key, value = self._heads
        return last_block.attend([(query, key)], value, self._step / 2)

    def _tails(self) -> Iterator[Tail]:
        """What follows the attention, on a few rows at a time."""
        block = self.model.last_block
        for rows in memory.blocks(self._rows, self._tail_rows):
            leaf = self._attended[:, :, rows].clone().requires_grad_()
            with torch.enable_grad():
                out = last_block.finish(block, self.trunk.tokens[:, rows], last_block.merge_heads(block, leaf))
            yield rows, leaf, out

    @cached_property
    def _kept_tails(self) -> Sequence[Tail]:
        """All of them where they fit; else none, and each is run again for each few targets."""
        fits = self._rows * self._tail_bytes <= 2 * self._step
        return tuple(self._tails()) if fits else ()

    @cached_property
    def _head(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The block's output (1, r, width), a leaf of the graph, and the embedding (embed,)."""
        outputs = [tail[2].detach() for tail in self._kept_tails or self._tails()]
        leaf = torch.cat(outputs, dim=1).requires_grad_()
        with torch.enable_grad():
            return leaf, self.model.head(leaf, self.trunk, self.pooling)[0]

    # ----------------------------------------------------------------------------------------------- backward

    def _behind_attention(self, units: torch.Tensor) -> torch.Tensor:
        """Gradients (k, r, width) of the attention output, heads side by side, of targets (k, embed)."""
        leaf, embedding = self._head
        at_once = memory.fitting(len(units), 4 * leaf.nbytes, self._step)
        found = leaf.new_empty((len(units), *leaf.shape[1:]))
        for part in memory.blocks(len(units), at_once):
            (gradient,) = torch.autograd.grad(embedding, leaf, units[part], retain_graph=True, is_grads_batched=True)
            found[part] = gradient[:, 0]
        for rows, heads, out in self._kept_tails or self._tails():
            (gradient,) = torch.autograd.grad(
                out, heads, found[:, None, rows], retain_graph=True, is_grads_batched=True
            )  # (k, 1, head, r, head_dim)
            found[:, rows] = gradient[:, 0].transpose(1, 2).flatten(-2)
        return found

    def _sums(self, gradient: torch.Tensor) -> torch.Tensor:
        """The three sums (k, 3 * width) of this module's docstring, fp64 on the CPU, of `_behind_attention`'s."""
        by_head = gradient.unflatten(-1, (self.model.heads, -1))  # (k, r, head, head_dim)
        found = [self._sums_of_head(head, by_head[:, :, head]) for head in range(self.model.heads)]
        return torch.stack(found, dim=2).flatten(1).cpu().double()  # (k, 3, head, head_dim)

    def _sums_of_head(self, head: int, gradient: torch.Tensor) -> torch.Tensor:
        """(k, 3, head_dim) of one head's gradient (k, r, head_dim)."""
        query, key, value, attended = (item[0, head].to(self._wide) for item in (*self._heads, self._attended))
        scale, prefix, count = query.shape[-1] ** -0.5, self.trunk.prefix, len(gradient)
        sums = gradient.new_zeros((3, count, query.shape[-1]), dtype=self._wide)  # queries, keys, values
        mixed = sums.new_zeros((len(key), count * query.shape[-1]))  # m
        level = sums.new_zeros((len(key), count))  # w
        for rows in memory.blocks(self._rows, self._attention_rows):
            weights = last_block.scores(query[rows], key).softmax(-1)  # (r, n)
            part = gradient[:, rows].to(self._wide)  # (k, r, head_dim)
            to_patches = weights[:, prefix:].sum(-1)
            offset = weights[:, prefix:] @ value[prefix:] - to_patches[:, None] * attended[rows]
            sums[1] += scale * torch.einsum("krd,rd->kr", part, offset) @ query[rows]
            sums[2] += torch.einsum("krd,r->kd", part, to_patches)
            patches = slice(max(prefix - rows.start, 0), None)  # of the rows at hand
            weights, part = weights[patches].T, part[:, patches].transpose(0, 1)  # (n, r), (r, k, head_dim)
            mixed.addmm_(weights, part.flatten(1))
            level.addmm_(weights, torch.einsum("rkd,rd->rk", part, attended[rows][patches]))
        each = torch.einsum("nkd,nd->nk", mixed.unflatten(1, (count, -1)), value) - level
        sums[0] = scale * each.T @ key
        return sums.transpose(0, 1)

    # ------------------------------------------------------------------------------------------------- memory

    @property
    def _rows(self) -> int:
        return 1 if self.pooling == "class" else self.activations.shape[1]

    @property
    def _wide(self) -> torch.dtype:
        """At least single precision: the sums run over thousands of patches."""
        return torch.promote_types(self.activations.dtype, torch.float32)

    @property
    def _step(self) -> float:
        """Bytes of what is formed and dropped again and again; larger steps are no quicker."""
        return memory.BUDGET / 8

    @property
    def _tail_bytes(self) -> float:
        """Bytes that one row of what follows the attention holds, and again for each target that goes back."""
        mlp: Any = self.model.last_block.mlp
        layers = (layer for layer in mlp.modules() if isinstance(layer, nn.Linear))
        hidden = max(layer.out_features for layer in layers)
        return self.activations.element_size() * (3 * hidden + 8 * self.activations.shape[-1])

    @property
    def _tail_rows(self) -> int:
        return memory.fitting(self._rows, (1 + self._targets_at_once) * self._tail_bytes, self._step)

    @property
    def _targets_at_once(self) -> int:
        """How many targets' gradients, and what one head adds to them, fit beside what every picture needs: eight
        arrays (n, width), and two steps."""
        width = self.activations.shape[-1]
        row = width * self.activations.element_size() + 4 * width / self.model.heads * self._wide.itemsize
        room = max(memory.BUDGET - 8 * self.activations.nbytes - 2 * self._step, memory.BUDGET / 8)
        return memory.fitting(self.count, self._rows * row + self._tail_bytes, room / 1.5)

    @property
    def _attention_rows(self) -> int:
        return memory.fitting(self._rows, 3 * self.activations.shape[1] * self._wide.itemsize, self._step / 2)
