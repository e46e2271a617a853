"""What is kept of a run: maps that wait on a device arrive as those that never left the CPU, and no layer waits."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from inspector.errors import NotFiniteError
from inspector.trace import recorders, recordings
from tests.toys import ToyDiffusion

# Operations that start no kernel on a GPU.
FREE = (
    "view",
    "_unsafe_view",
    "slice",
    "transpose",
    "expand",
    "detach",
    "split",
    "t.default",
    "unsqueeze",
    "select",
    "lift_fresh",
)


@pytest.fixture(scope="module")
def model() -> ToyDiffusion:
    return ToyDiffusion()


@torch.no_grad()
def call(model: ToyDiffusion, timestep: int = 5, seed: int = 0) -> None:
    generator = torch.Generator().manual_seed(seed)
    latents, states = torch.randn(2, 4, 8, 16, generator=generator), torch.randn(2, 16, 12, generator=generator)
    model.unet(latents.to(model.unet.device), timestep, states.to(model.unet.device))


def recorded(model: ToyDiffusion, recording: recordings.Recording, positions: Any, calls: int = 3) -> list[int]:
    """Record some calls, every head too, each by hooks of its own; the bytes that waited after each."""
    waiting = []
    for number in range(calls):
        with recorders.record(model.unet, positions, images=1, heads=True, into=recording):
            call(model, number, number)
        waiting.append(recording.waiting)
    return waiting


@pytest.mark.parametrize("positions", [range(1, 4), [5, 2, 9]])
def test_maps_arrive_as_those_that_never_left(
    model: ToyDiffusion, positions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The CPU stands in for a device: each call sent at its end, two at a time, and all of them when they are read."""
    expected = recordings.Recording()
    assert recorded(model, expected, positions) == [0, 0, 0]
    monkeypatch.setattr(recordings, "is_away", lambda _: True)
    one = sum(maps[0].nbytes for source in (expected.maps, expected.head_maps) for maps in source.values())
    for held, waited in ((0, [0, 0, 0]), (one, [one, 0, one]), (10**9, [one, 2 * one, 3 * one])):
        found = recordings.Recording(held)
        assert recorded(model, found, positions) == waited
        for heads in (False, True):
            there, here = expected.stacked(heads=heads), found.stacked(heads=heads)
            assert list(there) == list(here) == list(recorders.cross_attention_layers(model.unet))
            assert all(np.array_equal(there[layer], here[layer]) for layer in there)
        assert found.waiting == 0


def test_each_layers_maps_are_its_own_softmax(model: ToyDiffusion) -> None:
    """Layers of one shape are formed together; none gets another's map, and images stay apart."""
    seen: dict[str, list[torch.Tensor]] = {}
    modules = {name: model.unet.get_submodule(name) for name in recorders.cross_attention_layers(model.unet)}
    handles = [
        part.register_forward_hook(lambda _m, _a, output, name=name: seen.setdefault(name, []).append(output))
        for name, module in modules.items()
        for part in (module.to_q, module.to_k)
    ]
    recording = recordings.Recording()
    with recorders.record(model.unet, [1, 2], images=2, into=recording):
        call(model)
    for handle in handles:
        handle.remove()
    for layer, module in modules.items():
        mean = recorders.attention_maps(module, *seen[layer], [1, 2]).mean(1)
        assert np.array_equal(recording.maps[layer][0].reshape(mean.shape), mean.half().numpy())


def test_no_layer_waits_for_the_device() -> None:
    """On torch's meta device there are shapes and no values: whoever reads one raises."""
    model = ToyDiffusion()
    model.unet.to("meta")
    recording = recordings.Recording()
    with recorders.record(model.unet, [1, 5], heads=True, into=recording):
        call(model)
    assert recording.timesteps == [5]
    assert recording.waiting > 0


def test_a_call_is_recorded_by_few_operations_and_one_wait(model: ToyDiffusion) -> None:
    """A kernel of a small model takes a GPU longer to start than to run; a call has 700 of its own."""

    class Counted(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            counts[str(function).removeprefix("aten.")] += 1
            return function(*args, **(kwargs or {}))

    def counted(recorded: bool) -> Counter[str]:
        counts.clear()
        with Counted():
            if recorded:
                with recorders.record(model.unet, range(3)):
                    call(model)
            else:
                call(model)
        return Counter(counts)

    counts: Counter[str] = Counter()
    plain = counted(False)
    added = counted(True) - plain
    kernels = {name: count for name, count in added.items() if not name.startswith(FREE)}
    assert kernels.pop("_local_scalar_dense.default") == 1
    assert sum(kernels.values()) <= 32
    assert sum(plain.values()) > 1000


@pytest.mark.parametrize("away", [False, True])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_first_layer_that_is_no_number_is_named(away: bool, value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the forward pass, though layers of one shape are formed together."""
    model = ToyDiffusion()
    monkeypatch.setattr(recordings, "is_away", lambda _: away)
    first, later = (recorders.cross_attention_layers(model.unet)[place] for place in (2, 14))
    with recorders.record(model.unet, [1], model="toy") as recording:
        call(model)
        for layer in (first, later):
            model.unet.get_submodule(layer).to_q.weight.data[0, 0] = value
        with pytest.raises(NotFiniteError, match=f"^toy gives values .* in layer {first} at step 2, t = 7;"):
            call(model, 7)
    assert {len(maps) for maps in recording.maps.values()} == {1}
