"""Eight writers and eight readers on one server, for minutes.

    python scripts/soak_test.py [MINUTES]

No request may fail, nothing that was deleted may be found, and no hit may mix two states of the collection.
"""

import argparse
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from load.checks import check
from load.ledger import Ledger
from load.server import Client, Server
from load.work import Work


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minutes", type=float, nargs="?", default=5.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server, ledger = Server(Path(folder)), Ledger(0)
        server.start()
        work = Work(server.address, ledger)
        work.begin(writers=8, readers=8)
        time.sleep(given.minutes * 60)
        work.end()
        with closing(Client(server.address)) as client:
            faults = [*work.faults, *check(client, ledger, sampled=200)]
        errors = server.stop()
    for fault in faults[:50]:
        print(fault)
    if errors:
        print(f"the server wrote: {errors[-2000:]}")
    print(f"{given.minutes:g} minutes, {len(faults)} faults; {dict(work.done)}")
    return 1 if faults or errors else 0


if __name__ == "__main__":
    sys.exit(main())
