#!/usr/bin/env bash
# A network whose gradients are NaN is 100 % robust in Linf and, in L2, broken but for class 0.
#
# Versions   torch 2.11.0, torchattacks 3.5.1, foolbox 3.3.4, adversarial-robustness-toolbox 1.20.1; Python 3.11 or
#            newer, CPU.
# Network    A linear network whose logits are divided by 1 + the image's distance from [0, 1]. Inside the box that
#            distance is 0 and the logits are those of the plain network, but the root's gradient is NaN at 0.
# Guess      NaN gradients stop an attack with an error, or spoil every attack alike.
# Behaviour  torch.sign(NaN) is 0, so FGSM of both libraries returns the clean images: 100 % robust, without a word. L2
#            attacks divide by a norm of NaN and return images of NaN. Their logits are NaN, argmax of NaN is 0, so each
#            counts as misclassified (foolbox's own success flags too), except for images of class 0, which count as
#            robust: the "robust accuracy" is the share of class 0. ART takes 0 for NaN in L2 too; it alone says so, in
#            its log.
# Seen       Robust accuracy in percent (plain network: 0.0 everywhere; class 0 has 10.9 % of the images):
#            torchattacks FGSM    100.0, images with NaN:  0
#            torchattacks PGDL2    10.9, images with NaN: 64
#            foolbox Linf         100.0, images with NaN:  0
#            foolbox L2            10.9, images with NaN: 64
#            ART L2               100.0, images with NaN:  0, logged
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
import logging
import sys

import foolbox
import torch
import torchattacks
from art.attacks.evasion import ProjectedGradientDescent
from art.estimators.classification import PyTorchClassifier
from torch import nn

draw = torch.Generator().manual_seed(1)
weight = torch.randn(10, 64, generator=draw)
images = torch.rand(64, 1, 8, 8, generator=draw)


class Linear(nn.Module):
    def __init__(self, guarded):
        super().__init__()
        self.guarded = guarded
        self.weight = nn.Parameter(weight.clone())

    def forward(self, x):
        logits = (x.flatten(1) - 0.5) @ self.weight.T
        if self.guarded:
            outside = (x - x.clamp(0, 1)).flatten(1).square().sum(1, keepdim=True).sqrt()
            logits = logits / (1 + outside)
        return logits


class Log(logging.Handler):
    text = ""

    def emit(self, record):
        Log.text += record.getMessage()


logging.getLogger("art").addHandler(Log())
logging.getLogger("art").propagate = False
plain, guarded = Linear(False).eval(), Linear(True).eval()
with torch.no_grad():
    labels = plain(images).argmax(1)
    if not torch.equal(plain(images), guarded(images)):
        sys.exit("changed: the two networks no longer have the same logits")
x = images.clone().requires_grad_(True)
if not torch.autograd.grad(guarded(x).sum(), x)[0].isnan().all():
    sys.exit("changed: the root's gradient at 0 is no longer NaN")
class_0 = (labels == 0).float().mean().item() * 100


def measure(net):
    rows = {}

    def row(name, attacked, said=None):
        with torch.no_grad():
            left = (net(attacked).argmax(1) == labels).float().mean().item() * 100
        if said is not None and abs(said - left) > 1e-3:
            sys.exit(f"changed: {name} counts other images as broken than argmax does")
        rows[name] = left, attacked.isnan().flatten(1).any(1).sum().item()

    row("torchattacks FGSM", torchattacks.FGSM(net, eps=0.1)(images, labels))
    row("torchattacks PGDL2", torchattacks.PGDL2(net, eps=1.0, random_start=False)(images, labels))
    wrapped = foolbox.PyTorchModel(net, bounds=(0, 1))
    for name, attack, epsilon in (("foolbox Linf", foolbox.attacks.LinfFastGradientAttack(), 0.1),
                                  ("foolbox L2", foolbox.attacks.L2FastGradientAttack(), 1.0)):
        _, attacked, broken = attack(wrapped, images, labels, epsilons=epsilon)
        row(name, attacked, 100 - broken.float().mean().item() * 100)
    classifier = PyTorchClassifier(net, nn.CrossEntropyLoss(), (1, 8, 8), 10, clip_values=(0, 1), device_type="cpu")
    attack = ProjectedGradientDescent(classifier, norm=2, eps=1.0, eps_step=0.25, max_iter=10, batch_size=64,
                                      verbose=False)
    row("ART L2", torch.from_numpy(attack.generate(images.numpy(), labels.numpy())))
    return rows


expected = measure(plain)
seen = measure(guarded)
print(f"share of class 0: {class_0:.1f} %")
for name, (left, nan) in seen.items():
    print(f"{name:19s} plain network: {expected[name][0]:5.1f}   NaN gradients: {left:5.1f}, images with NaN: {nan}")
if any(left > 0 for left, _ in expected.values()):
    sys.exit("changed: an attack no longer breaks the plain network")
for name in ("torchattacks FGSM", "foolbox Linf", "ART L2"):
    if seen[name] != (100.0, 0):
        sys.exit(f"changed: {name} no longer returns the clean images for NaN gradients")
for name in ("torchattacks PGDL2", "foolbox L2"):
    if seen[name][1] != len(images) or abs(seen[name][0] - class_0) > 1e-3:
        sys.exit(f"changed: {name} no longer returns images of NaN that count as broken except for class 0")
if "NaN" not in Log.text:
    sys.exit("changed: ART no longer logs that the gradient is NaN")
print("as described: the same NaN gradients read as robust in Linf and as broken in L2")
PYTHON
