"""Prompt-to-prompt: which token is given what, attention by hand, and that nothing kept changes nothing."""

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import Attention

from inspector.errors import PromptError, RecordingError
from inspector.models.tokenizer import learn_merges, open_fast_tokenizer, write_tokenizer
from inspector.results import Edit
from inspector.trace import edits, recorders, trajectories
from inspector.trace.recorders import Recording, record
from tests.toys import ToyDiffusion

HORSE, COW = "a horse on the grass", "a cow on the grass"
OPTIONS = {"steps": 5, "guidance_scale": 7.5, "scheduler": "ddim", "seed": 0}


@pytest.fixture(scope="module")
def model() -> ToyDiffusion:
    return ToyDiffusion()


def shares(model: ToyDiffusion, source: str, prompt: str) -> tuple[dict[int, dict[int, float]], list[int]]:
    """Token of the prompt -> {token of the source: its share}, and the tokens that are new."""
    given = edits.token_map(model.tokenize(source), model.tokenize(prompt))
    columns = {
        column: {row: float(given[row, column]) for row in np.flatnonzero(given[:, column])} for column in range(16)
    }
    return columns, [column for column, rows in columns.items() if not rows]


def hooks_of(module: torch.nn.Module) -> int:
    return sum(len(item._forward_hooks) + len(item._forward_pre_hooks) for item in module.modules())


def run(
    model: ToyDiffusion,
    prompt: str,
    edit: Edit | None = None,
    seeds: int = 1,
    into: Recording | None = None,
    **more: Any,
) -> torch.Tensor:
    """The finished latents."""
    options = OPTIONS | more
    latents = trajectories.first_latents(model, 3, 128, 128, seeds)
    following = edits.follow(model, edit, prompt, latents, options) if edit else None
    steps = trajectories.denoise(model, latents, [prompt] * seeds, **options)
    while True:
        with (
            following.step() if following else nullcontext() as used,
            record(model.unet, range(16), seeds, into=into, used=used) if into else nullcontext(),
        ):
            step = next(steps, None)
        if step is None:
            return latents
        latents = step.denoised


def test_a_word_of_as_many_tokens_is_given_token_by_token(model: ToyDiffusion) -> None:
    """ "horse" is hors e, "zebra" zebr a: positions 2 and 3 of both."""
    given = edits.token_map(model.tokenize(HORSE), model.tokenize("a zebra on the grass"))
    assert np.array_equal(given, np.eye(16))


def test_a_word_of_more_or_fewer_tokens_is_given_the_whole_in_equal_parts(model: ToyDiffusion) -> None:
    # start a hors e on the gras s end, and start a cow on the gras s end: 9 and 8 of 16 tokens.
    columns, new = shares(model, HORSE, COW)
    assert columns[2] == {2: 1, 3: 1}  # the map of "cow" is the sum of both
    assert [columns[place] for place in (3, 4, 5, 6)] == [{4: 1}, {5: 1}, {6: 1}, {7: 1}]
    assert columns[7] == {8: 1}  # the ends
    assert new == [8]  # padding there, the end of the source here
    assert all(columns[place] == {place: 1} for place in range(9, 16))
    columns, _ = shares(model, COW, HORSE)
    assert columns[2] == columns[3] == {2: 0.5}


def test_new_tokens_keep_their_own_and_those_behind_them_move(model: ToyDiffusion) -> None:
    columns, new = shares(model, "a dog, a dog.", "a red dog, a dog.")
    # start a dog , a dog . end -> start a red dog , a dog . end
    assert new == [2]
    assert [columns[place] for place in (1, 3, 4, 5, 6, 7, 8)] == [
        {1: 1},
        {2: 1},
        {3: 1},
        {4: 1},
        {5: 1},
        {6: 1},
        {7: 1},
    ]


def test_what_was_cut_off_is_given_nothing(model: ToyDiffusion) -> None:
    long = "one two three four five six seven eight nine ten"
    columns, _ = shares(model, long, long.replace("one", "a"))
    assert all(len(rows) <= 1 for rows in columns.values())
    assert np.array_equal(edits.token_map(model.tokenize(long), model.tokenize(long)), np.eye(16))


def test_clips_own_tokens_are_grouped_to_the_words_they_make(tmp_path: Any) -> None:
    """Byte pairs that were learned of nothing but "horse": each letter of another word is a token."""
    from inspector.models.families.stable_diffusion import StableDiffusionAdapter

    write_tokenizer(tmp_path, learn_merges({"horse": 1, "a": 1}, 4), 16)
    reader = object.__new__(StableDiffusionAdapter)
    reader._tokenizer, reader.prompt_length = open_fast_tokenizer(tmp_path), 16
    source, prompt = reader.tokenize("a horse, it's"), reader.tokenize("a cow, it's")
    assert [token.text for token in source.tokens[1:4]] == ["a", "horse", ","]
    assert [token.text for token in prompt.tokens[1:6]] == ["a", "c", "o", "w", ","]
    given = edits.token_map(source, prompt)
    assert given[2, 2:5].tolist() == pytest.approx([1 / 3] * 3)
    assert given[3, 5] == 1
    behind = source.tokens[4:]
    assert all(given[token.index, token.index + 2] == 1 for token in behind)
    assert given.sum(1)[: len(source.tokens)].tolist() == pytest.approx([1] * len(source.tokens))


def test_factors_are_of_every_token_of_a_word(model: ToyDiffusion) -> None:
    read = model.tokenize("a horse and a horse")
    factors = edits.token_factors(Edit("a", weights="horse: 2, horse#2: .5"), read)
    assert factors[:9].tolist() == [1, 1, 2, 2, 1, 1, 1, 1, 1]
    with pytest.raises(PromptError, match="was cut off"):
        edits.token_factors(Edit("a", weights="horse: 2"), model.tokenize("one " * 20 + "horse"))


def toy_attention(**more: Any) -> tuple[Attention, Any]:
    """One head of width 1 whose every projection is 1: it attends to states as they are."""
    torch.manual_seed(0)
    module = Attention(query_dim=1, cross_attention_dim=1, heads=1, dim_head=1, **more).requires_grad_(False)
    for layer in (module.to_q, module.to_k, module.to_v, module.to_out[0]):
        layer.weight.fill_(1)
    module.to_out[0].bias.fill_(0)

    class Holder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down_blocks = torch.nn.ModuleDict({"attn2": module})

    return module, Holder()


def rule(given: list[list[float]] | None, factors: list[float] | None) -> edits.Rule:
    table = torch.eye(2) if given is None else torch.tensor(given, dtype=torch.float32)
    own = (table.sum(0, keepdim=True).T == 0).float()
    return edits.Rule(
        None if given is None else table, own, None if factors is None else torch.tensor(factors)[:, None]
    )


LOG3 = float(np.log(3.0))
# A query of 1. The source's keys 0 and log 3: (1/4, 3/4). The edited run's keys, which are its values: 0 and 1.
OWN = [1 / (1 + np.e), np.e / (1 + np.e)]


@pytest.mark.parametrize(
    ("given", "factors", "expected"),
    [
        (None, None, 0.75),  # 1/4 * 0 + 3/4 * 1
        ([[0, 1], [1, 0]], None, 0.25),  # the tokens changed places
        ([[1, 0], [0, 0]], None, OWN[1]),  # the second is new: its own probability
        ([[0, 1], [0, 1]], None, 1.0),  # both maps together
        (None, [1, -2], -1.5),
        ([[0, 1], [1, 0]], [5, 2], 0.5),
    ],
)
def test_what_is_attended_with_by_hand(given: Any, factors: Any, expected: float) -> None:
    module, unet = toy_attention()
    hidden, states = torch.ones(2, 1, 1), torch.tensor([[[0.0], [1.0]]] * 2)
    plain = module(hidden, states)
    kept = {"down_blocks.attn2": (torch.ones(1, 1, 1), torch.tensor([[[0.0], [LOG3]]]))}
    with edits.impose(unet, kept, rule(given, factors)) as used:
        made = module(hidden, states)
    assert made[0] == plain[0]  # the unconditional half
    assert float(made[1]) == pytest.approx(expected, abs=1e-6)
    assert (used is None) is (given is None and factors is None)
    assert hooks_of(unet) == 0


def test_the_residual_and_the_factor_of_a_module_are_its_own() -> None:
    module, unet = toy_attention(residual_connection=True, rescale_output_factor=2.0)
    with edits.impose(unet, {}, rule(None, [1, 2])):
        made = module(torch.full((1, 1, 1), 1.0), torch.tensor([[[0.0], [1.0]]]))
    assert float(made) == pytest.approx((2 * OWN[1] + 1) / 2, abs=1e-6)


def test_without_a_factor_that_counts_the_output_is_the_modules_own(model: ToyDiffusion) -> None:
    """What is formed a second time is what the module computes, to rounding."""
    latents, states = torch.randn(2, 4, 16, 16), model.encode_prompts(["", COW])
    with torch.no_grad():
        plain = model.unet(latents, 100, encoder_hidden_states=states.states).sample
        with edits.impose(model.unet, {}, edits.Rule(None, torch.zeros(16, 1), torch.ones(16, 1))):
            formed = model.unet(latents, 100, encoder_hidden_states=states.states).sample
    assert not torch.equal(formed, plain)
    torch.testing.assert_close(formed, plain, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("scheduler", ["ddim", "pndm"])
def test_nothing_kept_and_the_same_prompt_kept_are_an_ordinary_run_to_the_bit(
    model: ToyDiffusion, scheduler: str
) -> None:
    plain = {prompt: run(model, prompt, scheduler=scheduler) for prompt in (HORSE, COW)}
    assert not torch.equal(plain[HORSE], plain[COW])
    assert torch.equal(run(model, COW, Edit(HORSE, 0, 0), scheduler=scheduler), plain[COW])
    assert torch.equal(run(model, HORSE, Edit(HORSE, 1, 1), scheduler=scheduler), plain[HORSE])
    assert not torch.equal(run(model, COW, Edit(HORSE, 1, 0), scheduler=scheduler), plain[COW])
    assert not torch.equal(run(model, COW, Edit(HORSE, 0, 1), scheduler=scheduler), plain[COW])


def test_the_sources_run_is_an_ordinary_one_to_the_bit(model: ToyDiffusion) -> None:
    latents = trajectories.first_latents(model, 3, 128, 128)
    following = edits.follow(model, Edit(HORSE, 1, 1), COW, latents, OPTIONS)
    seen = []
    source = following._source
    following._source = (seen.append(step) or step for step in source)  # type: ignore[func-returns-value]
    for _ in trajectories.denoise(model, latents, [COW], **OPTIONS):
        with following.step():
            pass
    assert torch.equal(seen[-1].denoised, run(model, HORSE))


def test_maps_are_recorded_as_they_were_used(model: ToyDiffusion) -> None:
    """Of a swap of 5 steps, 80% kept: the source's maps in four steps, mapped; its own in the fifth."""
    source, own = Recording(), Recording()
    run(model, HORSE, into=source)
    run(model, COW, Edit(HORSE, 0.8, 1), into=own)
    given = edits.token_map(model.tokenize(HORSE), model.tokenize(COW))
    for layer, maps in own.stacked().items():
        expected = np.einsum("rshw,st->rthw", source.stacked()[layer].astype(np.float32), given)
        old = [place for place in range(16) if given[:, place].any()]
        assert np.allclose(maps[:4, old], expected[:4][:, old], atol=4e-3)
        assert not np.allclose(maps[4, 2], expected[4, 2], atol=4e-3)
    twice, once = Recording(), Recording()
    run(model, HORSE, into=once, steps=1)
    run(model, HORSE, Edit(HORSE, 1, 1, "horse: 2"), into=twice, steps=1)
    layer = once.layers[0]  # before which nothing weighs
    assert np.allclose(twice.stacked()[layer][0, 2], 2 * once.stacked()[layer][0, 2], atol=2e-3)
    assert np.allclose(twice.stacked()[layer][0, 1], once.stacked()[layer][0, 1], atol=2e-3)


def test_self_attention_is_kept_where_it_is_coarse(model: ToyDiffusion) -> None:
    latents, states = torch.randn(2, 4, 16, 16), model.encode_prompts(["", COW])
    with torch.no_grad(), edits.keep(model.unet, False, True, 256) as kept:
        model.unet(latents, 100, encoder_hidden_states=states.states)
    assert {query.shape[1] for query, _ in kept.values()} == {16, 4}
    assert all(len(query) == len(key) == 1 for query, key in kept.values())
    assert all(layer.endswith("attn1") for layer in kept)


def test_several_pictures_follow_at_once_as_each_alone(model: ToyDiffusion) -> None:
    edit = Edit(HORSE, 0.8, 0.4, "cow: 2")
    both = run(model, COW, edit, seeds=2, guidance_scale=1.0)
    torch.testing.assert_close(both[:1], run(model, COW, edit, guidance_scale=1.0), atol=1e-4, rtol=1e-3)


def test_hooks_are_gone_after_success_and_after_a_crash(model: ToyDiffusion) -> None:
    following = edits.follow(
        model, Edit(HORSE, weights="cow: 2"), COW, trajectories.first_latents(model, 3, 128, 128), OPTIONS
    )
    before = hooks_of(model.unet)
    with following.step():
        assert hooks_of(model.unet) > before
    assert hooks_of(model.unet) == before
    with pytest.raises(ZeroDivisionError), following.step():
        raise ZeroDivisionError
    assert hooks_of(model.unet) == before


def test_fused_projections_are_refused() -> None:
    model = ToyDiffusion()
    model.unet.fuse_qkv_projections()
    for edit in (Edit(HORSE), Edit(HORSE, 0, 0, "cow: 2")):
        with pytest.raises(RecordingError, match="unfuse_qkv_projections"):
            run(model, COW, edit)
    assert hooks_of(model.unet) == 0
    assert recorders.cross_attention_layers(model.unet)
