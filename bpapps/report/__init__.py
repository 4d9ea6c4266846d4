"""Results of an evaluation -> one HTML file that needs nothing else, and Markdown.

The report reads the :class:`bpapps.results.Results` and the sections that it is handed, never a
model or a data set; a benchmark's page reads what ``scripts/benchmark.py`` measured.
"""

from bpapps.report.files import load_benchmark, results_in
from bpapps.report.markdown import benchmark_table, results_table, to_markdown
from bpapps.report.page import render, write_benchmark, write_index, write_report
from bpapps.report.sections import Section, Table

__all__ = [
    "Section",
    "Table",
    "benchmark_table",
    "load_benchmark",
    "render",
    "results_in",
    "results_table",
    "to_markdown",
    "write_benchmark",
    "write_index",
    "write_report",
]
