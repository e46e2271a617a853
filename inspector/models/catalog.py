"""The models that can be asked for by name; importing it loads no torch.

Only names of `listed`, and folders that the command line registered with `register_local`, are ever
loaded. The page offers names and never a path. A host may leave out the hub's (INSPECTOR_HUB=0): they are then no
names here, so that page, API and command line refuse them alike.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inspector.errors import ChoiceError, ModelError, ModelFilesError, UnknownModelError, UnsupportedModelError
from inspector.models import forms, personal
from inspector.models.files import PICKLES, check_header
from inspector.models.listed import LISTED
from inspector.models.listed import Kind as Kind
from inspector.models.listed import ModelSpec as ModelSpec
from inspector.models.listed_diffusion import LISTED_DIFFUSION
from inspector.models.sampling import sampling_of, sampling_of_folder
from inspector.models.single_files import configurations
from inspector.results import LOCAL, ModelName, check_number, check_text, is_label, label_of, quoted, read_model_name
from inspector.settings import ASSETS, settings

CATALOG: dict[str, ModelSpec] = {spec.name: spec for spec in (*LISTED, *LISTED_DIFFUSION)}

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

PROMPTABLE = ("sam",)  # and of those that take points and boxes
SINGLE_FILES = (".safetensors", *PICKLES)
HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")
# What a path of the wrong kind is said to hold.
WHAT: Mapping[Kind, str] = {
    "clip": "a CLIP",
    "diffusion": "a diffusion model",
    "segmenter": "a segmenter",
    "head": "an imported head",
}
LONGEST_WORD = 60  # characters of a word for an embedding
STRONGEST = 10.0  # what a LoRA's changes may be multiplied by
_LOCAL: dict[str, ModelSpec] = {}


def trained_heads() -> tuple[str, ...]:
    """Names of the segmentation heads whose weights are shipped, on whatever models they were trained."""
    return tuple(sorted({file.stem for file in (ASSETS / "models").glob("heads-*/*.safetensors")}))


def names(kind: Kind | None = None) -> tuple[str, ...]:
    """Names that can be loaded now, embedded first, registered folders last."""
    known = [*CATALOG.values(), *_LOCAL.values()]
    return tuple(spec.name for spec in known if kind in (None, spec.kind) and _offered(spec))


def spec(name: str, kind: Kind | None = None) -> ModelSpec:
    """The entry of a name. Raises UnknownModelError, which lists the valid names, also for one not offered here."""
    found = CATALOG.get(name) or _LOCAL.get(name) or _changed(read_model_name(name))
    if found is None or kind not in (None, found.kind):
        what = "model" if kind is None else "imported head" if kind == "head" else f"{kind} model"
        instead = f"choose one of {', '.join(names(kind))}" if names(kind) else f"use {INSTEAD[kind or 'clip']}"
        raise UnknownModelError(f"There is no {what} named {name!r}; {instead}.")
    if not _offered(found):
        instead = f"choose one of {', '.join(names(kind))}" if names(kind) else f"use {INSTEAD[found.kind]}"
        raise UnknownModelError(f"{name} is not offered on this host; {instead}.")
    return found


def usual_values(name: str) -> dict[str, Any]:
    """Field of a request -> what is usual for a diffusion model; {} where it is what is usual everywhere."""
    sampling = spec(name, "diffusion").sampling
    return {} if sampling is None else sampling.values


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
    """Make a folder, or a single file, of the command line loadable, and return the name it goes by.

    Raises UnknownModelError when there is no such place, ModelFilesError when it holds no model (`forms.kind_of`).
    """
    given = _existing(str(path))
    if given is None:
        raise UnknownModelError(f"{str(path)!r} is no folder and no model; choose one of {', '.join(names())}.")
    try:
        place = forms.located(given.resolve())
        kind = forms.kind_of(place)
    except OSError as error:
        raise ModelFilesError(f"{given} cannot be read ({error.strerror}); make it readable.") from error
    config = forms.read_config(place)
    called = forms.called(place)
    if read_model_name(called).changed:  # a folder called as a model with a LoRA would be
        called = label_of(called)
    name = f"{LOCAL}{called}"
    same = 1
    while name in _LOCAL and _LOCAL[name].source != str(place):
        same += 1
        name = f"{LOCAL}{called}-{same}"
    family = str(config.get("family")) if kind == "head" else ""
    _LOCAL[name] = ModelSpec(
        name=name,
        kind=kind,
        title=f"{called} (local {'file' if place.is_file() else 'folder'})",
        origin="local",
        source=str(place),
        licence=forms.HEADS[family][1] if kind == "head" else "under the licence in its folder",
        parameters=forms.parameters(place, kind),
        working_gb=forms.working_gb(place, kind),
        architecture=family,
        told=forms.HEADS[family][0] if kind == "head" else "",
        promptable=kind == "segmenter" and config.get("model_type") in PROMPTABLE,
        sampling=_sampling(place) if kind == "diffusion" else None,
    )
    return name


def _sampling(place: Path) -> Any:
    """How a diffusion model on disk makes pictures; None where its files cannot be read, which loading then says."""
    if not place.is_file():
        return sampling_of_folder(place)
    try:
        told = configurations(place)
    except ModelError:
        return None
    scheduler, unet = told["scheduler/scheduler_config.json"], told["unet/config.json"]
    return sampling_of(str(told["model_index.json"]["_class_name"]), scheduler, unet)


def _existing(text: str) -> Path | None:
    """The path that a text names, None where nothing is there, or nothing could be."""
    try:
        path = Path(text).expanduser()
        return path if path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, nobody's home
        return None


def _changed(name: ModelName) -> ModelSpec | None:
    """The entry of a diffusion model that known files change, None for any other name."""
    plain = CATALOG.get(name.base) or _LOCAL.get(name.base)
    if not name.changed or plain is None or plain.kind != "diffusion" or not -STRONGEST <= name.scale <= STRONGEST:
        return None
    return personal.changed(plain, name)


def register_lora(base: str, path: Path | str, scale: float = 1.0) -> str:
    """Make a diffusion model with a LoRA's changes loadable, a model of its own, and return the name it goes by.

    base: name of the diffusion model. scale: what the changes are multiplied by, -10 to 10. Raises UnknownModelError
    where there is no such model or file, ModelFilesError for what is no file of safetensors, ChoiceError for a scale
    out of range.
    """
    check_number("lora_scale", scale, -STRONGEST, STRONGEST)
    plain = read_model_name(spec(base, "diffusion").name)
    name = str(replace(plain, lora=offer_lora(path), scale=float(scale)))
    _LOCAL[name] = spec(name)
    return name


def offer_lora(path: Path | str) -> str:
    """Let models be changed by a LoRA through `with_lora`; returns the label it goes by. Raises as `register_lora`."""
    return personal.keep_lora(_safetensors(path, "a LoRA"))


def register_embedding(base: str, path: Path | str, word: str = "") -> str:
    """Make a diffusion model that reads an embedding for a word loadable, and return the name it goes by.

    base: name of the diffusion model, which may have a LoRA or embeddings already. word: what prompts call it; "" what
    the file says, else its own name. Raises UnknownModelError where there is no such model or file, ModelFilesError for
    what holds no embedding, or one for another model, ChoiceError for what cannot be a word.
    """
    plain = spec(base, "diffusion")
    label = offer_embedding(path, word)
    from inspector.models.embeddings import check_fits  # with torch, which the catalog does without

    check_fits(personal.embedding(label)[0], plain)
    own = read_model_name(plain.name)
    name = str(replace(own, embeddings=(*own.embeddings, (label, personal.embedding(label)[1]))))
    _LOCAL[name] = spec(name)
    return name


def offer_embedding(path: Path | str, word: str = "") -> str:
    """Let models read an embedding through `with_embeddings`; returns the label. Raises as `register_embedding`."""
    from inspector.models.embeddings import read_vectors

    file = _safetensors(path, "an embedding")
    word = word or read_vectors(file).word or file.stem
    check_text("the word for an embedding", word, LONGEST_WORD)
    if not is_label(word) or any(sign.isspace() or not sign.isprintable() for sign in word):
        raise ChoiceError(f"{quoted(word)} cannot be a word for {file}; call it otherwise, by FILE=WORD.")
    return personal.keep_embedding(file, word)


def embeddings(model: str | None = None) -> dict[str, str]:
    """Label -> word of the embeddings that are offered: of those that fit a diffusion model's texts; or of all."""
    known = {label: personal.embedding(label)[1] for label in personal.embeddings()}
    if model is None or not known:
        return known
    plain = CATALOG.get(model) or _LOCAL.get(model)
    if plain is None or plain.kind != "diffusion":
        return {}
    from inspector.models.embeddings import fits

    return {label: word for label, word in known.items() if fits(personal.embedding(label)[0], plain)}


def with_embeddings(model: str, labels: str | Sequence[str]) -> str:
    """The name of a diffusion model with offered embeddings, labels of `embeddings`, as a list or with commas.

    Raises UnknownModelError for a label that is not offered, or not for this model; ChoiceError for what is no list.
    """
    if not isinstance(labels, str | list | tuple):
        raise ChoiceError(f"embeddings are {quoted(labels)}; give their names, with commas between them.")
    asked = labels.split(",") if isinstance(labels, str) else labels
    for label in asked:
        check_text("an embedding", label)
    wanted = {label.strip() for label in asked} - {""}
    if not wanted:
        return model
    name = read_model_name(model)
    fitting = embeddings(name.base)
    for label in sorted(wanted - set(fitting)):
        instead = f"choose some of {', '.join(fitting)}, or leave it out" if fitting else "leave it out"
        raise UnknownModelError(f"There is no embedding {quoted(label)} for {quoted(name.base)} here; {instead}.")
    return str(replace(name, embeddings=tuple((label, fitting[label]) for label in fitting if label in wanted)))


def _safetensors(path: Path | str, what: str) -> Path:
    """An existing file whose header can be read. Raises as `register_lora`."""
    file = _existing(str(path))
    if file is None or not file.is_file():
        raise UnknownModelError(f"There is no file {str(path)!r}; give {what} as one file of safetensors.")
    if file.suffix.lower() in PICKLES:
        forms.kind_of(file)  # which refuses it, with the line that converts it
    check_header(file)
    return file


def loras(model: str | None = None) -> tuple[str, ...]:
    """Labels of the offered LoRAs: of those made for a diffusion model's architecture, () for no such model; or all."""
    if model is None:
        return personal.loras()
    plain = CATALOG.get(model) or _LOCAL.get(model)
    if not personal.loras() or plain is None or plain.kind != "diffusion":
        return ()
    from inspector.models.lora import fits  # with torch, which the catalog does without

    return tuple(label for label in personal.loras() if fits(personal.lora_file(label), plain))


def with_lora(model: str, lora: str, scale: float = 1.0) -> str:
    """The name of a diffusion model with an offered LoRA, a label of `loras`; "" leaves the model as it is.

    Raises UnknownModelError for a label that is not offered, or not for this model, ChoiceError as `register_lora`.
    """
    check_text("lora", lora)
    check_number("lora_scale", scale, -STRONGEST, STRONGEST)
    if not lora:
        return model
    fitting = loras(model)
    if lora not in fitting:
        instead = f"choose {' or '.join(fitting)}, or leave it out" if fitting else "leave it out"
        raise UnknownModelError(f"There is no LoRA {quoted(lora)} for {quoted(model)} here; {instead}.")
    return str(replace(read_model_name(model), lora=lora, scale=float(scale)))


def registered() -> tuple[ModelSpec, ...]:
    """The models that `register_local` made loadable, for another process that is to load them by name."""
    return tuple(_LOCAL.values())


def adopt(specs: Iterable[ModelSpec]) -> None:
    """Make loadable what is `registered` in the process that started this one, under the same names."""
    _LOCAL.update({spec.name: spec for spec in specs})


def choose(name_or_path: str, kind: Kind) -> str:
    """What the command line's options of models take: a name, also as it is on the hub, or a path, which is registered.

    Raises UnknownModelError when it is neither, UnsupportedModelError when it is of another kind; a head's name is left
    to the request, since shipped heads are no models.
    """
    known = name_or_path in CATALOG or name_or_path in _LOCAL
    if not known and _existing(name_or_path) is not None:
        found = spec(register_local(name_or_path))
        if found.kind != kind:
            raise UnsupportedModelError(
                f"{name_or_path} holds {WHAT[found.kind]}; give it by --{found.kind}, and {WHAT[kind]} by --{kind}."
            )
        return found.name
    if not known and Path(name_or_path).suffix.lower() in SINGLE_FILES:
        raise UnknownModelError(f"There is no file {name_or_path!r}; give the path of one of safetensors, or a folder.")
    if not known and (named := [item.name for item in CATALOG.values() if item.source == name_or_path]):
        return spec(named[0], kind).name
    if not known and HUB_NAME.fullmatch(name_or_path) and kind != "head":
        raise UnknownModelError(
            f"{name_or_path} is no path here and no {kind} model of the catalog; fetch it by `hf download "
            f"{name_or_path} --local-dir DIR` and give DIR, or choose one of {', '.join(names(kind))}."
        )
    if kind == "head" and not known:
        return name_or_path
    return spec(name_or_path, kind).name
