-- A registry as version 1 of the schema wrote it. Never edited.
BEGIN TRANSACTION;
CREATE TABLE alias (
        name TEXT NOT NULL,
        alias TEXT NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (name, alias),
        FOREIGN KEY (name, version) REFERENCES model_version (name, version)
    ) STRICT;
INSERT INTO "alias" VALUES('taxi','champion',1);
CREATE TABLE model_version (
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        digest TEXT NOT NULL,
        properties TEXT NOT NULL,
        created TEXT NOT NULL,
        PRIMARY KEY (name, version),
        UNIQUE (name, digest)
    ) STRICT;
INSERT INTO "model_version" VALUES('taxi',1,'sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','{"last_span": "2018-02", "verdict": "passed"}','2026-11-01T00:00:00+00:00');
INSERT INTO "model_version" VALUES('taxi',2,'sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{}','2026-11-01T00:00:00+00:00');
CREATE TABLE promotion (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        alias TEXT NOT NULL,
        version INTEGER NOT NULL,
        previous INTEGER,
        reason TEXT NOT NULL,
        at TEXT NOT NULL
    ) STRICT
    ;
INSERT INTO "promotion" VALUES(1,'taxi','champion',1,NULL,'the first that passed','2026-11-01T00:00:00+00:00');
COMMIT;
PRAGMA user_version = 1;
