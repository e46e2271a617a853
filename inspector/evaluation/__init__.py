"""The pipelines and models measured on drawn scenes with exact masks, beside their baselines."""
