"""The models that the project knows by name, and what each needs: data, one entry a model."""

from dataclasses import dataclass
from typing import Literal

from inspector.models.sampling import Sampling

Kind = Literal["clip", "diffusion", "segmenter", "head"]
Origin = Literal["embedded", "hub", "local"]

SEGMENTERS = ("clipseg", "maskformer", "mask2former", "sam")  # model_type of what `models.segmenters` opens


@dataclass(frozen=True)
class ModelSpec:
    """Where a model comes from and what it needs.

    source: folder under assets/models (embedded), repository on the hub, or absolute path (local).
    revision: commit on the hub, written only where a source names it; "" takes the newest.
    parameters: how many weights, all parts together; 0 where unknown before loading.
    working_gb: our estimate of memory beside the weights for one picture at the training size.
    download_gb: size of the files fetched; 0 where nothing is.
    needs_gpu: on a CPU it runs, but takes minutes.
    architecture: open_clip's name of the configuration, "" where the folder's own one is read; of a head its family.
    variant: the files' suffix on the hub ("fp16" halves the download).
    told: what an embedded model or a head was told of where words are, a clause; "" where its makers say.
    lora: absolute path of a file of changes (`models.lora`), and their scale; None for the model as it is.
    embeddings: absolute path of a file of vectors (`models.embeddings`), and the word for it; of each.
    promptable: whether it gives masks of points and boxes (`protocols.PromptableSegmenter`).
    sampling: how a diffusion model makes pictures; None where its files tell.
    """

    name: str
    kind: Kind
    title: str
    origin: Origin
    source: str
    licence: str
    revision: str = ""
    parameters: int = 0
    working_gb: float = 0.5
    download_gb: float = 0.0
    needs_gpu: bool = False
    architecture: str = ""
    variant: str = ""
    told: str = ""
    promptable: bool = False
    lora: tuple[str, float] | None = None
    embeddings: tuple[tuple[str, str], ...] = ()
    sampling: Sampling | None = None

    def memory_gb(self, bytes_per_parameter: int = 4) -> float:
        """Estimated memory in GB (10^9 bytes) to load and use the model at 4 (float32) or 2 bytes each."""
        return self.parameters * bytes_per_parameter / 1e9 + self.working_gb


UNTOLD = "trained with captions alone: nobody told it where words are"

# Parameter counts are those of the published configurations; tests/models/test_full_size.py builds each.
# Repositories and quick GELU: open_clip 3.3, pretrained.py. Licences and file sizes: the repositories'
# model cards and file lists on huggingface.co. Revisions: the commits under which public code that uses these
# repositories finds their files (the snapshot folders of the hub's cache, named alike by many authors).
LISTED: tuple[ModelSpec, ...] = (
    # A small CLIP trained by this project on drawn scenes: it knows their words and little else.
    ModelSpec(
        name="scenes-clip",
        kind="clip",
        title="Scenes CLIP (embedded)",
        origin="embedded",
        source="scenes-clip",
        licence="Apache-2.0",
        told="told by captions where words are, patch by patch",
    ),
    # A small latent diffusion model of Stable Diffusion 1.5's layout, trained on drawn scenes.
    ModelSpec(
        name="scenes-diffusion",
        kind="diffusion",
        title="Scenes diffusion (embedded)",
        origin="embedded",
        source="scenes-diffusion",
        licence="Apache-2.0",
        told="told by captions and by a CLIP where words are",
    ),
    # The plain pair: the same architectures, trained by the originals' losses alone.
    ModelSpec(
        name="scenes-clip-plain",
        kind="clip",
        title="Scenes CLIP, plain (embedded)",
        origin="embedded",
        source="scenes-clip-plain",
        licence="Apache-2.0",
        told=UNTOLD,
    ),
    ModelSpec(
        name="scenes-diffusion-plain",
        kind="diffusion",
        title="Scenes diffusion, plain (embedded)",
        origin="embedded",
        source="scenes-diffusion-plain",
        licence="Apache-2.0",
        told=UNTOLD,
    ),
    # The paper's CLIP (Radford et al. 2021): 224 px, 14 x 14 patches, class token, quick GELU.
    ModelSpec(
        name="openai-vit-b-16",
        kind="clip",
        title="CLIP ViT-B/16, OpenAI",
        origin="hub",
        source="timm/vit_base_patch16_clip_224.openai",
        revision="977e3dd0ec55ab8da155f2fbeb6b5f54948b6e3d",
        licence="Apache-2.0",
        parameters=149_620_737,
        download_gb=0.6,
        architecture="ViT-B-16-quickgelu",
    ),
    # The CLIP of ODISE and of the larger SAN: 336 px, 24 x 24 patches, class token, quick GELU.
    ModelSpec(
        name="openai-vit-l-14-336",
        kind="clip",
        title="CLIP ViT-L/14 at 336 px, OpenAI",
        origin="hub",
        source="timm/vit_large_patch14_clip_336.openai",
        licence="Apache-2.0",
        parameters=427_944_193,
        working_gb=1.0,
        download_gb=1.7,
        architecture="ViT-L-14-336-quickgelu",
    ),
    # OpenCLIP's ViT-B/16 (laion2b_s34b_b88k): 224 px, 14 x 14 patches, class token, GELU.
    ModelSpec(
        name="laion-vit-b-16",
        kind="clip",
        title="CLIP ViT-B/16, LAION-2B",
        origin="hub",
        source="laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
        revision="7288da5a0d6f0b51c4a2b27c624837a9236d0112",
        licence="MIT",
        parameters=149_620_737,
        download_gb=0.6,
        architecture="ViT-B-16",
    ),
    # 512 px, 64 x 64 latents, CLIP ViT-L/14 text encoder, 16 cross-attention layers.
    ModelSpec(
        name="stable-diffusion-1.5",
        kind="diffusion",
        title="Stable Diffusion 1.5",
        origin="hub",
        source="stable-diffusion-v1-5/stable-diffusion-v1-5",
        revision="451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
        licence="CreativeML OpenRAIL-M",
        parameters=1_066_235_307,
        working_gb=2.0,
        download_gb=2.1,  # unet 1.72, vae 0.17, text encoder 0.25
        needs_gpu=True,
        variant="fp16",
    ),
    # 1.5's architecture and sizes; it was fine-tuned for fewer steps (225,000 against 595,000).
    ModelSpec(
        name="stable-diffusion-1.4",
        kind="diffusion",
        title="Stable Diffusion 1.4",
        origin="hub",
        source="CompVis/stable-diffusion-v1-4",
        revision="133a221b8aa7292a167afc5127cb63fb5005638b",
        licence="CreativeML OpenRAIL-M",
        parameters=1_066_235_307,
        working_gb=2.0,
        download_gb=2.1,
        needs_gpu=True,
        variant="fp16",
    ),
    # A small Segment Anything, trained on drawn scenes: masks without names, of a point or a box.
    ModelSpec(
        name="scenes-sam",
        kind="segmenter",
        title="Scenes SAM (embedded)",
        origin="embedded",
        source="scenes-sam",
        licence="Apache-2.0",
        told="trained on the drawn scenes' own masks",
        promptable=True,
    ),
    # Masks of words by a decoder trained on phrases (Lüddecke and Ecker 2022): 352 px, CLIP ViT-B/16.
    ModelSpec(
        name="clipseg",
        kind="segmenter",
        title="CLIPSeg, refined",
        origin="hub",
        source="CIDAS/clipseg-rd64-refined",
        licence="Apache-2.0",
        parameters=150_747_746,
        download_gb=0.6,
    ),
    # Closed vocabulary: ADE20K's 150 classes (Cheng et al. 2021 and 2022); safetensors are in this commit alone.
    ModelSpec(
        name="maskformer-ade",
        kind="segmenter",
        title="MaskFormer Swin-B, ADE20K",
        origin="hub",
        source="facebook/maskformer-swin-base-ade",
        revision="e9a5452c6a69d1dfb6eacf981b1bffd7a05d9c92",
        licence="other: see its model card",
        parameters=101_831_439,
        working_gb=2.0,
        download_gb=0.41,
    ),
    ModelSpec(
        name="mask2former-ade",
        kind="segmenter",
        title="Mask2Former Swin-B, ADE20K",
        origin="hub",
        source="facebook/mask2former-swin-base-ade-semantic",
        licence="other: see its model card",
        parameters=106_924_239,
        working_gb=2.0,
        download_gb=0.43,
    ),
    # Masks without names, from points (Kirillov et al. 2023): 1,024 px.
    ModelSpec(
        name="sam-vit-base",
        kind="segmenter",
        title="Segment Anything ViT-B",
        origin="hub",
        source="facebook/sam-vit-base",
        revision="70c1a07f894ebb5b307fd9eaaee97b9dfc16068f",
        licence="Apache-2.0",
        parameters=93_735_728,
        working_gb=3.0,
        download_gb=0.38,
        promptable=True,
    ),
)
