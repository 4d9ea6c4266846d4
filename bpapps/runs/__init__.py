"""A run: train a task's net, keep all of it in one folder, and measure it.

The folder holds ``config.json`` (what made it; a rerun with it gives the same bits),
``model.safetensors``, ``history.json`` (a record an epoch), ``log.txt``, and while it trains
``checkpoint.safetensors``, from which a run that was cut off goes on.
"""

from bpapps.runs.config import Config
from bpapps.runs.folder import CHECKPOINT, Run, find, load, of_model, output_folder, scores_in
from bpapps.runs.measuring import contender, measure
from bpapps.runs.testing import data_for, is_its_own
from bpapps.runs.training import train

__all__ = [
    "CHECKPOINT",
    "Config",
    "Run",
    "contender",
    "data_for",
    "find",
    "is_its_own",
    "load",
    "measure",
    "of_model",
    "output_folder",
    "scores_in",
    "train",
]
