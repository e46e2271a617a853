"""One adapter per family of diffusion models, each satisfying `protocols.DiffusionModel`."""
