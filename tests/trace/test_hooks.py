"""Capturing features: what is kept, when the forward pass stops, and that no hook is left."""

from typing import Any

import pytest
import torch
from torch import nn

from inspector.errors import RecordingError
from inspector.trace.hooks import capture


class Chain(nn.Module):
    """x -> 2x -> 2x + 1 in place -> 10 (2x + 1); counts how often the last part ran."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.tenfold = Times(2), Times(10)
        self.unused = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        (middle,) = self.twice(x=x)
        middle.add_(1)
        return self.tenfold(middle)[0]


class Times(nn.Module):
    """Multiplies, and returns a tuple, as diffusers' transformer blocks do."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor, self.runs = factor, 0

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        self.runs += 1
        return (x * self.factor,)


def hooks_of(module: nn.Module) -> int:
    return sum(len(item._forward_hooks) + len(item._forward_pre_hooks) for item in module.modules())


def test_outputs_and_inputs_by_hand_whatever_happens_to_them_later() -> None:
    chain, x = Chain(), torch.tensor([3.0], requires_grad=True)
    with capture(chain, ["twice", "tenfold"]) as outputs:
        chain(x)
    with capture(chain, ["twice", "tenfold"], inputs=True) as inputs:
        chain(x)
    assert {name: value.item() for name, value in outputs.items()} == {"twice": 6, "tenfold": 70}
    assert {name: value.item() for name, value in inputs.items()} == {"twice": 3, "tenfold": 7}
    assert not outputs["twice"].requires_grad


@pytest.mark.parametrize(("stop", "runs"), [(True, 0), (False, 1)])
def test_the_forward_pass_stops_after_the_last_wanted_module(stop: bool, runs: int) -> None:
    chain = Chain()
    with capture(chain, ["twice"], stop_after_last=stop) as captured:
        chain(torch.ones(1))
    assert chain.tenfold.runs == runs
    assert captured["twice"].item() == 2
    assert hooks_of(chain) == 0


def test_stopping_early_leaves_the_features_bit_identical() -> None:
    chain, x = Chain(), torch.randn(5)
    with capture(chain, ["twice"]) as early:
        chain(x)
    with capture(chain, ["twice"], stop_after_last=False) as full:
        chain(x)
    assert torch.equal(early["twice"], full["twice"])


def test_hooks_are_gone_after_a_crash() -> None:
    chain = Chain()
    with pytest.raises(ZeroDivisionError), capture(chain, ["tenfold"]):
        raise ZeroDivisionError
    assert hooks_of(chain) == 0


def test_an_inner_capture_ends_itself_and_passes_an_outer_ones_end_on() -> None:
    chain, after = Chain(), []
    with capture(chain, ["tenfold"]) as outer:
        with capture(chain, ["twice"]) as inner:
            chain(torch.ones(1))
        after.append("inner")
        with capture(chain, ["unused"], stop_after_last=False):
            chain(torch.ones(1))  # ends the outer one, through the inner one
        after.append("outer")
    assert after == ["inner"]
    assert (inner["twice"].item(), outer["tenfold"].item()) == (2, 30)


def test_unknown_and_unused_layers_are_named() -> None:
    chain = Chain()
    with pytest.raises(RecordingError, match="no layer 'twiec'; use one such as twice"), capture(chain, ["twiec"]):
        pass
    with pytest.raises(RecordingError, match="Nothing ran through unused"), capture(chain, ["twice", "unused"]):
        chain(torch.ones(1))
    assert hooks_of(chain) == 0


def test_a_layer_without_tensors_is_refused() -> None:
    class Silent(nn.Module):
        def forward(self, x: Any) -> str:
            return "nothing"

    model = nn.Sequential(Silent())
    with pytest.raises(RecordingError, match="'0' passes no tensor on"), capture(model, ["0"]):
        model(torch.ones(1))
