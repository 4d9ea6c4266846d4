"""The fonts at hand: fonts that come with matplotlib, and fonts of the system.

A font serves if it has all of 0-9, A-Z and a-z, and if they look like Latin letters: fonts of
symbols, of formulas or of other scripts are passed over. Fonts are split between training and
test by family, and clones of one design count as one family.
"""

from __future__ import annotations

import hashlib
import os
import re
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures.shapes import bounding_boxes, resample
from bpapps.tasks.characters.classes import CHARACTERS
from bpapps.tasks.characters.font_cache import FontCache

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

SUFFIXES = {".ttf", ".otf", ".ttc", ".otc"}
_LIKE_LATIN = 0.28
"""Share of the characters that must look most like the same one of a font known to be Latin."""
_UNLIKE = "abdefghnqrt"
_MOST_ALIKE = 0.8
"""How alike small letters and capitals may be: of small capitals, size alone tells."""
_MODELS = ("DejaVuSans.ttf", "STIXGeneral.ttf", "STIXGeneralItalic.ttf")
_NO_LETTERS = re.compile(
    r"symbol|dings\b|dingbat|\bicons?\b|emoji|\bmath|\bmusic|ornament", re.IGNORECASE
)
"""In the name of a font of signs, which may also have Latin letters, or Greek ones like them."""
_SIZE = 32  # pixels an em at which a font is looked at
_SIDE = 12  # pixels of a character's shape
_MOST_FACES = 64  # in one collection
_EM = 200  # pixels an em at which a space is measured
_SPACE = 0.1
"""Share of an em that a font's space must advance, so that a line can be set in the font."""


@dataclass(frozen=True, order=True)
class Font:
    """One face: the ``index``-th of a file.

    ``style`` is its full name, ``family`` what it is split by: see :func:`design`.
    """

    family: str
    style: str
    path: Path
    index: int = 0


def fonts(folder: Path | None = None) -> list[Font]:
    """The fonts that serve, sorted: a folder's fonts, or else matplotlib's and the system's.

    A file that is no readable font is skipped with a warning. Of two fonts of one name and style
    the first counts, and matplotlib's go before the system's, which are looked for only once.

    Raises:
        ValueError: there is none.
    """
    found, broken = _system() if folder is None else _look([Path(folder)])
    if broken:
        more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        text = f"skipped fonts that cannot be read: {', '.join(broken[:3])}{more}"
        warnings.warn(text, stacklevel=2)
    if not found:
        where = folder or "matplotlib's folder and the system's"
        raise ValueError(
            f"{where}: no font with the characters 0-9, A-Z and a-z; put .ttf or .otf files there"
        )
    return list(found)


@cache
def _system() -> tuple[list[Font], list[str]]:
    cache = FontCache(_rules())
    found = _look(_folders(), cache)
    cache.save()
    return found


def _look(folders: Iterable[Path], cache: FontCache | None = None) -> tuple[list[Font], list[str]]:
    """The fonts in some folders that serve, sorted; and files that cannot be read, and why."""
    found: dict[str, Font] = {}
    broken = []
    for path in _files(folders):
        seen = _seen(path) if cache is None else cache.found(path, _seen)
        if isinstance(seen, str):
            broken.append(f"{path} ({seen})")
        else:
            for name, style, index in seen:
                found.setdefault(style, Font(design(name), style, path, index))
    return sorted(found.values()), broken


def _rules() -> str:
    """A mark of the rules by which fonts are chosen: of this very text, and what draws them."""
    from PIL import __version__

    return f"{zlib.crc32(Path(__file__).read_bytes()):08x} {__version__}"


def _seen(path: Path) -> list[tuple[str, str, int]] | str:
    """The faces of a file that serve, or why it cannot be read."""
    try:
        return list(_faces(path))
    except OSError as error:
        return str(error)


def for_lines(fonts: Sequence[Font]) -> list[Font]:
    """The fonts that can set a line: their space is a :data:`_SPACE` of an em or more.

    In fonts that are made for formulas, say, a space has no width.
    """
    ems = (open_face(font.path, font.index, _EM) for font in fonts)
    return [
        font for font, face in zip(fonts, ems, strict=True) if face.getlength(" ") >= _SPACE * _EM
    ]


def split_families(
    fonts: Sequence[Font], seed: int = 0, test_share: float = 0.25
) -> tuple[list[Font], list[Font]]:
    """Fonts to train on and fonts to test on, no family in both.

    A family's side follows from its name and the seed alone, so that it is the same whatever
    other fonts there are: a net trained on one machine meets none of its families in another
    machine's test. Only where a side would stay empty does the nearest family change over.

    Raises:
        ValueError: there is one family only.
    """
    place = {font.family: _place(font.family, seed) for font in fonts}
    order = sorted(place, key=place.__getitem__)
    if len(order) < 2:
        raise ValueError(f"only one font family, {order[0] if order else '-'}; give at least two")
    count = min(max(sum(p < test_share for p in place.values()), 1), len(order) - 1)
    tested = set(order[:count])
    return (
        [font for font in fonts if font.family not in tested],
        [font for font in fonts if font.family in tested],
    )


def _place(family: str, seed: int) -> float:
    """A family's place in [0, 1)."""
    digest = hashlib.sha256(f"{seed} {family}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


# ------------------------------------------------------------------ families

_VARIANT = re.compile(
    r"\b(mono|monospace|condensed|semicondensed|narrow|extended|display|caption|text|ui|cjk|jp|kr"
    r"|sc|tc|hk|thin|light|medium|semibold|bold|black|heavy|regular|italic|oblique|smallcaps"
    r"|titling|std|pro|adf|minus|no ?[0-9])\b"
)
_CUTS = (
    "beteckna",
    "biz ud",
    "fira",
    "gentium",
    "ibm 3270",
    "ibm plex",
    "inria",
    "irianis",
    "lexend",
    "montserrat",
    "noto serif",
    "opendyslexic",
    "oxygen",
    "roboto",
    "routed gothic",
    "tiresias",
)
"""Designs whose every cut has a name that begins as theirs."""
_CLONES = {
    "computer modern": r"cm(r|b|bx|ti|mi|sl|u|csc)\d+|lmroman.*|latin modern roman.*|cmu serif.*",
    "computer modern sans": r"cmss\w*|lmsans.*|latin modern sans.*|cmu sans.*",
    "computer modern typewriter": r"cmtt\w*|lmmono.*|latin modern mono.*|cmu typewriter.*",
    "dejavu sans": r"(bitstream )?vera(na)? sans.*|hack|menlo",
    "dejavu serif": r"(bitstream )?vera serif|verana",
    "helvetica": r"arial.*|arimo|liberation sans|nimbus sans.*|freesans|tex gyre heros.*"
    r"|helvetica.*",
    "times": r"times.*|tinos|liberation serif|nimbus roman.*|freeserif|tex gyre termes.*|stix.*"
    r"|xits.*|doulos.*|romande.*|tribun.*",
    "courier": r"courier.*|nimbus( ps| l)?|freemono|tex gyre cursor.*",
    "cousine": r"liberation",  # Liberation Mono
    "palatino": r"palatino.*|p052|(urw )?palladio.*|tex gyre pagella.*|book antiqua|domitian",
    "bookman": r"bookman.*|urw bookman.*|tex gyre bonum.*",
    "century schoolbook": r"century schoolbook.*|c059|tex gyre schola.*",
    "avant garde": r"urw gothic.*|itc avant garde.*|tex gyre adventor.*|century gothic",
    "chancery": r"z003|urw chancery.*|zapf chancery.*|tex gyre chorus.*",
    "lato": r"carlito|lato.*",
    "m plus": r"m ?plus.*",
    "highway gothic": r"roadgeek.*",
    "monoid": r"mono(id|isome).*",
    "eurofurence": r"eurofurence.*|monofur|unifur",
    "karla": r"kar(la|milla)",
    "ocr a": r"ocr ?a.*",
    "bembo": r"cardo|etbb|fbb",
    "charter": r"charter.*|xcharter|charis.*",
    "go": r"go( ?smallcaps)?",
    "kurier": r"kurier.*|iwona.*",
    "libre baskerville": r"libre (baskerville|bskvl)|baskervillef",
    "libre caslon": r"libre (caslon|csln)",
    "merriweather": r"merriweather.*|rasa|yrsa",
    "pt": r"pt (sans|serif)",
    "source": r"source (code|sans|serif).*",
    "utopia": r"utopia.*|erewhon|heuristica|linguistics",
    "noto sans": r"noto( (?!serif).*)?|open sans.*|droid.*",
}


def design(name: str) -> str:
    """The family whose design a font of some name has.

    Weights and widths are of one design; so are a monospaced cut and the face it was cut from,
    the scripts of Noto, and the well-known clones of Helvetica, Times, Computer Modern ….
    """
    plain = " ".join(_VARIANT.sub(" ", name.lower()).split()) or name.lower()
    for family in _CUTS:
        if plain.startswith(family):
            return family
    for family, clones in _CLONES.items():
        if re.fullmatch(clones, plain):
            return family
    return plain


# ------------------------------------------------------------------ files


def _folders() -> list[Path]:
    """Where fonts lie on Linux, macOS and Windows; matplotlib's own first."""
    import matplotlib

    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    names = [
        *(f"{matplotlib.get_data_path()}/fonts/ttf", "/usr/share/fonts", "/usr/local/share/fonts"),
        *(f"{data}/fonts", "~/.fonts"),
        *("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    ]
    for variable, below in (("WINDIR", "Fonts"), ("LOCALAPPDATA", "Microsoft/Windows/Fonts")):
        if variable in os.environ:
            names.append(f"{os.environ[variable]}/{below}")
    return [Path(name).expanduser() for name in names]


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            files = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
            yield from sorted(path for path in files if path.is_file() and path.name[0] != ".")


def _faces(path: Path) -> Iterator[tuple[str, str, int]]:
    """Family name, full name and index of the faces of a file that serve.

    OSError where the file is no readable font.
    """
    for index in range(_MOST_FACES):
        try:
            face = open_face(path, index, _SIZE)
        except OSError as error:
            if index > 0:  # past the last of a collection
                return
            if "pixel size" in str(error):  # a font of bitmaps, such as coloured emoji
                return
            raise
        name, style = (text or "" for text in face.getname())
        if name and not _NO_LETTERS.search(name) and _serves(face):
            yield name, f"{name} {style}".strip(), index
        if path.suffix.lower() not in {".ttc", ".otc"}:
            return


def open_face(path: Path, index: int, size: float) -> FreeTypeFont:
    """A face at a size, in pixels an em; OSError where it cannot be read."""
    from PIL import ImageFont

    # The basic layout: the same on every machine, and it draws one character as one glyph.
    return ImageFont.truetype(path, size, index, layout_engine=ImageFont.Layout.BASIC)


def drawn(
    face: FreeTypeFont,
    characters: Sequence[str],
    shape: tuple[int, int],
    at: Sequence[tuple[float, float]],
) -> NDArray[np.uint8]:
    """Pictures (n, height, width), each of one character, its origin on the baseline at ``at``."""
    from PIL import Image, ImageDraw

    height, width = shape
    out = np.empty((len(characters), height, width), dtype=np.uint8)
    for picture, character, (row, column) in zip(out, characters, at, strict=True):
        canvas = Image.new("L", (width, height))
        ImageDraw.Draw(canvas).text((column, row), character, 255, face, anchor="ls")
        picture[:] = np.asarray(canvas)
    return out


# ------------------------------------------------------------------ shapes


def _serves(face: FreeTypeFont) -> bool:
    """Whether a face has the characters, all different, and whether they look Latin."""
    lacking = _probes(face, "\U0010ffff")  # the sign that stands for characters that a font lacks
    for few in ("a0", CHARACTERS):  # most fonts of other scripts go by the first two
        pictures = _probes(face, few)
        if not pictures.any(axis=(1, 2)).all() or (pictures == lacking).all(axis=(1, 2)).any():
            return False
    # An I may be an l; but where all small letters are capitals, case cannot be learned.
    if len({picture.tobytes() for picture in pictures}) < len(CHARACTERS) - 6:
        return False
    shapes = _shapes(pictures)
    return _likeness(shapes) >= _LIKE_LATIN and _likeness_of_cases(shapes) <= _MOST_ALIKE


def _likeness(shapes: NDArray[np.float32]) -> float:
    """The share of the characters that look most like the same ones, in either case, elsewhere."""
    same = (shapes @ _latin().T).argmax(axis=1) % len(CHARACTERS)
    folded = np.array([character.lower() for character in CHARACTERS])
    return float(np.mean(folded[same] == folded))


def _likeness_of_cases(shapes: NDArray[np.float32]) -> float:
    """How alike small letters and capitals are, of the letters that differ in most fonts."""
    small, capital = (
        shapes[[CHARACTERS.index(letter) for letter in letters]]
        for letters in (_UNLIKE, _UNLIKE.upper())
    )
    return float(np.einsum("cp,cp->c", small, capital).mean())


def _probes(face: FreeTypeFont, characters: Sequence[str]) -> NDArray[np.uint8]:
    at = [(1.4 * _SIZE, _SIZE)] * len(characters)
    return drawn(face, characters, (2 * _SIZE, 3 * _SIZE), at)


def _shapes(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The ink of each picture scaled to one square: vectors of mean 0 and length 1."""
    boxes = bounding_boxes(pictures > 0)
    longer = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    centre = np.full_like(middles, _SIDE / 2)
    x = resample(pictures.astype(np.float32), _SIDE / longer, middles, centre, _SIDE)
    x = x.reshape(len(x), -1)
    x -= x.mean(axis=1, keepdims=True)
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-6)


@cache
def _latin() -> NDArray[np.float32]:
    """The shapes of three fonts that come with matplotlib: without serifs, with, and italic."""
    files = [_folders()[0] / name for name in _MODELS]
    faces = [open_face(file, 0, _SIZE) for file in files]
    return np.concatenate([_shapes(_probes(face, CHARACTERS)) for face in faces])
