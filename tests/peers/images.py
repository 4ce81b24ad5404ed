"""Test images as their publishers' files have them, read without Gauntlet."""
import gzip
import pathlib

import numpy as np
import torch


def idx(file):
    """An array of MNIST's format: a head of big-endian sizes, then bytes."""
    content = gzip.decompress(file.read_bytes())
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def cifar10(folder):
    records = np.frombuffer((folder / "test_batch.bin").read_bytes(), np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def pair(folder, images, labels):
    return idx(folder / images)[:, None], idx(folder / labels)


def test_images(name, data, registry):
    """Images [N, C, H, W], float32 in [0, 1], and labels [N] of a data set. `registry` holds the embedded thousand."""
    if name == "cifar10":
        images, labels = cifar10(pathlib.Path(data) / "cifar10")
    elif name == "mnist":
        images, labels = pair(pathlib.Path(data) / "mnist", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
    else:
        stem = f"{name}-%s-ubyte.gz"
        images, labels = pair(pathlib.Path(registry) / "datasets", stem % "images-idx3", stem % "labels-idx1")
    return torch.from_numpy(images.astype(np.float32)) / 255, torch.from_numpy(labels.astype(np.int64))
