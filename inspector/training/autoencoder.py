"""Train the autoencoder of scenes-diffusion on drawn scenes.

Reconstruction is absolute plus squared error, with half weight on horizontal and vertical differences so that
edges stay sharp; a light Kullback-Leibler term keeps the latents near a unit normal (Rombach et al. 2022,
appendix G, without the adversarial term: drawn scenes have little fine texture to hallucinate). It learns on
crops and on reduced pictures of 128 px, where a step costs a quarter.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from inspector import world
from inspector.models.diffusion import SCENES_AUTOENCODER, build_autoencoder
from inspector.models.parts import open_autoencoder, save_autoencoder
from inspector.training.cards import write_card, written_run
from inspector.training.data import SceneStore, scene_store
from inspector.training.loop import Run, Schedule, half

PRESETS: dict[str, dict] = {
    "cpu": {
        "scenes": 40_000,
        "encoder_steps": 5_500,  # then only the decoder learns, so that the UNet can start on the latents
        "schedule": Schedule(steps=9_000, learning_rate=1e-3, batch=4, average=0.998, weight_decay=0.0),
    },
    "gpu": {
        "scenes": 100_000,
        "encoder_steps": 15_000,
        "schedule": Schedule(
            steps=30_000, learning_rate=5e-4, batch=32, average=0.999, weight_decay=0.0, slice_minutes=8
        ),
    },
}
SIZE = 256  # of the stored pictures
CROP = 128
ENCODER = ("encoder", "quant_conv")
KL_WEIGHT = 1e-4  # per latent value
SCALING_SCENES = 256  # scenes the latents' deviation is measured on
PROBE_SEEDS = range(500_000, 500_016)


def train(preset: str = "cpu", resume: bool = False, runs: Path = Path("runs"), out: Path | None = None) -> bool:
    """Train the autoencoder and write it to `out`/scenes-diffusion/vae; True when the last step is done."""
    options = PRESETS[preset]
    schedule: Schedule = options["schedule"]
    out = out or Path(runs) / "models"
    store = scene_store(runs, options["scenes"], SIZE)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    model = build_autoencoder(SCENES_AUTOENCODER).to(device)
    run = Run("autoencoder", model, schedule, Path(runs) / "autoencoder", resume)
    written = out / "scenes-diffusion"
    step, seconds = written_run(written, "autoencoder")
    if resume and run.step == 0 and step:
        run.adopt(open_autoencoder(written).state_dict(), step, seconds)
    held_out = np.stack([world.scene(seed, 256).image for seed in PROBE_SEEDS])

    def loss(step: int, rng: np.random.Generator) -> tuple[torch.Tensor, Mapping[str, float]]:
        model.train()
        if step >= options["encoder_steps"]:
            run.freeze(ENCODER)
        rows = np.sort(rng.choice(len(store), schedule.batch, replace=False))
        pixels = crops(to_pixels(store.images[rows]), rng).to(device)
        with half(device):
            posterior = model.encode(pixels).latent_dist
            drawn = model.decode(posterior.sample()).sample
        error, edges = reconstruction(drawn.float(), pixels)
        divergence = posterior.kl().float().mean() / posterior.mean[0].numel()
        total = error + 0.5 * edges + KL_WEIGHT * divergence
        return total, {"error": error.item(), "edges": edges.item(), "kl": divergence.item()}

    def probe() -> Mapping[str, float]:
        pixels = to_pixels(held_out).to(device)
        drawn = torch.cat([model.decode(model.encode(part).latent_dist.mode()).sample for part in pixels.split(4)])
        write_pairs(run.folder / f"samples-{run.step:06d}.png", to_images(pixels[:8]), to_images(drawn[:8]))
        return {"psnr": decibels(to_images(drawn), held_out)}

    done = run.train(loss, probe)
    with run.averaged():
        measure_scaling(model, store, device)
        save_autoencoder(model, written)
    write_card(written, "autoencoder", preset, run, model)
    return done


def crops(pixels: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """(n, 3, SIZE, SIZE) -> (n, 3, CROP, CROP): one crop for all, or whole pictures reduced, half of them mirrored.

    Reduced pictures are what the UNet's coarse steps learn on.
    """
    if rng.random() < 0.5:
        top, left = rng.integers(0, SIZE - CROP + 1, 2)
        pixels = pixels[..., top : top + CROP, left : left + CROP]
    else:
        pixels = F.interpolate(pixels, size=(CROP, CROP), mode="area")
    return pixels.flip(-1) if rng.random() < 0.5 else pixels


def reconstruction(drawn: torch.Tensor, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Absolute plus four times squared error of (n, 3, h, w), and the absolute error of neighbours' differences."""
    difference = drawn - pixels
    error = difference.abs().mean() + 4 * difference.square().mean()
    edges = difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()
    return error, edges


@torch.no_grad()
def measure_scaling(model: Any, store: SceneStore, device: torch.device) -> None:
    """Set scaling_factor to one over the deviation of the posterior's mode, as Stable Diffusion's 0.18215 was."""
    rows = np.linspace(0, len(store) - 1, SCALING_SCENES).astype(int)
    latents = torch.cat(
        [
            model.encode(to_pixels(store.images[part]).to(device)).latent_dist.mode()
            for part in np.array_split(rows, SCALING_SCENES // 8)
        ]
    )
    model.register_to_config(scaling_factor=round(1 / float(latents.std()), 5))


def decibels(drawn: np.ndarray, images: np.ndarray) -> float:
    """Mean peak signal-to-noise ratio over uint8 pictures (n, h, w, 3), in dB."""
    error = np.square(drawn.astype(np.float64) - images).mean((1, 2, 3))
    return float(np.mean(10 * np.log10(255**2 / np.maximum(error, 1e-6))))


def to_pixels(images: np.ndarray) -> torch.Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 127.5 - 1


def to_images(pixels: torch.Tensor) -> np.ndarray:
    """(n, 3, h, w) in [-1, 1] -> uint8 (n, h, w, 3)."""
    return ((pixels.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def write_pairs(path: Path, above: np.ndarray, below: np.ndarray) -> None:
    """A PNG of two rows of pictures, originals above."""
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in (above, below)], axis=0)
    cv2.imwrite(str(path), sheet[..., ::-1])
