"""Train the UNet of scenes-diffusion-plain as Stable Diffusion's was: by noise prediction and nothing else.

Latents, prompts, weighting and pictures are those of `training.diffusion`; nothing is aligned with a CLIP, no word is
given a place. Everything but the UNet is scenes-diffusion's, frozen, and borrowed from it where both lie side by side.

Captions are written beforehand and latents encoded once, so that a GPU does nothing but steps: in bfloat16, channels
last, from latents that stay on it. The cpu preset goes on from the shipped weights at a low rate (`--resume`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inspector.models.borrowing import place_of
from inspector.models.diffusion import SCENES_UNET, build_scheduler, build_unet, choose_attention
from inspector.models.parts import open_autoencoder, open_text_encoder, open_unet, save_unet
from inspector.training.autoencoder import write_pairs
from inspector.training.captions import prepared_captions
from inspector.training.cards import Rows, adopt_written, write_card
from inspector.training.data import scene_store
from inspector.training.diffusion import (
    SIZE,
    TextStates,
    encoder_key,
    latent_encoder,
    min_snr,
    noised,
    sample,
    shipped_or_new,
    stratified,
)
from inspector.training.encoded import EncodedPictures
from inspector.training.loop import Run, Schedule, half
from inspector.training.probes import attention_localisation

PRESETS: dict[str, dict] = {
    "cpu": {
        "scenes": 12_000,
        "schedule": Schedule(
            steps=40_000, learning_rate=1e-4, warmup=300, batch=16, average=0.9995, floor=0.03, probe_every=2000
        ),
    },
    # What was shipped first took 3,202 steps in two slices; the second began its own cosine at about step 1,750.
    "gpu": {
        "scenes": 80_000,
        "schedule": Schedule(
            steps=3_202,
            learning_rate=1.2e-3,
            warmup=300,
            batch=256,
            average=0.9995,
            floor=0.03,
            again=(1_750, 1.0e-3),
            probe_every=1000,
            slice_minutes=8,
        ),
    },
}
NAME = "scenes-diffusion-plain"


def train(preset: str = "cpu", resume: bool = False, runs: Path = Path("runs"), out: Path | None = None) -> bool:
    """Train the UNet and write the pipeline to `out`/scenes-diffusion-plain; True when the last step is done.

    scenes-diffusion, and with resume but no checkpoint the UNet to go on from, are read from `out` where they are
    there, else from the shipped ones.
    """
    options = PRESETS[preset]
    schedule: Schedule = options["schedule"]
    out = out or Path(runs) / "models"
    frozen = shipped_or_new(out, "scenes-diffusion")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    vae = open_autoencoder(frozen).to(device).eval()
    text = TextStates(open_text_encoder(frozen), place_of(frozen, "tokenizer"), device)
    store = scene_store(runs, options["scenes"], SIZE)
    captions = prepared_captions(store, len(store), place_of(frozen, "tokenizer"))
    torch.manual_seed(0)
    unet = build_unet(SCENES_UNET).to(device)
    if device.type == "cuda":
        unet = unet.to(memory_format=torch.channels_last)
    choose_attention(unet, fused=True)
    run = Run("diffusion-plain", unet, schedule, Path(runs) / "diffusion-plain", resume)
    before: Rows = {}
    if resume:
        source = shipped_or_new(out, NAME)
        before = adopt_written(run, source, "unet", preset, lambda folder: open_unet(folder).state_dict())
    file = store.folder / f"latents-{SIZE}-{encoder_key(vae)}.npy"
    shape = (vae.config.latent_channels, SIZE // 8, SIZE // 8)
    latents = EncodedPictures(store.images, latent_encoder(vae, SIZE, device), file, shape, device)
    if device.type == "cuda":
        latents.keep()
    alphas = build_scheduler().alphas_cumprod.to(device)

    def loss(step: int, rng: np.random.Generator) -> tuple[torch.Tensor, Mapping[str, float]]:
        unet.train()
        rows = np.sort(rng.choice(len(store), schedule.batch, replace=False))
        clean = latents.take(rows)
        ids = captions[rows, rng.integers(captions.shape[1], size=len(rows))]
        states, _ = text.treat(torch.from_numpy(ids).long().to(device), rng)
        return noise_loss(unet, clean, states, stratified(rng, schedule.batch, len(alphas)).to(device), alphas)

    def probe() -> Mapping[str, float]:
        images = sample(unet, vae, text, alphas, SIZE // 8)
        write_pairs(run.folder / f"samples-{run.step:06d}.png", images[:4], images[4:])
        save_unet(run.folder / "probe", unet, frozen)
        return attention_localisation(run.folder / "probe")

    done = run.train(loss, probe)
    with run.averaged():
        save_unet(out / NAME, unet, frozen)
    write_card(out / NAME, "unet", preset, run, unet, before)
    return done


def noise_loss(
    unet: Any, clean: torch.Tensor, states: torch.Tensor, timesteps: torch.Tensor, alphas: torch.Tensor
) -> tuple[torch.Tensor, Mapping[str, float]]:
    """Min-SNR-weighted squared error of the predicted noise.

    clean: scaled latents (b, 4, h, w); states: (b, length, width); timesteps: (b,); alphas: cumulated (1000,).
    """
    noisy, noise = noised(clean, timesteps, alphas)
    with half(clean.device):
        predicted = unet(noisy, timesteps, states).sample
    weighted, error = min_snr(predicted, noise, timesteps, alphas)
    return weighted, {"error": error.item()}
