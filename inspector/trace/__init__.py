"""What a model computes, recorded while it runs: hooks, cross-attention, denoising runs."""
