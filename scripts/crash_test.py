"""Kill a server at random moments while it is written to and searched, and check that nothing is lost.

    python scripts/crash_test.py [KILLS] [--preload PASSAGES]

After every kill the server is started again; every acknowledged write must be there, none that was not may be half
there, and searches must find exactly what is. Loopback only; everything is in a temporary folder.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

from load.checks import check
from load.ledger import Ledger
from load.server import Client, Server
from load.texts import make_sentences
from load.work import Work

from embeddings import load_embedder, open_collection, read

_SENTENCES = 500


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kills", type=int, nargs="?", default=200)
    parser.add_argument("--preload", type=int, default=0, help="passages that are there from the beginning")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        preload(data_dir, given.preload)
        return run(data_dir, given.kills, random.Random(given.seed))


def run(data_dir: Path, kills: int, chosen: random.Random) -> int:
    ledger, server = Ledger(chosen.randrange(1 << 30)), Server(data_dir)
    starts: list[float] = []
    faults: list[str] = []
    done: dict[str, int] = {}
    server.start()
    for kill in range(1, kills + 1):
        work = Work(server.address, ledger)
        work.begin(writers=6, readers=2)
        time.sleep(chosen.uniform(0.05, 1.5))
        server.kill()
        work.end()
        if chosen.random() < 0.2:
            # A start is killed too: caches may be half written.
            server.launch()
            time.sleep(chosen.uniform(0.1, 1.5))
            server.kill()
        server.start()
        starts.append(server.started_s)
        with closing(Client(server.address)) as client:
            found = [*work.faults, *check(client, ledger)]
        faults += found
        for name, count in work.done.items():
            done[name] = done.get(name, 0) + count
        for fault in found:
            print(f"kill {kill}: {fault}")
        if kill % 10 == 0:
            print(f"{kill} kills, {len(faults)} faults, {len(ledger.present)} documents", flush=True)
    errors = server.stop()
    print(f"{kills} kills, {len(faults)} faults; {done}")
    print(f"start after a kill: median {statistics.median(starts):.2f} s, longest {max(starts):.2f} s")
    if errors:
        print(f"the last server wrote: {errors[-1000:]}")
    return 1 if faults else 0


def preload(data_dir: Path, passages: int) -> None:
    if not passages:
        return
    with closing(open_collection(data_dir / "default", "default", load_embedder(), model="builtin")) as held:
        for seed in range(0, passages, _SENTENCES * 20):
            texts = ["\n".join(make_sentences(seed + n, _SENTENCES)) for n in range(20)]
            held.add([read(text.encode(), filename=f"{seed}-{n}.txt") for n, text in enumerate(texts)])


if __name__ == "__main__":
    sys.exit(main())
