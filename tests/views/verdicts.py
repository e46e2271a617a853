"""A small verdict, as `evaluate attention --verdict --readme` keeps one."""

from typing import Any

TIMESTEPS = [1, 301]


def band(mean: float, ci95: float | None = 0.1) -> dict[str, Any]:
    return {"mean": mean, "ci95": ci95, "count": 2}


def kept() -> dict[str, Any]:
    """AP of one noise .5 and .4 at t = 1 and 301; of two words "horse" is nearest at t = 1, "grass" at t = 301."""
    return {
        "model": "scenes-diffusion",
        "timesteps": TIMESTEPS,
        "seeds": 3,
        "steps": 4,
        "inversion_steps": 5,
        "guidance_scale": 7.5,
        "given": {
            "count": 2,
            "curves": [
                {"arm": "noise once", "timestep": 1, "layer": "mean", "ap": band(0.5), "iou": band(0.3)},
                {"arm": "noise once", "timestep": 301, "layer": "mean", "ap": band(0.4, None), "iou": band(0.2)},
                {"arm": "mean of seeds", "timestep": 301, "layer": "mean", "ap": band(0.45)},
                {"arm": "noise once", "timestep": 1, "layer": "resolution 16", "ap": band(0.6)},
            ],
            "samples": {
                "layer": "mean",
                "words": ["horse", "grass"],
                "scenes": [500_022, 500_022],
                "seeds": [640, 640],
                "captions": {"500022": "a horse on the grass."},
                "rows": [
                    {"arm": "noise once", "timestep": 1, "repeat": 0, "ap": [0.52, 0.9]},
                    {"arm": "noise once", "timestep": 1, "repeat": 1, "ap": [0.9, 0.5]},
                    {"arm": "noise once", "timestep": 301, "repeat": 0, "ap": [float("nan"), 0.8]},
                    {"arm": "mean of seeds", "timestep": 301, "repeat": None, "ap": [0.45, None]},
                ],
            },
        },
        "generated": {
            "count": 1,
            "curves": [
                {"arm": "inversion", "timestep": 301, "layer": "mean", "correlation": band(0.9)},
                {"arm": "inversion", "timestep": 1, "layer": "mean", "correlation": band(1.0), "entropy": band(0.8)},
                {"arm": "noise once", "timestep": 1, "layer": "mean", "correlation": {"mean": None, "count": 0}},
            ],
            "samples": {
                "layer": "mean",
                "words": ["horse"],
                "scenes": [500_022],
                "seeds": [640],
                "captions": {"500022": "a horse on the grass."},
                "rows": [{"arm": "inversion", "timestep": 1, "repeat": None, "correlation": [1.0]}],
            },
        },
    }
