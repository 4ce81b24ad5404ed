#!/usr/bin/env bash
# Square's squares never reach the last row and the last column of an image, in torchattacks and in ART.
#
# Versions   torch 2.11.0, torchattacks 3.5.1 (Square), adversarial-robustness-toolbox 1.20.1 (SquareAttack); Python
#            3.11 or newer, CPU.
# Guess      Random search places its squares anywhere: an image upside down or mirrored is as easy to attack.
# Behaviour  A square of side s gets its corner from 0 to h - s - 1, not to h - s. The last row and the last column keep
#            what the first draw gave them, stripes of random sign, however many queries follow. A network that is
#            decided there is robust against 5,000 queries and broken when its images are turned round.
# Seen       Robust accuracy in percent of a linear network that reads one edge of 8 x 8 images, epsilon 0.2:
#                                       first row   last row   first column   last column
#            PGD                           0.0         0.0         0.0            0.0
#            torchattacks Square           0.0        71.9         0.0           45.3
#            ART SquareAttack              0.0        68.8         0.0           43.8
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=${FINDINGS_VENV:-$work/venv}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
install() { "$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile "$@"; }
install torch==2.11.0 numpy==2.4.6 scipy==1.17.0 scikit-learn==1.9.1 six==1.17.0 requests==2.34.2 tqdm==4.70.1 \
  packaging==26.4 setuptools==65.5.0
install --no-deps torchattacks==3.5.1 adversarial-robustness-toolbox==1.20.1

OMP_NUM_THREADS=1 "$venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import torch
import torchattacks
from art.attacks.evasion import SquareAttack
from art.estimators.classification import PyTorchClassifier
from torch import nn

SIDE, EPSILON, QUERIES = 8, 0.2, 5000
images = 0.25 + 0.5 * torch.rand(64, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def network(edge):
    """Class 0 where the pixels of an edge are brighter than 0.5 on average."""
    read = torch.zeros(SIDE, SIDE)
    read[edge] = 1
    linear = nn.Linear(SIDE * SIDE, 2)
    with torch.no_grad():
        linear.weight.zero_()
        linear.weight[0] = read.flatten()
        linear.bias.copy_(torch.tensor([-0.5 * SIDE, 0]))
    return nn.Sequential(nn.Flatten(), linear).eval()


def by_art(net, labels):
    np.random.seed(0)
    shape = (1, SIDE, SIDE)
    classifier = PyTorchClassifier(net, nn.CrossEntropyLoss(), shape, 2, clip_values=(0, 1), device_type="cpu")
    attack = SquareAttack(classifier, norm=np.inf, eps=EPSILON, max_iter=QUERIES, batch_size=64, verbose=False)
    return torch.from_numpy(attack.generate(images.numpy(), labels.numpy()))


edges = {"first row": (0, slice(None)), "last row": (-1, slice(None)),
         "first column": (slice(None), 0), "last column": (slice(None), -1)}
accuracy = {}
for edge, place in edges.items():
    net = network(place)
    with torch.no_grad():
        labels = net(images).argmax(1)
    attacked = {
        "PGD": torchattacks.PGD(net, eps=EPSILON, alpha=EPSILON / 4, steps=20)(images, labels),
        "torchattacks Square": torchattacks.Square(net, eps=EPSILON, n_queries=QUERIES)(images, labels),
        "ART SquareAttack": by_art(net, labels),
    }
    for name, x in attacked.items():
        with torch.no_grad():
            accuracy[name, edge] = 100 * (net(x).argmax(1) == labels).float().mean().item()
for name in attacked:
    print(f"{name:20s} " + "   ".join(f"{edge} {accuracy[name, edge]:5.1f} %" for edge in edges))
for edge in edges:
    if accuracy["PGD", edge] > 0:
        sys.exit(f"changed: PGD leaves images of the network that reads the {edge}")
for name in ("torchattacks Square", "ART SquareAttack"):
    for edge in ("first row", "first column"):
        if accuracy[name, edge] > 0:
            sys.exit(f"changed: {name} leaves images of the network that reads the {edge}")
    for edge in ("last row", "last column"):
        if accuracy[name, edge] < 20:
            sys.exit(f"changed: {name} now reaches the {edge}")
print("as described: 5,000 queries break what stands in the first row and column, not in the last")
PYTHON
