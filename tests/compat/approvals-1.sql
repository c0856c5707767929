-- Questions and answers as version 1 of the schema wrote it. Never edited.
BEGIN TRANSACTION;
CREATE TABLE decision (
        id INTEGER PRIMARY KEY,
        request_id INTEGER NOT NULL REFERENCES request (id),
        approved INTEGER NOT NULL,
        by TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TEXT NOT NULL
    ) STRICT
    ;
INSERT INTO "decision" VALUES(1,1,1,'ada','looks right','2026-11-01T00:00:00+00:00');
CREATE TABLE place (
        run TEXT NOT NULL,
        node TEXT NOT NULL,
        request_id INTEGER NOT NULL REFERENCES request (id),
        PRIMARY KEY (run, node)
    ) STRICT;
INSERT INTO "place" VALUES('20261101-000000-aaaaaa','gate',1);
INSERT INTO "place" VALUES('20261102-000000-bbbbbb','gate',2);
CREATE TABLE request (
        id INTEGER PRIMARY KEY,
        gate TEXT NOT NULL,
        digest TEXT NOT NULL,
        verdict TEXT NOT NULL,
        asked_at TEXT NOT NULL,
        expires_at TEXT,
        closed INTEGER NOT NULL DEFAULT 0
    ) STRICT;
INSERT INTO "request" VALUES(1,'push','sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','passed','2026-11-01T00:00:00+00:00','2026-11-02T00:00:00+00:00',0);
INSERT INTO "request" VALUES(2,'push','sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','failed','2026-11-01T00:00:00+00:00',NULL,0);
CREATE INDEX request_by_subject ON request (gate, digest, id);
COMMIT;
PRAGMA user_version = 1;
