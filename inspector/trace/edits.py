"""Prompt-to-prompt: a denoising run that keeps the attention of another prompt's run (Hertz et al., ICLR 2023).

Algorithm 1 with the edits of section 3.2: a word is swapped, the prompt is refined, a word weighs more or less. The two
runs go step by step beside each other, each in passes of its own: in one batch they would be rounded otherwise than
alone, and so the source's picture is an ordinary run's to the bit, and the edited one's where nothing is kept. What is
kept lives in forward hooks, which are gone when a step ends; no attention processor is replaced.

Where every token stands for the one in its own place, and in self-attention, the edited run is given the source's
queries and keys, so that the module itself attends as the source did. Where tokens moved or weigh, its output is formed
a second time, of the source's probabilities and its own values. As in the paper, probabilities are not normalised
again. Of self-attention the layers of a quarter of the latents' sides and less are kept: the authors' code keeps those
of up to 16 x 16 cells where Stable Diffusion has 64 x 64.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from inspector.errors import RecordingError
from inspector.models.protocols import DiffusionModel, TokenizedPrompt
from inspector.results.edits import Edit
from inspector.results.rewording import reworded
from inspector.results.tokens import span_tokens, word_tokens
from inspector.trace.recorders import Used, attention_weights, cross_attention_layers, read_projections
from inspector.trace.self_attention import self_attention_layers
from inspector.trace.trajectories import Step, denoise, schedule

COARSE = 16  # times fewer cells than the latents have self-attention's layers that are kept
Projected = dict[str, tuple[torch.Tensor, torch.Tensor]]  # layer -> query, key of the conditional images


def token_map(source: TokenizedPrompt, prompt: TokenizedPrompt) -> np.ndarray:
    """float32 (source token, token): the share of a source token's map that a token of the new prompt is given.

    A word that stands for another (`rewording.reworded`) has its map: token by token where both have as many, else all
    of it in equal parts. Start and end stand for each other, padding for that in its own place. A column of zeros is a
    token that is new, and keeps its own map. Both prompts are one model's.
    """
    given = np.zeros((len(source.ids), len(prompt.ids)), np.float32)
    ends = source.tokens[-1].index, prompt.tokens[-1].index
    given[0, 0] = given[ends] = 1
    padding = range(max(ends) + 1, len(prompt.ids))
    given[padding, padding] = 1
    for old, new in reworded(source.prompt, prompt.prompt):
        if old is None or new is None:
            continue
        rows = [place for place in span_tokens(source.tokens, [(old.start, old.stop)]) if not given[place].any()]
        columns = [place for place in span_tokens(prompt.tokens, [(new.start, new.stop)]) if not given[:, place].any()]
        if len(rows) == len(columns):
            given[rows, columns] = 1
        elif columns:
            given[np.ix_(rows, columns)] = 1 / len(columns)
    return given


def token_factors(edit: Edit, prompt: TokenizedPrompt) -> np.ndarray:
    """float32 (token,): what each token's map is multiplied by. Raises PromptError for a word that was cut off."""
    factors = np.ones(len(prompt.ids), np.float32)
    for word, factor in edit.factors:
        factors[list(word_tokens(prompt.prompt, prompt.tokens, word))] *= factor
    return factors


@dataclass(frozen=True)
class Rule:
    """How the edited run's cross-attention is made of the source's.

    given: (source token, token), as `token_map`, None where each stands for the one in its own place. own: (token, 1),
    1 for a token that keeps its own map. factors: (token, 1), None where no word weighs.
    """

    given: torch.Tensor | None
    own: torch.Tensor
    factors: torch.Tensor | None

    def used(self, own: torch.Tensor, source: torch.Tensor | None) -> torch.Tensor:
        """What is attended with, (n, head, token, h * w): of the run's own probabilities and the source's, if kept."""
        if source is not None and self.given is not None:
            own = torch.einsum("nhsp,st->nhtp", source, self.given) + own * self.own
        return own if self.factors is None else own * self.factors


def rule_of(edit: Edit, source: TokenizedPrompt, prompt: TokenizedPrompt, device: torch.device) -> Rule:
    """The rule of an edit between two prompts of one model. Raises PromptError as `token_factors`."""
    given, factors = token_map(source, prompt), token_factors(edit, prompt)
    moved = not np.array_equal(given, np.eye(len(given)))
    return Rule(
        torch.tensor(given, device=device) if moved else None,
        torch.tensor(given.sum(0, keepdims=True).T == 0, dtype=torch.float32, device=device),
        torch.tensor(factors[:, None], device=device) if (factors != 1).any() else None,
    )


@contextmanager
def keep(unet: nn.Module, cross: bool, own: bool, cells: int, images: int = 1) -> Iterator[Projected]:
    """What one call of `unet` projects, of cross-attention and of self-attention in coarse layers, as wanted.

    cells: h * w of the latents. images: how many are conditional, the last ones of the batch. Raises RecordingError as
    `recorders.record`.
    """
    kept: Projected = {}

    def of_cross(layer: str, query: torch.Tensor, key: torch.Tensor) -> None:
        kept[layer] = query[-images:], key[-images:]

    def of_self(layer: str, query: torch.Tensor, key: torch.Tensor) -> None:
        if query.shape[1] * COARSE <= cells:
            of_cross(layer, query, key)

    with ExitStack() as stack:
        for layer in cross_attention_layers(unet) if cross else ():
            _enter(stack, read_projections(layer, unet.get_submodule(layer), of_cross))
        for layer in self_attention_layers(unet) if own else ():
            _enter(stack, read_projections(layer, unet.get_submodule(layer), of_self))
        yield kept


@contextmanager
def impose(unet: nn.Module, kept: Projected, rule: Rule, images: int = 1) -> Iterator[Used | None]:
    """Inside, the last `images` of a batch attend as `kept` and `rule` say; the hooks are gone after it.

    Yields, for a recorder, (layer, own probabilities) -> those that are used; None where the module's own are used.
    """
    crossing = cross_attention_layers(unet)

    def used(layer: str, own: torch.Tensor) -> torch.Tensor:
        source = attention_weights(unet.get_submodule(layer), *kept[layer]) if moved(layer) else None
        return rule.used(own, source)

    def moved(layer: str) -> bool:
        return rule.given is not None and layer in kept and layer in crossing

    formed = [layer for layer in crossing if rule.factors is not None or moved(layer)]
    with ExitStack() as stack:
        for layer in (layer for layer in kept if not moved(layer)):
            module: Any = unet.get_submodule(layer)
            for part, tensor in zip((module.to_q, module.to_k), kept[layer], strict=True):
                stack.enter_context(part.register_forward_hook(_in_place_of(tensor)))
        for layer in formed:
            _enter(stack, _form(layer, unet.get_submodule(layer), used, images))
        yield used if formed else None


def _in_place_of(tensor: torch.Tensor) -> Callable[..., torch.Tensor]:
    """A hook: the module's output but for its last images, which are these."""
    return lambda _module, _args, output: torch.cat([output[: -len(tensor)], tensor])


def _form(layer: str, module: Any, used: Used, images: int) -> list[Any]:
    """Handles of hooks that form the module's output of its last images anew, from the probabilities used.

    After diffusers' AttnProcessor: values by head, the projection out, the residual and the factor where it has them.
    """
    seen: dict[str, torch.Tensor] = {}

    def seeing(kind: str) -> Callable[..., None]:
        return lambda _module, _args, output: seen.update({kind: output[-images:]})

    def finish(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: torch.Tensor) -> torch.Tensor:
        hidden = args[0] if args else kwargs["hidden_states"]
        if len(seen) != 3 or hidden.ndim != 3:
            raise RecordingError(
                f"{layer} attends in another way than Stable Diffusion's; call unfuse_qkv_projections() on the UNet."
            )
        query, key, value = seen.pop("query"), seen.pop("key"), seen.pop("value")
        weights = used(layer, attention_weights(module, query, key)).transpose(-1, -2)
        values = value.unflatten(-1, (module.heads, -1)).transpose(1, 2)
        mixed = (weights.to(values.dtype) @ values).transpose(1, 2).flatten(2)
        made = module.to_out[1](module.to_out[0](mixed))
        made = made + hidden[-images:] if module.residual_connection else made
        return torch.cat([output[:-images], made / module.rescale_output_factor])

    return [
        module.to_q.register_forward_hook(seeing("query")),
        module.to_k.register_forward_hook(seeing("key")),
        module.to_v.register_forward_hook(seeing("value")),
        module.register_forward_hook(finish, with_kwargs=True),
    ]


def _enter(stack: ExitStack, handles: list[Any]) -> None:
    for handle in handles:
        stack.enter_context(handle)


class Following:
    """The source's run, which an edited one follows step by step.

        following = follow(model, edit, "a cow on the grass", latents)
        steps = denoise(model, latents, ["a cow on the grass"])
        while True:
            with following.step():
                step = next(steps, None)

    source: its steps; it is run no further than its attention is kept. kept: in how many steps cross- and
    self-attention are.
    """

    def __init__(
        self, unet: nn.Module, source: Iterator[Step], rule: Rule, kept: tuple[int, int], cells: int, images: int
    ) -> None:
        self._unet, self._source, self._rule = unet, source, rule
        self._kept, self._cells, self._images, self._index = kept, cells, images, 0

    @contextmanager
    def step(self) -> Iterator[Used | None]:
        """Make the source's step; inside, the next pass of the UNet is the edited run's, and yields as `impose`."""
        cross, own = (self._index < steps for steps in self._kept)
        self._index += 1
        kept: Projected = {}
        if cross or own:
            with keep(self._unet, cross, own, self._cells, self._images) as kept:
                next(self._source, None)
        with impose(self._unet, kept, self._rule, self._images) as used:
            yield used


def follow(
    model: DiffusionModel,
    edit: Edit,
    prompt: str,
    latents: torch.Tensor,
    options: Mapping[str, Any],
) -> Following:
    """What a run of `prompt` from standard normal latents (n, c, h, w), all of one edit, follows.

    options: steps, guidance_scale, scheduler and seed of both runs, as `denoise` takes them. Raises as `schedule` and
    `token_factors`.
    """
    read = [model.tokenize(text) for text in (edit.source, prompt)]
    total = len(schedule(model, options["scheduler"], options["steps"]).timesteps)
    source = denoise(model, latents, [edit.source] * len(latents), **options)
    height, width = latents.shape[-2:]
    rule = rule_of(edit, read[0], read[1], model.device)
    return Following(model.unet, source, rule, edit.kept(total), height * width, len(latents))
