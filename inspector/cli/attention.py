"""`attention`: cross-attention of a diffusion model per word, step and layer."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.cli import asking, edits
from inspector.cli.options import Fields, add_diffusion, add_fields, add_masks, add_outputs, diffusion_of, given, option

if TYPE_CHECKING:
    from inspector.results import AttentionRequest, AttentionResult
    from inspector.views.figure import Sheet

HELP = "Where a diffusion model attends to each word, while it generates and with noise added once."


def timestep(text: str) -> int | None:
    """A number, or None for "match"."""
    return None if text == "match" else int(text)


FIELDS: Fields = {
    "prompt": (str, "what is generated (default: the caption, where --image is a drawn scene)"),
    "steps": (int, "denoising steps (default: the model's own, 20)"),
    "guidance_scale": (float, "classifier-free guidance (default: the model's own, 7.5)"),
    "seed": (int, "of the noise (default: 0)"),
    "scheduler": (str, "ddim, pndm or another that the model has (default: the model's own, ddim)"),
    "noise_timestep": (timestep, 't of the noise added once, 0 to 999, or "match", as in the last step (default: 100)'),
    "arms": (
        str,
        "what is compared, of generation, latent noised, decoded noised, noise once, mean of seeds, spread of seeds, "
        "inversion, without noise, denoised again (default: generation, noise once)",
    ),
    "seeds": (int, "noises of noise once, of the seeds from --seed on (default: 1)"),
    "noise_timesteps": (
        str,
        'several t of the noise, such as 1,101,301, or "every": all of the generation\'s (default: none)',
    ),
    "size": (int, "side in pixels of the generated image (default: the model's own)"),
    "heads": (bool, "keep the maps of every attention head too, in --out and for --ask head"),
    "queries": (bool, "keep the queries of cross-attention, of which words not in the prompt are asked"),
    "self_attention": (bool, "keep queries and keys of self-attention, for --ask self"),
    "kept_steps": (str, "of which steps these are kept, last or every (default: last)"),
    "reading": (str, "what the maps are, of a model with joint attention: attention or output (default: attention)"),
    "probes": (str, 'words that need not be in the prompt, such as "dog, tree", for --ask probe (default: none)'),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The request's fields, --image, --token, the model and the outputs."""
    parser.add_argument(
        "--image",
        nargs="+",
        metavar="IMAGE",
        help="look at this picture or scene:SEED, or at each of several, instead of generating one",
    )
    add_masks(parser)
    parser.add_argument(
        "--beside", metavar="NAME|DIR", help="a second diffusion model, asked the same: more rows of the figure"
    )
    parser.add_argument(
        "--token", metavar="WORD", help="what to report on: a word or phrase, word#2, @2:7 (default: each word)"
    )
    parser.add_argument(
        "--film",
        type=Path,
        metavar="FILE",
        help="write the steps as a film to this .gif, .webm or .mp4 file: each arm's mean map of --token",
    )
    asking.add_arguments(parser)
    add_fields(parser, FIELDS)
    add_fields(parser, edits.FIELDS)
    add_diffusion(parser)
    add_outputs(parser)


def run(args: argparse.Namespace) -> None:
    """`one` for every picture, or for the one that is generated."""
    from inspector.cli.output import each
    from inspector.errors import ChoiceError

    if args.image is None:
        if args.masks is not None:
            raise ChoiceError("--masks are of a given picture; add --image, or leave them out.")
        one(args)
    else:
        each(args, one)


def one(args: argparse.Namespace) -> dict[str, Any]:
    """Print, for each arm and word, how sharp its mean map is and, on a drawn scene, how well it fits the mask."""
    from inspector.cli.images import open_picture
    from inspector.cli.output import hand_over, prepare
    from inspector.cli.progress import follow
    from inspector.errors import ChoiceError
    from inspector.models.catalog import choose, usual_values
    from inspector.pipelines import attention
    from inspector.results import AttentionRequest, Token, word_tokens
    from inspector.views import attention as view
    from inspector.views.look import Look

    if args.beside and args.out:
        raise ChoiceError("--out keeps one model's result; use --figure and --json with --beside, or leave it out.")
    prepare(args)
    prepare_film(args)
    asking.check(args)
    fields = asking.needed(args) | given(args, FIELDS)
    if args.image is not None:
        picture = open_picture(args.image, args.masks)
        fields = {"prompt": picture.caption, **picture.fields} | fields
    tell_unused(args, fields)
    models = [diffusion_of(args)] + ([choose(args.beside, "diffusion")] if args.beside is not None else [])
    edit = edits.edit(args, fields.get("prompt", ""))
    requests = [
        AttentionRequest(**{"prompt": "", **usual_values(model), **fields}, model=model, edit=edit) for model in models
    ]
    if edit is not None:
        return edited(args, requests)
    prompt = requests[0].prompt
    if args.token is not None:  # a whole run is too much to lose to a slip
        word_tokens(prompt, [Token(0, prompt, 0, len(prompt))], args.token)
    results = []
    for request in requests:
        results.append(follow(attention.stream(request)))
        if results[-1].truncated:
            print(f"{request.model} did not read the end of the prompt: {results[-1].truncated!r}")
    result = results[0]
    words = view.words(result) if args.token is None else [args.token]
    if args.film is not None:
        write_film(result, args)

    state = asking.state(result, args, words[0])
    wanted = args.token is not None or args.beside or args.ask

    def figure(scale: int) -> "Sheet":
        if args.ask:
            return asking.sheet(result, state, scale)
        return view.stacked(results, Look(), token=args.token, side=view.SIDE * scale)

    return hand_over(
        result,
        [row for one_ in results for row in rows(one_, words, len(results) > 1)],
        args,
        figure if wanted else None,
        results[1:],
        state=state,
    )


def edited(args: argparse.Namespace, asked: "Sequence[AttentionRequest]") -> dict[str, Any]:
    """Print how alike the source's the edited word's map and picture are, with its attention kept and without."""
    from inspector.cli.output import hand_over
    from inspector.cli.progress import follow
    from inspector.errors import ChoiceError
    from inspector.pipelines import attention
    from inspector.views.edits import KEPT

    if len(asked) > 1:
        raise ChoiceError("--beside asks a second model, and --source shows other runs beside; give one of the two.")
    (request,) = asked
    words = edits.words(request, args.token)
    runs = edits.requests(request)
    result = follow(attention.stream(runs[KEPT]))  # what was asked for first
    results = {
        run: result if run == KEPT else follow(attention.stream(one), lasting=False) for run, one in runs.items()
    }
    for one_ in (result for result in results.values() if result.truncated):
        print(f"{one_.request.model} did not read the end of {one_.request.prompt!r}: {one_.truncated!r}")
    if args.film is not None:
        write_film(result, args)
    others = [one for run, one in results.items() if run != KEPT]
    state = {"panels": [{"arm": arm} for arm in result.arms]}
    rows = list(edits.rows(results, words))
    return hand_over(result, rows, args, lambda scale: edits.figure(results, words, scale), others, state=state)


def prepare_film(args: argparse.Namespace) -> None:
    """As `output.prepare`, for --film. Raises InputError, also for a given picture, which has no steps."""
    from inspector.cli.options import make_writable
    from inspector.errors import ChoiceError

    if args.film is None:
        return
    from inspector.views.animation import STILL, kind_of

    kind_of(args.film)
    if args.image is not None:
        raise ChoiceError(STILL)
    make_writable(file=args.film)


def write_film(result: "AttentionResult", args: argparse.Namespace) -> None:
    """Write --film: per arm the mean map of --token, or of the word that the figure shows, step after step."""
    from inspector.cli.options import writing
    from inspector.views.animation import animation, kind_of
    from inspector.views.attention_atlas import of_attention
    from inspector.views.look import Look

    film = animation(result, Look(), {}, kind_of(args.film), args.scale, of_attention(result, args.token or ""))
    with writing(args.film):
        args.film.write_bytes(film)


def tell_unused(args: argparse.Namespace, fields: Mapping[str, Any]) -> None:
    """Say on standard error which options say how a picture is generated, where one is given instead."""
    if args.image is None:
        return
    matched = fields.get("noise_timestep", 0) is None  # then t is that of the schedule's last step
    unused = [name for name in ("steps", "scheduler") if name in args and not matched]
    unused += [name for name in ("guidance_scale",) if name in args]
    if unused:
        told = ", ".join(map(option, unused))
        print(
            f"inspector: {told} would say how a picture is generated; --image gives one, so it is ignored.",
            file=sys.stderr,
        )


def rows(result: "AttentionResult", words: Sequence[str] = (), named: bool = False) -> list[dict[str, Any]]:
    """`summary` of each arm and word, after the model's name if wanted; without words, of all that the prompt has."""
    from inspector.views import attention as view

    own = {"model": result.request.model} if named else {}
    return [own | summary(result, arm, word) for arm in result.arms for word in words or view.words(result)]


def summary(result: "AttentionResult", arm: str, word: str) -> dict[str, Any]:
    """One row: peak and entropy of the mean map over steps and layers; against a mask, its AP and the best cell's."""
    from inspector.analysis.metrics import entropy

    map_ = result.select(arm, step="mean", layer="mean", token=word)
    row = {"arm": arm, "word": word, "peak": float(map_.max()), "entropy": entropy(map_)}
    cells = [cell for cell in result.metrics if cell["arm"] == arm and cell["word"].lower() == word.lower()]
    if cells:
        means = [cell["ap"] for cell in cells if cell["layer"] == "mean"]
        best = max(cells, key=lambda cell: cell["ap"])
        row |= {"AP of mean": sum(means) / len(means), "best AP": best["ap"], "chance": best["chance"]}
        row["best at"] = f"{best['layer']}, t = {best['timestep']}"
    return row
