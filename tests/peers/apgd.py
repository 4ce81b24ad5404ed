"""APGD written down again from the paper, with averages over draws.

Croce & Hein, 2020, https://arxiv.org/abs/2003.01690

Used where the public package cannot serve: its targeted L2 attack takes the step size of the first image for all, and
under noise it chooses the best iterate by the loss of a single draw.
"""
from dataclasses import dataclass

import torch
from torch.nn import functional as F


def per_image(values):
    """[N] -> [N, 1, 1, 1]."""
    return values.view(-1, 1, 1, 1)


def length(delta):
    return per_image(delta.flatten(1).norm(dim=1))


@dataclass
class Ball:
    """The images within `radius` of `x`, in [0, 1]."""

    x: torch.Tensor
    norm: str
    radius: float

    def project(self, point):
        delta = point - self.x
        if self.norm == "linf":
            delta = delta.clamp(-self.radius, self.radius)
        else:
            delta = delta * (self.radius / length(delta).clamp_min(1e-12)).clamp_max(1)
        return (self.x + delta).clamp(0, 1)

    def start(self, generator):
        if self.norm == "linf":
            draw = 2 * torch.rand(self.x.shape, generator=generator) - 1
            draw = draw / per_image(draw.flatten(1).abs().amax(1))
        else:
            draw = torch.randn(self.x.shape, generator=generator)
            draw = draw / length(draw)
        return (self.x + self.radius * draw).clamp(0, 1)

    def step(self, point, gradient, size):
        direction = gradient.sign() if self.norm == "linf" else gradient / length(gradient).clamp_min(1e-12)
        return self.project(point + per_image(size) * direction)


def cross_entropy(labels):
    return lambda logits: F.cross_entropy(logits, labels, reduction="none")


def targeted_dlr(labels, targets):
    def loss(logits):
        top = logits.sort(dim=1, descending=True).values
        rows = torch.arange(len(logits))
        return (logits[rows, targets] - logits[rows, labels]) / (top[:, 0] - (top[:, 2] + top[:, 3]) / 2 + 1e-12)

    return loss


def checkpoints(steps):
    """After how many steps sizes are looked at: 22, 41, 57, 70, 80, 87, 93, 99 of 100."""
    found, at, gap = [], 0, max(int(0.22 * steps), 1)
    while at + gap <= steps:
        at += gap
        found.append(at)
        gap = max(gap - max(int(0.03 * steps), 1), max(int(0.06 * steps), 1))
    return found


def ask(network, x, loss, draws):
    """Loss [N] and its gradient, each the mean of `draws` passes; and the logits of the last one."""
    total, gradient = torch.zeros(len(x)), torch.zeros_like(x)
    for _ in range(draws):
        at = x.detach().requires_grad_()
        logits = network(at)
        values = loss(logits)
        gradient += torch.autograd.grad(values.sum(), at)[0]
        total += values.detach()
    return total / draws, gradient / draws, logits.detach()


def apgd(network, ball, labels, loss, steps=100, draws=1, generator=None):
    """The iterate of the greatest mean loss, and the last one that was misclassified (else the image itself)."""
    x = ball.start(generator)
    value, gradient, logits = ask(network, x, loss, draws)
    best, best_value, best_gradient = x.clone(), value.clone(), gradient.clone()
    hit = torch.where(per_image(logits.argmax(1) != labels), x, ball.x)
    size = torch.full_like(value, 2 * ball.radius)
    before, at_check, halved = x, value.clone(), torch.ones_like(value, dtype=torch.bool)
    rises, since, stops = torch.zeros_like(value), 0, checkpoints(steps)
    for step in range(steps):
        share = 1.0 if step == 0 else 0.75
        proposed = ball.step(x, gradient, size)
        x, before, previous = ball.project(x + share * (proposed - x) + (1 - share) * (x - before)), x, value
        value, gradient, logits = ask(network, x, loss, draws)
        hit = torch.where(per_image(logits.argmax(1) != labels), x, hit)
        rises, since = rises + (value > previous), since + 1
        better = value > best_value
        best = torch.where(per_image(better), x, best)
        best_gradient = torch.where(per_image(better), gradient, best_gradient)
        best_value = torch.where(better, value, best_value)
        if step + 1 in stops:
            stuck = (rises <= 0.75 * since) | (~halved & (at_check >= best_value))
            size = torch.where(stuck, size / 2, size)
            x = torch.where(per_image(stuck), best, x)
            gradient = torch.where(per_image(stuck), best_gradient, gradient)
            halved, at_check, rises, since = stuck, best_value.clone(), torch.zeros_like(value), 0
    return best, hit


def apgd_targeted(network, ball, labels, steps, targets, generator):
    """One run for each of the `targets` best wrong classes; images that are broken are left out of the next."""
    x = ball.x
    order = network(x).detach().argsort(dim=1, descending=True)
    found, left = x.clone(), (order[:, 0] == labels).nonzero().flatten()
    for rank in range(1, targets + 1):
        if len(left) == 0:
            break
        part = Ball(x[left], ball.norm, ball.radius)
        loss = targeted_dlr(labels[left], order[left, rank])
        _, found[left] = apgd(network, part, labels[left], loss, steps, generator=generator)
        left = left[network(found[left]).argmax(1) == labels[left]]
    return found
