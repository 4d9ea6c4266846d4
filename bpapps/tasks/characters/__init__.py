"""Characters, 0-9, A-Z and a-z: printed or written by hand."""

from bpapps.kinds.classification import Classification
from bpapps.tasks import Task

TASK = Task(
    name="characters",
    title="Characters",
    summary="Which character is it? Printed or handwritten 0-9, A-Z, a-z: one, or a line of them.",
    data={
        "print": "printed characters, rendered from the fonts at hand; tested on other families",
        "hand62": "6,200 phone photos of handwritten characters, 100 a class",
        "plate-chars": "3,598 characters of British number plates, all of them to test on",
        "emnist-byclass": "EMNIST's 814,255 characters, 62 classes",
        "emnist-bymerge": "EMNIST's 814,255 characters, 47 classes",
        "emnist-balanced": "EMNIST's 131,600 characters, 47 classes of equal size",
        "emnist-letters": "EMNIST's 145,600 letters, either case, 26 classes",
        "emnist-digits": "EMNIST's 280,000 digits",
        "emnist-mnist": "EMNIST's 70,000 digits, split as MNIST",
    },
    package=__name__,
    kind=Classification(groupings=f"{__name__}.classes", lines=__name__),
    preset_for={"hand62": "photos", "": "cnn"},
)
