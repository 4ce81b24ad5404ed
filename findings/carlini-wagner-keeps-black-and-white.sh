#!/usr/bin/env bash
# C&W's change of variables cannot leave black and white in torchattacks, and hardly in ART.
#
# Versions   torch 2.11.0, torchattacks 3.5.1 (CW, EADEN), adversarial-robustness-toolbox 1.20.1 (CarliniL2Method),
#            foolbox 3.3.4 (L2CarliniWagnerAttack); Python 3.11 or newer, CPU.
# Guess      C&W is the strong L2 attack; black-and-white images (MNIST is nearly so) are its best-known test.
# Behaviour  It searches in w with x = (tanh(w) + 1) / 2. torchattacks maps pixels of exactly 0 and 1 to w = -inf and
#            inf, where the gradient is 0 for ever: not one such pixel moves, whatever c and steps are, and images
#            that have no other pixels come back as they were, "robust". ART shrinks the range by 1e-6 first, but
#            steps in proportion to a gradient that is as small: its defaults break 1 image of 32, and that far off.
#            foolbox shrinks alike and steps with Adam, which is blind to scale: it finds what is there.
# Seen       Robust accuracy in percent of one linear network, median L2 distance of what was broken:
#                                           gray images     black-and-white images
#            torchattacks CW                 0.0 at 0.10    100.0, no pixel moved
#            torchattacks CW, c = 10,000     0.0 at 0.15    100.0, no pixel moved
#            torchattacks EADEN              0.0 at 0.10      0.0 at 0.16
#            ART C&W                         0.0 at 0.09     96.9 at 1.77
#            foolbox C&W                     0.0 at 0.08      0.0 at 0.14
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
from art.attacks.evasion import CarliniL2Method
from art.estimators.classification import PyTorchClassifier
from torch import nn

draw = torch.Generator().manual_seed(1)
linear = nn.Linear(64, 10)
with torch.no_grad():
    linear.weight.copy_(torch.randn(10, 64, generator=draw))
    linear.bias.copy_(-linear.weight.sum(1) / 2)
net = nn.Sequential(nn.Flatten(), linear).eval()
gray = 0.01 + 0.98 * torch.rand(32, 1, 8, 8, generator=draw)
black_and_white = (gray > 0.5).float()


def measure(images):
    with torch.no_grad():
        labels = net(images).argmax(1)
    classifier = PyTorchClassifier(net, nn.CrossEntropyLoss(), (1, 8, 8), 10, clip_values=(0, 1), device_type="cpu")
    by_art = CarliniL2Method(classifier, batch_size=32, verbose=False)
    by_foolbox = foolbox.attacks.L2CarliniWagnerAttack(steps=1000)
    rows = {
        "torchattacks CW": torchattacks.CW(net, c=10, steps=500, lr=0.05)(images, labels),
        "torchattacks CW, c = 10,000": torchattacks.CW(net, c=10_000, steps=500, lr=0.05)(images, labels),
        "torchattacks EADEN": torchattacks.EADEN(net)(images, labels),
        "ART C&W": torch.from_numpy(by_art.generate(images.numpy(), labels.numpy())),
        "foolbox C&W": by_foolbox(foolbox.PyTorchModel(net, bounds=(0, 1)), images, labels, epsilons=None)[1],
    }
    result = {}
    for name, attacked in rows.items():
        with torch.no_grad():
            broken = net(attacked).argmax(1) != labels
        moved = (attacked - images).flatten(1)
        result[name] = (100 - broken.float().mean().item() * 100, moved[broken].norm(dim=1).median().item(),
                        moved.abs().max().item())
    return result


on_gray, on_two = measure(gray), measure(black_and_white)
for name in on_gray:
    line = " | ".join(f"{left:5.1f} % left, median {median:.2f}, largest move of a pixel {largest:.1e}"
                      for left, median, largest in (on_gray[name], on_two[name]))
    print(f"{name:28s} {line}")
if any(left > 0 for left, _, _ in on_gray.values()):
    sys.exit("changed: an attack no longer breaks the gray images")
for name in ("torchattacks EADEN", "foolbox C&W"):
    if on_two[name][0] > 0 or on_two[name][1] > 0.3:
        sys.exit(f"changed: {name} no longer breaks the black-and-white images at small distances")
for name in ("torchattacks CW", "torchattacks CW, c = 10,000"):
    if on_two[name][2] > 0:
        sys.exit(f"changed: {name} now moves black and white pixels")
if on_two["ART C&W"][0] < 80:
    sys.exit("changed: ART's C&W now breaks black-and-white images")
print("as described: the same C&W that breaks gray images leaves black-and-white ones as they are")
PYTHON
