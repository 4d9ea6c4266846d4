"""A classifier's figures against hand-made values and scikit-learn's."""

import dataclasses

import numpy as np
import pytest

from bpapps.kinds.classification.metrics import (
    MANY_CLASSES,
    confused_pairs,
    evaluate,
    group_scores,
    grouping_scores,
    mistakes,
    top_k,
)
from bpapps.kinds.classification.records import (
    ConfusedPair,
    Details,
    GroupingScore,
    GroupScore,
    TopK,
)
from bpapps.measures.intervals import Interval, wilson
from bpapps.pictures.png import png_uri


def answered(truth, predicted, classes):
    """The evaluation of answers that are certain."""
    return evaluate(np.eye(len(classes))[[classes.index(p) for p in predicted]], truth, classes)


def test_confusion_matrix_and_scores_agree_with_scikit_learn():
    from sklearn import metrics

    rng = np.random.default_rng(0)
    classes = ["a", "b", "c", "never"]
    truth = rng.choice(classes[:3], 200)
    predicted = np.where(rng.random(200) < 0.6, truth, rng.choice(classes[:3], 200))
    found = answered(truth, predicted, classes)
    assert found["confusion"] == metrics.confusion_matrix(truth, predicted, labels=classes).tolist()
    precision, recall, f1, n = metrics.precision_recall_fscore_support(
        truth, predicted, labels=classes, zero_division=0
    )
    scores = found["per_class"]
    assert [s.label for s in scores] == classes
    np.testing.assert_allclose([s.precision.value for s in scores], precision)
    np.testing.assert_allclose([s.recall.value for s in scores], recall)
    np.testing.assert_allclose([s.f1 for s in scores], f1)
    assert [s.recall.n for s in scores] == n.tolist()
    assert scores[3].precision == Interval(0.0, 0.0, 1.0, 0)


def test_rows_are_the_truth_and_labels_are_compared_as_text():
    found = answered([3, 3, 7], ["3", "7", "7"], ["3", "7"])
    assert found["confusion"] == [[1, 1], [0, 1]]


def answers(n=60, k=5, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(k), n).astype(np.float32)
    return probabilities, rng.integers(0, k, n), np.arange(k), rng.random((n, 6, 4))


def test_mistakes_are_the_surest_wrong_answers():
    probabilities, truth, classes, pictures = answers()
    found = mistakes(probabilities, truth, classes, pictures, limit=10)
    guess = probabilities.argmax(axis=1)
    wrong = [i for i in range(60) if guess[i] != truth[i]]
    expected = sorted(wrong, key=lambda i: -probabilities[i].max())[:10]
    assert [m.index for m in found] == expected
    for m in found:
        assert m.truth == str(truth[m.index])
        assert m.predicted == str(guess[m.index])
        assert m.confidence == pytest.approx(probabilities[m.index].max())
        assert m.picture == png_uri(pictures[m.index])
    assert len(mistakes(probabilities, truth, classes, pictures)) == 24


def test_top_k_counts_the_truth_among_the_first_answers():
    p = [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.4, 0.4, 0.2]]
    found = top_k(p, ["a", "b", "c", "b"], ["a", "b", "c"], ks=(1, 2, 3))
    # of equals the first class goes before, as argmax has it
    assert found == [TopK(1, wilson(1, 4)), TopK(2, wilson(3, 4)), TopK(3, wilson(4, 4))]


def test_confused_pairs_come_with_the_surest_pictures():
    p = [[0.4, 0.6], [0.1, 0.9], [0.3, 0.7], [0.8, 0.2], [0.9, 0.1]]
    pictures = [np.full((2, 2), i / 10) for i in range(5)]
    found = confused_pairs(p, ["a", "a", "a", "b", "a"], ["a", "b"], pictures, shown=2)
    assert found == [
        ConfusedPair("a", "b", 3, [png_uri(pictures[1]), png_uri(pictures[2])]),
        ConfusedPair("b", "a", 1, [png_uri(pictures[3])]),
    ]
    assert confused_pairs(p, list("aaaba"), ["a", "b"], limit=1) == [ConfusedPair("a", "b", 3, [])]


GROUPED = {
    "all": {"A": "A", "a": "a", "b": "b"},
    "caseless": {"A": "A", "a": "A", "b": "B"},
    "the same": {"A": "x", "a": "x", "b": "y"},
    "small": {"a": "a", "b": "b"},
    "one": {"A": "A"},
    "strange": {"?": "?"},
}


def merge(probabilities, classes, name):
    of = [GROUPED[name].get(c) for c in classes]
    groups = sorted({group for group in of if group})
    if not groups:
        raise ValueError("none of the classes")
    p = np.array(probabilities) @ np.array([[group == g for g in groups] for group in of])
    total = p.sum(axis=1, keepdims=True)
    return np.where(total > 0, p / np.maximum(total, 1e-300), 1 / len(groups)), np.array(groups)


def test_grouping_scores_count_the_group_of_those_inside():
    p = [[0.6, 0.3, 0.1], [0.5, 0.1, 0.4], [0.9, 0.0, 0.1], [0.3, 0.3, 0.4]]
    truth, classes = ["a", "a", "b", "A"], ["A", "a", "b"]
    assert grouping_scores(p, truth, classes, list(GROUPED), merge) == [
        GroupingScore("caseless", 2, wilson(3, 4)),
        GroupingScore("small", 2, wilson(2, 3)),
    ]


def test_group_scores_are_worst_first():
    p = np.eye(2)[[0, 0, 1, 1, 0]]
    found = group_scores(p, [0, 0, 0, 1, 0], [0, 1], ["x", "x", "y", "y", "z"])
    assert found == [
        GroupScore("y", wilson(1, 2)), GroupScore("x", wilson(2, 2)), GroupScore("z", wilson(1, 1))
    ]  # fmt: skip
    with pytest.raises(ValueError, match="groups of the shape"):
        group_scores(p, [0, 0, 0, 1, 0], [0, 1], ["x"])


@pytest.mark.parametrize(("k", "measured"), [(5, False), (MANY_CLASSES + 1, True)])
def test_only_many_classes_are_told_of_in_more_ways(k, measured):
    p, t, c, _ = answers(k=k)
    fields = evaluate(p, t, c)
    assert bool(fields["top_k"]) == bool(fields["confused_pairs"]) == measured


def test_evaluate_gives_fields_of_details_that_agree_with_each_other():
    probabilities, truth, classes, pictures = answers()
    fields = evaluate(probabilities, truth, classes, pictures)
    assert set(fields) <= {f.name for f in dataclasses.fields(Details)}
    right = int((probabilities.argmax(axis=1) == truth).sum())
    assert fields["accuracy"] == wilson(right, 60)
    assert sum(row[i] for i, row in enumerate(fields["confusion"])) == right
    assert sum(b.n for b in fields["calibration"].bins) == 60
    assert fields["classes"] == ["0", "1", "2", "3", "4"]
    assert fields["mistakes"] == mistakes(probabilities, truth, classes, pictures)
    assert evaluate(probabilities, truth, classes)["mistakes"] == []


P, T, C, PICTURES = answers()
NAN = np.where(np.arange(5) == 2, np.nan, P)


@pytest.mark.parametrize(
    ("probabilities", "truth", "classes", "pictures", "says"),
    [
        (P[:50], T, C, None, "do not fit"),
        (P[:, :4], T, C, None, "do not fit"),
        (P[:0], T[:0], C, None, "do not fit"),
        (P * 3 - 1, T, C, None, r"\[0, 1\]"),
        (NAN, T, C, None, r"\[0, 1\]"),
        (P, T + 1, C, None, "'5', which is not among"),
        (P, T, [0, 1, 2, 3, 3], None, "distinct"),
        (P, T, C, PICTURES[:7], "60 answers and 7 pictures"),
    ],
)
def test_evaluate_names_what_does_not_fit(probabilities, truth, classes, pictures, says):
    with pytest.raises(ValueError, match=says):
        evaluate(probabilities, truth, classes, pictures)
