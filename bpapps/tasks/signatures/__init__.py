"""Signatures: is a questioned one by the writer of the references?"""

from bpapps.kinds.verification import Verification
from bpapps.tasks import Task

TASK = Task(
    name="signatures",
    title="Signatures",
    summary="Is this signature by the writer of the references? Genuine, or not.",
    data={
        "synthetic": "signatures of synthetic writers, made by the sigma-lognormal model",
        "cedar": "CEDAR, 24 genuine and 24 forged signatures of each of its writers",
        "gpds": "GPDS-960 or GPDSsyntheticSignature",
        "mcyt75": "MCYT-75, 15 genuine and 15 forged signatures of 75 writers",
        "bhsig-bengali": "BHSig260, Bengali signatures of 100 writers",
        "bhsig-hindi": "BHSig260, Hindi signatures of 160 writers",
    },
    package=__name__,
    kind=Verification(traits=f"{__name__}.traits"),
    preset_for={"": "align"},
)
