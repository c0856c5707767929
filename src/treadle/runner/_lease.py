"""A run's lease: it may record things for a minute, and longer as long as its heart beats.

The lease is in the lineage and measured by a clock that nobody sets: PostgreSQL's own, or for a SQLite file the
machine's monotonic one. **Every record is made on condition that the lease is not over, in the same transaction.** A
run that was held up past it (stopped, swapped out, cut off from its database) can record nothing more, whether somebody
noticed or not; any runner that looks in the meantime records it as failed. See docs/adr/0029 and 0051.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from treadle.errors import TreadleError
from treadle.metadata import MetadataStore

LEASE_SECONDS = 60.0


@contextmanager
def heartbeat(run: str, metadata: MetadataStore) -> Iterator[None]:
    """Inside the block a run's lease is renewed, from the moment it has begun."""
    # not an event: with an old C library waiting for one is by the wall clock, and lasts as long as that is wrong
    ended, end = os.pipe()
    heart = threading.Thread(target=_beat, args=(run, metadata, ended), daemon=True)
    heart.start()
    try:
        yield
    finally:
        os.close(end)
        heart.join()
        os.close(ended)


def _beat(run: str, metadata: MetadataStore, ended: int) -> None:
    while not select.select([ended], [], [], LEASE_SECONDS / 12)[0]:
        # not begun yet, or a full disk, or a database out of reach: the lease runs out, as for who cannot record
        with contextlib.suppress(TreadleError, OSError):
            metadata.renew_lease(run, LEASE_SECONDS)
