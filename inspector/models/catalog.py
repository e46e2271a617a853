"""The models that can be asked for by name; importing it loads no torch.

Only names listed here, and folders that the command line registered with `register_local`, are ever
loaded. The page offers names and never a path. A host may leave out the hub's (INSPECTOR_HUB=0): they are then no
names here, so that page, API and command line refuse them alike.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inspector.errors import ModelFilesError, UnknownModelError, UnsupportedModelError
from inspector.models.borrowing import files_of
from inspector.results import LOCAL
from inspector.settings import ASSETS, settings

Kind = Literal["clip", "diffusion", "segmenter", "head"]
Origin = Literal["embedded", "hub", "local"]


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
    promptable: whether it gives masks of points and boxes (`protocols.PromptableSegmenter`).
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

    def memory_gb(self, bytes_per_parameter: int = 4) -> float:
        """Estimated memory in GB (10^9 bytes) to load and use the model at 4 (float32) or 2 bytes each."""
        return self.parameters * bytes_per_parameter / 1e9 + self.working_gb


def trained_heads() -> tuple[str, ...]:
    """Names of the segmentation heads whose weights are shipped, on whatever models they were trained."""
    return tuple(sorted({file.stem for file in (ASSETS / "models").glob("heads-*/*.safetensors")}))


UNTOLD = "trained with captions alone: nobody told it where words are"

# Parameter counts are those of the published configurations; tests/models/test_full_size.py builds each.
# Repositories and quick GELU: open_clip 3.3, pretrained.py. Licences and file sizes: the repositories'
# model cards and file lists on huggingface.co. Revisions: the commits under which public code that uses these
# repositories finds their files (the snapshot folders of the hub's cache, named alike by many authors).
CATALOG: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
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
            download_gb=4.3,  # unet 3.44, vae 0.33, text encoder 0.49
            needs_gpu=True,
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
}

# What is embedded instead of a model of a kind, to be named where one cannot be had.
INSTEAD: Mapping[Kind, str] = {
    "clip": "scenes-clip",
    "diffusion": "scenes-diffusion",
    "segmenter": "scenes-clip with the method maskclip",
    "head": "one of the shipped heads",
}

# The embedded models go in pairs, by how they were trained; a CLIP and a diffusion model of each.
PAIRS: Mapping[str, Mapping[Kind, str]] = {
    "taught": {"clip": "scenes-clip", "diffusion": "scenes-diffusion"},
    "plain": {"clip": "scenes-clip-plain", "diffusion": "scenes-diffusion-plain"},
}

SEGMENTERS = ("clipseg", "maskformer", "mask2former", "sam")  # model_type of what `models.segmenters` opens
PROMPTABLE = ("sam",)  # and of those that take points and boxes
# Family of an imported head, which its config.json tells -> what it was told of where words are, and its licence.
HEADS: Mapping[str, tuple[str, str]] = {
    "odise": ("trained on COCO's masks (ODISE, Xu et al. 2023)", "CC BY-NC-SA 4.0: no commercial use"),
    "san": ("trained on COCO-Stuff's masks (SAN, Xu et al. 2023)", "MIT"),
}
SINGLE_FILES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
_LOCAL: dict[str, ModelSpec] = {}


def names(kind: Kind | None = None) -> tuple[str, ...]:
    """Names that can be loaded now, embedded first, registered folders last."""
    known = [*CATALOG.values(), *_LOCAL.values()]
    return tuple(spec.name for spec in known if kind in (None, spec.kind) and _offered(spec))


def spec(name: str, kind: Kind | None = None) -> ModelSpec:
    """The entry of a name. Raises UnknownModelError, which lists the valid names, also for one not offered here."""
    found = CATALOG.get(name) or _LOCAL.get(name)
    if found is None or kind not in (None, found.kind):
        what = "model" if kind is None else "imported head" if kind == "head" else f"{kind} model"
        instead = f"choose one of {', '.join(names(kind))}" if names(kind) else f"use {INSTEAD[kind or 'clip']}"
        raise UnknownModelError(f"There is no {what} named {name!r}; {instead}.")
    if not _offered(found):
        instead = f"choose one of {', '.join(names(kind))}" if names(kind) else f"use {INSTEAD[found.kind]}"
        raise UnknownModelError(f"{name} is not offered on this host; {instead}.")
    return found


def promptable(name: str) -> ModelSpec:
    """The entry of a segmenter that takes points and boxes.

    Raises UnknownModelError as `spec`, UnsupportedModelError, which lists those that do, for another segmenter.
    """
    found = spec(name, "segmenter")
    if not found.promptable:
        able = ", ".join(other for other in names("segmenter") if spec(other).promptable)
        raise UnsupportedModelError(f"{name} takes no points and boxes; use one of {able}.")
    return found


def _offered(spec: ModelSpec) -> bool:
    return spec.origin != "hub" or settings().hub


def register_local(path: Path | str) -> str:
    """Make a folder of the command line loadable, and return the name it goes by.

    An open_clip folder holds open_clip_config.json, a diffusion folder model_index.json, one of a segmenter the
    config.json of one of SEGMENTERS, one of an imported head that of one of HEADS. Raises UnknownModelError when there
    is no such folder, ModelFilesError when it holds none of them.
    """
    folder = Path(path).expanduser().resolve()
    if not folder.is_dir():
        raise UnknownModelError(f"{str(path)!r} is no folder and no model; choose one of {', '.join(names())}.")
    kind: Kind
    config = _config(folder)
    family = str(config.get("family"))
    if (folder / "model_index.json").is_file():
        kind = "diffusion"
    elif (folder / "open_clip_config.json").is_file():
        kind = "clip"
    elif config.get("model_type") in SEGMENTERS:
        kind = "segmenter"
    elif family in HEADS:
        kind = "head"
    else:
        raise ModelFilesError(
            f"{folder} holds neither open_clip_config.json (an open_clip model) nor model_index.json "
            f"(a diffusers pipeline), nor a config.json of {', '.join(SEGMENTERS)} or an imported head; give a folder "
            "that has one of them."
        )
    name = f"{LOCAL}{folder.name}"
    same = 1
    while name in _LOCAL and _LOCAL[name].source != str(folder):
        same += 1
        name = f"{LOCAL}{folder.name}-{same}"
    _LOCAL[name] = ModelSpec(
        name=name,
        kind=kind,
        title=f"{folder.name} (local folder)",
        origin="local",
        source=str(folder),
        licence=HEADS[family][1] if kind == "head" else "under the licence in its folder",
        parameters=_parameters(folder),
        architecture=family if kind == "head" else "",
        told=HEADS[family][0] if kind == "head" else "",
        promptable=config.get("model_type") in PROMPTABLE,
    )
    return name


def registered() -> tuple[ModelSpec, ...]:
    """The models that `register_local` made loadable, for another process that is to load them by name."""
    return tuple(_LOCAL.values())


def adopt(specs: Iterable[ModelSpec]) -> None:
    """Make loadable what is `registered` in the process that started this one, under the same names."""
    _LOCAL.update({spec.name: spec for spec in specs})


def _config(folder: Path) -> dict[str, Any]:
    """What config.json holds, nothing where it is missing or no object."""
    try:
        content = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def choose(name_or_folder: str, kind: Kind) -> str:
    """What the command line's options of models take: a name, or a folder, which is registered.

    Raises UnknownModelError when it is neither, or of another kind; a head's name is left to the request, since shipped
    heads are no models.
    """
    known = name_or_folder in CATALOG or name_or_folder in _LOCAL
    suffix = Path(name_or_folder).suffix.lower()
    if not known and suffix in SINGLE_FILES:
        more = "" if suffix == ".safetensors" else ", and weights as safetensors: these can run code when opened"
        raise ModelFilesError(
            f"{Path(name_or_folder).name!r} is a single file; give a folder of open_clip or diffusers with its "
            f"configuration{more}."
        )
    if not known and Path(name_or_folder).expanduser().is_dir():
        return spec(register_local(name_or_folder), kind).name
    if kind == "head" and not known:
        return name_or_folder
    return spec(name_or_folder, kind).name


def _parameters(folder: Path) -> int:
    """Weights in the largest set of safetensors headers per part, so that a second variant is not counted twice."""
    per_part: dict[Path, dict[str, int]] = {}
    for _, file in files_of(folder):
        if file.suffix != ".safetensors" or "safety_checker" in file.parts:
            continue
        sizes = per_part.setdefault(file.parent, {})
        sizes.update(_sizes(file))
    return sum(sum(sizes.values()) for sizes in per_part.values())


def _sizes(file: Path) -> dict[str, int]:
    """Tensor name -> number of elements, from the header alone; empty when it cannot be read.

    A damaged file is reported, with its name, when it is loaded.
    """
    with open(file, "rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 0 < length <= file.stat().st_size:
            return {}
        try:
            header = json.loads(stream.read(length))
        except ValueError:
            return {}
    sizes = {}
    for name, entry in header.items():
        if name != "__metadata__":
            count = 1
            for side in entry["shape"]:
                count *= side
            sizes[name] = count
    return sizes
