"""Backpropagation explained with the real numbers of one small training.

:func:`run` trains a net and keeps plain records of all that happened; the page and the text for
the terminal are made of the records alone:

    records = run("xor", seed=0)
    write_page(records, "explained.html")
    print(to_text(records))
"""

from bpapps.explain.page import write_page
from bpapps.explain.problems import PROBLEMS
from bpapps.explain.run import run
from bpapps.explain.text import to_text

__all__ = ["PROBLEMS", "run", "to_text", "write_page"]
