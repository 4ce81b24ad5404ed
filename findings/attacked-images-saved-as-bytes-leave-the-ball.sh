#!/usr/bin/env bash
# torchattacks saves attacked images as bytes one level outside the ball in which it found them.
#
# Versions   torch 2.11.0, torchattacks 3.5.1 (FGSM, PGD, Attack.save with save_type "int"); Python 3.11 or newer, CPU.
# Guess      Bytes are exact for 8-bit images, and an epsilon of 8/255 is 8 levels: the saved file holds what the attack
#            found, or at worst something nearer to the clean image.
# Behaviour  save() multiplies by 255 and cuts off the fraction. Clean images survive that (k / 255 * 255 is never below
#            k in float32), so it looks sound. But x - 8/255 often lies a rounding error below a whole level and
#            becomes the next lower one: 9 levels from the clean image. Who judges the file at 8/255 refuses it or
#            overstates the attack; rounded to the nearest level, the same images keep to 8.
# Seen       64 images of 3 x 32 x 32, epsilon 8/255, from the file; largest distance in levels, images beyond 8:
#            FGSM   9, 64 of 64; clean images off by 0; the same images rounded: 8, 0 of 64
#            PGD    9, 64 of 64; clean images off by 0; the same images rounded: 8, 0 of 64
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=${FINDINGS_VENV:-$work/venv}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
install() { "$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile "$@"; }
install torch==2.11.0 numpy==2.4.6 scipy==1.17.0 requests==2.34.2 tqdm==4.70.1
install --no-deps torchattacks==3.5.1

OMP_NUM_THREADS=1 "$venv/bin/python" -W ignore - "$work/attacked.pt" <<'PYTHON'
import sys

import torch
import torchattacks
from torch import nn

file = sys.argv[1]
draw = torch.Generator().manual_seed(1)
linear = nn.Linear(3 * 32 * 32, 10)
with torch.no_grad():
    linear.weight.copy_(torch.randn(linear.weight.shape, generator=draw))
    linear.bias.copy_(-linear.weight.sum(1) / 2)
net = nn.Sequential(nn.Flatten(), linear).eval()
levels = torch.randint(0, 256, (64, 3, 32, 32), generator=draw)
images = levels.float() / 255
with torch.no_grad():
    labels = net(images).argmax(1)

attacks = {
    "FGSM": torchattacks.FGSM(net, eps=8 / 255),
    "PGD": torchattacks.PGD(net, eps=8 / 255, alpha=2 / 255, steps=10, random_start=False),
}
for name, attack in attacks.items():
    attack.save([(images, labels)], save_path=file, save_type="int", save_clean_inputs=True, verbose=False)
    saved = torch.load(file, weights_only=True)
    rounded = (attack(images, labels) * 255).round()

    def beyond(bytes_):
        distance = (bytes_.long() - levels).abs().flatten(1).amax(1)
        return distance.max().item(), (distance > 8).sum().item()

    clean_off = (saved["clean_inputs"].long() - levels).abs().max().item()
    print(f"{name:5s} saved: {beyond(saved['adv_inputs'])[0]} levels, {beyond(saved['adv_inputs'])[1]} of 64 beyond 8;"
          f" clean images off by {clean_off}; rounded: {beyond(rounded)[0]}, {beyond(rounded)[1]} of 64")
    if clean_off != 0:
        sys.exit("changed: clean images are no longer saved exactly")
    if beyond(rounded)[0] > 8:
        sys.exit(f"changed: {name} itself leaves the ball")
    if beyond(saved["adv_inputs"])[0] <= 8:
        sys.exit(f"changed: {name}'s images as saved now keep to epsilon")
print("as described: the saved bytes are 9 levels away where the attack kept to 8")
PYTHON
