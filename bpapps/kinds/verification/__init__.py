"""Are these by one hand? A questioned picture, and references of the writer it is said to be by."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bpapps.kinds.base import Answer, Kind, Model, Option, output_shape, with_votes

if TYPE_CHECKING:
    from bpapps.core import Chain, Params
    from bpapps.data.splits import Part, Split
    from bpapps.experiments import Probe, Progress, Spoil
    from bpapps.report import Section
    from bpapps.results import Headline

QUICK_CORRUPTIONS = 2
"""Corruptions that a quick report tries."""


@dataclass(frozen=True)
class Verification(Kind):
    """Pictures of writers; the targets are whose each is, and whether it is genuine.

    Args:
        traits: the module that has ``traits(pictures)``, trivial features that must not decide,
            and ``CORRUPTIONS``, the names of those that questioned pictures are put through.
    """

    name: ClassVar[str] = "verification"
    question: ClassVar[str] = "are these by one hand?"
    spoilt: ClassVar[str] = (
        "Accuracy is 1 - average error at the fixed threshold; less data are fewer writers, and a "
        "wrong label calls a genuine signature forged, or the reverse."
    )
    traits: str = ""

    @property
    def options(self) -> Sequence[Option]:
        """The references."""
        help_ = (
            "Genuine pictures that FILES are compared with; takes all that follow, so that FILES "
            "go before it."
        )
        return (Option("reference", "FILE...", help_, type="file", many=True, required=True),)

    @property
    def estimator(self) -> type:
        """The class of the nets."""
        from bpapps.kinds.verification.pairs import PairClassifier

        return PairClassifier

    @property
    def details(self) -> type:
        """The record of what only verifiers are measured by."""
        from bpapps.kinds.verification.records import Details

        return Details

    @property
    def sections(self) -> Sequence[Section]:
        """The parts of a report."""
        from bpapps.kinds.verification.sections import SECTIONS

        return SECTIONS

    @property
    def spoils(self) -> Mapping[str, Spoil]:
        """Fewer writers, and genuine signatures called forged or the reverse."""
        from bpapps.kinds.verification.spoils import fewer_writers, wrong_flags

        return {"less": fewer_writers, "wrong": wrong_flags}

    def usable(self, model: Model, part: Part) -> tuple[Part, str]:
        """The part without pictures that show nothing to compare, and a line that counts them."""
        if not len(part):
            return part, ""
        return _inked(part, model.pipeline[0].transform(part.pictures))

    def prepare(self, step: Any, part: Part) -> Part:
        """The part as the net takes it, without pictures that show nothing to compare.

        A warning counts them.
        """
        if not len(part):
            return part
        ready = super().prepare(step, part)
        inked, note = _inked(ready, ready.pictures)
        if note:
            warnings.warn(note, stacklevel=3)
        return inked

    def fit(self, net: Any, split: Split) -> None:
        """Train on writers, and choose thresholds on development writers."""
        chosen = split.development
        net.fit(
            split.train.pictures,
            split.train.targets["owner"],
            split.train.targets["genuine"],
            development=chosen
            and (chosen.pictures, chosen.targets["owner"], chosen.targets["genuine"]),
        )

    def state(self, net: Any) -> dict[str, Any]:
        """The scales, and the votes."""
        scales = {str(k): asdict(scale) for k, scale in net.scales_.items()}
        return {"scales": scales, **super().state(net)}

    def restore(
        self, network: Chain, params: Params, state: Mapping[str, Any], shape: tuple[int, ...]
    ) -> Any:
        """The fitted pair classifier of a file."""
        from bpapps.kinds.verification.pairs import PairClassifier
        from bpapps.kinds.verification.scales import Scale

        scales = {int(k): Scale.from_plain(one) for k, one in state["scales"].items()}
        net = PairClassifier.from_trained(network, params, scales, shape)
        output_shape(network, params, (net.group_size, *shape))
        return with_votes(net, state)

    def figures(self, net: Any, test: Part) -> dict[str, Any]:
        """1 - average error, and the error rates for each number of references."""
        from bpapps.kinds.verification.protocols import accuracy, tested_rates
        from bpapps.kinds.verification.scoring import score_rows

        rates = tested_rates(score_rows(net, test), net)
        return {
            "accuracy": asdict(accuracy(rates[1])),
            "rates": {str(k): asdict(r) for k, r in rates.items()},
        }

    def told(self, figures: Mapping[str, Any]) -> list[str]:
        """The error rates with one reference."""
        from bpapps.kinds.verification.records import Rates, told_rates
        from bpapps.plain import from_plain

        return told_rates(from_plain(Rates, figures["rates"]["1"], "rates"))

    def measure(
        self, model: Model, split: Split, *, seed: int, quick: bool, progress: Progress | None
    ) -> Any:
        """Error rates, trivial features, the hardest pairs and calibration."""
        from bpapps.kinds.verification.measuring import measure

        return measure(model.pipeline, split, self._traits.traits, seed)

    def headline(self, details: Any, data: Mapping[str, Any]) -> Headline:
        """The average error at the fixed threshold."""
        from bpapps.kinds.verification.measuring import headline

        return headline(details, data)

    def probes(
        self, model: Model, split: Split, *, seed: int, quick: bool, whole: bool = False
    ) -> Sequence[Probe]:
        """Questioned pictures of some writers; and pairs, for the clock."""
        from bpapps.kinds.verification.probing import comparison, questioned

        corruptions = self._traits.CORRUPTIONS[: QUICK_CORRUPTIONS if quick else None]
        return [
            questioned(model.pipeline, split.test, corruptions, seed),
            comparison(model.pipeline, split.test),
        ]

    def answer(self, model: Model, files: Sequence[Path], **options: Any) -> Iterator[Answer]:
        """A verdict on each questioned file; reference: files of genuine pictures."""
        from bpapps.kinds.verification.verdicts import compare

        return compare(model, files, **options)

    def upgrade(self, plain: Mapping[str, Any]) -> dict[str, Any] | None:
        """Fields of results of schema 1 as those of today."""
        from bpapps.kinds.verification.schema_1 import upgrade

        return upgrade(plain) if plain.get("verifier") else None

    @property
    def _traits(self) -> Any:
        return importlib.import_module(self.traits)


def _inked(part: Part, rows: Any) -> tuple[Part, str]:
    """The pictures of a part whose preprocessed rows are not all zeros; a line on the others."""
    kept = rows.any(axis=1)
    if kept.all():
        return part, ""
    note = f"skipped {len(kept) - kept.sum()} of {len(kept)} pictures: there is no ink in them"
    return part.take(kept.nonzero()[0]), note


KIND = Verification()
