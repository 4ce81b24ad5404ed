"""The five comparisons. Each returns tables; what was computed before is read from files."""
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import attacks
import noisy
from attacks import Peer, STANDARD
from host import Host
from images import test_images
from networks import NETWORKS
from recorded import Recorded
from results import Table

STEPS = 'start = "input"\nsaturation = "report"\n'  # no random start, no second try: the two sides do the same
# One step that is shorter than any distance of two floats: what is judged is the image itself.
STILL = '[attack.clean]\nuse = "pgd"\nsteps = 1\nstep_size = 1e-30\n' + STEPS
NO_PRESETS = "needs {} among the presets of plugins/attacks"
SUITE_ATTACK, EOT_PRESET = "autoattack-standard", "autoattack-rand"
MEMBERS = ("apgd", "apgd-t", "fab-t", "square")  # our presets of the peer's STANDARD


@dataclass
class Work:
    """What every part needs."""

    host: Host
    folder: Path
    data: Path
    weights: Path
    samples: int
    threads: int
    names: list
    recorded: Recorded

    def chosen(self, defaults):
        return [name for name in defaults if not self.names or name in self.names]

    def peer(self, name):
        network = NETWORKS[name]
        images, labels = test_images(network.data, self.data, self.host.root / "registry")
        model = network.load(self.weights)
        return Peer(self.folder, name, network, model, images[:self.samples], labels[:self.samples], self.threads,
                    self.recorded)

    def suite(self, name, attack_tables, include=(), scoring=""):
        network = NETWORKS[name]
        threat = f'{{ norm = "{network.norm}", epsilon = "{network.epsilon}" }}'
        return self.host.suite(name, network.data, self.samples, threat, network.inline_model(self.weights),
                               attack_tables, include, scoring)


def percent(bits):
    return round(100 * float(np.mean(bits)), 2)


def disagreement(ours, peer):
    """How many images only the peer breaks, and only we."""
    return int((ours & ~peer).sum()), int((~ours & peer).sum())


# ---- networks ----------------------------------------------------------------------------------------

def networks(work):
    """Whether both sides have the networks that were published: accuracy on all test images, and logits."""
    table = Table("networks", "The networks themselves",
                  ["network", "ball", "published %", "peer %", "ours % of the first", "peer % of the first",
                   "images that differ", "largest difference of margins"],
                  "Published and peer: all 10,000 test images. Margins: of the first images, without an attack.")
    for name in work.chosen(NETWORKS):
        network, peer = NETWORKS[name], work.peer(name)
        images, labels = test_images(network.data, work.data, work.host.root / "registry")
        whole = torch.cat([attacks.predictions(peer.model, part) for part in images.split(1000)]) == labels
        suite = work.suite(name, STILL, scoring='{ success = "final" }')
        ours = work.host.run(f"networks/{name}", suite, ["clean"])["clean"]
        with torch.no_grad():
            logits = peer.model(peer.images)
        true = logits.gather(1, peer.labels[:, None])[:, 0]
        margin = true - logits.scatter(1, peer.labels[:, None], -torch.inf).amax(1)
        table.add(name, f"{network.norm} {network.epsilon}", network.accuracy, percent(whole.numpy()),
                  percent(ours.right), percent(peer.clean), int((ours.right.astype(bool) != peer.clean).sum()),
                  f"{np.abs(margin.numpy() - ours.margin).max():.1e}")
    return [table]


# ---- 1: single runs without chance -------------------------------------------------------------------

def gradient(work):
    """FGSM and PGD from the input itself: the same steps on both sides, the last iterate counts."""
    table = Table("gradient", "FGSM and PGD-20 without random start",
                  ["network", "ball", "attack", "clean %", "ours %", "peer %", "only peer breaks", "only we break",
                   "largest margin of these", "seconds, ours", "seconds, peer"],
                  "Outcomes differ where sums of floats are rounded in another order.")
    tables = "[attack.fgsm]\nuse = \"fgsm\"\nsaturation = \"report\"\n[attack.pgd]\nuse = \"pgd\"\nsteps = 20\n" + STEPS
    for name in work.chosen(NETWORKS):
        network, peer = NETWORKS[name], work.peer(name)
        suite = work.suite(name, tables, scoring='{ success = "final" }')
        ours = work.host.run(f"gradient/{name}", suite, ["fgsm", "pgd"])
        for attack in ("fgsm", "pgd"):
            right, seconds = peer.outcomes(attack)
            mine = ours[attack].right.astype(bool)
            apart = mine != right
            margin = f"{np.abs(ours[attack].margin[apart]).max():.1e}" if apart.any() else ""
            table.add(name, f"{network.norm} {network.epsilon}", attack, percent(peer.clean), percent(mine),
                      percent(right), *disagreement(mine, right), margin, ours[attack].seconds, seconds)
    return [table]


# ---- 2 and 3: AutoAttack -----------------------------------------------------------------------------

# Those that take minutes a side; --networks names others.
AUTOATTACK_NETWORKS = ("colt-mnist", "fast-mnist", "mmr-mnist", "resnet2b", "resnet4b", "cnn-a-cifar", "convex-cifar")


def ours_of(work, name):
    """Outcomes of our AutoAttack: the one attack where the build has it, else the worst of its members."""
    columns = [SUITE_ATTACK] if work.host.has(SUITE_ATTACK) else list(MEMBERS)
    if not work.host.has(*columns):
        return None
    found = work.host.run(f"autoattack/{name}", work.suite(name, "", columns), columns)
    worst = np.min([cell.right for cell in found.values()], axis=0).astype(bool)
    return worst, sum(cell.seconds for cell in found.values())


def autoattack(work):
    """AutoAttack's standard version, against its four members one after another."""
    title = "AutoAttack, standard"
    table = Table("autoattack", title,
                  ["network", "ball", "clean %", "ours %", "peer %", *[f"peer after {member} %" for member in STANDARD],
                   "only peer breaks", "only we break", "seconds, ours", "seconds, peer"],
                  "At most 5 images may be broken by the peer alone. In L2 the peer's targeted APGD is apgd.py.")
    for name in [name for name in work.names or AUTOATTACK_NETWORKS if name in NETWORKS]:
        network, peer = NETWORKS[name], work.peer(name)
        alive, total, after = peer.clean, 0.0, []
        for member in STANDARD:
            alive, seconds = peer.outcomes(member, alive)
            total += seconds
            after.append(percent(alive))
        ours = ours_of(work, name)
        if ours is None:
            table.note = NO_PRESETS.format(f"{SUITE_ATTACK} or {', '.join(MEMBERS)}")
            right, seconds, apart = None, None, ("", "")
        else:
            right, seconds = ours
            apart = disagreement(right, alive)
        table.add(name, f"{network.norm} {network.epsilon}", percent(peer.clean),
                  "" if right is None else percent(right), percent(alive), *after, *apart, seconds, total)
    return [table]


def square(work):
    """Square with 5,000 queries on a network that withstands gradients."""
    table = Table("square", "Square, 5,000 queries",
                  ["network", "clean %", "ours %", "peer %", "images apart", "only peer breaks", "only we break",
                   "seconds, ours", "seconds, peer"],
                  "Random search with two random streams: counts within 10 of 1,000 images are alike.")
    if not work.host.has("square"):
        table.note = NO_PRESETS.format("square")
        return [table]
    for name in work.chosen(["trades-mnist"]):
        peer = work.peer(name)
        alone = Peer(work.folder, f"{name}-square-alone", peer.network, peer.model, peer.images, peer.labels,
                     work.threads, work.recorded)
        right, seconds = alone.outcomes("square")
        ours = work.host.run(f"square/{name}", work.suite(name, "", ["square"]), ["square"])["square"]
        mine = ours.right.astype(bool)
        table.add(name, percent(peer.clean), percent(mine), percent(right), int(mine.sum()) - int(right.sum()),
                  *disagreement(mine, right), ours.seconds, seconds)
    return [table]


# ---- 4: speed ----------------------------------------------------------------------------------------

SPEED_IMAGES, ROUNDS = 100, 3


@dataclass
class Speed:
    """An attack whose seconds are compared."""

    tables: str  # our column
    peer: str  # the peer's attack
    steps: int | None = None  # of the peer
    preset: str = ""  # what our column is based on
    scoring: str = ""
    radius: float | None = None  # of the peer; default: the network's


FAB = '{ use = "fab", steps = 10, targeted = true }'
SPEED = [
    Speed('[attack.fgsm]\nuse = "fgsm"\n', "fgsm", scoring='{ success = "final" }'),
    Speed('[attack.pgd]\nuse = "pgd"\nsteps = 20\n' + STEPS, "pgd", scoring='{ success = "final" }'),
    Speed('[attack.apgd-ce]\nbase = "apgd"\n', "apgd-ce", 100, "apgd"),
    Speed('[attack.square-200]\nbase = "square"\nqueries = 200\n', "square", 200, "square"),
    # As a member of AutoAttack: images that are broken inside the ball are left in peace.
    Speed(f'[attack.fab-t-10]\nuse = "ensemble"\nmembers = [{FAB}]\n', "fab-t", 10),
    # For smallest perturbations: no image leaves. The peer leaves none in peace if its ball is tiny.
    Speed(f'[attack]\nfab-t-10-smallest = {FAB}\n', "fab-t", 10, radius=1e-9),
]


def timed(work, name, column, speed, peer):
    """Seconds of both sides, round by round in turn; and the passes backwards that we computed."""
    suite = work.suite(name, speed.tables, [speed.preset] if speed.preset else [], speed.scoring)
    rows, ours, theirs = np.arange(SPEED_IMAGES), [], []
    for _ in range(ROUNDS):
        cell = work.host.run(f"speed/{column}", suite, [column], batch=SPEED_IMAGES, anew=True)[column]
        ours.append(cell.seconds)
        theirs.append(peer.attack(speed.peer, rows, speed.steps, speed.radius)[1])
    return min(ours), min(theirs), cell.gradients


def speed(work):
    """Seconds of attacks on a ResNet-20, both sides in turn with as many threads."""
    table = Table("speed", f"Seconds for {SPEED_IMAGES} images on ResNet-20",
                  ["attack", "seconds, ours", "seconds, peer", "peer / ours", "our gradients an image"],
                  f"The best of {ROUNDS} rounds in turn, {work.threads} thread(s). Ours include the judge and stop for "
                  "images that are broken; fgsm, pgd and fab-t-10-smallest do not stop.")
    name = "gauntlet-cifar"
    work = Work(**{**vars(work), "samples": SPEED_IMAGES})
    peer = work.peer(name)
    for one in SPEED:
        (column,) = tomllib.loads(one.tables)["attack"]
        if one.preset and not work.host.has(one.preset):
            table.note += f" {column} {NO_PRESETS.format(one.preset)}."
            continue
        ours, theirs, gradients = timed(work, name, column, one, peer)
        table.add(column, ours, theirs, round(theirs / ours, 2), gradients / SPEED_IMAGES)
    return [table]


# ---- 5: noise ----------------------------------------------------------------------------------------

NOISY, NOISY_IMAGES, NOISY_RADIUS, NOISY_STEPS, NOISY_DRAWS = ("pni", "cni"), 500, "0.1", 100, 20


def inputs_of(work, name, images, labels):
    """The peer's adversarial inputs, kept in a file that the attack external reads."""
    file = work.folder / "peer" / f"{name}-{len(images)}.npz"
    if not file.exists():
        model = noisy.NoisyCnn(work.host.root / f"registry/models/fashion-mnist/{name}.safetensors", noisy.NOISES[name])
        print(f"{name}: clean {100 * noisy.accuracy(model, images, labels, 32):.2f} % over 32 draws", flush=True)
        parts = [noisy.eot_apgd(model, *part, float(NOISY_RADIUS), NOISY_STEPS, NOISY_DRAWS)
                 for part in zip(images.split(attacks.BATCH), labels.split(attacks.BATCH))]
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".npz", delete=False) as draft:
            np.savez(draft, x_adv=torch.cat(parts).numpy(), index=np.arange(len(images)))
        Path(draft.name).rename(file)
    return file


def our_eot(host):
    """Our attack over draws: AutoAttack's for random defenses, else the nearest that the build has."""
    if host.has(EOT_PRESET):
        return EOT_PRESET, "", [EOT_PRESET]
    if host.has("apgd"):
        return "apgd-eot", f'[attack.apgd-eot]\nbase = "apgd"\ndraws = {NOISY_DRAWS}\n', ["apgd"]
    return "epgd", f'[attack.epgd]\nuse = "pgd"\nsteps = {NOISY_STEPS}\ndraws = {NOISY_DRAWS}\n', []


def noise(work):
    """APGD over 20 draws a step on networks with random weights; Gauntlet judges both sides' inputs alike."""
    table = Table("noise", "Networks with noise in their weights",
                  ["network", "images", "clean %", "our attack", "ours %", "peer %", "seconds, ours"],
                  f"Linf {NOISY_RADIUS}, {NOISY_STEPS} steps of {NOISY_DRAWS} draws; the mean over 128 fresh draws of "
                  "each image.")
    count = min(work.samples, NOISY_IMAGES)
    images, labels = test_images("fashion-mnist-1k", work.data, work.host.root / "registry")
    for name in [name for name in NOISY if not work.names or name in work.names]:
        file = inputs_of(work, name, images[:count], labels[:count])
        column, tables, include = our_eot(work.host)
        tables += f'[attack.peer]\nuse = "external"\nfile = "{file}"\n'
        suite = work.host.suite(name, "fashion-mnist-1k", count, f'{{ norm = "linf", epsilon = "{NOISY_RADIUS}" }}',
                                f'"fashion-mnist/{name}"', tables, include, "{ draws = 128 }")
        found = work.host.run(f"noise/{name}", suite, [column, "peer"])
        table.add(name, count, percent(found["peer"].clean), column, percent(found[column].right),
                  percent(found["peer"].right), found[column].seconds)
    return [table]


PARTS = {"networks": networks, "gradient": gradient, "autoattack": autoattack, "square": square, "speed": speed,
         "noise": noise}
