"""CLIP's byte-pair tokenizer: learn its merges, write it once, read it with open_clip and transformers.

Both libraries read the same merges and give equal ids for plain text. They part on text that open_clip
mends first (HTML entities, mojibake, ligatures) and on the names of their control tokens; `plain`
removes the latter, so that nothing typed in a prompt acts as one.
"""

import gzip
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import regex
from huggingface_hub.errors import StrictDataclassError
from open_clip.tokenizer import SimpleTokenizer, bytes_to_unicode
from transformers import CLIPTokenizer

from inspector.errors import ModelFilesError
from inspector.models.files import read_json
from inspector.settings import ASSETS

Merge = tuple[str, str]

MERGES_FILE = "bpe.txt.gz"
CONFIG_FILE = "tokenizer_config.json"
LONGEST = 100_000  # tokens of a text that any model reads
# What transformers raises over a tokenizer's files that are missing, torn or of another kind.
UNREADABLE = (StrictDataclassError, OSError, ValueError, TypeError, KeyError, AttributeError, IndexError, RuntimeError)
START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"
# Both libraries' names, in any case, since both lower the case before they look.
CONTROL = re.compile(r"<\|(?:startoftext|endoftext)\|>|<(?:start_of_text|end_of_text)>", re.IGNORECASE)
# CLIP's pre-tokenizer (OpenAI CLIP, simple_tokenizer.py).
PIECES = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE)


def common_words() -> dict[str, int]:
    """Our list of common English words with weights by rank, so that a small vocabulary reads any text."""
    words = [line for line in (ASSETS / "words.txt").read_text("utf-8").splitlines() if line and line[0] != "#"]
    listed = " ".join(words).split()
    return {word: len(listed) - rank for rank, word in enumerate(listed)}


def learn_merges(words: Mapping[str, int], count: int) -> list[Merge]:
    """The `count` most frequent byte pairs of weighted words, in order of learning; fewer if words run out.

    Ties go to the later pair in code point order, so that the same words give the same merges. No symbol comes
    up twice, which would shift open_clip's ids: a symbol's inside is merged alike wherever it occurs.
    """
    weights: Counter[str] = Counter()
    for text, weight in words.items():
        for piece in PIECES.findall(text.lower()):
            weights[piece] += weight
    spelled = [spell(piece) for piece in weights]
    weight_of = list(weights.values())
    pairs: Counter[Merge] = Counter()
    where: defaultdict[Merge, set[int]] = defaultdict(set)
    for index, symbols in enumerate(spelled):
        for pair in pairwise(symbols):
            pairs[pair] += weight_of[index]
            where[pair].add(index)
    merges: list[Merge] = []
    while len(merges) < count and pairs:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        if pairs[best] <= 0:
            break
        merges.append(best)
        for index in where.pop(best):
            before, after = spelled[index], join_pair(spelled[index], best)
            for pair in pairwise(before):
                pairs[pair] -= weight_of[index]
            for pair in pairwise(after):
                pairs[pair] += weight_of[index]
                where[pair].add(index)
            spelled[index] = after
    return merges


def spell(piece: str) -> list[str]:
    """The byte symbols of a word, the last one carrying the end-of-word mark."""
    symbols = [byte_symbols()[byte] for byte in piece.encode("utf-8")]
    return [*symbols[:-1], symbols[-1] + WORD_END]


def join_pair(symbols: Sequence[str], pair: Merge) -> list[str]:
    """Symbols with every occurrence of the pair, from the left, joined into one."""
    joined: list[str] = []
    for symbol in symbols:
        if joined and (joined[-1], symbol) == pair:
            joined[-1] = "".join(pair)
        else:
            joined.append(symbol)
    return joined


@lru_cache(maxsize=1)
def byte_symbols() -> dict[int, str]:
    """CLIP's alphabet: a printable character for each byte, in the order that fixes the first ids."""
    return bytes_to_unicode()


def base_symbols() -> list[str]:
    """The 512 symbols before any merge: each byte inside a word, then each byte that ends one."""
    inside = list(byte_symbols().values())
    return inside + [symbol + WORD_END for symbol in inside]


def vocabulary(merges: Sequence[Merge]) -> dict[str, int]:
    """Symbol -> id as both libraries number them; the end of text is the highest id."""
    symbols = [*base_symbols(), *("".join(merge) for merge in merges), START, END]
    return {symbol: index for index, symbol in enumerate(symbols)}


def write_tokenizer(folder: Path, merges: Sequence[Merge], context_length: int) -> None:
    """Write the tokenizer into `folder` in both forms: open_clip's merges and transformers' files."""
    folder.mkdir(parents=True, exist_ok=True)
    # open_clip drops the first line, and would count a trailing newline as one more merge. A fixed
    # modification time keeps the bytes equal from run to run.
    lines = "\n".join(["#version: 0.2", *(" ".join(merge) for merge in merges)])
    (folder / MERGES_FILE).write_bytes(gzip.compress(lines.encode("utf-8"), mtime=0))
    fast = CLIPTokenizer(vocab=vocabulary(merges), merges=list(merges), model_max_length=context_length)
    fast.save_pretrained(folder)


def open_tokenizer(folder: Path) -> SimpleTokenizer:
    """open_clip's tokenizer of a folder that `write_tokenizer` filled.

    Raises ModelFilesError when a file is missing.
    """
    for name in (MERGES_FILE, CONFIG_FILE):
        if not (folder / name).is_file():
            raise ModelFilesError(f"{folder} has no {name}; copy the tokenizer's files there.")
    length = read_json(folder / CONFIG_FILE).get("model_max_length")
    if type(length) is not int or not 3 <= length <= LONGEST:
        raise ModelFilesError(f"{folder / CONFIG_FILE} has no model_max_length from 3 to {LONGEST}; download it again.")
    try:
        # Absolute: a relative path would be read from the working folder.
        return SimpleTokenizer(bpe_path=str((folder / MERGES_FILE).resolve()), context_length=length)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:  # no gzip, no text, no merges
        raise ModelFilesError(f"{folder / MERGES_FILE} is damaged: it holds no merges; download it again.") from error


def open_fast_tokenizer(folder: Path) -> CLIPTokenizer:
    """transformers' tokenizer of such a folder, with character offsets; pads with the end of text.

    Raises ModelFilesError when a file is missing or damaged.
    """
    read_json(folder / CONFIG_FILE)
    with readable(folder):
        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """While transformers reads a tokenizer: ModelFilesError where that fails."""
    try:
        yield
    except UNREADABLE as error:
        raise ModelFilesError(f"The tokenizer in {folder} cannot be read; download its files again.") from error


def plain(text: str) -> str:
    """The text with every spelled-out control token replaced by spaces of the same length."""
    return CONTROL.sub(lambda match: " " * len(match.group()), text)
