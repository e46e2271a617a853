"""Dense Inspector: look at what CLIP and Stable Diffusion compute, and measure it against masks."""

__version__ = "0.1.0"
