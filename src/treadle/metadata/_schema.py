"""The tables of the lineage store. Entries of `MIGRATIONS` are never edited once released.

Times are microseconds since 1970, UTC. JSON columns hold canonical JSON. ``ordered_at`` is such a time that never goes
back within one lineage; ``lease_until`` is in seconds of ``lease_clock()``, which every connection has.
"""

from __future__ import annotations

_FIRST = """
CREATE TABLE run (
    id TEXT PRIMARY KEY,
    pipeline TEXT NOT NULL,
    state TEXT NOT NULL,
    ir TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
);
CREATE INDEX run_by_time ON run (created_at);
CREATE INDEX run_by_state ON run (state) WHERE state = 'running';

CREATE TABLE fingerprint (
    digest TEXT PRIMARY KEY,
    parts TEXT NOT NULL
);

CREATE TABLE execution (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES run (id),
    node TEXT NOT NULL,
    component TEXT NOT NULL,
    state TEXT NOT NULL,
    fingerprint TEXT REFERENCES fingerprint (digest),
    reads TEXT,
    reusable INTEGER NOT NULL DEFAULT 0,
    reused INTEGER REFERENCES execution (id),
    reason TEXT NOT NULL,
    error TEXT,
    started_at INTEGER NOT NULL,
    finished_at INTEGER
);
CREATE INDEX execution_by_run ON execution (run_id, node);
CREATE INDEX execution_by_fingerprint ON execution (fingerprint, state, id);

CREATE TABLE artifact (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    type TEXT NOT NULL,
    properties TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (digest, type, properties)
);

CREATE TABLE event (
    execution_id INTEGER NOT NULL REFERENCES execution (id),
    direction TEXT NOT NULL CHECK (direction IN ('input', 'output')),
    slot TEXT NOT NULL,
    position INTEGER NOT NULL,
    artifact_id INTEGER NOT NULL REFERENCES artifact (id),
    PRIMARY KEY (execution_id, direction, slot, position)
) WITHOUT ROWID;
CREATE INDEX event_by_artifact ON event (artifact_id, direction);
"""

# Ways into a store of a million artifacts: the newest execution of a node, the runs of a pipeline, artifacts of a type.
_SECOND = """
CREATE INDEX execution_by_node ON execution (node, id);
CREATE INDEX run_by_pipeline ON run (pipeline, created_at);
CREATE INDEX artifact_by_type ON artifact (type, id);
"""

# What the order of runs and their leases rest on is no wall clock: see docs/adr/0051.
_THIRD = """
ALTER TABLE run ADD COLUMN ordered_at INTEGER NOT NULL DEFAULT 0;
UPDATE run SET ordered_at = created_at;
ALTER TABLE run ADD COLUMN lease_until REAL;
DROP INDEX run_by_time;
DROP INDEX run_by_pipeline;
CREATE INDEX run_by_order ON run (ordered_at);
CREATE INDEX run_by_pipeline ON run (pipeline, ordered_at);
CREATE TABLE identity (id TEXT NOT NULL);
INSERT INTO identity VALUES (lower(hex(randomblob(16))));
"""

MIGRATIONS = (_FIRST, _SECOND, _THIRD)
