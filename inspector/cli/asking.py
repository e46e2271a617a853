"""`attention --ask`: what else a recorded run answers, as the figure and as what the page begins with."""

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspector.results import AttentionResult
    from inspector.views.figure import Sheet

# What is asked -> the view that answers it, and the fields that must be kept for it.
QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "word": ("word", {}),
    "without-start": ("without start", {}),
    "head": ("head", {"heads": True}),
    "against": ("against", {}),
    "self": ("self", {"self_attention": True}),
    "probe": ("probe", {"queries": True}),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--ask and what it goes by."""
    parser.add_argument(
        "--ask",
        choices=tuple(QUESTIONS),
        help="draw this instead of Figure 3: a word's maps (word), the same without the start token or of one head, "
        "which word wins each place (against), where a region looks (self), or a probe word",
    )
    parser.add_argument("--layer", metavar="NAME", help="of --ask: mean, a height, a block or a module (default: mean)")
    parser.add_argument("--head", type=int, metavar="N", help="of --ask head, from 1 (default: 1)")
    parser.add_argument(
        "--region", metavar="Y,X", help='of --ask self: a pixel "Y,X", a box "Y0,X0,Y1,X1" or a polygon "Y,X Y,X Y,X"'
    )
    parser.add_argument("--rivals", metavar="WORDS", help="of --ask against: words that compete (default: long ones)")


def check(args: argparse.Namespace) -> None:
    """Raise ChoiceError for an option of another question, or that no run could answer, before anything runs."""
    from inspector.errors import ChoiceError
    from inspector.results import read_region
    from inspector.settings import settings

    if args.ask is None and args.layer is not None:
        raise ChoiceError("--layer is of --ask; add --ask word, or leave it out.")
    for name, question in (("head", "head"), ("region", "self"), ("rivals", "against")):
        if getattr(args, name) is not None and args.ask != question:
            raise ChoiceError(f"--{name} is of --ask {question}; add that, or leave it out.")
    if args.ask and args.beside:
        raise ChoiceError("--ask draws one model's result; leave --beside out.")
    if args.ask == "probe" and not getattr(args, "probes", ""):
        raise ChoiceError('--ask probe needs words; give --probes "dog, tree".')
    if args.region is not None:
        longest = settings().limits.work_side
        read_region(args.region, (longest, longest))
    if args.rivals is not None:
        _listed(args.rivals)


def needed(args: argparse.Namespace) -> dict[str, Any]:
    """The fields that a question needs kept."""
    return dict(QUESTIONS[args.ask][1]) if args.ask else {}


def state(result: "AttentionResult", args: argparse.Namespace, word: str) -> dict[str, Any]:
    """What a viewer begins with. Raises ChoiceError for a layer, a head, a region or words that there are not."""
    from inspector.results import check_number, chosen_layers, read_region
    from inspector.views.attention import parse_layer

    panels = [{"arm": arm, "word": word} for arm in result.arms]
    if not args.ask:
        return {"panels": panels}
    layer = args.layer or (result.layers[-1] if args.ask == "head" else "mean")
    chosen = chosen_layers(result.sizes, parse_layer(layer))
    shown = {"view": QUESTIONS[args.ask][0], "layer": layer}
    told: dict[str, Any] = {}
    if args.ask == "head":
        heads = min(result.head_maps[result.arms[0]][name].shape[1] for name in chosen)
        check_number("head", args.head or 1, 1, heads, whole=True)
        shown["head"] = str(args.head or 1)
    if args.ask == "self" and args.region:
        region = read_region(args.region, next(iter(result.images.values())).shape[:2])
        told["region"] = {"kind": region.kind, "points": [{"y": y, "x": x} for y, x in region.points]}
        if region.kind == "pixel":
            told = {"pin": told["region"]["points"][0]}
    if args.ask == "against" and args.rivals:
        told["rivals"] = _rivals(result, args.rivals)
    last = {"step": str(max(len(steps) for steps in result.steps.values()))}
    return {"panels": [panel | shown | last for panel in panels], **told}


def _rivals(result: "AttentionResult", text: str) -> list[str]:
    """Two words of the prompt or more. Raises ChoiceError for others."""
    from inspector.results import check_choice
    from inspector.views.attention import words

    found = _listed(text)
    for word in found:
        check_choice("a word of --rivals", word, words(result))
    return found


def _listed(text: str) -> list[str]:
    """The words of a text with commas. Raises ChoiceError for fewer than two."""
    from inspector.errors import ChoiceError

    found = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if len(found) < 2:
        raise ChoiceError("--rivals needs two words of the prompt at least.")
    return found


def sheet(result: "AttentionResult", told: dict[str, Any], scale: int) -> "Sheet":
    """The panels of `state` as a figure."""
    from inspector.views import shown
    from inspector.views.look import Look

    return shown.sheet(result, Look(), told, scale)
