"""Results of an evaluation -> one HTML file that needs nothing else, and Markdown.

The report reads :class:`bpapps.evaluation.Results` only, never a model or a data set.
"""

from bpapps.report.markdown import results_table, to_markdown
from bpapps.report.page import write_index, write_report

__all__ = ["results_table", "to_markdown", "write_index", "write_report"]
