"""Outcomes of the peer that were computed once and travel with the project: hours that nobody need spend again."""
import json

import numpy as np


class Recorded:
    """A file of bits by network, ball and attack: which images were attacked, and which withstood."""

    def __init__(self, file, writes=False):
        self.file, self.writes = file, writes
        self.kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def find(self, network, attack, alive):
        """Bits [N] and seconds, if exactly these images were attacked; else None."""
        entry = self.kept.get(network, {}).get(attack)
        if entry is None or entry["attacked"] != packed(alive):
            return None
        return unpacked(entry["withstood"], len(alive)), entry["seconds"]

    def keep(self, network, attack, alive, right, seconds):
        if not self.writes:
            return
        self.kept.setdefault(network, {})[attack] = {
            "attacked": packed(alive), "withstood": packed(right), "seconds": round(seconds, 1)}
        draft = self.file.with_suffix(".draft")
        draft.write_text(json.dumps(self.kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        draft.rename(self.file)


def packed(bits):
    return f"{len(bits)}:{np.packbits(bits).tobytes().hex()}"


def unpacked(text, count):
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(text.split(":")[1]), np.uint8))
    return bits[:count].astype(bool)
