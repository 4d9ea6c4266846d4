"""The signature task: trained, kept, measured, and asked, on small synthetic data."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tools
from PIL import Image

from bpapps import experiments, models, runs, tasks
from bpapps.core import Dense, Flatten, MaxPool2D, ReLU, Reshape
from bpapps.core.storage import load_network, save_network
from bpapps.data.registry import Dataset
from bpapps.data.splits import Part, Split
from bpapps.kinds import load_results
from bpapps.kinds.verification import measuring, probing, protocols, scoring, verdicts
from bpapps.kinds.verification.hardest import hard_pairs
from bpapps.kinds.verification.rates import measure
from bpapps.kinds.verification.verdicts import Verdict
from bpapps.report import write_report
from bpapps.results import Results
from bpapps.runs import Run, config
from bpapps.tasks.signatures import data, model, traits
from bpapps.tasks.signatures.preprocess import SignatureNormalizer
from bpapps.tasks.signatures.synthesis import signatures

pytestmark = pytest.mark.slow

TASK = tasks.get("signatures")
SMALL: dict[str, Any] = {
    "layers": [Reshape((96, 192, 1)), MaxPool2D(8), Flatten(), Dense(16), ReLU()],
    "max_iter": 2,
    "n_groups": 16,
    "augment": None,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def split() -> Split:
    return data.synthetic(0, (6, 3, 4))


@pytest.fixture(scope="module")
def trained(split: Split) -> Run:
    """A run whose net is too small to be good, but a whole one."""
    patch = pytest.MonkeyPatch()
    preset = TASK.presets["vector"]
    small = {"small": tasks.Preset("small", preset.preprocessing, {**preset.estimator, **SMALL})}
    patch.setattr(model, "PRESETS", {**model.PRESETS, **small})
    patch.setattr(config, "OWN", config.OWN - {"random_state"})
    small["small"].estimator.pop("random_state")  # type: ignore[attr-defined]
    run = runs.train(runs.Config("signatures", "synthetic", "small"), split)
    yield run
    patch.undo()


@pytest.fixture(scope="module")
def measured(trained: Run, split: Split) -> Results:
    return runs.measure(trained, split, "a command", noise=False, dependence=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Four genuine signatures and two forged ones of a synthetic writer, as PNG files."""
    folder = tmp_path_factory.mktemp("signatures")
    made = signatures(1, 4, 2, seed=5)
    names = ["g0", "g1", "g2", "g3", "f0", "f1"]
    for name, picture in zip(names, made.images, strict=True):
        Image.fromarray(picture).save(folder / f"{name}.png")
    Image.new("L", (200, 80), 250).save(folder / "blank.png")
    Image.new("L", (200, 80), 10).save(folder / "ink.png")
    (folder / "text.png").write_text("not a picture")
    return {name: folder / f"{name}.png" for name in (*names, "blank", "ink", "text", "none")}


def owners(part: Part) -> np.ndarray:
    return part.targets["owner"]


# ------------------------------------------------------------------ data


def test_no_writer_is_in_two_parts(split: Split) -> None:
    parts = [set(owners(part)) for part in split.parts.values()]
    assert [len(part) for part in parts] == [6, 3, 4]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    assert split.data["synthetic"] is True
    assert split.data["n_train"] == 6 * (data.GENUINE + data.FORGED)
    again = data.synthetic(0, (6, 3, 4))
    assert again.data["sha256"] == split.data["sha256"]
    assert data.synthetic(1, (6, 3, 4)).data["sha256"] != split.data["sha256"]


def test_who_is_tested_is_never_among_more_to_train_on(split: Split) -> None:
    """So the shipped model, which was trained on many more, has not seen those of a report."""
    more = data.synthetic(0, (12, 3, 4))
    assert set(owners(split.train)) < set(owners(more.train))
    assert not set(owners(more.train)) & set(owners(split.test))


def test_a_writer_in_two_parts_is_refused(split: Split) -> None:
    with pytest.raises(ValueError, match="s0000 is in both training and development"):
        Split(split.train, split.train, split.test, split.data)


def test_folds_test_each_writer_once(split: Split) -> None:
    whole = split.train
    set_of = Dataset("x", "X", "", "", whole, "")
    folds = data.folds(set_of)
    assert len(folds) == 3
    assert all(len(set(owners(part))) == 2 for fold in folds for part in (fold.train, fold.test))
    tested = [owner for fold in folds for owner in np.unique(owners(fold.test))]
    assert sorted(tested) == sorted(set(owners(whole)))
    everything = data.all_to_test(set_of)
    assert len(everything.test) == len(whole)
    assert len(everything.train) == 0


# ------------------------------------------------------------------ measuring


def test_a_trained_verifier_comes_back(trained: Run, split: Split, tmp_path: Path) -> None:
    file = tmp_path / "m.safetensors"
    models.save(file, trained.model)
    again = models.load(file)
    ours, theirs = (scoring.score(m.pipeline, split.test) for m in (trained.model, again))
    assert np.array_equal(ours.scores, theirs.scores, equal_nan=True)
    assert again.pipeline[-1].scales_ == trained.model.pipeline[-1].scales_
    assert again.metadata["figures"]["accuracy"]["n"] == 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda one: [one.pop("slope"), one.pop("offset")], None),
        (lambda one: one.update(slope=-1.0), "no scale has the slope -1.0"),
        (lambda one: one.pop("genuine"), "genuine"),
    ],
    ids=["of before", "falling", "without scores"],
)
def test_stored_scales(change: Any, says: str | None, trained: Run, tmp_path: Path) -> None:
    file = tmp_path / "m.safetensors"
    models.save(file, trained.model)
    network, params, metadata = load_network(file)
    change(metadata["scales"]["1"])
    save_network(file, network, params, metadata)
    if says:
        with pytest.raises(ValueError, match=says):
            models.load(file)
        return
    ours, theirs = (m.pipeline[-1].scale() for m in (trained.model, models.load(file)))
    assert theirs == replace(ours, slope=1.0, offset=0.0) != ours


def test_what_is_measured(measured: Results, split: Split) -> None:
    found = measured.details
    assert found.one.n_owners == found.accuracy.n == 4
    assert [rates.rule for rates in found.one.rates] == ["FAR = FRR", "FAR at most 1%"]
    assert found.accuracy.value == pytest.approx(1 - found.one.rates[0].average_error.value)
    assert {v.protocol.split()[0] for v in found.several} == {"2", "3", "5", "8", "10"}
    assert found.equal_strokes is not None
    assert len(found.traits) > 5
    kinds = [pair.kind for pair in found.hard]
    assert set(kinds) == {"genuine", "skilled"}
    scores = [pair.score for pair in found.hard]
    half = kinds.count("genuine")
    assert scores[:half] == sorted(scores[:half])
    assert scores[half:] == sorted(scores[half:], reverse=True)
    assert [point.share for point in measured.learning_curve] == [0.1, 0.25, 0.5, 1.0]
    assert [point.share for point in measured.label_noise] == [0.0, 0.1, 0.2, 0.4]
    (speed,) = measured.speed
    assert (speed.title, speed.of) == ("Comparison", "pair")
    assert speed.milliseconds_one > 0


def test_hard_pairs_name_their_files(
    measured: Results, trained: Run, split: Split, tmp_path: Path
) -> None:
    assert {(pair.reference_file, pair.questioned_file) for pair in measured.details.hard} == {
        ("", "")  # made by a program
    }
    names = np.array([f"{owner}/{i}.png" for i, owner in enumerate(owners(split.test))])
    test = replace(split.test, files=names)
    pipeline = trained.model.pipeline
    pairs = hard_pairs(pipeline, scoring.score(pipeline, test), test)
    assert pairs
    kinds = dict(zip(names.tolist(), test.targets["genuine"].tolist(), strict=True))
    for pair in pairs:
        assert pair.reference_file.startswith(f"{pair.owner}/")
        assert pair.questioned_file.startswith(f"{pair.owner}/")
        assert kinds[pair.reference_file]
        assert kinds[pair.questioned_file] == (pair.kind == "genuine")


def test_pairs_that_are_scored_need_not_be_again(
    measured: Results, trained: Run, split: Split
) -> None:
    pipeline = trained.model.pipeline
    scored = scoring.score_split(pipeline, split)
    details = measuring.measure(pipeline, split, traits.traits, scored=scored)
    assert details == measured.details
    results = runs.measure(trained, split, "", noise=False, dependence=False, details=details)
    assert results.details is details
    assert results.headline == measured.headline
    only_tested = scoring.ScoredSplit(scored.test)
    fewer = measuring.measure(pipeline, split, traits.traits, scored=only_tested)
    assert len(fewer.one.rates) == 1
    assert fewer.equal_strokes is None


def test_the_report_is_written_and_read(measured: Results, tmp_path: Path) -> None:
    page = write_report(measured, TASK.kind.sections, tmp_path).read_text(encoding="utf-8")
    assert "no human's hand" in page.replace("&#39;", "'")
    assert load_results(tmp_path / "results.json").details == measured.details
    json.dumps(measured.figures())


def test_noise_spoils_only_the_questioned(trained: Run, split: Split) -> None:
    probe = probing.questioned(trained.model.pipeline, split.test, ["blur", "stamp"], 0)
    sweep = experiments.noise_sweep(replace(probe, severities=[1, 6]))
    assert sweep.title == "Questioned pictures"
    assert [curve.name for curve in sweep.curves] == ["blur", "stamp"]
    for curve in sweep.curves:
        assert [point.severity for point in curve.points] == [0, 1, 6]
        assert curve.points[0] == sweep.curves[0].points[0]
        assert len({point.picture for point in curve.points}) == 3
        for point in curve.points:
            assert [figure.name for figure in point.figures] == ["EER", "FRR", "FAR"]
    asked = {picture.tobytes() for picture in probe.pictures}
    assert len(asked) == 4 * 2 * probing.NOISE_EACH  # references are not among them
    quick, timed = TASK.kind.probes(trained.model, split, seed=0, quick=True)
    assert list(quick.corruptions) == list(traits.CORRUPTIONS[:2])
    assert not timed.corruptions


def test_other_data_choose_no_threshold(trained: Run) -> None:
    other = data.synthetic(9, (3, 3, 3))
    results = runs.measure(trained, other, "", noise=False, dependence=False)
    assert [rates.rule for rates in results.details.one.rates] == ["FAR = FRR"]
    assert results.details.equal_strokes is None
    assert "another drawing from the same source" in results.data["notes"]


def test_a_trait_that_does_as_well_is_said_first(measured: Results) -> None:
    one = measured.details.one
    assert one.skilled is not None
    best = measured.details.traits[0].skilled
    assert best is not None
    warned = best.value <= one.skilled.eer.high
    assert bool(measured.details.warning) == warned
    assert measured.headline.warning == measured.details.warning
    assert protocols.warning([], one) == ""


# ------------------------------------------------------------------ asking


def compare(run: Run, files: list[Path], reference: list[Path]) -> list[Verdict]:
    return list(verdicts.compare(run.model, files, reference))


def test_a_verdict(trained: Run, files: dict[str, Path]) -> None:
    references = [files["g0"], files["g1"], files["g2"]]
    asked = [files[name] for name in ("g3", "f0", "blank", "ink", "text", "none")]
    found = compare(trained, asked, references)
    assert [bool(verdict.problem) for verdict in found] == [False, False, True, True, True, True]
    for verdict in found[:2]:
        assert verdict.consistent == (verdict.score >= verdict.threshold)
        word = "consistent" if verdict.consistent else "not consistent"
        assert f"{word} with the references (3 references)" in str(verdict)
        assert "FAR" in str(verdict)
        assert "Limits: trained on synthetic writers" in str(verdict)
        assert verdict.known.n_writers == 4
        assert verdict.threshold_for == 3
        low, high = verdict.known.far_interval
        assert low <= verdict.known.far <= high
        assert f"of {verdict.known.n_writers} writers new to it" in str(verdict)
    again = compare(trained, asked[:1], references[::-1])[0]
    assert again.score == found[0].score
    assert "no ink" in found[2].problem
    (unusable,) = compare(trained, asked[:1], [files["blank"]])
    assert "blank.png: nothing to compare, no ink" in unusable.problem
    assert unusable.consistent is None
    with pytest.raises(ValueError, match="no reference"):
        compare(trained, asked[:1], [])


def test_error_rates_are_of_writers_who_had_no_part(trained: Run, split: Split) -> None:
    """And where nobody measured them, it is said that they are of those who had."""
    net, rates = trained.model.pipeline, trained.model.metadata["figures"]["rates"]
    assert set(rates) == {str(k) for k in net[-1].scales_}
    test = scoring.score(net, split.test)
    measured = measure(test.trials(2), [net[-1].threshold(2)]).rates[0]
    assert asdict(measured) == rates["2"]
    older = replace(trained.model, metadata={**trained.model.metadata, "figures": {}})
    known = verdicts._known(older, 2)
    assert (known.far, known.far_interval) == (net[-1].threshold(2).far, None)
    assert "who chose it" in known.told("skilled")


def test_a_test_writer_with_one_genuine_picture_leaves_the_rates_of_one_reference(
    trained: Run, split: Split
) -> None:
    test = split.test
    own = np.flatnonzero((owners(test) == owners(test)[0]) & test.targets["genuine"])
    fewer = test.take(np.setdiff1d(np.arange(len(test)), own[1:]))
    step, net = trained.model.pipeline
    figures = TASK.kind.figures(net, TASK.kind.prepare(step, fewer))
    assert set(figures["rates"]) == {"1"}
    assert figures["accuracy"]["value"] == 1 - figures["rates"]["1"]["average_error"]["value"]


def test_a_picture_counts_once(trained: Run, files: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    Image.open(files["g1"]).save(copy, compress_level=1)
    once, twice = (
        compare(trained, [files["g0"]], references)[0]
        for references in ([files["g1"], files["g2"]], [files["g1"], copy, files["g2"]])
    )
    assert replace(twice, repeated=[]) == once
    assert f"{copy} is the same picture as another reference" in str(twice)
    rows = trained.model.pipeline[0].transform([files["g0"], files["g1"], copy, files["g2"]])
    scores = [trained.model.pipeline[1].score_samples(rows[:1], rows[1:])]
    assert scores == [once.score]
    (verdict,) = compare(trained, [copy], [files["g2"], files["g1"]])
    assert f"{copy}: the same picture as {files['g1']}" in verdict.problem
    assert verdict.consistent is None


def test_what_is_drawn_is_what_was_seen(
    trained: Run, files: dict[str, Path], tmp_path: Path
) -> None:
    asked, *references = (tmp_path / f"{name}.png" for name in ("g3", "g0", "g1"))
    for copy in (asked, *references):
        copy.write_bytes(files[copy.stem].read_bytes())
    (verdict,) = compare(trained, [asked], references)
    rows = trained.model.pipeline[0].transform([asked, *references]).reshape(3, 96, 192)
    assert np.array_equal(verdict.seen, rows)
    assert "seen" not in verdict.plain()
    for copy in (asked, *references):
        copy.unlink()
    drawn = 255 - np.array(verdict.draw())
    for at, row in zip([(22, 8), (22, 208), (140, 208)], rows, strict=True):
        part = drawn[at[0] : at[0] + 96, at[1] : at[1] + 192]
        assert np.allclose(part, 255 * row, atol=0.51)


needs_shipped = pytest.mark.skipif(
    not TASK.shipped.exists(), reason="no model is shipped yet: train_signatures.py synthetic"
)


@needs_shipped
def test_the_command(files: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "seen.png"
    references = [files["g1"], files["g2"]]
    answer = tools.run(
        "predict", "signatures", files["g0"], "--reference", *references, "--annotate", out
    )
    assert answer.code == 0, answer.err
    assert "with the references (2 references)" in answer.out
    assert "FAR" in answer.out
    assert "Limits" in answer.out
    with Image.open(out) as seen:
        assert seen.size[0] > 2 * 192
    answer = tools.run(
        "predict", "signatures", files["g0"], files["f0"], "--reference", *references, "--json"
    )
    rows = json.loads(answer.out)
    assert [Path(row["file"]).name for row in rows] == ["g0.png", "f0.png"]
    assert {"consistent", "score", "threshold", "far", "frr", "limits"} <= rows[0].keys()
    once = tools.run(
        "predict", "signatures", files["g0"], f"--reference={references[0]}",
        "--reference", references[1], "--json",
    )  # fmt: skip
    assert json.loads(once.out) == rows[:1]


@needs_shipped
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["{g0}"], 2, "signatures needs --reference FILE..."),
        (["{g0}", "--reference"], 2, "requires an argument"),
        (["{blank}", "--reference", "{g1}"], 1, "blank.png: nothing to compare, no ink was found"),
        (["{ink}", "--reference", "{g1}"], 1, "ink.png: nothing to compare"),
        (["{g0}", "--reference", "{blank}"], 1, "blank.png: nothing to compare"),
        (["{g0}", "--reference", "{none}"], 1, "none.png"),
        (["{text}", "--reference", "{g1}"], 1, "text.png"),
        (["{g0}", "{g1}", "--reference", "{g2}", "--annotate", "x.png"], 2, "one picture at a"),
        (["{g0}", "--reference", "{g1}", "--annotate", "{g1}"], 2, "would overwrite"),
        (["--reference", "{g1}", "{g0}"], 2, "no FILES left: --reference takes all that follow it"),
        (["{g0}", "--reference", ""], 2, "'--reference': the name is empty"),
        (["{g0}", "--reference="], 2, "'--reference': the name is empty"),
        (["", "--reference", "{g1}"], 2, "'FILES...': the name is empty"),
        (["{g0}", "--reference", "{g1}", "--annotate="], 2, "'--annotate': the name is empty"),
        (
            ["{g0}", "--reference", "{g1}", "--classes=caseless"],
            2,
            "--classes: signatures takes none, only characters",
        ),
        (["{g0}", "--reference", "{g1}", "--annotate", "no/x.png"], 2, "there is no folder no to"),
        (["{g0}", "--reference", "{g1}", "--annotate", "x.xyz"], 2, "call it x.png"),
    ],
)
def test_wrong_use_and_bad_input(
    arguments: list[str], code: int, says: str, files: dict[str, Path]
) -> None:
    given = [argument.format(**files) for argument in arguments]
    answer = tools.call("predict", "signatures", *given)
    assert answer.code == code
    assert says in answer.err
    assert "Traceback" not in answer.err


@needs_shipped
@pytest.mark.parametrize("bad", ["blank", "text", "none"])
def test_a_bad_reference_is_the_problem_of_each_who_is_asked(
    bad: str, files: dict[str, Path]
) -> None:
    given = ["predict", "signatures", files["g0"], files["f0"], "--reference", files["g1"]]
    answer = tools.call(*given, files[bad], "--json")
    assert answer.code == 1
    rows = json.loads(answer.out)
    assert [row["file"] for row in rows] == [str(files["g0"]), str(files["f0"])]
    for row in rows:
        assert f"{bad}.png" in row["problem"]
        assert row["references"] == [str(files["g1"]), str(files[bad])]
        assert row["consistent"] is None
    assert answer.errors == [f"Error: {rows[0]['problem']}"]
    assert tools.call(*given, files[bad]).errors == answer.errors


def test_references_are_for_those_who_compare(files: dict[str, Path]) -> None:
    answer = tools.call("predict", "digits", files["g0"], "--reference", files["g1"])
    assert answer.code == 2
    assert "--reference: digits takes none, only signatures does" in answer.err


# ------------------------------------------------------------------ one's own signatures


def folder_of(place: Path, n_writers: int, n_forged: int = 4) -> Path:
    """Signatures as ``writer/genuine/0.png`` and ``writer/forged/0.png``."""
    made = signatures(n_writers, 4, n_forged, seed=7)
    for number, (picture, owner, real) in enumerate(zip(*made, strict=True)):
        file = place / owner / ("genuine" if real else "forged") / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(file)
    return place


FEW = ("--preset=vector", "--set=max_iter=1", "--set=n_groups=4", "--set=batch_size=2")


@pytest.mark.parametrize(
    ("n_forged", "shown"),
    [(4, ["FRR", "FAR, skilled", "FAR, random"]), (0, ["FRR", "FAR, random"])],
)
def test_training_tells_error_rates(n_forged: int, shown: list[str], tmp_path: Path) -> None:
    folder, out = folder_of(tmp_path / "mine", 6, n_forged), tmp_path / "run"
    command = ["train", "signatures", "--data", folder, *FEW, "--out"]
    answer = tools.call(*command, out)
    assert answer.code == 0, answer.err
    heading, *lines = answer.out.replace(f"{out / models.FILE_NAME}: ", "").splitlines()
    assert heading == "threshold fixed on development writers, FAR = FRR:"
    assert [line.split("  ")[1].removesuffix(" forgeries") for line in lines] == shown
    rates = json.loads(tools.call(*command, tmp_path / "again", "--json").out)["rates"]["1"]
    assert (rates["far_skilled"] is None) == (n_forged == 0)
    assert f"FRR {100 * rates['frr']['value']:.2f}% (95%" in " ".join(answer.out.split())
    told = tools.call("evaluate", out, "--data", folder).out
    for rate in re.findall(r"\d.*", "\n".join(lines)):
        assert f"at the fixed threshold {rate}" in told


def test_a_net_is_trained_on_ones_own_and_asked(tmp_path: Path, files: dict[str, Path]) -> None:
    folder, out = folder_of(tmp_path / "mine", 6), tmp_path / "run"
    answer = tools.run("train", "signatures", "--data", folder, *FEW, "--out", out, "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["accuracy"]["n"] == 2
    asked = tools.run("predict", out, files["g0"], "--reference", files["g1"], files["g2"])
    assert asked.code == 0, asked.err
    assert "Limits: trained on Folder mine" in asked.out


def test_noise_where_nobody_forged(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "mine", 6, n_forged=0)
    answer = tools.run("noise", "signatures", "--data", folder, "--quick", "--json")
    assert answer.code == 0, answer.err
    curves = json.loads(answer.out)["noise"]
    assert curves
    for curve in curves.values():
        assert set(curve) == {"drop5", "EER", "FRR"}  # no FAR of skilled forgeries
        assert all(0 <= rate <= 1 for name in ("EER", "FRR") for rate in curve[name].values())


def test_blank_pictures_are_left_out(trained: Run, split: Split) -> None:
    kind, step, test = TASK.kind, SignatureNormalizer(), split.test
    pictures = [*test.pictures]
    pictures[1:1] = [np.full((40, 90), 0.8, np.float32)]
    spoilt = Part(pictures, np.insert(test.targets, 1, test.targets[0]))
    counted = f"skipped 1 of {len(pictures)} pictures: there is no ink in them"
    inked, note = kind.usable(trained.model, spoilt)
    assert note == counted
    assert np.array_equal(inked.targets, test.targets)
    assert all(map(np.array_equal, inked.pictures, test.pictures))
    with pytest.warns(UserWarning, match=counted):
        ready = kind.prepare(step, spoilt)
    assert np.array_equal(ready.targets, test.targets)
    assert np.array_equal(ready.pictures, step.transform(test.pictures))
    assert kind.usable(trained.model, test) == (test, "")
    assert len(kind.prepare(step, test)) == len(test)  # and warns of nothing


def test_all_of_ones_writers_are_tested_where_none_was_trained_on(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "mine", 3)
    answer = tools.run("evaluate", "signatures", "--data", folder, "--json")
    assert answer.code == 0, answer.err
    figures = json.loads(answer.out)
    assert figures["accuracy"]["n"] == 3
    assert figures["data"]["n_test"] == 24


def csv_of_classes(place: Path) -> Path:
    names = [f"{number}.png" for number in range(6)]
    pictures_in(place, *names)
    rows = ["path,label", *(f"{name},writer {name}" for name in names)]
    (place / "list.csv").write_text("\n".join(rows), encoding="utf-8")
    return place / "list.csv"


def pictures_in(place: Path, *names: str) -> Path:
    return tools.write_folder(place, {name: number for number, name in enumerate(names)})


LAYOUT = "WRITER/genuine/*.png and WRITER/forged/*.png (forged may be missing), or give a CSV file"
BAD = {
    "a folder a writer": (
        lambda place: pictures_in(place, "ann/1.png", "bob/1.png"),
        f"mine/ann has pictures outside of genuine and forged; put signatures into {LAYOUT}",
    ),
    "pictures beside": (
        lambda place: pictures_in(place, "ann/genuine/1.png", "ann/2.png", "bob/genuine/3.png"),
        f"mine/ann has pictures outside of genuine and forged; put signatures into {LAYOUT}",
    ),
    "a flat folder": (
        lambda place: pictures_in(place, "1.png", "2.png"),
        f"mine has no pictures in folders of writers; put signatures into {LAYOUT}",
    ),
    "other words": (
        lambda place: pictures_in(place, "ann/real/1.png", "bob/real/2.png"),
        "mine/ann/real holds pictures; call it genuine or forged",
    ),
    "a CSV file of classes": (
        csv_of_classes,
        "list.csv, line 1 has no column 'genuine'; give file,writer,genuine",
    ),
    "too few writers": (lambda place: folder_of(place, 5), "5 writers; two to train on, two to"),
    "one writer": (lambda place: folder_of(place, 1), "writer"),
    "digits": (lambda place: "digits", "unknown data set 'digits'"),
    "misspelt": (lambda place: "ceder", "did you mean 'cedar'"),
}


@pytest.mark.parametrize(("make", "says"), BAD.values(), ids=list(BAD))
def test_data_that_will_not_do(make: Any, says: str, tmp_path: Path) -> None:
    data_of = make(tmp_path / "mine")
    answer = tools.call("train", "signatures", "--data", data_of, "--out", tmp_path / "run")
    assert answer.code in (1, 2)
    assert says in answer.err
    assert len(answer.err.strip().splitlines()) <= 4
    assert not (tmp_path / "run").exists()


def test_verifiers_are_measured_side_by_side(trained: Run, split: Split) -> None:
    rival = runs.contender(trained, "the same")
    options = {"noise": False, "quick": True, "against": [rival]}
    results = runs.measure(trained, split, "a command", **options)
    own, again = results.rivals
    assert (own.name, again.name) == ("small", "the same")
    assert own.figure == again.figure
    assert own.figure.lower_is_better
    assert own.milliseconds_one > 0
