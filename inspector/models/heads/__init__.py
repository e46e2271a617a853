"""Trained segmentation heads on frozen models: their catalogue, modules and files."""
