"""A digit looks the same to the net, however it was drawn, lit, placed and photographed."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline

from bpapps.pictures.shapes import bounding_boxes, centres_of_mass
from bpapps.tasks.digits.preprocess import DigitNormalizer

DATA = Path(os.environ.get("BPAPPS_DATA") or "nowhere")
needs_mnist = pytest.mark.skipif(
    not (DATA / "mnist").is_dir(), reason="MNIST is not in BPAPPS_DATA"
)
needs_letters = pytest.mark.skipif(
    not (DATA / "hand62" / "PNG").is_dir(), reason="hand62 is not in BPAPPS_DATA"
)


def drawn():
    """Digits 2, 4, 5 and 7 of strokes three pixels wide, made as MNIST's are, (4, 28, 28)."""
    strokes = {
        2: [(0, 0, 0, 10), (0, 10, 9, 10), (9, 10, 9, 0), (9, 0, 19, 0), (19, 0, 19, 10)],
        4: [(0, 2, 10, 0), (10, 0, 10, 13), (0, 9, 19, 9)],
        5: [(0, 0, 0, 11), (0, 0, 9, 0), (9, 0, 9, 11), (9, 11, 19, 11), (19, 0, 19, 11)],
        7: [(0, 0, 0, 12), (0, 12, 19, 4)],
    }
    fields = []
    for lines in strokes.values():
        large = np.zeros((160, 160), dtype=np.float32)
        for y0, x0, y1, x1 in lines:
            for t in np.linspace(0, 1, 200):
                y, x = 40 + 4 * (y0 + t * (y1 - y0)), 50 + 4 * (x0 + t * (x1 - x0))
                large[int(y) - 6 : int(y) + 6, int(x) - 6 : int(x) + 6] = 1
        fields.append(large)
    return DigitNormalizer().transform(fields).reshape(-1, 28, 28)


DRAWN = drawn()
ROWS = DRAWN.reshape(len(DRAWN), -1)
Y, X = np.mgrid[-1:1:28j, -1:1:28j]
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=DRAWN.shape)


def large(field, scale, margin, seed=0):
    """A photo of a digit: paper with grain, uneven light, dark ink."""
    ink = np.pad(zoom(field, scale, order=1), margin)
    y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j]
    grain = np.random.default_rng(seed).normal(size=ink.shape)
    return np.clip((0.8 + 0.1 * x - 0.1 * y**2) * (1 - 0.6 * ink) + 0.02 * grain, 0, 1)


def impulses(share):
    r = np.random.default_rng(1).random(DRAWN.shape)
    return np.where(r < share / 2, 0, np.where(r > 1 - share / 2, 1, DRAWN))


# What was done to the pictures, and the least correlation with the clean ones afterwards.
DISGUISES = {
    "dark on light": (1 - DRAWN, 0.99),
    "pale": (0.9 - 0.1 * DRAWN, 0.99),
    "dim": (0.3 * DRAWN, 0.99),
    "lifted ground": (0.3 + 0.7 * DRAWN, 0.99),
    "bytes": ((255 * (1 - DRAWN)).astype(np.uint8), 0.99),
    "colour": (np.stack([0.9 - 0.5 * DRAWN, 0.9 - 0.7 * DRAWN, 0.9 - 0.1 * DRAWN], -1), 0.99),
    "plane": (0.7 - 0.4 * DRAWN + 0.2 * X, 0.99),
    "lamp": (0.9 - 0.4 * DRAWN - 0.15 * (X**2 + Y**2), 0.97),
    "shadow": (0.9 - 0.5 * DRAWN - 0.2 * (X + Y / 2 > 0.2), 0.9),
    "noise 0.1": (np.clip(DRAWN + 0.1 * NOISE, 0, 1), 0.95),
    "noise 0.4": (np.clip(DRAWN + 0.4 * NOISE, 0, 1), 0.6),
    "dark, noise 0.3": (np.clip(1 - DRAWN + 0.3 * NOISE, 0, 1), 0.75),
    "impulses": (impulses(0.1), 0.8),
    "blur": (gaussian_filter(DRAWN, (0, 1, 1)), 0.93),
    "moved": (np.roll(0.9 - 0.6 * DRAWN, (-4, 4), axis=(1, 2)), 0.9),
    "in a corner": (np.pad(0.9 - 0.6 * DRAWN, ((0, 0), (20, 0), (0, 30)), mode="edge"), 0.9),
    "cut tight": ([0.9 - 0.6 * f[np.ix_(f.any(1), f.any(0))] for f in DRAWN], 0.8),
    "enlarged": ([zoom(0.9 - 0.6 * f, 2.6, order=1) for f in DRAWN], 0.93),
    "photo": ([large(f, 8, 60) for f in DRAWN], 0.93),
    "small in a photo": ([large(f, 4, ((400, 90), (150, 500))) for f in DRAWN], 0.93),
}


@pytest.mark.parametrize(("pictures", "least"), DISGUISES.values(), ids=DISGUISES)
def test_a_digit_in_disguise_is_recognised(pictures, least):
    rows = DigitNormalizer().transform(pictures)
    assert rows.shape == (len(DRAWN), 784)
    assert rows.dtype == np.float32
    assert rows.min() >= 0
    assert rows.max() <= 1
    likeness = np.corrcoef(rows, ROWS)[: len(ROWS), len(ROWS) :]
    assert likeness.diagonal().min() > least
    assert (likeness.argmax(axis=1) == np.arange(len(ROWS))).all()


@pytest.mark.parametrize("pictures", [p for p, _ in DISGUISES.values()], ids=DISGUISES)
def test_no_disguise_is_a_problem(pictures):
    assert [DigitNormalizer().inspect(picture) for picture in pictures] == [None] * len(DRAWN)


def test_the_drawn_digits_are_as_mnist_has_them():
    boxes = bounding_boxes(DRAWN > 0.4)
    assert (abs((boxes[:, 2:] - boxes[:, :2]).max(axis=1) - 20) <= 1).all()
    assert np.abs(centres_of_mass(DRAWN) - 14.5).max() < 0.7
    assert DRAWN.max(axis=(1, 2)).tolist() == [1] * len(DRAWN)
    assert (DRAWN[:, [0, -1]] == 0).all()


def test_a_normal_picture_passes_unchanged():
    again = DigitNormalizer().transform(DRAWN)
    assert (again == ROWS).all()
    by_bytes = DigitNormalizer().transform((255 * DRAWN).astype(np.uint8))
    assert (
        by_bytes == (255 * DRAWN).astype(np.uint8).reshape(ROWS.shape) * np.float32(1 / 255)
    ).all()


def test_thin_strokes_of_a_large_photo_stay_strong():
    ring = np.hypot(*np.mgrid[-300:300, -300:300])
    photo = np.where(abs(ring - 220) < 5, 0.3, 0.85)  # a pen 10 pixels wide, a 0 of 440
    field = DigitNormalizer().transform([photo])[0]
    assert (field > 0.9).sum() > 30
    assert DigitNormalizer().inspect(photo) is None


def test_the_order_and_the_company_do_not_matter():
    mixed = [1 - DRAWN[0], large(DRAWN[1], 3, 9), DRAWN[2], 0.9 - 0.5 * DRAWN[3]]
    together = DigitNormalizer().transform(mixed)
    for i, picture in enumerate(mixed):
        np.testing.assert_allclose(
            together[i], DigitNormalizer().transform([picture])[0], atol=1e-3
        )


def test_a_file_is_read_like_its_array(tmp_path):
    photo = (255 * large(DRAWN[1], 3, 9)).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "four.png")
    by_file = DigitNormalizer().transform([tmp_path / "four.png"])
    np.testing.assert_allclose(by_file, DigitNormalizer().transform([photo]), atol=1e-3)
    assert DigitNormalizer().inspect(tmp_path / "four.png") is None


BLANK = {
    "white": np.ones((28, 28)),
    "black": np.zeros((28, 28)),
    "gray bytes": np.full((40, 30), 128, dtype=np.uint8),
    "gradient": np.tile(np.linspace(0.2, 0.9, 50), (40, 1)),
    "large": np.full((500, 400), 0.8),
    "paper": 0.8 + 0.005 * np.random.default_rng(0).normal(size=(60, 60)),
}


@pytest.mark.parametrize("picture", BLANK.values(), ids=BLANK)
def test_a_blank_picture_gives_zeros_and_says_so(picture):
    assert not DigitNormalizer().transform([picture]).any()
    assert DigitNormalizer().inspect(picture) == "no ink was found"


SCATTERED = np.full((60, 60), 0.9)
for _y, _x in [(5, 5), (5, 40), (25, 22), (45, 8), (48, 45), (28, 48)]:
    SCATTERED[_y : _y + 8, _x : _x + 4] = 0.2

NO_DIGIT = {
    "grain": (np.random.default_rng(0).random((40, 40)), "grain"),
    "block": (np.pad(np.ones((14, 12)), 20), "solid block"),
    "scattered": (SCATTERED, "6 places"),
}


@pytest.mark.parametrize(("picture", "reason"), NO_DIGIT.values(), ids=NO_DIGIT)
def test_what_is_no_digit_is_refused_with_a_reason(picture, reason):
    assert reason in DigitNormalizer().inspect(picture)
    row = DigitNormalizer().transform([picture])
    assert row.any()
    assert np.isfinite(row).all()


def test_a_one_is_no_block():
    assert DigitNormalizer().inspect(np.pad(np.ones((20, 5)), ((6, 6), (12, 12)))) is None


@pytest.mark.parametrize("shape", [(4, 4), (5, 40), (40, 5), (1, 2), (1, 300), (113, 4)])
@pytest.mark.parametrize("center", ["mass", "box"])
def test_odd_shapes_do_no_harm(shape, center):
    rows = DigitNormalizer(center=center).transform(RNG.random((3, *shape)))
    assert rows.shape == (3, 784)
    assert np.isfinite(rows).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"center": "middle"}, "center='middle'"),
        ({"box": 30}, "box=30, size=28"),
        ({"box": 0}, "box"),
    ],
)
def test_wrong_parameters_are_named(parameters, message):
    for call in ("fit", "transform"):
        with pytest.raises(ValueError, match=message):
            getattr(DigitNormalizer(**parameters), call)(DRAWN)


def test_it_is_a_scikit_learn_transformer():
    normalizer = clone(DigitNormalizer(size=8, box=8, center="box"))
    assert normalizer.get_params() == {"size": 8, "box": 8, "center": "box"}
    assert make_pipeline(normalizer).fit_transform(DRAWN).shape == (len(DRAWN), 64)
    assert DigitNormalizer().transform(ROWS).shape == ROWS.shape
    assert DigitNormalizer().transform(DRAWN[:0]).shape == (0, 784)


class TestEightByEight:
    """scikit-learn's digits fill their field of 8×8."""

    normalizer = DigitNormalizer(size=8, box=8, center="box")
    digits = load_digits()

    def test_all_pass_unchanged(self):
        expected = (self.digits.data / 16).astype(np.float32)
        assert (self.normalizer.transform(self.digits.images) == expected).all()
        assert (self.normalizer.transform(self.digits.data) == expected).all()

    def test_they_are_recognised_as_dark_ink_and_enlarged(self):
        some = self.digits.images[:200] / 16
        paper = [0.9 - 0.6 * np.kron(np.pad(d, 2), np.ones((5, 5))) for d in some]
        for disguised in (1 - some, paper):
            rows = self.normalizer.transform(disguised)
            nearest = ((rows[:, None] - some.reshape(1, 200, 64)) ** 2).sum(axis=2).argmin(axis=1)
            assert (self.digits.target[nearest] == self.digits.target[:200]).mean() > 0.95

    def test_none_is_a_problem(self):
        problems = [self.normalizer.inspect(d / 16) for d in self.digits.images[:40]]
        assert problems == [None] * 40


def mnist(name):
    content = gzip.decompress((DATA / "mnist" / f"{name}-images-idx3-ubyte.gz").read_bytes())
    return np.frombuffer(content, dtype=np.uint8, offset=16).reshape(-1, 28, 28)


@pytest.mark.slow
@needs_mnist
@pytest.mark.parametrize("name", ["train", "t10k"])
def test_mnist_passes_unchanged(name):
    pictures = mnist(name)
    rows = DigitNormalizer().transform(pictures)
    same = (rows == pictures.reshape(rows.shape) * np.float32(1 / 255)).all(axis=1)
    assert same.mean() > 0.999


@needs_mnist
def test_mnist_as_dark_ink_comes_out_as_it_was():
    pictures = mnist("train")[:500] / np.float32(255)
    rows = DigitNormalizer().transform(0.9 - 0.6 * pictures)
    assert np.abs(rows - pictures.reshape(rows.shape)).mean() < 0.02


@needs_letters
def test_photos_of_letters_come_out_normal():
    """Letters only: the photos of digits are kept for the last test of all."""
    files = sorted((DATA / "hand62" / "PNG").glob("CAP_[OSZ]_*"))[::5]
    assert len(files) > 40
    normalizer = DigitNormalizer()
    rows = normalizer.transform(files)
    assert (normalizer.transform(rows) == rows).all(axis=1).mean() > 0.95
    fields = rows.reshape(-1, 28, 28)
    ink = (fields > 0.5).mean(axis=(1, 2))
    assert (ink > 0.04).all()
    assert (ink < 0.35).all()
    assert (fields == 0).mean() > 0.55  # no smear of the paper
    assert [normalizer.inspect(file) for file in files[:10]] == [None] * 10
