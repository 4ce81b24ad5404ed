"""The networks that both sides attack, written here a second time in PyTorch.

Architectures follow weights/README.md of the shared folder. Every module takes images in [0, 1] and normalises itself.
"""
from dataclasses import dataclass
from fractions import Fraction
from typing import Callable

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4824, 0.4467), (0.2471, 0.2435, 0.2616)


class Normalised(nn.Module):
    """A network behind the normalisation of its training."""

    def __init__(self, network, mean, std):
        super().__init__()
        self.network = network
        self.mean = nn.Parameter(torch.tensor(mean or (0.0,)).view(1, -1, 1, 1), requires_grad=False)
        self.std = nn.Parameter(torch.tensor(std or (1.0,)).view(1, -1, 1, 1), requires_grad=False)

    def forward(self, x):
        return self.network((x - self.mean) / self.std)


def chain(layers, names):
    """Builds a network without branches. `names` are those of its layers with weights in the file, first to last."""

    def build(state):
        network = nn.Sequential(*layers())
        weighted = [layer for layer in network if isinstance(layer, (nn.Conv2d, nn.Linear))]
        for layer, name in zip(weighted, names, strict=True):
            layer.load_state_dict({"weight": state[name + ".weight"], "bias": state[name + ".bias"]})
        return network

    return build


def smallcnn(*names):
    """The network of TRADES for MNIST."""

    def layers():
        conv, relu, linear = nn.Conv2d, nn.ReLU, nn.Linear
        return [conv(1, 32, 3), relu(), conv(32, 32, 3), relu(), nn.MaxPool2d(2),
                conv(32, 64, 3), relu(), conv(64, 64, 3), relu(), nn.MaxPool2d(2),
                nn.Flatten(), linear(1024, 200), relu(), linear(200, 200), relu(), linear(200, 10)]

    return chain(layers, names)


def cnn_a(channels, features):
    """Two strided convolutions and two linear layers."""

    def layers():
        return [nn.Conv2d(channels, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(),
                nn.Flatten(), nn.Linear(features, 100), nn.ReLU(), nn.Linear(100, 10)]

    return chain(layers, ("0", "2", "5", "7"))


def convmed():
    """The MNIST network of COLT."""

    def layers():
        return [nn.Conv2d(1, 32, 5, 2, 2), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
                nn.Flatten(), nn.Linear(3136, 100), nn.ReLU(), nn.Linear(100, 10)]

    blocks = "blocks.layers."
    return chain(layers, (blocks + "1.conv", blocks + "3.conv", blocks + "6.linear", blocks + "8.linear"))


class PlainBlock(nn.Module):
    """A residual block without batch norm."""

    def __init__(self, width_in, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1)
        self.shortcut = nn.Sequential()
        if stride != 1 or width_in != width:
            self.shortcut = nn.Sequential(nn.Conv2d(width_in, width, 1, stride))

    def forward(self, x):
        return F.relu(self.conv2(F.relu(self.conv1(x))) + self.shortcut(x))


class PlainResNet(nn.Module):
    """The residual networks of alpha-beta-CROWN: each stage of two blocks halves the side of the image."""

    def __init__(self, stem, widths, features):
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 3, 2, 1)
        self.stages = len(widths)
        for stage, (before, width) in enumerate(zip([stem, *widths], widths), start=1):
            setattr(self, f"layer{stage}", nn.Sequential(PlainBlock(before, width, 2), PlainBlock(width, width, 1)))
        self.linear1, self.linear2 = nn.Linear(features, 100), nn.Linear(100, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.linear2(F.relu(self.linear1(x.flatten(1))))


class Block(nn.Module):
    """A residual block of a ResNet for CIFAR; a shortcut that changes shape is of kind A or B."""

    def __init__(self, width_in, width, stride, kind):
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.padding = width // 4 if stride != 1 and kind == "A" else None
        if stride != 1 and kind == "B":
            self.downsample = nn.Sequential(nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def shortcut(self, x):
        if self.padding is not None:
            return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.padding, self.padding))
        return self.downsample(x) if hasattr(self, "downsample") else x

    def forward(self, x):
        residual = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(residual + self.shortcut(x))


class CifarResNet(nn.Module):
    """ResNet-20 (blocks = 3), 32, 44, … for CIFAR; `classifier` is the name of the last layer."""

    def __init__(self, blocks, kind, classifier):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        for stage, (before, width, stride) in enumerate([(16, 16, 1), (16, 32, 2), (32, 64, 2)], start=1):
            first = Block(before, width, stride, kind)
            rest = [Block(width, width, 1, kind) for _ in range(blocks - 1)]
            setattr(self, f"layer{stage}", nn.Sequential(first, *rest))
        self.classifier = classifier
        setattr(self, classifier, nn.Linear(64, 10))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return getattr(self, self.classifier)(x.mean((2, 3)))


def module(make):
    """Builds a network whose names are those of the file."""

    def build(state):
        network = make()
        counters = {key: value for key, value in network.state_dict().items() if key.endswith("num_batches_tracked")}
        network.load_state_dict({**counters, **state})
        return network

    return build


@dataclass(frozen=True)
class Network:
    """A network of the shared weights and the ball in which it is attacked."""

    file: str  # below the folder of weights
    data: str
    accuracy: float  # in percent of the 10,000 test images, as weights/README.md measured it
    norm: str
    epsilon: str  # a number or a fraction
    build: Callable
    model: str  # what a suite says of its architecture
    mean: tuple = ()
    std: tuple = ()

    @property
    def radius(self):
        return float(Fraction(self.epsilon))

    @property
    def shape(self):
        return [1, 28, 28] if self.data == "mnist" else [3, 32, 32]

    def load(self, weights):
        network = self.build(load_file(weights / self.file))
        return Normalised(network, self.mean, self.std).eval().requires_grad_(False)

    def inline_model(self, weights):
        """The TOML table that describes it to Gauntlet."""
        text = (f'{{ {self.model}, weights = "{weights / self.file}", input = {self.shape}, classes = 10')
        if self.mean:
            text += f", mean = {list(self.mean)}, std = {list(self.std)}"
        return text + " }"


TRADES = ("feature_extractor.conv1", "feature_extractor.conv2", "feature_extractor.conv3", "feature_extractor.conv4",
          "classifier.fc1", "classifier.fc2", "classifier.fc3")
FMN = ("conv1", "conv2", "conv3", "conv4", "fc1", "fc2", "fc3")
DEEPSEC = ("conv32.0", "conv32.2", "conv64.0", "conv64.2", "fc1", "fc2", "fc3")
COLT_LAYERS = (
    'layers = [{ type = "conv", name = "blocks.layers.1.conv", out = 32, kernel = 5, stride = 2, padding = 2 }, '
    '{ type = "relu" }, '
    '{ type = "conv", name = "blocks.layers.3.conv", out = 64, kernel = 4, stride = 2, padding = 1 }, '
    '{ type = "relu" }, { type = "flatten" }, { type = "linear", name = "blocks.layers.6.linear", out = 100 }, '
    '{ type = "relu" }, { type = "linear", name = "blocks.layers.8.linear", out = 10 }], ignore = ["*deepz_lambda*"]')

NETWORKS = {
    "trades-mnist": Network(
        "trades/model_mnist_smallcnn.safetensors", "mnist", 99.48, "linf", "0.3", smallcnn(*TRADES),
        'architecture = "smallcnn"'),
    "deepsec-mnist": Network(
        "deepsec/MNIST_raw.safetensors", "mnist", 99.34, "linf", "0.1", smallcnn(*DEEPSEC),
        'architecture = "smallcnn", names = "deepsec"'),
    "fmn-mnist": Network(
        "fmn/mnist_pretrained.safetensors", "mnist", 98.14, "l2", "1.0", smallcnn(*FMN),
        'architecture = "smallcnn", names = "fmn"'),
    "mmr-mnist": Network(
        "mmr-universal/mmr_univ_mnist_gammas_1.0_0.175_lambdas_3.0_12.0.safetensors", "mnist", 96.96, "l2", "1.0",
        cnn_a(1, 1568), 'architecture = "cnn-a"'),
    "colt-mnist": Network(
        "colt/mnist_0.1_convmed_flat_2_2_100.safetensors", "mnist", 99.16, "linf", "0.2", convmed(),
        'architecture = "sequential", ' + COLT_LAYERS, (0.1307,), (0.3081,)),
    "fast-mnist": Network(
        "fast_adversarial/fgsm.safetensors", "mnist", 98.50, "linf", "0.3", cnn_a(1, 1568), 'architecture = "cnn-a"'),
    "resnet2b": Network(
        "alpha-beta-CROWN/resnet2b.safetensors", "cifar10", 69.23, "linf", "2/255",
        module(lambda: PlainResNet(8, [16], 1024)), 'architecture = "cresnet-2b"', CIFAR_MEAN, CIFAR_STD),
    "resnet4b": Network(
        "alpha-beta-CROWN/resnet4b.safetensors", "cifar10", 77.18, "linf", "2/255",
        module(lambda: PlainResNet(16, [32, 32], 512)), 'architecture = "cresnet-4b"', CIFAR_MEAN, CIFAR_STD),
    "cnn-a-cifar": Network(
        "alpha-beta-CROWN/cifar_cnn_a_adv.safetensors", "cifar10", 65.63, "linf", "2/255", cnn_a(3, 2048),
        'architecture = "cnn-a"', (0.4914, 0.4824, 0.4467), (0.2471, 0.2435, 0.2616)),
    "convex-cifar": Network(
        "convex_adversarial/cifar_small_36px.safetensors", "cifar10", 54.39, "l2", "128/255", cnn_a(3, 2048),
        'architecture = "cnn-a"', (0.485, 0.456, 0.406), (0.225, 0.225, 0.225)),
    "siam-cifar": Network(
        "siam/regular_training_model_best.safetensors", "cifar10", 91.37, "linf", "1/255",
        module(lambda: CifarResNet(3, "B", "fc")), 'architecture = "resnet20", shortcut = "B", classifier = "fc"',
        (0.491, 0.482, 0.447), (0.247, 0.243, 0.262)),
    "akamaster-cifar": Network(
        "akamaster-resnet/resnet20-12fca82f.safetensors", "cifar10", 91.73, "linf", "1/255",
        module(lambda: CifarResNet(3, "A", "linear")), 'architecture = "resnet20"',
        (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "gauntlet-cifar": Network(
        "gauntlet/resnet20_at_pgd5_13epochs.safetensors", "cifar10", 68.41, "linf", "8/255",
        module(lambda: CifarResNet(3, "A", "linear")), 'architecture = "resnet20"',
        (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}
