"""Models by name: the catalog, the loaders, the adapters that analyses ask, and the builders of training."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspector.models.loading import load_clip, load_diffusion, load_head, load_promptable, load_segmenter

__all__ = ["load_clip", "load_diffusion", "load_head", "load_promptable", "load_segmenter"]


def __getattr__(name: str) -> Any:
    """Import the loaders, and torch with them, when first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from inspector.models import loading

    return getattr(loading, name)
