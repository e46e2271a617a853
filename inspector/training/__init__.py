"""Training of the embedded models on drawn scenes: images and captions only, never masks."""
