"""Texts to render lines of: words, numbers and codes, as they stand on labels and forms."""

from __future__ import annotations

import string

import numpy as np

WORDS = """
about above account after again air all also always amount and answer apple back bank before
begin best better between black blue board book both box bread bridge bring build business call
came car carry centre change check church city class clear close cold colour come cost could
country cover cross date day deep did door down draw drive early earth east eat eight end even
every example eye face fall family far farm fast father feel few field figure fill final find fire
first fish five fly follow food foot for form found four free friend from full game garden gave
give glass gold good great green ground group grow half hand happy hard have head hear heat heavy
help here high hold home horse hour house how hundred idea inch iron island join jump just keep
kind king know lake land large last late laugh law lead learn leave left letter life light like
line list listen little live local long look low machine made make many map mark market mean
measure meet metal might mile milk mind minute money month moon more morning most mother mountain
move much music must name near need never new next night nine north note nothing notice number
object ocean off office often old one only open order other out over own page paper part pass pay
people person picture piece place plan plane plant play point power press price problem public
pull question quick quiet quite rain reach read ready real record red remember rest rich right
river road rock room round rule run safe said sail same save school science sea second see serve
seven ship short should show side sign simple sing six size sleep slow small snow some song soon
sound south space speak special spell spring stand star start state stay step still stone stop
store street strong study summer sun sure system table take talk teach tell ten test thank then
think three through time today town travel tree true turn two under unit until use valley very
visit voice wait walk want warm watch water wave way week weight well west what wheel where white
whole wind window winter wish with wood word work world write year yellow yes young zero
""".split()  # noqa: SIM905

SHORTEST, LONGEST = 8, 20
"""Characters of a line, with its spaces."""
_KINDS = ("small", "first", "capitals", "number", "code")
_SHARES = (0.45, 0.2, 0.1, 0.15, 0.1)


def words(rng: np.random.Generator) -> str:
    """A line of words, numbers and codes."""
    while True:
        text = _token(rng)
        while len(text) < SHORTEST:
            text += " " + _token(rng)
        more = f"{text} {_token(rng)}"
        if len(more) <= LONGEST and rng.random() < 0.7:
            text = more
        if len(text) <= LONGEST:
            return text


def random(rng: np.random.Generator) -> str:
    """Any of the 62 characters, each as likely as any other, and a space now and then."""
    characters = list(string.digits + string.ascii_letters)
    text = rng.choice(characters, size=rng.integers(SHORTEST, LONGEST + 1)).tolist()
    for place in range(3, len(text) - 3):
        if text[place - 1] != " " and text[place - 2] != " " and rng.random() < 0.12:
            text[place] = " "
    return "".join(text)


def _token(rng: np.random.Generator) -> str:
    kind = rng.choice(_KINDS, p=_SHARES)
    if kind == "number":
        return "".join(rng.choice(list(string.digits), size=rng.integers(1, 7)))
    if kind == "code":
        letters = rng.choice(list(string.ascii_uppercase), size=rng.integers(1, 4))
        digits = rng.choice(list(string.digits), size=rng.integers(1, 5))
        return "".join(letters) + "".join(digits)
    word = str(rng.choice(WORDS))
    return word.capitalize() if kind == "first" else word.upper() if kind == "capitals" else word
