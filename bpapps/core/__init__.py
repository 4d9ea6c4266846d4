"""The backprop core: layers, losses, optimisers and a training loop, on arrays only.

A network is a layer made of layers; all its parameters lie in one flat vector:

    network = Chain(Dense(100), ReLU(), Dense(10))
    params = initial_params(network, (784,), seed=0)
    plan = Plan(loss=SoftmaxCrossEntropy(), optimizer=Adam())
    for epoch in train(network, params, X, y, plan):
        print(epoch.loss)
"""

from bpapps.core.activations import (
    ACTIVATIONS,
    GELU,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from bpapps.core.combine import Beside, Branches, Chain, Residual
from bpapps.core.fixed_point import FixedPoint
from bpapps.core.gradcheck import check_layer, check_loss, check_network
from bpapps.core.jacobian import spectral_radius
from bpapps.core.layers import (
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    Reshape,
)
from bpapps.core.losses import (
    Huber,
    Loss,
    PairCrossEntropy,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredError,
)
from bpapps.core.optimizers import SGD, Adam, AdamW, lbfgs
from bpapps.core.outline import outline
from bpapps.core.pairing import Alignment, Average, Difference, Each, Pairs
from bpapps.core.parallel import forward
from bpapps.core.params import Params, initial_params, pack
from bpapps.core.plan import Epoch, Plan
from bpapps.core.progress import DivergenceError
from bpapps.core.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    InverseScaling,
    OneCycle,
    Step,
    Warmup,
)
from bpapps.core.solvers import (
    Anderson,
    Broyden,
    Damped,
    NotConvergedWarning,
    SolverInfo,
    recording,
)
from bpapps.core.spatial import AveragePool2D, Conv2D, GlobalPool2D, GroupNorm, MaxPool2D
from bpapps.core.stable import Bounded, MonotoneDense, SymmetricDense
from bpapps.core.storage import StorageError, load_network, save_network
from bpapps.core.training import evaluate, train

__all__ = [
    "ACTIVATIONS",
    "GELU",
    "SCHEDULES",
    "SGD",
    "Adam",
    "AdamW",
    "Alignment",
    "Anderson",
    "Average",
    "AveragePool2D",
    "Beside",
    "Bounded",
    "Branches",
    "Broyden",
    "Chain",
    "Constant",
    "Conv2D",
    "Cosine",
    "Damped",
    "Dense",
    "Difference",
    "DivergenceError",
    "Dropout",
    "Each",
    "Epoch",
    "FixedPoint",
    "Flatten",
    "GlobalPool2D",
    "GroupNorm",
    "Huber",
    "Identity",
    "InverseScaling",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Loss",
    "MaxPool2D",
    "MonotoneDense",
    "NotConvergedWarning",
    "OneCycle",
    "PairCrossEntropy",
    "Pairs",
    "Params",
    "Plan",
    "ReLU",
    "Reshape",
    "Residual",
    "SiLU",
    "Sigmoid",
    "SigmoidCrossEntropy",
    "SoftmaxCrossEntropy",
    "Softplus",
    "SolverInfo",
    "SquaredError",
    "Step",
    "StorageError",
    "SymmetricDense",
    "Tanh",
    "Warmup",
    "check_layer",
    "check_loss",
    "check_network",
    "evaluate",
    "forward",
    "initial_params",
    "lbfgs",
    "load_network",
    "outline",
    "pack",
    "recording",
    "save_network",
    "spectral_radius",
    "train",
]
