#!/usr/bin/env bash
# torchattacks' targeted FAB returns clean images where targets are given, and rarely reaches those that it computes.
#
# Versions   torch 2.11.0, torchattacks 3.5.1 (FAB; PGD and Square to compare); Python 3.11 or newer, CPU.
# Guess      set_mode_targeted_by_label() and set_mode_targeted_by_function() mean for FAB, which says that it supports
#            "targeted", what they mean for the others: go for these classes.
# Behaviour  By label, targets come in place of labels, and FAB first puts aside what is not classified as its label:
#            every image that is not yet in its target class, so all of them. It returns the clean images. By function,
#            a target only says where to step: any wrong class is kept as a hit, and most are not the target. Besides,
#            targets are computed for the whole batch but handed out to its correctly classified images alone, from the
#            first on: behind one misclassified image, each goes for the class of its neighbour.
# Seen       Percent of 64 images that reach their targets, Linf 0.3 on a linear network (largest move of a pixel):
#                      by label         by function    by function, the first image misclassified
#            PGD       100.0 (0.30)      100.0          100.0
#            Square    100.0 (0.30)      100.0          100.0
#            FAB         0.0 (0.00)       25.0           10.9, as by chance
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=${FINDINGS_VENV:-$work/venv}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
install() { "$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile "$@"; }
install torch==2.11.0 numpy==2.4.6 scipy==1.17.0 requests==2.34.2 tqdm==4.70.1
install --no-deps torchattacks==3.5.1

OMP_NUM_THREADS=1 "$venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
import torchattacks
from torch import nn

draw = torch.Generator().manual_seed(1)
linear = nn.Linear(64, 10)
with torch.no_grad():
    linear.weight.copy_(torch.randn(10, 64, generator=draw))
    linear.bias.copy_(-linear.weight.sum(1) / 2)
net = nn.Sequential(nn.Flatten(), linear).eval()
images = torch.rand(64, 1, 8, 8, generator=draw)
with torch.no_grad():
    labels = net(images).argmax(1)
one_wrong = labels.clone()
one_wrong[0] = (labels[0] + 3) % 10


def make():
    return {
        "PGD": torchattacks.PGD(net, eps=0.3, alpha=0.03, steps=40),
        "Square": torchattacks.Square(net, eps=0.3, n_queries=1000),
        "FAB": torchattacks.FAB(net, eps=0.3, steps=40),
    }


def reached(attacked, targets):
    with torch.no_grad():
        return 100 * (net(attacked).argmax(1) == targets).float().mean().item()


def by_function(attack, truth):
    attack.set_mode_targeted_by_function(lambda images, labels: (labels + 1) % 10, quiet=True)
    return reached(attack(images, truth), (truth + 1) % 10)


by_label, move, plain, mixed = {}, {}, {}, {}
for name, attack in make().items():
    attack.set_mode_targeted_by_label(quiet=True)
    attacked = attack(images, (labels + 1) % 10)
    by_label[name], move[name] = reached(attacked, (labels + 1) % 10), (attacked - images).abs().max().item()
    plain[name] = by_function(make()[name], labels)
    mixed[name] = by_function(make()[name], one_wrong)
    print(f"{name:7s} by label {by_label[name]:5.1f} % (moved {move[name]:.2f})   by function {plain[name]:5.1f} %   "
          f"with one image misclassified {mixed[name]:5.1f} %")
for name in ("PGD", "Square"):
    if min(by_label[name], plain[name], mixed[name]) < 90:
        sys.exit(f"changed: {name} no longer reaches the targets")
if by_label["FAB"] > 0 or move["FAB"] > 0:
    sys.exit("changed: FAB now attacks where targets are given as labels")
if plain["FAB"] > 60 or mixed["FAB"] > 18:
    sys.exit("changed: FAB now reaches the targets that it computes")
print("as described: FAB returns clean images by label, and rarely reaches the targets that it computes")
PYTHON
