"""The same seed gives the same bits, on any number of threads, killed or left and resumed."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import killable
import numpy as np
import pytest
from core.trainings import (
    LARGE,
    LENET,
    NETWORK,
    VALIDATION,
    WIDE,
    bits,
    blobs,
    fit,
    pictures,
    plan_of,
    scripted,
)

from bpapps.core import (
    SGD,
    Adam,
    AdamW,
    Chain,
    Dense,
    Dropout,
    Epoch,
    LayerNorm,
    ReLU,
    SoftmaxCrossEntropy,
    StorageError,
    Tanh,
    checkpoints,
    forward,
    initial_params,
    train,
)
from bpapps.core.draws import Augmented
from bpapps.core.full_batch import train_lbfgs
from bpapps.core.storage import write_tensors

SAME_BITS: list[tuple[str, Any, dict]] = [
    ("conv", LENET, {}),
    ("wide", WIDE, {}),
    ("clipped", WIDE, {"max_norm": 0.1}),
    ("penalty", WIDE, {"alpha": 0.1}),
    ("augmented", WIDE, {"draw": Augmented(killable.Noise(0.1)), "optimizer": SGD(0.9)}),
    ("odd microbatch", WIDE, {"microbatch": 23}),
    ("large microbatch", WIDE, {"microbatch": 64}),
]


@pytest.mark.parametrize(
    ("network", "changes"), [row[1:] for row in SAME_BITS], ids=[row[0] for row in SAME_BITS]
)
def test_same_bits_on_any_number_of_threads(network: Any, changes: dict) -> None:
    plan = plan_of(**{"batch_size": 64, "microbatch": 16, "max_epochs": 2, **changes})
    options = {"data": pictures(), "network": network}
    validation = (*pictures(70), None)
    results = []
    for threads in (1, 2, 4):
        params, epochs = fit(plan, **options, validation=validation, threads=threads)
        records = [replace(epoch, seconds=0.0) for epoch in epochs]
        results.append((bits(params.vector), records))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("method", ["steps", "L-BFGS"])
def test_a_large_net_has_the_same_bits_too(method: str) -> None:
    X, y = pictures(128, 784)
    plan = plan_of(batch_size=128, microbatch=64, max_epochs=2, alpha=0.1, max_norm=0.1)
    results = []
    for threads in (1, 2):
        params = initial_params(LARGE, (784,))
        if method == "steps":
            epochs = list(train(LARGE, params, X, y, plan, threads=threads))
        else:
            epochs = train_lbfgs(LARGE, params, X, y, plan, threads=threads)
        y_hat = forward(LARGE, params, X, 64, threads)
        results.append((bits(params.vector), bits(y_hat), without_seconds(epochs)))
    assert results[0] == results[1]


def test_how_a_batch_is_cut_changes_only_the_rounding() -> None:
    network = Chain(Dense(20), Tanh(), LayerNorm(), Dense(3))
    vectors = [
        fit(plan_of(microbatch=size), network=network, dtype=np.float64)[0].vector
        for size in (32, 8, 5, 1)
    ]
    for vector in vectors[1:]:
        np.testing.assert_allclose(vector, vectors[0], rtol=1e-8, atol=1e-10)


def test_the_seed_decides() -> None:
    first, same, other = (fit(plan_of(seed=seed))[0].vector for seed in (1, 1, 2))
    assert first.tobytes() == same.tobytes() != other.tobytes()


def test_goes_on_with_what_the_optimizer_remembers() -> None:
    plan = plan_of(shuffle=False)
    whole, _ = fit(replace(plan, max_epochs=4))
    state: dict = {}
    params, _ = fit(replace(plan, max_epochs=2), state=state)
    assert int(state["steps"][0]) == 6
    fit(replace(plan, max_epochs=2), state=state, params=params)
    assert params.vector.tobytes() == whole.vector.tobytes()


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after every epoch."""
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)


def without_seconds(epochs: list[Epoch]) -> list[Epoch]:
    return [replace(epoch, seconds=0.0) for epoch in epochs]


@pytest.mark.slow
def test_killed_and_resumed_it_ends_at_the_same_bits(tmp_path: Path) -> None:
    checkpoint, result = tmp_path / "checkpoint", tmp_path / "result"
    command = [sys.executable, "-W", "error", killable.__file__, str(checkpoint), str(result)]
    for kill_after, wait in ((3, 0.0), (7, 0.004), (11, 0.002)):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) == kill_after:
                    break
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert not result.exists()
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    params, epochs = killable.run(None)
    assert shown.stdout.split() == [str(epoch.epoch) for epoch in epochs]
    assert result.read_bytes() == params.vector.tobytes()
    _, resumed = killable.run(checkpoint)
    assert without_seconds(resumed) == without_seconds(epochs)


@pytest.mark.parametrize("optimizer", [SGD(), SGD(0.9), Adam(), AdamW()], ids=str)
@pytest.mark.parametrize("after", [1, 3, 5])
def test_left_and_resumed_it_ends_at_the_same_bits(
    optimizer: Any, after: int, tmp_path: Path, always: None
) -> None:
    plan = plan_of(optimizer=optimizer, early_stopping=True, tol=0.0)
    scores = [0.5, 0.6, 0.4, 0.3, 0.2]
    network = Chain(Dense(8), ReLU(), Dropout(0.3), Dense(3))
    options: dict = {"network": network, "validation": VALIDATION}
    whole, epochs = fit(plan, **options, score=scripted(scores))
    params = initial_params(network, (4,))
    data, file = blobs(), tmp_path / "c"
    first = train(
        network, params, *data, plan,
        validation=VALIDATION, score=scripted(scores), checkpoint=file,
    )  # fmt: skip
    begun = list(islice(first, after))
    first.close()
    resumed, again = fit(plan, **options, checkpoint=file, score=scripted(scores[after:]))
    assert again[:after] == begun
    assert without_seconds(again) == without_seconds(epochs)
    assert resumed.vector.tobytes() == whole.vector.tobytes()


def test_checkpoints_are_not_written_all_the_time(tmp_path: Path) -> None:
    file = tmp_path / "c"
    fit(plan_of(), checkpoint=file)
    resumed = train(NETWORK, initial_params(NETWORK, (4,)), *blobs(), plan_of(), checkpoint=file)
    assert next(resumed).seconds > 0
    assert list(tmp_path.iterdir()) == [file]


OTHER_TRAININGS = [
    ("rate", {"plan": plan_of(learning_rate=0.02)}),
    ("epochs", {"plan": plan_of(max_epochs=6)}),
    ("optimizer", {"plan": plan_of(optimizer=SGD(0.9))}),
    ("loss", {"plan": plan_of(loss=SoftmaxCrossEntropy(0.1))}),
    ("seed", {"plan": plan_of(seed=1)}),
    ("microbatch", {"plan": plan_of(microbatch=4)}),
    ("network", {"network": Chain(Dense(16), ReLU(), Dense(3))}),
    ("width", {"network": Chain(Dense(15), Tanh(), Dense(3))}),
    ("type", {"dtype": np.float64}),
    ("data", {"data": blobs(seed=5)}),
    ("less data", {"data": tuple(part[:80] for part in blobs())}),
    ("labels", {"data": (blobs()[0], (blobs()[1] + 1) % 3)}),
    ("weights", {"weights": np.linspace(0.1, 1, 90)}),
]


@pytest.mark.parametrize(("what", "other"), OTHER_TRAININGS)
def test_the_checkpoint_of_another_training_is_refused(
    what: str, other: dict, tmp_path: Path, always: None
) -> None:
    file = tmp_path / "c"
    fit(plan_of(), checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(ValueError, match="another net, plan or data; delete it") as caught:
        fit(**{"plan": plan_of(), **other}, checkpoint=file)
    assert str(file) in str(caught.value)
    assert file.read_bytes() == before


def test_a_function_as_augmentation_resumes_in_another_process(tmp_path: Path) -> None:
    program = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from bpapps.core import *\n"
        "from bpapps.core.draws import Augmented\n"
        "others = [lambda: i for i in range(int(sys.argv[2]))]\n"
        "def augment(x, rng): return x\n"
        "plan = Plan(SquaredError(), SGD(), max_epochs=2, draw=Augmented(augment))\n"
        "X = np.ones((4, 2), np.float32)\n"
        "params = initial_params(Dense(1), (2,))\n"
        "list(train(Dense(1), params, X, X[:, 0], plan, checkpoint=Path(sys.argv[1])))\n"
    )
    for others in ("1", "50000"):
        command = [sys.executable, "-c", program, str(tmp_path / "c"), others]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("damage", ["truncated", "flipped", "text", "folder", "a network"])
def test_a_damaged_checkpoint_is_refused(damage: str, tmp_path: Path, always: None) -> None:
    file = tmp_path / "c"
    fit(plan_of(), checkpoint=file)
    content = file.read_bytes()
    if damage == "folder":
        file.unlink()
        file.mkdir()
    elif damage == "a network":
        write_tensors(file, {"W": np.zeros(3)}, {"architecture": 0})
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        spoilt = {"truncated": content[:middle], "flipped": flipped, "text": b"epoch 1\n"}
        file.write_bytes(spoilt[damage])
    with pytest.raises(ValueError if damage == "a network" else StorageError) as caught:
        fit(plan_of(), checkpoint=file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        fit(plan_of(), checkpoint=tmp_path / "missing" / "c")
