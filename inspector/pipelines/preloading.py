"""Preloading: the embedded models are put where they run before anybody asks for them."""

from inspector.models import load_clip, load_diffusion


def preload() -> None:
    """Load the two embedded models onto their device.

    On a ZeroGPU host: before the page is launched, in the thread that imported the pipelines. Only there does the host
    take note of weights that go to a GPU which the page itself does not have, and hands them to each process that gets
    one. Elsewhere it is a warm-up, and may run in any thread.
    Raises ModelError when one of them cannot be had.
    """
    load_diffusion()
    load_clip()  # last, so that with INSPECTOR_MODELS=1 the first tab's is the one that stays
