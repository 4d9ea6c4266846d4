"""The works of the benchmark: nets, how they are trained or asked, and what is aimed at."""

from __future__ import annotations

from dataclasses import dataclass

KERNEL, CLASSES, EPOCH = 5, 10, 60_000


@dataclass(frozen=True)
class Net:
    """Convolutions of 5×5, each with a pooling of 2×2 and ReLU, then dense layers with ReLU.

    With a ``state`` there is, in their place, one layer of so many neurons that feed each other
    until they settle, trained by recurrent backpropagation.
    """

    hidden: tuple[int, ...]
    filters: tuple[int, ...] = ()
    side: int = 28
    state: int = 0

    @property
    def in_shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return (self.side, self.side, 1) if self.filters else (self.side**2,)

    @property
    def pooled_side(self) -> int:
        """The side of a picture after all convolutions."""
        side = self.side
        for _ in self.filters:
            side = (side - KERNEL + 1) // 2
        return side

    @property
    def widths(self) -> tuple[int, ...]:
        """Inputs of the first dense layer, and the outputs of all."""
        first = self.pooled_side**2 * self.filters[-1] if self.filters else self.side**2
        return (first, *self.hidden, CLASSES)

    @property
    def flops(self) -> int:
        """Floating-point operations of training an MLP on one sample.

        Of each layer 2 · in · out forward, and as many for each of the two gradients; the first
        layer passes none to its input.
        """
        products = [a * b for a, b in zip(self.widths, self.widths[1:], strict=False)]
        return 6 * sum(products) - 2 * products[0]


@dataclass(frozen=True)
class Work:
    """What is to be done, and the ratios that are aimed at.

    Args:
        predicted: pictures to predict at once; 0: the work is training.
        target, target_to_sklearn: times of PyTorch and scikit-learn over ours.
        target_share: of the machine's own sgemm rate.
        noisy: so short that it takes more pairs.
    """

    name: str
    about: str
    net: Net
    target: float
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    batch_size: int = 128
    predicted: int = 0
    target_to_sklearn: float | None = None
    target_share: float | None = None
    noisy: bool = False


SMALL_CNN = Net((128,), (16, 32))
MLP = Work("MLP 784-512-256-10", "training, Adam, batch 128", Net((512, 256)), 1.2,
           target_to_sklearn=1.5, target_share=0.85)  # fmt: skip
WORKS = (
    MLP,
    Work("MLP 784-800-10", "training, SGD with momentum 0.9, batch 128", Net((800,)), 1.2, "sgd",
         0.01, target_to_sklearn=1.5, target_share=0.85),
    Work("MLP 64-32-10", "training on 8×8 pictures, Adam, batch 32", Net((32,), side=8), 4.0,
         batch_size=32, target_to_sklearn=1.5, noisy=True),
    Work("CNN 16-32-128-10", "training, 5×5 kernels, Adam, batch 128", SMALL_CNN, 1.2),
    Work("CNN 32-64-128-10", "training, 5×5 kernels, Adam, batch 128", Net((128,), (32, 64)), 1.2),
    Work("equilibrium 784-256-10", "recurrent backpropagation: 256 neurons feed each other until "
         "they settle to 1e-4, by Anderson's method; Adam, batch 128", Net((), state=256), 1.2,
         learning_rate=2e-4),
    Work("one picture", "prediction of one row, MLP 784-800-10", Net((800,)), 3.0,
         predicted=1, noisy=True),
    Work("10,000 pictures", "prediction at once, CNN 16-32-128-10", SMALL_CNN, 1.2,
         predicted=10_000),
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """What is timed at once: so many passes over the first rows of the data."""

    rows: int
    passes: int


@dataclass(frozen=True)
class Variant:
    """A way to use PyTorch.

    Args:
        fused: the optimiser makes its step in one kernel.
        at_once: pictures predicted at a time; None: all.
    """

    fused: bool = False
    channels_last: bool = False
    compiled: bool = False
    at_once: int | None = None


def variants(work: Work) -> dict[str, Variant]:
    """The ways to do a work in PyTorch, by name; the fastest one counts."""
    if work.predicted:
        parts = 500 if work.predicted > 500 else None
        found = {"eager": Variant()}
        if parts:
            found["batches of 500"] = Variant(at_once=parts)
    else:
        parts = None
        found = {"eager": Variant(), "fused": Variant(fused=True)}
    fused = not work.predicted
    if work.net.filters:
        found["channels-last"] = Variant(fused, channels_last=True, at_once=parts)
    found["compile"] = Variant(fused, compiled=True, at_once=parts)
    if work.net.filters:
        found["compile, channels-last"] = Variant(fused, True, True, parts)
    return found
