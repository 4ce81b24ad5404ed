"""Gauntlet's attacks beside independent ones, on the same networks and images. README.md explains the tables."""
import argparse
import pathlib
import warnings

import torch

import results
from host import Host
from networks import NETWORKS
from parts import NOISY, PARTS, Work
from recorded import Recorded

ROOT = pathlib.Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(prog="run.sh", description="Compares attacks of Gauntlet with those of others.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run; default: all")
    parser.add_argument("--networks", nargs="+", choices=[*NETWORKS, *NOISY], default=[],
                        help="default: each part's own")
    parser.add_argument("--samples", type=int, default=1000, help="images of each network")
    parser.add_argument("--record", action="store_true",
                        help="adds what the peer computes to recorded.json, which is read anyway")
    parser.add_argument("--threads", type=int, default=1, help="of both sides")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared/data",
                        help="folder of mnist/ and cifar10/")
    parser.add_argument("--weights", type=pathlib.Path, default=ROOT.parent / "shared/weights",
                        help="folder of the published weights")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "gauntlet", help="the program of Gauntlet")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/peers", help="folder of all that is kept")
    return parser.parse_args()


def main():
    given = arguments()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(given.threads)
    folder = given.output.resolve()
    data, weights = given.data.resolve(), given.weights.resolve()
    host = Host(given.program.resolve(), folder / "gauntlet", ROOT, data, given.threads)
    recorded = Recorded(pathlib.Path(__file__).with_name("recorded.json"), given.record)
    work = Work(host, folder, data, weights, given.samples, given.threads, given.networks, recorded)
    folder.mkdir(parents=True, exist_ok=True)
    for part in given.only:
        tables = PARTS[part](work)
        results.write(folder, tables)
        for table in tables:
            print("\n" + table.markdown(), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("stopped; the next call goes on from here") from None
