"""Self-attention as the model computes it, and its rows without the rest."""

import pytest
import torch

from inspector.errors import NotFiniteError, RecordingError
from inspector.trace import self_attention
from inspector.trace.self_attention import record_self
from tests.toys import ToyDiffusion


@pytest.fixture(scope="module")
def model() -> ToyDiffusion:
    return ToyDiffusion()


def run(model: ToyDiffusion, images: int = 1) -> torch.Tensor:
    latents = torch.randn(images, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    states = model.encode_prompts([""]).expand(images)
    with torch.no_grad():
        return model.unet(latents, 100, encoder_hidden_states=states.states).sample


def test_rows_are_the_softmax_of_the_layer_s_own_hidden_states(model):
    seen = {}
    name = "up_blocks.3.attentions.0.transformer_blocks.0.attn1"
    module = model.unet.get_submodule(name)
    handle = module.register_forward_pre_hook(lambda _, args: seen.update(hidden=args[0]))
    with record_self(model.unet) as layers:
        run(model, 2)
    handle.remove()
    layer = next(one for one in layers if one.layer == name)
    assert layer.grid == (16, 16)
    by_head = [
        item.unflatten(-1, (module.heads, -1)) for item in (module.to_q(seen["hidden"]), module.to_k(seen["hidden"]))
    ]
    scores = torch.einsum("qhc,khc->hqk", by_head[0][1], by_head[1][1]) * module.scale
    expected = scores.softmax(-1).mean(0)
    torch.testing.assert_close(layer.rows(slice(10, 20), image=1), expected[10:20], atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(layer.rows(slice(None)).sum(1), torch.ones(256))


def test_all_layers_in_order_or_the_finest_alone_and_the_output_stays(model):
    plain = run(model)
    with record_self(model.unet) as layers:
        assert torch.equal(run(model), plain)
    assert [one.layer for one in layers] == list(self_attention.self_attention_layers(model.unet))
    assert {one.grid[0] for one in layers} == {16, 8, 4, 2}
    assert self_attention.largest(layers) == (16, 16)
    with record_self(model.unet, finest=True) as finest:
        run(model)
    assert [one.layer for one in finest] == [one.layer for one in layers if one.grid == (16, 16)]
    assert not any(module._forward_hooks for module in model.unet.modules())


def test_what_is_no_number_is_named(model):
    weight = model.unet.get_parameter("mid_block.attentions.0.transformer_blocks.0.attn1.to_k.weight")
    kept = weight.clone()
    weight[0] = float("nan")
    with (
        pytest.raises(NotFiniteError, match=r"toy gives .* layer mid_block\.attentions"),
        record_self(model.unet, "toy"),
    ):
        run(model)
    weight.copy_(kept)


def test_a_model_without_it_is_refused():
    with pytest.raises(RecordingError, match="no self-attention"):
        self_attention.self_attention_layers(torch.nn.Linear(1, 1))
