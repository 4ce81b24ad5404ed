"""The peer's side: the attacks of torchattacks with the settings of their authors, batch by batch, kept in files."""
import time

import numpy as np
import torch
import torchattacks

import apgd

BATCH = 100
STANDARD = ("apgd-ce", "apgd-t", "fab-t", "square")  # the order of AutoAttack


def make(name, model, norm, radius, steps=None):
    """An attack, images and labels -> adversarial inputs. Settings are given in full: the package's defaults are not
    AutoAttack's (10 steps; a schedule of Square for 10,000 queries)."""
    kind = {"linf": "Linf", "l2": "L2"}[norm]
    common = {"norm": kind, "eps": radius, "seed": 0}
    if name == "fgsm" and norm == "linf":
        return torchattacks.FGSM(model, eps=radius)
    if name in ("fgsm", "pgd"):
        steps = 1 if name == "fgsm" else 20
        size = radius if name == "fgsm" else 2.5 * radius / steps
        attack = torchattacks.PGD if norm == "linf" else torchattacks.PGDL2
        return attack(model, eps=radius, alpha=size, steps=steps, random_start=False)
    if name == "apgd-ce":
        return torchattacks.APGD(model, steps=steps or 100, n_restarts=1, loss="ce", **common)
    if name == "apgd-t" and norm == "l2":
        return own_targeted(model, norm, radius, steps or 100)
    if name == "apgd-t":
        return torchattacks.APGDT(model, steps=steps or 100, n_restarts=1, n_classes=10, **common)
    if name == "fab-t":
        return torchattacks.FAB(model, steps=steps or 100, n_restarts=1, multi_targeted=True, n_classes=10, **common)
    return torchattacks.Square(model, n_queries=steps or 5000, resc_schedule=False, **common)


def own_targeted(model, norm, radius, steps):
    def attack(images, labels):
        generator = torch.Generator().manual_seed(0)
        return apgd.apgd_targeted(model, apgd.Ball(images, norm, radius), labels, steps, 9, generator)

    return attack


def predictions(model, images):
    with torch.no_grad():
        return model(images).argmax(1)


class Peer:
    """Outcomes of attacks on one network. What is recorded, or was attacked before, is read."""

    def __init__(self, folder, name, network, model, images, labels, threads, recorded=None):
        self.folder, self.name, self.network, self.model = folder / "peer" / name, name, network, model
        self.images, self.labels, self.threads = images, labels, threads
        self.recorded, self.ball = recorded, f"{name} {network.norm} {network.epsilon}"
        self.clean = (predictions(model, images) == labels).numpy()

    def outcomes(self, attack, alive=None, steps=None):
        """Bits [N]: right after the attack; and its seconds. Only images that are still `alive` are attacked; those
        that were wrong before stay wrong, whatever the attack makes of them."""
        alive = self.clean if alive is None else alive
        known = self.recorded and self.recorded.find(self.ball, attack, alive)
        if known:
            return known
        right, seconds = np.zeros(len(alive), bool), 0.0
        for first in range(0, len(alive), BATCH):
            rows = np.flatnonzero(alive[first:first + BATCH]) + first
            kept, spent = self._batch(attack, first, rows, steps)
            right[rows], seconds = kept, seconds + spent
        if self.recorded and steps is None:
            self.recorded.keep(self.ball, attack, alive, right, seconds)
        return right, seconds

    def _batch(self, attack, first, rows, steps):
        file = self.folder / f"{attack}-{self.network.norm}-{self.network.radius:.6g}-{first}.npz"
        if file.exists():
            kept = np.load(file)
            if np.array_equal(kept["rows"], rows):
                return kept["right"], float(kept["seconds"])
        right, seconds = self.attack(attack, rows, steps) if len(rows) else (np.zeros(0, bool), 0.0)
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft.npz")
        np.savez(draft, rows=rows, right=right, seconds=seconds, threads=self.threads)
        draft.rename(file)  # a batch that was stopped leaves no file of this name
        print(f"{self.name} {attack} {first}: {right.sum()} of {len(rows)} withstand, {seconds:.1f} s", flush=True)
        return right, seconds

    def attack(self, attack, rows, steps=None, radius=None):
        """Attacks some images now; whether each is right afterwards, and the seconds."""
        images, labels = self.images[rows], self.labels[rows]
        run = make(attack, self.model, self.network.norm, radius or self.network.radius, steps)
        start = time.perf_counter()
        attacked = run(images, labels).detach()
        seconds = time.perf_counter() - start
        return (predictions(self.model, attacked) == labels).numpy(), seconds
