"""The segmentation heads that can be asked for by name; importing it loads no torch.

A head is trained on what frozen models compute. Its row says what it may read: the rows of ODISE's family are the
switches of the paper's Table 1 and what that table did not isolate, each differing from `odise` by what its row says.
"""

from dataclasses import dataclass
from typing import Literal

from inspector.errors import ChoiceError
from inspector.results import HEAD_TITLES, OWN_TIMESTEPS, quoted

Family = Literal["odise", "san", "maskclip-masks", "lseg", "vpd", "ovseg"]
Captioner = Literal["", "both", "time"]  # none, text context and time embedding, the latter alone
Context = Literal["", "caption"]  # the empty prompt, or a caption of the picture
Path = Literal["once", "inversion"]  # one noised latent, or several along a DDIM inversion

INVERTED = (101, 301, 501)  # timesteps of an inversion that are read
INVERSION_STEPS = 10
UNSEEN = ("bus", "sheep", "palm", "sea", "door")  # held out of training: things, stuff and a part


@dataclass(frozen=True)
class HeadSpec:
    """What a head reads and how fine its masks are.

    timestep: t of the UNet pass. noise: whether noise of that t is
    added once, always the same. stride: image pixels per cell of the mask features. published: in Table 1.
    """

    name: str
    family: Family
    captioner: Captioner = ""
    context: Context = ""
    unet: bool = True
    autoencoder: bool = True
    noise: bool = True
    timestep: int = 0
    stride: int = 4
    path: Path = "once"
    published: bool = False

    @property
    def title(self) -> str:
        """As in the paper's Table 1, where it is there."""
        return HEAD_TITLES[self.name]

    @property
    def weights(self) -> str:
        """The row whose training it uses: its own, or of OVSeg's pattern the class-agnostic one, named anew."""
        return "maskclip-masks" if self.family == "ovseg" else self.name

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which models it reads: "diffusion" and "clip", or "clip" alone (every head is judged with CLIP's text)."""
        return ("diffusion", "clip") if self.family in ("odise", "vpd") else ("clip",)

    @property
    def dense(self) -> bool:
        """Whether it scores every cell, instead of proposing masks."""
        return self.family in ("lseg", "vpd")

    @property
    def asks(self) -> bool:
        """Whether the UNet's context holds the classes that are asked for."""
        return self.family == "vpd"


HEADS: dict[str, HeadSpec] = {
    spec.name: spec
    for spec in (
        HeadSpec("odise", "odise", captioner="both", published=True),
        HeadSpec("odise-no-captioner", "odise", published=True),
        HeadSpec("odise-no-unet", "odise", unet=False, published=True),
        HeadSpec(
            "odise-unet-alone", "odise", autoencoder=False, noise=False,
            stride=8, published=True,
        ),
        HeadSpec("odise-unet-alone-fine", "odise", autoencoder=False, noise=False),
        HeadSpec("odise-no-noise", "odise", noise=False),
        HeadSpec("odise-stride-8", "odise", stride=8),
        HeadSpec("odise-t-100", "odise", timestep=100),
        HeadSpec("odise-t-300", "odise", timestep=300),
        HeadSpec("odise-caption", "odise", context="caption"),
        HeadSpec("odise-time-alone", "odise", captioner="time"),
        HeadSpec("odise-inversion", "odise", path="inversion"),
        HeadSpec("san", "san", published=True),
        HeadSpec("maskclip-masks", "maskclip-masks", published=True),
        HeadSpec("ovseg", "ovseg"),
        HeadSpec("lseg", "lseg", stride=8),
        HeadSpec("vpd", "vpd", autoencoder=False, noise=False, timestep=OWN_TIMESTEPS["vpd"], stride=8),
    )
}  # fmt: skip


def head_spec(name: str) -> HeadSpec:
    """The spec of a name, or ChoiceError that lists the valid ones."""
    if name not in HEADS:
        raise ChoiceError(f"There is no head {quoted(name)}; choose one of {', '.join(HEADS)}.")
    return HEADS[name]
