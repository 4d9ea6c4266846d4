"""Handwritten digits, 0 to 9."""

from bpapps.kinds.classification import Classification
from bpapps.tasks import Task

TASK = Task(
    name="digits",
    title="Handwritten digits",
    summary="Which digit is it? One handwritten digit, 0 to 9, from a scan or a photo.",
    data={
        "digits": "scikit-learn's 1,797 digits of 8×8 pixels, which need no download",
        "mnist": "MNIST's 70,000 digits of 28×28 pixels",
        "kmnist": "Kuzushiji-MNIST, ten classical Japanese characters",
        "emnist-digits": "EMNIST's 280,000 digits",
    },
    package=__name__,
    kind=Classification(),
    preset_for={"digits": "small", "": "cnn"},
)
