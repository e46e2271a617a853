"""Forward hooks by module name that are gone when the `with` ends, after success and after a crash."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from typing import Any

import torch
from torch import nn

from inspector.errors import RecordingError


class _Finished(Exception):
    """Not an error: everything wanted was captured; carries the dictionary of the `capture` that raised it."""


@contextmanager
def capture(
    model: nn.Module, names: Sequence[str], inputs: bool = False, stop_after_last: bool = True, graph: bool = False
) -> Iterator[dict[str, torch.Tensor]]:
    """Capture what the named modules return, or take in, while `model` runs inside the `with`.

        with capture(unet, ["up_blocks.2.attentions.0"]) as captured:
            unet(latents, timestep, states)
        captured["up_blocks.2.attentions.0"]  # (n, channel, h, w)

    names: as in `model.named_modules()`. inputs: the module's first input instead of its first output.
    stop_after_last: leave the `with` as soon as every module has run once, without the rest of the forward pass;
        lines of the block after that call are skipped. If False, a module that runs again overwrites.
    graph: keep what a gradient needs, for training what lies before the modules, instead of detaching.
    Yields a dictionary name -> tensor, copies on the model's device, in order of running.
    Raises RecordingError for an unknown name, and at the end when a module has not run.
    """
    captured: dict[str, torch.Tensor] = {}

    def keep(name: str, value: Any) -> None:
        tensor = _first_tensor(name, value)
        captured[name] = (tensor if graph else tensor.detach()).clone()  # a later in-place operation must not reach it
        if stop_after_last and len(captured) == len(set(names)):
            raise _Finished(captured)

    with ExitStack() as stack:
        for name, module in find_modules(model, names).items():
            stack.enter_context(_hook(module, name, keep, inputs))
        try:
            yield captured
        except _Finished as signal:
            if signal.args[0] is not captured:
                raise
    missing = [name for name in names if name not in captured]
    if missing:
        raise RecordingError(f"Nothing ran through {', '.join(missing)}; choose layers that this model uses.")


def find_modules(model: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
    """name -> module; RecordingError for an unknown name, with the nearest valid ones."""
    known = dict(model.named_modules())
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=3) or list(known)[1:4]
            raise RecordingError(f"The model has no layer {name!r}; use one such as {', '.join(near)}.")
    return {name: known[name] for name in names}


def _hook(module: nn.Module, name: str, keep: Any, inputs: bool) -> Any:
    """A removable handle that passes the module's inputs or output on to `keep`."""
    if inputs:

        def before(_: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
            keep(name, (*args, *kwargs.values()))

        return module.register_forward_pre_hook(before, with_kwargs=True)
    return module.register_forward_hook(lambda _module, _args, output: keep(name, output))


def _first_tensor(name: str, value: Any) -> torch.Tensor:
    """The tensor itself, or the first one in a tuple or a mapping, such as diffusers' outputs."""
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, (tuple, list)) else [value]
    for item in items:
        if isinstance(item, torch.Tensor):
            return item
    raise RecordingError(f"Layer {name!r} passes no tensor on; choose another layer.")
