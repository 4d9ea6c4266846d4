from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import find_peaks
from scipy.stats import lognorm, mannwhitneyu

from bpapps.tasks.signatures import hands, letters, movement, plans, writers
from bpapps.tasks.signatures.forgers import forge
from bpapps.tasks.signatures.ink import Pen, Scan, draw_pen, draw_scan, render
from bpapps.tasks.signatures.movement import Strokes
from bpapps.tasks.signatures.synthesis import forger_of, signatures, writer_of

SEED = 3
WRITERS = 48
EACH = 6  # genuine and forged signatures of a writer


@pytest.fixture(scope="module")
def samples():
    return signatures(WRITERS, EACH, EACH, SEED)


@pytest.fixture(scope="module")
def glances(samples):
    return [trivial(image) for image in samples.images]


def one_stroke(distance=3.0, angle_from=0.2, angle_to=1.4, mu=-1.6, sigma=0.3):
    values = (0.1, distance, mu, sigma, angle_from, angle_to)
    return Strokes(*(np.array([value]) for value in values))


# ------------------------------------------------------------------ movement


@pytest.mark.parametrize(("mu", "sigma"), [(-2.0, 0.15), (-1.6, 0.3), (-1.0, 0.5)])
def test_what_is_completed_is_the_integral_of_a_lognormal(mu, sigma):
    t = np.linspace(-0.5, 8, 401)
    run = lognorm.cdf(t - 0.1, sigma, scale=np.exp(mu))
    np.testing.assert_allclose(movement.completed(t, 0.1, mu, sigma), run, atol=1e-9)


def test_a_strokes_speed_along_the_trajectory_is_distance_times_lognormal():
    times, way = movement.trajectory(one_stroke(), rate=2000)
    speed = np.hypot(*np.diff(way, axis=0).T) * 2000
    middle = (times[1:] + times[:-1]) / 2
    expected = 3.0 * lognorm.pdf(middle - 0.1, 0.3, scale=np.exp(-1.6))
    np.testing.assert_allclose(speed[:-2], expected[:-2], atol=0.02 * expected.max())


@pytest.mark.parametrize("turn", [0.0, 1e-9, 1.2, -2.5])
def test_a_stroke_ends_where_its_arc_does(turn):
    target = np.array([[0.0, 0.0], [2.0, -1.0]])
    distance, start, end = movement.arcs(target, np.array([turn]))
    _, way = movement.trajectory(one_stroke(distance[0], start[0], end[0]))
    np.testing.assert_allclose(way[-1], target[1], atol=1e-6)
    length = np.hypot(*np.diff(way, axis=0).T).sum()
    assert length == pytest.approx(distance[0], rel=0.01)
    assert end[0] - start[0] == pytest.approx(turn)


def test_strokes_that_overlap_add_up_to_the_targets():
    points = np.array([[0, 0], [1, 2], [2, 0], [3, 1.0]])
    distance, start, end = movement.arcs(points, np.array([0.5, -1.0, 0.3]))
    ones = np.ones(3)
    strokes = Strokes(np.array([0, 0.1, 0.2]), distance, -1.5 * ones, 0.3 * ones, start, end)
    _, way = movement.trajectory(strokes)
    np.testing.assert_allclose(way[-1], points[-1], atol=1e-6)


def test_four_targets_on_a_circle_are_joined_by_quarter_circles():
    points = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0.0]])
    turn = movement.turns(points, np.ones(3, dtype=bool))
    np.testing.assert_allclose(turn[1:-1], np.pi / 2)
    corners = movement.turns(points, np.zeros(3, dtype=bool))
    assert not corners.any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigma": np.zeros(1)}, "sigmas above 0"),
        ({"distance": -np.ones(1)}, "distances of at least 0"),
        ({"mu": np.ones(2)}, "one length"),
        ({"start": np.array([np.nan])}, "finite"),
    ],
)
def test_bad_strokes(change, message):
    with pytest.raises(ValueError, match=message):
        replace(one_stroke(), **change)


def test_bad_trajectories():
    none = Strokes(*[np.empty(0)] * 6)
    with pytest.raises(ValueError, match="at least one stroke"):
        movement.trajectory(none)
    with pytest.raises(ValueError, match="rate above 0"):
        movement.trajectory(one_stroke(), rate=0)


# ------------------------------------------------------------------ letters and plans


@pytest.mark.parametrize("character", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
def test_letters_have_skeletons_of_their_height(character):
    for form in letters.forms(character):
        points, down = form.body
        assert not down[0]
        assert len(points) == len(down) >= 2
        assert -1.1 <= points[:, 1].min() <= 0.2
        assert 0.8 <= points[:, 1].max() <= 2.2


def test_there_is_no_skeleton_of_a_digit():
    with pytest.raises(ValueError, match="'7'"):
        letters.forms("7")


def test_a_hand_shapes_a_letter_always_alike_and_unlike_another_hand():
    mine, other = (hands.draw_hand(np.random.default_rng(k)) for k in (1, 2))
    first, again = hands.shaped(mine, "g"), hands.shaped(mine, "g")
    np.testing.assert_array_equal(first.body.points, again.body.points)
    assert not np.array_equal(first.body.points, hands.shaped(other, "g").body.points)


def test_plans_are_put_together_and_taken_apart():
    units = list(writer_of(SEED, 5).units)
    for unit, again in zip(units, plans.parted(plans.joined(units)), strict=True):
        np.testing.assert_array_equal(unit.points, again.points)
        np.testing.assert_array_equal(unit.down, again.down)
        assert unit[:2] == again[:2]


def test_without_variation_a_plan_comes_out_as_it_is():
    units = writer_of(SEED, 2).units
    plan = writers.varied(units, writers.Variation().times(0), np.random.default_rng(0))
    np.testing.assert_allclose(plan.points, plans.joined(units).points)
    np.testing.assert_array_equal(plan.down[1:], plans.joined(units).down[1:])


# ------------------------------------------------------------------ signatures


def test_samples_are_pictures_of_ink_on_white_paper(samples):
    assert len(samples.images) == len(samples.writers) == len(samples.genuine) == WRITERS * 2 * EACH
    assert samples.writers[0] == "s0000"
    assert samples.writers[-1] == f"s{WRITERS - 1:04d}"
    for writer in np.unique(samples.writers):
        assert samples.genuine[samples.writers == writer].sum() == EACH
    for image in samples.images:
        assert image.dtype == np.uint8
        assert np.median(image) > 240
        assert 0.005 < (image < 200).mean() < 0.4
        assert image.shape[0] <= 206
        assert image.shape[1] <= 656


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    first, again, other = (signatures(2, 2, 2, seed) for seed in (4, 4, 5))
    for a, b in zip(first.images, again.images, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not any(map(np.array_equal, first.images, other.images))


def test_a_picture_does_not_depend_on_how_many_there_are():
    many = signatures(4, 3, 5, SEED)
    alone = signatures(1, 2, 4, SEED, first=2)
    mine = [many.images[k] for k in np.flatnonzero(many.writers == "s0002")]
    assert set(alone.writers) == {"s0002"}
    for a, b in zip(alone.images, mine[:2] + mine[3:7], strict=True):
        np.testing.assert_array_equal(a, b)


def test_writers_differ_in_shape(samples):
    boxes = np.array([np.ptp(np.argwhere(image < 200), axis=0) for image in samples.images])
    aspect = boxes[:, 1] / boxes[:, 0]
    assert np.quantile(aspect, 0.05) < 1.6
    assert np.quantile(aspect, 0.95) > 4


def test_genuine_are_nearer_than_forgeries_and_those_nearer_than_other_writers(samples):
    seen = np.array([coarse(image) for image in samples.images])
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    same = samples.writers[:, None] == samples.writers
    both = samples.genuine[:, None] & samples.genuine & ~np.eye(len(seen), dtype=bool)
    one = samples.genuine[:, None] & ~samples.genuine
    genuine, forged, others = apart[same & both], apart[same & one], apart[~same & both]
    assert genuine.mean() < 0.93 * forged.mean()
    assert forged.mean() < 0.93 * others.mean()
    # But a forgery is no picture of something else: it may be nearer than the genuine are.
    assert 0.55 < auc(forged, genuine) < 0.9
    assert auc(others, genuine) > 0.85


def peaks_of(speed):
    return len(find_peaks(speed, 0.05 * speed.max())[0])


def test_forgeries_are_slower_and_the_careful_ones_jerkier():
    peaks, seconds, care = [], [], []
    for number in range(12):
        writer = writer_of(SEED, number)
        forgers = [forger_of(writer, SEED, number, k) for k in range(3)]
        for k, forger in enumerate(forgers):
            mine = writers.sign(writer, np.random.default_rng(k))
            forged = forge(writer, forger, np.random.default_rng(k))
            peaks.append([peaks_of(trace.speed) for trace in (mine, forged)])
            seconds.append([len(trace.speed) / movement.RATE for trace in (mine, forged)])
            care.append(forger.care)
    mine, forged = np.transpose(peaks)
    careful = np.array(care) > 0.5
    assert 5 < careful.sum() < 31
    assert forged.sum() > 1.1 * mine.sum()
    assert forged[careful].sum() > 1.4 * mine[careful].sum()
    assert np.median(np.divide(*np.transpose(seconds))) < 0.75


@pytest.mark.parametrize(
    ("feature", "most"),
    [
        ("height", 0.12), ("width", 0.1), ("aspect", 0.12), ("area", 0.12), ("stroke", 0.1),
        ("gray", 0.1), ("darkest", 0.1), ("top", 0.1), ("bottom", 0.1), ("left", 0.1),
        ("right", 0.1), ("paper", 0.1),
    ],
)  # fmt: skip
def test_no_trivial_feature_tells_forgeries(samples, glances, feature, most):
    values = np.array([glance[feature] for glance in glances])
    within = [
        auc(values[of & ~samples.genuine], values[of & samples.genuine])
        for of in (samples.writers == w for w in np.unique(samples.writers))
    ]
    assert abs(np.mean(within) - 0.5) < most


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1, 1), "n_writers is 0"),
        ((1, -1, 1), "n_genuine is -1"),
        ((1, 1, 1.5), "n_forged is 1.5"),
        ((1, 0, 0), "both 0"),
        ((1, 1, 1, -1), "seed is -1"),
        ((1, 1, 1, 0, True), "first is True"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        signatures(*arguments)


# ------------------------------------------------------------------ ink


def line(seconds: float, reach: float = 100.0) -> hands.Trace:
    """A straight line at an even speed."""
    n = int(seconds * movement.RATE)
    points = np.stack([np.linspace(0, reach, n), np.zeros(n)], axis=1)
    speed = np.full(n, reach / seconds)
    speed[0] = 1000.0  # of another, quicker part, so that the usual speed is not this one's
    return hands.Trace(points, np.ones(n, dtype=bool), speed, np.array([0, n - 1]))


def ink(trace: hands.Trace, pressure: float = 1.0) -> int:
    image = render(trace, pressure, Pen(), Scan(), np.random.default_rng(0))
    return int((255 - image.astype(int)).sum())


def test_pressure_leaves_more_ink():
    assert ink(line(0.5), 1.4) > 1.1 * ink(line(0.5), 1.0) > 1.2 * ink(line(0.5), 0.7)


def test_a_slow_pen_leaves_more_ink():
    quick = line(0.5)
    slow = quick.speed.copy()
    slow[: len(slow) // 3] /= 5
    assert ink(quick._replace(speed=slow)) > 1.05 * ink(quick)


def test_no_ink_where_the_pen_is_lifted():
    trace = line(1.0)
    down = trace.down.copy()
    down[80:120] = False
    image = render(trace._replace(down=down), 1.0, Pen(), Scan(noise=0), np.random.default_rng(0))
    drawn = (image < 250).any(axis=0)
    inside = drawn[np.argmax(drawn) : len(drawn) - np.argmax(drawn[::-1])]
    assert 10 < (~inside).sum() < 25


def test_ends_taper():
    image = render(line(0.5), 1.0, Pen(grain=0), Scan(noise=0), np.random.default_rng(0))
    dark = (255 - image.astype(int)).sum(axis=0)
    middle = dark[len(dark) // 2 - 10 : len(dark) // 2 + 10].mean()
    assert dark[np.flatnonzero(dark)[3]] < 0.8 * middle


def test_pens_and_scans_are_drawn_within_their_ranges():
    for k in range(50):
        rng = np.random.default_rng(k)
        pen, scan = draw_pen(rng), draw_scan(rng)
        assert 0.8 < pen.width < 5
        assert 0 <= pen.gray <= 0.5
        assert min(scan.margin) >= 1


# ------------------------------------------------------------------ simple measures


def auc(more, less) -> float:
    """How often one of ``more`` is above one of ``less``."""
    return mannwhitneyu(more, less).statistic / (len(more) * len(less))


def coarse(image) -> np.ndarray:
    """How much ink there is in each cell of a grid over the signature's box, of length 1."""
    rows, columns = np.nonzero(image < 200)
    box = [np.linspace(v.min(), v.max() + 1, n + 1) for v, n in ((rows, 6), (columns, 14))]
    cells = np.sqrt(np.histogram2d(rows, columns, box)[0]).ravel()
    return cells / np.linalg.norm(cells)


def trivial(image) -> dict[str, float]:
    """What a picture shows at a glance."""
    inked = image < 200
    rows, columns = np.nonzero(inked)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    edges = (inked[1:] != inked[:-1]).sum() + (inked[:, 1:] != inked[:, :-1]).sum()
    return {
        "height": height,
        "width": width,
        "aspect": width / height,
        "area": inked.sum(),
        "stroke": inked.sum() / edges,
        "gray": np.median(image[inked]),
        "darkest": np.quantile(image[inked], 0.1),
        "top": rows.min(),
        "bottom": image.shape[0] - rows.max(),
        "left": columns.min(),
        "right": image.shape[1] - columns.max(),
        "paper": np.median(image),
    }
