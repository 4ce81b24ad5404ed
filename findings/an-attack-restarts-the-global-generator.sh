#!/usr/bin/env bash
# Calling one of torchattacks' APGD, APGDT, FAB or Square sets PyTorch's global random generator to seed 0.
#
# Versions   torch 2.11.0, torchattacks 3.5.1; Python 3.11 or newer, CPU.
# Guess      Their `seed` (0 by default, described as that of starting points) is the attack's own affair: what a
#            program draws afterwards depends on the program's own seed, as it does after PGD.
# Behaviour  Each call runs torch.random.manual_seed(seed). Whatever seed the program had set, what it draws after the
#            call is the same after every call: a defense that adds noise is judged on one draw however often it is
#            asked, its repetitions agree to the last image, and a training loop that attacks its batches has the same
#            noise and dropout for each of them.
# Seen       Accuracy in percent of a network under input noise, five repetitions of: set another seed, attack, draw
#            noise, classify.
#            after PGD     42.2 40.6 32.8 39.1 40.6
#            after APGD    39.1 39.1 39.1 39.1 39.1
#            after APGDT   46.9 46.9 46.9 46.9 46.9
#            after FAB     57.8 57.8 57.8 57.8 57.8
#            after Square  67.2 67.2 67.2 67.2 67.2
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

attacks = {
    "PGD": torchattacks.PGD(net, eps=0.02, alpha=0.005, steps=5),
    "APGD": torchattacks.APGD(net, eps=0.02, steps=5),
    "APGDT": torchattacks.APGDT(net, eps=0.02, steps=5),
    "FAB": torchattacks.FAB(net, eps=0.02, steps=5),
    "Square": torchattacks.Square(net, eps=0.02, n_queries=20),
}
numbers, accuracies = {}, {}
for name, attack in attacks.items():
    numbers[name], accuracies[name] = [], []
    for repetition in range(5):
        torch.manual_seed(100 + repetition)
        attacked = attack(images, labels)
        noise = torch.randn_like(attacked)
        with torch.no_grad():
            right = net(attacked + 0.1 * noise).argmax(1) == labels
        numbers[name].append(noise.flatten()[0].item())
        accuracies[name].append(right.float().mean().item() * 100)
    print(f"after {name:7s} accuracy {' '.join(f'{a:5.1f}' for a in accuracies[name])}"
          f"   first number drawn {' '.join(f'{n:7.4f}' for n in numbers[name])}")
if len(set(numbers["PGD"])) < 5 or len(set(accuracies["PGD"])) < 2:
    sys.exit("changed: noise drawn after PGD no longer follows the program's own seed")
for name in ("APGD", "APGDT", "FAB", "Square"):
    if len(set(numbers[name])) > 1:
        sys.exit(f"changed: {name} no longer sets the global generator")
print("as described: after four attacks, five seeds of the program's own give one and the same noise")
PYTHON
