#!/usr/bin/env bash
# L2 attacks of three libraries stand still where the gradient is small.
#
# Versions   torch 2.11.0, torchattacks 3.5.1 (PGDL2), foolbox 3.3.4 (L2PGD),
#            adversarial-robustness-toolbox 1.20.1 (ProjectedGradientDescent, norm 2);
#            Python 3.11 or newer, CPU.
# Guess      An L2 attack normalises its gradient, so only the direction counts. Logits times 30 change neither a
#            decision nor a distance nor a direction: the attack should break what it broke before.
# Behaviour  The norm has an absolute floor. torchattacks adds 1e-10 to it (eps_for_division), foolbox takes at least
#            1e-12, and ART has no constant but a float32 sum of squares, which is 0 for gradients of about 1e-23, and a
#            norm of 0 means no step. Confident networks have such gradients under cross-entropy and then count as
#            robust, without a word. In Linf (signs) the attack still breaks them, and so does the same L2 attack once
#            the gradient is divided by its largest entry; what those leave is where cross-entropy is exactly flat.
# Seen       Robust accuracy in percent of one linear network, every image within L2 distance 0.36 of another class:
#                                  logits x 1   logits x 30
#            torchattacks L2             0.0          46.9   (3.1 with eps_for_division=1e-38)
#            foolbox L2                  0.0          29.7
#            ART L2                      0.0          18.8
#            torchattacks Linf           0.0           1.6
#            L2, scaled first            0.0           1.6
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=${FINDINGS_VENV:-$work/venv}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
install() { "$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile "$@"; }
install torch==2.11.0 numpy==2.4.6 scipy==1.17.0 scikit-learn==1.9.1 six==1.17.0 requests==2.34.2 tqdm==4.70.1 \
  packaging==26.4 setuptools==65.5.0 GitPython==3.2.1
install --no-deps torchattacks==3.5.1 foolbox==3.3.4 eagerpy==0.30.0 adversarial-robustness-toolbox==1.20.1

OMP_NUM_THREADS=1 "$venv/bin/python" -W ignore - <<'PYTHON'
import sys

import foolbox
import torch
import torchattacks
from art.attacks.evasion import ProjectedGradientDescent
from art.estimators.classification import PyTorchClassifier
from torch import nn

EPSILON, STEP, STEPS = 1.0, 0.25, 10
draw = torch.Generator().manual_seed(1)
weight = torch.randn(10, 64, generator=draw)
bias = -weight.sum(1) / 2  # no class is preferred at mid-gray
images = torch.rand(64, 1, 8, 8, generator=draw)


def network(scale):
    linear = nn.Linear(64, 10)
    with torch.no_grad():
        linear.weight.copy_(weight * scale)
        linear.bias.copy_(bias * scale)
    return nn.Sequential(nn.Flatten(), linear).eval()


with torch.no_grad():
    logits = network(1)(images)
labels = logits.argmax(1)
behind = logits.gather(1, labels[:, None]) - logits
apart = (weight[labels][:, None] - weight[None]).norm(dim=2)
distance = (behind / apart).scatter(1, labels[:, None], torch.inf).min(1).values


def left(net, attacked):
    with torch.no_grad():
        return (net(attacked).argmax(1) == labels).float().mean().item() * 100


def scaled_first(net):
    x = images.clone()
    for _ in range(STEPS):
        x.requires_grad_(True)
        gradient, = torch.autograd.grad(nn.functional.cross_entropy(net(x), labels, reduction="sum"), x)
        largest = gradient.abs().amax((1, 2, 3), keepdim=True)
        gradient = torch.where(largest > 0, gradient / largest, 0)
        norm = gradient.square().sum((1, 2, 3), keepdim=True).sqrt()
        moved = x.detach() + STEP * torch.where(norm > 0, gradient / norm, 0) - images
        size = moved.square().sum((1, 2, 3), keepdim=True).sqrt()
        x = (images + moved * (EPSILON / size.clamp(min=EPSILON))).clamp(0, 1)
    return x


def measure(scale):
    net = network(scale)
    wrapped = foolbox.PyTorchModel(net, bounds=(0, 1))
    by_foolbox = foolbox.attacks.L2PGD(steps=STEPS, abs_stepsize=STEP, random_start=False)
    classifier = PyTorchClassifier(net, nn.CrossEntropyLoss(), (1, 8, 8), 10, clip_values=(0, 1), device_type="cpu")
    by_art = ProjectedGradientDescent(classifier, norm=2, eps=EPSILON, eps_step=STEP, max_iter=STEPS, batch_size=64,
                                      verbose=False)
    return {
        "torchattacks L2": left(net, torchattacks.PGDL2(net, eps=EPSILON, alpha=STEP, steps=STEPS,
                                                        random_start=False)(images, labels)),
        "torchattacks L2, floor 1e-38": left(net, torchattacks.PGDL2(net, eps=EPSILON, alpha=STEP, steps=STEPS,
                                                                     random_start=False, eps_for_division=1e-38)(
                                                                         images, labels)),
        "foolbox L2": left(net, by_foolbox(wrapped, images, labels, epsilons=EPSILON)[1]),
        "ART L2": left(net, torch.from_numpy(by_art.generate(images.numpy(), labels.numpy()))),
        "torchattacks Linf": left(net, torchattacks.PGD(net, eps=0.1, alpha=0.025, steps=STEPS,
                                                        random_start=False)(images, labels)),
        "L2, scaled first": left(net, scaled_first(net)),
    }


once, thirty = measure(1), measure(30)
print(f"largest distance to another class: {distance.max():.2f}; epsilon in L2: {EPSILON}")
for name in once:
    print(f"{name:28s} logits x 1: {once[name]:5.1f}   logits x 30: {thirty[name]:5.1f}")
if max(once.values()) > 0:
    sys.exit("changed: an attack no longer breaks the network whose logits are not scaled")
if max(thirty[name] for name in ("torchattacks L2, floor 1e-38", "torchattacks Linf", "L2, scaled first")) > 5:
    sys.exit("changed: in Linf, without a floor or scaled first, an attack now leaves the network times 30")
for name in ("torchattacks L2", "foolbox L2", "ART L2"):
    if thirty[name] < 10:
        sys.exit(f"changed: {name} now breaks the network times 30")
print("as described: three L2 attacks leave images that lie well inside the ball")
PYTHON
