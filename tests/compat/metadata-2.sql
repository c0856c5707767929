-- A store's lineage as version 2 of the schema wrote it. Never edited.
BEGIN TRANSACTION;
CREATE TABLE artifact (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    type TEXT NOT NULL,
    properties TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (digest, type, properties)
);
INSERT INTO "artifact" VALUES(1,'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','Examples','{"first_span":"2018-01","last_span":"2018-02","rows":2}',1793000002000000);
INSERT INTO "artifact" VALUES(2,'sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','Model','{}',1793000006000000);
CREATE TABLE event (
    execution_id INTEGER NOT NULL REFERENCES execution (id),
    direction TEXT NOT NULL CHECK (direction IN ('input', 'output')),
    slot TEXT NOT NULL,
    position INTEGER NOT NULL,
    artifact_id INTEGER NOT NULL REFERENCES artifact (id),
    PRIMARY KEY (execution_id, direction, slot, position)
) WITHOUT ROWID;
INSERT INTO "event" VALUES(2,'input','examples',0,1);
INSERT INTO "event" VALUES(1,'output','examples',0,1);
INSERT INTO "event" VALUES(2,'output','model',0,2);
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
INSERT INTO "execution" VALUES(1,'20261101-000000-aaaaaa','ingest','pipeline:ingest','ran','sha256:1111111111111111111111111111111111111111111111111111111111111111','{}',1,NULL,'it was not run before',NULL,1793000001000000,1793000003000000);
INSERT INTO "execution" VALUES(2,'20261101-000000-aaaaaa','train','pipeline:train','ran','sha256:2222222222222222222222222222222222222222222222222222222222222222','{"config.json":null}',1,NULL,'it was not run before',NULL,1793000004000000,1793000007000000);
INSERT INTO "execution" VALUES(3,'20261102-000000-bbbbbb','ingest','pipeline:ingest','failed',NULL,NULL,0,NULL,'changed','{"code":"NODE_LOST","hint":null,"what":"gone","where":{}}',1793000010000000,1793000011000000);
CREATE TABLE fingerprint (
    digest TEXT PRIMARY KEY,
    parts TEXT NOT NULL
);
INSERT INTO "fingerprint" VALUES('sha256:1111111111111111111111111111111111111111111111111111111111111111','{"component":"ingest","package pyarrow":"26"}');
INSERT INTO "fingerprint" VALUES('sha256:2222222222222222222222222222222222222222222222222222222222222222','{"component":"train"}');
CREATE TABLE run (
    id TEXT PRIMARY KEY,
    pipeline TEXT NOT NULL,
    state TEXT NOT NULL,
    ir TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
);
INSERT INTO "run" VALUES('20261101-000000-aaaaaa','taxi','succeeded','{"name":"taxi","parameters":{}}',1793000000000000,1793000008000000);
INSERT INTO "run" VALUES('20261102-000000-bbbbbb','taxi','failed','{"name":"taxi","parameters":{}}',1793000009000000,1793000011000000);
CREATE INDEX run_by_time ON run (created_at);
CREATE INDEX run_by_state ON run (state) WHERE state = 'running';
CREATE INDEX execution_by_run ON execution (run_id, node);
CREATE INDEX execution_by_fingerprint ON execution (fingerprint, state, id);
CREATE INDEX event_by_artifact ON event (artifact_id, direction);
CREATE INDEX execution_by_node ON execution (node, id);
CREATE INDEX run_by_pipeline ON run (pipeline, created_at);
CREATE INDEX artifact_by_type ON artifact (type, id);
COMMIT;
PRAGMA user_version = 2;
