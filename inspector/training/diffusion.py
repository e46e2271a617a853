"""Train the UNet of scenes-diffusion on cached latents of drawn scenes and their captions.

Noise prediction with Stable Diffusion's betas, weighted by min-SNR (Hang et al. 2023, gamma 5), one prompt in
ten empty so that guidance works. Half of the prompts keep only their words: the states of the end token and the
padding, which summarise the whole prompt, are replaced by those of the empty prompt, so that the UNet has to
read the words themselves (LOG.md says what that did to the attention maps).

Half of the captions name every visible word. Features are aligned with CLIP's patches, and where the captions' words
get attention with where CLIP sees them (`training.alignment`; LOG.md). The first `coarse_steps` see pictures of
half the side, where a step costs a quarter; `encoded` is how many of the store's scenes are used.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from inspector import world
from inspector.models.checksums import checked_fingerprint, fingerprint
from inspector.models.diffusion import (
    SCENES_UNET,
    build_scheduler,
    build_unet,
    choose_attention,
    convert_text_tower,
    save_diffusion,
)
from inspector.models.parts import open_autoencoder, open_clip_part, open_unet
from inspector.models.tokenizer import open_fast_tokenizer, open_tokenizer
from inspector.settings import ASSETS
from inspector.training.alignment import (
    PLACING_WEIGHT,
    WEIGHT,
    AlignedUnet,
    alignment_loss,
    patch_teacher,
    placing_loss,
    word_places,
)
from inspector.training.autoencoder import to_images, to_pixels, write_pairs
from inspector.training.cards import write_card, written_run
from inspector.training.data import scene_store
from inspector.training.encoded import EncodedPictures
from inspector.training.loop import Run, Schedule, half
from inspector.training.probes import attention_localisation

PRESETS: dict[str, dict] = {
    "cpu": {
        "scenes": 40_000,
        "encoded": 12_000,
        "coarse_steps": 16_000,
        "schedule": Schedule(steps=17_500, learning_rate=1.2e-3, batch=16, average=0.999, probe_every=1000),
    },
    "gpu": {
        "scenes": 100_000,
        "encoded": 100_000,
        "coarse_steps": 20_000,
        "schedule": Schedule(
            steps=60_000, learning_rate=4e-4, batch=128, average=0.9995, probe_every=2000, slice_minutes=8
        ),
    },
}
SIZE = 256
EMPTY_SHARE = 0.1
WORDS_ONLY_SHARE = 0.5
FULL_SHARE = 0.5
SNR_GAMMA = 5.0
SAMPLE_STEPS = 25
SAMPLE_PROMPTS = (
    "a horse on the grass",
    "a red car on the road",
    "a photo of a boat on the sea",
    "a white house and a tree",
    "a dog on the sand",
    "a tall building under a blue sky",
    "a person in the snow",
    "a palm on the sand",
)


def train(preset: str = "cpu", resume: bool = False, runs: Path = Path("runs"), out: Path | None = None) -> bool:
    """Train the UNet and write the pipeline to `out`/scenes-diffusion; True when the last step is done.

    scenes-clip and the autoencoder are read from `out` where they are there, else from the shipped ones.
    """
    options = PRESETS[preset]
    schedule: Schedule = options["schedule"]
    out = out or Path(runs) / "models"
    clip_folder, diffusion_folder = shipped_or_new(out, "scenes-clip"), shipped_or_new(out, "scenes-diffusion/vae")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    clip = open_clip_part(clip_folder)
    vae = open_autoencoder(diffusion_folder.parent).to(device).eval()
    store = scene_store(runs, options["scenes"], SIZE)
    scenes = min(options["encoded"], len(store))
    torch.manual_seed(0)
    model = AlignedUnet(build_unet(SCENES_UNET), clip.text_projection.shape[1]).to(device)
    unet = model.unet
    run = Run("diffusion", model, schedule, Path(runs) / "diffusion", resume)
    written = out / "scenes-diffusion"
    step, seconds = written_run(written, "unet")
    if resume and run.step == 0 and step:
        weights = {f"unet.{name}": value for name, value in open_unet(written).state_dict().items()}
        run.adopt(weights, step, seconds)
    pictures, kept = store.images[:scenes], store.folder / f"encoded-{scenes}"
    kept.mkdir(exist_ok=True)
    latents = {}
    for size in (SIZE // 2, SIZE):
        file = kept / f"latents-{size}-{encoder_key(vae)}.npy"
        shape = (vae.config.latent_channels, size // 8, size // 8)
        latents[size] = EncodedPictures(pictures, latent_encoder(vae, size, device), file, shape, device)
    file = kept / f"patches-{fingerprint(clip_folder)}.npy"
    shape = (clip.text_projection.shape[1], *clip.visual.grid_size)
    patches = EncodedPictures(pictures, patch_teacher(clip, device), file, shape, device)
    text = TextStates(convert_text_tower(clip), clip_folder, device)
    texts = word_embeddings(clip, clip_folder, device)
    alphas = build_scheduler().alphas_cumprod.to(device)

    def loss(step: int, rng: np.random.Generator) -> tuple[torch.Tensor, Mapping[str, float]]:
        model.train()
        rows = np.sort(rng.choice(scenes, schedule.batch, replace=False))
        size = SIZE // 2 if step < options["coarse_steps"] else SIZE
        clean = latents[size].take(rows)
        # LOG.md: on a CPU a plain softmax of the product beats the fused kernel at 16 x 16 latents only.
        choose_attention(unet, fused=device.type != "cpu" or size == SIZE)
        states, words = text.states([store.caption(row, rng, full=FULL_SHARE) for row in rows], rng)
        timesteps = stratified(rng, schedule.batch, len(alphas)).to(device)
        seen = patches.take(rows)
        return losses(model, clean, seen, word_places(seen, texts), states, words, timesteps, alphas)

    def probe() -> Mapping[str, float]:
        side = (SIZE // 2 if run.step < options["coarse_steps"] else SIZE) // 8
        images = sample(unet, vae, text, alphas, side)
        write_pairs(run.folder / f"samples-{run.step:06d}.png", images[:4], images[4:])
        save_diffusion(run.folder / "probe", unet, vae, clip, clip_folder)
        return attention_localisation(run.folder / "probe")

    done = run.train(loss, probe)
    with run.averaged():
        latest = open_autoencoder(diffusion_folder.parent)  # whose decoder may have been trained on meanwhile
        save_diffusion(written, unet, latest if encoder_key(latest) == encoder_key(vae) else vae, clip, clip_folder)
    write_card(written, "unet", preset, run, unet)
    return done


def losses(
    model: AlignedUnet,
    clean: torch.Tensor,
    patches: torch.Tensor,
    places: torch.Tensor,
    states: torch.Tensor,
    words: torch.Tensor,
    timesteps: torch.Tensor,
    alphas: torch.Tensor,
) -> tuple[torch.Tensor, Mapping[str, float]]:
    """Min-SNR-weighted squared error of the predicted noise, and the alignment of features and of words' places.

    clean: scaled latents (b, 4, h, w); patches: (b, width, gh, gw); places: (b, class, gh, gw); states: (b, length,
    width); words: bool (b, class, length); timesteps: (b,); alphas: cumulated (1000,).
    """
    noisy, noise = noised(clean, timesteps, alphas)
    with half(clean.device):
        predicted, projected, maps = model(noisy, timesteps, states)
    weighted, error = min_snr(predicted, noise, timesteps, alphas)
    apart = alignment_loss(projected, patches)
    unplaced = torch.stack([placing_loss(layer, words, places) for layer in maps]).mean()
    numbers = {"error": error.item(), "apart": apart.item(), "unplaced": unplaced.item()}
    return weighted + WEIGHT * apart + PLACING_WEIGHT * unplaced, numbers


def stratified(rng: np.random.Generator, batch: int, steps: int) -> torch.Tensor:
    """Timesteps (batch,), one from each of `batch` equal parts of the range below `steps`: less noise in the loss."""
    parts = (np.arange(batch) + rng.random(batch)) / batch
    return torch.from_numpy((rng.permutation(parts) * steps).astype(np.int64))


def noised(clean: torch.Tensor, timesteps: torch.Tensor, alphas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents (b, 4, h, w) with fresh noise at timesteps (b,), and the noise."""
    noise = torch.randn_like(clean)
    alpha = alphas[timesteps].view(-1, 1, 1, 1)
    return alpha.sqrt() * clean + (1 - alpha).sqrt() * noise, noise


def min_snr(
    predicted: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor, alphas: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Squared error of the predicted noise (b, 4, h, w): its mean weighted by min-SNR, and its plain mean."""
    error = (predicted.float() - noise).square().mean((1, 2, 3))
    snr = alphas[timesteps] / (1 - alphas[timesteps])
    return (error * snr.clamp(max=SNR_GAMMA) / snr).mean(), error.mean()


def encoder_key(vae: Any) -> str:
    """First 12 hexadecimal digits of a SHA-256 over the scaling factor and the encoder's weights."""
    digest = hashlib.sha256(str(vae.config.scaling_factor).encode())
    for part in (vae.encoder, vae.quant_conv):
        for value in part.state_dict().values():
            digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


def latent_encoder(vae: Any, size: int, device: torch.device) -> Callable[[np.ndarray], torch.Tensor]:
    """A function of uint8 (n, h, w, 3) -> scaled latents (n, 4, size / 8, size / 8), posterior mode."""

    def encode(images: np.ndarray) -> torch.Tensor:
        pixels = F.interpolate(to_pixels(images).to(device), size=(size, size), mode="area")
        with half(device):
            return vae.encode(pixels).latent_dist.mode().float() * vae.config.scaling_factor

    return encode


class TextStates:
    """Prompts as the frozen text tower's states, padded with the end token as the pipeline does."""

    def __init__(self, tower: Any, tokenizer_folder: Path, device: torch.device) -> None:
        self.tokenizer = open_fast_tokenizer(tokenizer_folder)
        self.tower = tower.to(device)
        self.device = device
        self.nothing = self.read([""]).input_ids  # (1, length)
        self.empty = self.encode([""])  # (1, length, width)

    def read(self, prompts: list[str]) -> Any:
        """The prompts' tokens: input_ids (n, length), and offset_mapping (n, length, 2) in the text."""
        return self.tokenizer(
            prompts, padding="max_length", truncation=True, return_offsets_mapping=True, return_tensors="pt"
        ).to(self.device)

    @torch.no_grad()
    def encode(self, prompts: list[str]) -> torch.Tensor:
        """States (n, length, width)."""
        return self.tower(self.read(prompts).input_ids).last_hidden_state

    def states(self, captions: list[world.Caption], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Training states, some prompts empty, some with their summary removed.

        With them bool (n, class, length): the tokens of each class word that a caption names.
        """
        tokens = self.read([caption.text for caption in captions])
        states, kept = self.treat(tokens.input_ids, rng)
        starts, stops = tokens.offset_mapping.unbind(-1)
        words = torch.zeros((len(captions), len(world.CLASSES), starts.shape[1]), dtype=torch.bool, device=self.device)
        for row, caption in enumerate(captions):
            for start, stop, word in caption.spans if kept[row] else ():
                words[row, world.CLASSES.index(word)] |= (starts[row] < stop) & (stops[row] > start)
        return states, words

    @torch.no_grad()
    def treat(self, ids: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Training states (n, length, width) of prompts' ids (n, length), and bool (n,): which are not empty."""
        chances = rng.random((2, len(ids)))
        kept = torch.from_numpy(chances[0] >= EMPTY_SHARE).to(self.device)
        words_only = torch.from_numpy(chances[1] < WORDS_ONLY_SHARE).to(self.device)
        ids = torch.where(kept[:, None], ids, self.nothing)
        removed = (ids == self.tokenizer.eos_token_id) & words_only[:, None]
        return torch.where(removed[..., None], self.empty, self.tower(ids).last_hidden_state), kept


@torch.no_grad()
def word_embeddings(clip: Any, tokenizer_folder: Path, device: torch.device) -> torch.Tensor:
    """What the text tower makes of a plain prompt of each class word, (class, width)."""
    ids = open_tokenizer(tokenizer_folder)([f"a photo of a {word}." for word in world.CLASSES])
    return clip.to(device).encode_text(ids.to(device)).float()


@torch.no_grad()
def sample(unet: Any, vae: Any, text: TextStates, alphas: torch.Tensor, side: int) -> np.ndarray:
    """SAMPLE_PROMPTS in SAMPLE_STEPS of DDIM at guidance 5, as uint8 pictures: a look at the run, no measurement."""
    scheduler = build_scheduler()
    scheduler.set_timesteps(SAMPLE_STEPS)
    count = len(SAMPLE_PROMPTS)
    states = torch.cat([text.empty.expand(count, -1, -1), text.encode(list(SAMPLE_PROMPTS))])
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn((count, 4, side, side), generator=generator).to(alphas.device)
    for timestep in scheduler.timesteps:
        with half(latents.device):
            both = unet(torch.cat([latents, latents]), timestep, states).sample.float()
        empty, prompted = both.chunk(2)
        latents = scheduler.step(empty + 5 * (prompted - empty), timestep, latents).prev_sample
    return to_images(vae.decode(latents / vae.config.scaling_factor).sample)


def shipped_or_new(out: Path, part: str) -> Path:
    """`out`/part if it is there, else the shipped one. Raises ModelFilesError where that was changed."""
    if (out / part).exists():
        return out / part
    checked_fingerprint(ASSETS / "models" / Path(part).parts[0])
    return ASSETS / "models" / part
