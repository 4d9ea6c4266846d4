"""Results of an evaluation -> one HTML file that needs nothing else, and Markdown.

The report reads :class:`bpapps.evaluation.Results` only, never a model or a data set; a
benchmark's page reads what ``scripts/benchmark.py`` measured.
"""

from bpapps.report.files import load_benchmark
from bpapps.report.markdown import benchmark_table, results_table, to_markdown
from bpapps.report.page import write_benchmark, write_index, write_report

__all__ = [
    "benchmark_table",
    "load_benchmark",
    "results_table",
    "to_markdown",
    "write_benchmark",
    "write_index",
    "write_report",
]
