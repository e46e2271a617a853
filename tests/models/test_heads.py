"""Heads' modules on toys: what is frozen stays what it is, and what a mask hides is hidden."""

from pathlib import Path

import pytest
import torch

from inspector.errors import ChoiceError, ModelFilesError
from inspector.models.clip_masks import block_inputs, steered
from inspector.models.heads.build import Surroundings, build_head
from inspector.models.heads.captioner import ImplicitCaptioner
from inspector.models.heads.class_decoder import ClassDecoder, TextAdapter
from inspector.models.heads.files import open_head, save_head
from inspector.models.heads.mask_decoder import MaskDecoder, PooledMaskEmbedding, TextClassifier
from inspector.models.heads.pyramid import Pyramid, StepMixture
from inspector.models.heads.specs import HEADS, UNSEEN, head_spec
from inspector.world import CLASSES
from tests.toy_clip import ToyClip

TAPS = {"vae.encoder.a": (4, 4), "vae.decoder.b": (4, 8), "unet.c": (6, 16), "unet.d": (6, 64)}
AROUND = Surroundings(
    taps=TAPS, clip_layers=3, clip_width=24, clip_heads=2, clip_embed=12, clip_side=48, states=(5, 8), time=16
)  # fmt: skip


def features(count: int = 1, side: int = 128) -> dict[str, torch.Tensor]:
    """Random ones of TAPS."""
    torch.manual_seed(1)
    return {
        name: torch.randn(count, channels, side // stride, side // stride) for name, (channels, stride) in TAPS.items()
    }


def test_a_captioner_begins_at_the_empty_prompt_and_leaves_it_as_it_learns() -> None:
    captioner, states = ImplicitCaptioner(3, (5, 8), 16), torch.randn(1, 5, 8)
    context, shift = captioner(torch.randn(2, 3), states)
    assert torch.equal(context, states.expand(2, -1, -1))
    assert not shift.any()
    captioner.alpha_cond.data.fill_(100)  # tanh of it is 1
    captioner.alpha_cond_time_embed.data.fill_(100)
    embedding = torch.randn(2, 3)
    context, shift = captioner(embedding, states)
    assert torch.allclose(context - states, captioner.clip_project(embedding), atol=1e-6)  # the sum is rounded
    assert torch.allclose(shift, captioner.time_embed_project(embedding)[:, 0])


def test_the_time_branch_alone_leaves_the_text_alone() -> None:
    captioner, states = ImplicitCaptioner(3, (5, 8), 16, text=False), torch.randn(1, 5, 8)
    captioner.alpha_cond_time_embed.data.fill_(1)
    context, shift = captioner(torch.randn(2, 3), states)
    assert torch.equal(context, states.expand(2, -1, -1))
    assert shift.any()
    assert "clip_project.linear.weight" not in captioner.state_dict()


def test_a_captioners_names_are_those_of_the_published_checkpoint() -> None:
    names = set(ImplicitCaptioner(3, (5, 8), 16).state_dict())
    projections = {f"{name}.{part}" for name in ("clip_project", "time_embed_project") for part in
                   ("linear.weight", "linear.bias", "positional_embedding")}  # fmt: skip
    assert names == projections | {"alpha_cond", "alpha_cond_time_embed"}


def test_a_pyramid_has_a_map_for_every_level() -> None:
    found = Pyramid(TAPS, 8)(features(), (64, 64))
    assert [tuple(item.shape[1:]) for item in found] == [(8, 16, 16), (8, 8, 8), (8, 4, 4), (8, 2, 2)]
    assert [tuple(item.shape[2:]) for item in Pyramid(TAPS, 8, finest=8)(features(), (64, 64))] == [
        (8, 8),
        (4, 4),
        (2, 2),
    ]


@pytest.mark.parametrize("names", [("vae.encoder.a",), ("unet.c", "unet.d")])
def test_levels_without_a_tap_come_from_their_neighbours(names: tuple[str, ...]) -> None:
    taps = {name: TAPS[name] for name in names}
    found = Pyramid(taps, 8)(features(), (128, 128))
    assert len(found) == 4
    assert all(item.std() > 0 for item in found)


def test_steps_are_mixed_by_weights_that_sum_to_one() -> None:
    mixture = StepMixture(3)
    mixture.logits.data = torch.tensor([0.0, 0.0, torch.inf]).nan_to_num(posinf=50.0)
    values = torch.randn(1, 3, 2, 4, 4)
    assert torch.allclose(mixture(values), values[:, 2])
    assert torch.allclose(StepMixture(3)(values), values.mean(1))


def test_proposals_are_read_at_every_layer() -> None:
    decoder = MaskDecoder(32, queries=5, layers=3, embed=12)
    proposals = decoder([torch.randn(2, 32, side, side) for side in (16, 8, 4, 2)])
    assert [tuple(item.shape) for item in proposals.masks] == [(2, 5, 16, 16)] * 4
    assert [tuple(item.shape) for item in proposals.embeddings] == [(2, 5, 12)] * 4


def test_a_masks_embedding_knows_nothing_of_what_lies_outside_it() -> None:
    embed = PooledMaskEmbedding(8, 8, 4)
    masks = torch.tensor([[[[1.0, -1.0]]]])
    one = torch.randn(1, 8, 1, 2)
    other = one.clone()
    other[..., 1] = 9
    queries = torch.randn(1, 1, 8)
    assert torch.allclose(embed(queries, masks, one), embed(queries, masks, other))
    other[..., 0] = 9
    assert not torch.allclose(embed(queries, masks, one), embed(queries, masks, other))


def test_classes_in_another_order_have_the_same_logits() -> None:
    classifier, text, found = TextClassifier(6, 4), torch.randn(3, 6), torch.randn(1, 2, 4)
    logits, turned = classifier(found, text), classifier(found, text.flip(0))
    assert torch.allclose(logits[..., :3], turned[..., :3].flip(-1))
    assert torch.allclose(logits[..., 3], turned[..., 3])  # the null stays


def entering(toy: ToyClip, first: int) -> list[torch.Tensor]:
    """What enters the toy's blocks from `first` on, of random tokens."""
    torch.manual_seed(2)
    return block_inputs(toy.visual, torch.randn(1, 10, 24, dtype=toy.dtype))[first:]


@pytest.mark.parametrize("first", [0, 1])
def test_an_unbiased_copy_that_sees_the_class_token_becomes_it(first: int) -> None:
    toy = ToyClip()
    tokens = entering(toy, first)
    found = steered(toy.visual, tokens[0], first, torch.zeros(1, 1, 4, 9, dtype=toy.dtype), sees_class=True)
    wanted = toy.visual.ln_post(tokens[-1])[:, :1] @ toy.visual.proj
    assert torch.allclose(found, wanted.expand(-1, 4, -1))


def test_a_copy_that_sees_itself_instead_of_the_class_token_becomes_it_too() -> None:
    toy = ToyClip()
    tokens = entering(toy, 0)
    found = steered(toy.visual, tokens[0], 0, torch.zeros(1, 1, 2, 9, dtype=toy.dtype), sees_class=False)
    assert torch.allclose(found, (toy.visual.ln_post(tokens[-1])[:, :1] @ toy.visual.proj).expand(-1, 2, -1))


def test_a_patch_outside_the_mask_is_not_seen() -> None:
    toy = ToyClip()
    tokens = entering(toy, 2)[0]  # one block is left, so that patches cannot tell each other
    bias = torch.zeros(1, 1, 1, 9, dtype=toy.dtype)
    bias[..., 3] = -torch.inf
    changed = tokens.clone()
    changed[:, 1 + 3] = torch.randn(24)  # a constant would be taken away by the norm
    found = [steered(toy.visual, item, 2, bias, sees_class=True) for item in (tokens, changed)]
    assert torch.allclose(*found)
    changed[:, 1 + 4] = torch.randn(24)
    assert not torch.allclose(found[0], steered(toy.visual, changed, 2, bias, sees_class=True))


def test_biases_are_per_head() -> None:
    toy = ToyClip()
    tokens = entering(toy, 2)[0]
    bias = torch.zeros(1, 2, 1, 9, dtype=toy.dtype)
    bias[:, 1, :, 5] = 3.0
    turned = bias.flip(1)
    assert not torch.allclose(*(steered(toy.visual, tokens, 2, item, sees_class=False) for item in (bias, turned)))


def test_an_adapter_begins_near_the_text_encoders_tokens() -> None:
    adapter, tokens = TextAdapter(8), torch.randn(2, 3, 8)
    assert torch.allclose(adapter(tokens), tokens, atol=1e-3)
    assert not torch.equal(adapter(tokens), tokens)  # gamma begins above 0, so that the MLP learns from the first step
    adapter.gamma.data.fill_(2.0)
    assert torch.allclose(adapter(tokens), tokens + 2 * adapter.fc(tokens))


def decoded(attention: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    """Logits of two classes or more by one decoder with fixed weights."""
    torch.manual_seed(5)
    decoder = ClassDecoder(TAPS, 8, 8, sizes=2, embed=12).eval()
    return decoder(features(), [attention, attention[..., ::2, ::2]], text, (128, 128))


def test_classes_in_another_order_have_the_same_scores() -> None:
    torch.manual_seed(6)
    attention, text = torch.rand(1, 3, 8, 8).softmax(1), torch.randn(3, 12)
    logits = decoded(attention, text)
    assert logits.shape == (1, 3, 16, 16)
    assert torch.allclose(decoded(attention.flip(1), text.flip(0)), logits.flip(1), atol=1e-5)
    assert not torch.allclose(decoded(attention.flip(1), text), logits, atol=1e-3)  # attention counts
    assert not torch.allclose(decoded(attention, text.flip(0)), logits, atol=1e-3)  # and text does


def test_a_class_has_the_same_score_however_many_are_asked_beside_it() -> None:
    torch.manual_seed(6)
    attention, text = torch.rand(1, 2, 8, 8).softmax(1), torch.randn(2, 12)
    shared = torch.cat([attention, attention], 1) / 2  # every class as much above an even share as before
    assert torch.allclose(decoded(shared, text.repeat(2, 1))[:, :2], decoded(attention, text), atol=1e-5)


def test_each_picture_may_be_asked_for_classes_of_its_own() -> None:
    torch.manual_seed(6)
    attention, text = torch.rand(1, 3, 8, 8).softmax(1), torch.randn(3, 12)
    assert torch.allclose(decoded(attention, text[None]), decoded(attention, text))


def test_vpd_reads_the_diffusion_model_once_at_t_1_without_noise() -> None:
    spec = HEADS["vpd"]
    assert (spec.timestep, spec.noise, spec.autoencoder, spec.captioner) == (1, False, False, "")
    assert spec.kinds == ("diffusion", "clip")
    assert spec.dense
    assert [name for name, other in HEADS.items() if other.asks] == ["vpd"]


def test_ovsegs_pattern_has_the_weights_of_the_class_agnostic_head(tmp_path: Path) -> None:
    save_head(build_head(HEADS["maskclip-masks"], AROUND), HEADS["maskclip-masks"], tmp_path)
    one, other = (open_head(HEADS[name], AROUND, tmp_path).state_dict() for name in ("ovseg", "maskclip-masks"))
    assert all(torch.equal(one[name], value) for name, value in other.items())
    assert {name for name, spec in HEADS.items() if spec.weights != name} == {"ovseg"}


@pytest.mark.parametrize("name", ["odise", "odise-no-captioner", "odise-time-alone"])
def test_a_head_is_the_same_after_it_was_kept(name: str, tmp_path: Path) -> None:
    torch.manual_seed(4)
    head = build_head(HEADS[name], AROUND).eval()
    save_head(head, HEADS[name], tmp_path)
    again = open_head(HEADS[name], AROUND, tmp_path)
    first, second = (item(features(), (128, 128)).masks[-1] for item in (head, again))
    assert torch.allclose(first, second, atol=0.05)  # half precision
    assert not any(parameter.requires_grad for parameter in again.parameters())


def test_a_head_of_other_models_is_refused(tmp_path: Path) -> None:
    spec = HEADS["odise-no-captioner"]
    with pytest.raises(ModelFilesError, match="train it by"):
        open_head(spec, AROUND, tmp_path)
    save_head(build_head(spec, AROUND), spec, tmp_path)
    other = Surroundings(**{**vars(AROUND), "taps": {**TAPS, "unet.c": (7, 16)}})
    with pytest.raises(ModelFilesError, match="does not fit its models"):
        open_head(spec, other, tmp_path)


def test_an_unknown_row_names_the_known_ones() -> None:
    with pytest.raises(ChoiceError, match="odise-no-captioner"):
        head_spec("odise2")


def test_the_held_out_classes_are_things_stuff_and_a_part() -> None:
    assert len(UNSEEN) == 5
    assert set(UNSEEN) < set(CLASSES)
