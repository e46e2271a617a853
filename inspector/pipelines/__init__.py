"""Request in, result out: the only entry points that run a model.

A ZeroGPU host's own module comes before all else: it refuses to be imported once anything has asked torch for CUDA,
which diffusers does when it is imported.
"""

from contextlib import suppress

with suppress(ImportError):
    import spaces  # noqa: F401
