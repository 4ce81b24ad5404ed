"""Two networks with noise in their weights, and an attack on the mean over its draws, without any of Gauntlet's code.

The noise is that of plugins/defenses/noise/pni and cni: every forward pass draws new weights, shared by the batch.
"""
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

import apgd

LAYERS = ("0", "3", "7", "9")  # those with weights: two convolutions, two linear layers
MEAN, STD = 0.286, 0.353


def pni(state, layer, weight):
    """White noise: one learned strength for the layer, times the spread of its weights."""
    return weight + state[layer + ".pni.alpha"] * weight.std() * torch.randn(weight.shape)


def cni(state, layer, weight):
    """Correlated noise on convolutions: a diagonal and a factor of low rank; white noise on linear layers."""
    if layer + ".cni.alpha" in state:
        return weight + state[layer + ".cni.alpha"] * weight.std() * torch.randn(weight.shape)
    factor = state[layer + ".cni.factor"]
    white = weight.std() * state[layer + ".cni.diagonal"].abs().sqrt() * torch.randn(weight.shape)
    return weight + white + (factor @ torch.randn(factor.shape[1])).view(weight.shape)


class NoisyCnn(nn.Module):
    """The small network for Fashion-MNIST: conv, batch norm, conv, batch norm, linear, linear."""

    def __init__(self, file, noise):
        super().__init__()
        self.state, self.noise = load_file(file), noise

    def weight(self, layer):
        return self.noise(self.state, layer, self.state[layer + ".weight"])

    def norm(self, x, layer):
        state = self.state
        return F.batch_norm(x, state[layer + ".running_mean"], state[layer + ".running_var"],
                            state[layer + ".weight"], state[layer + ".bias"])

    def forward(self, x):
        x = (x - MEAN) / STD
        x = F.relu(self.norm(F.conv2d(x, self.weight("0"), stride=2, padding=1), "1"))
        x = F.relu(self.norm(F.conv2d(x, self.weight("3"), stride=2, padding=1), "4"))
        x = F.relu(F.linear(x.flatten(1), self.weight("7"), self.state["7.bias"]))
        return F.linear(x, self.weight("9"), self.state["9.bias"])


NOISES = {"pni": pni, "cni": cni}


def accuracy(model, images, labels, draws):
    with torch.no_grad():
        return sum((model(images).argmax(1) == labels).float() for _ in range(draws)).mean().item() / draws


def eot_apgd(model, images, labels, radius, steps, draws):
    """APGD on the mean cross-entropy of `draws` fresh draws a step; the best iterate by that mean."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    best, _ = apgd.apgd(model, apgd.Ball(images, "linf", radius), labels, apgd.cross_entropy(labels), steps, draws,
                        generator)
    return best
