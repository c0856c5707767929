-- A loop's memory as version 1 of the schema wrote it. Never edited.
BEGIN TRANSACTION;
CREATE TABLE turn (
        model TEXT NOT NULL,
        window_start TEXT NOT NULL,
        window_end TEXT NOT NULL,
        rows INTEGER NOT NULL,
        drifted TEXT NOT NULL,
        quality TEXT NOT NULL,
        action TEXT NOT NULL,
        reasons TEXT NOT NULL,
        run_id TEXT,
        version INTEGER,
        PRIMARY KEY (model, window_start)
    ) STRICT
    ;
INSERT INTO "turn" VALUES('taxi','2018-03-01T00:00:00','2018-04-01T00:00:00',1000,'{"fare": {"jensen_shannon": 0.2}}','{"window": "2018-02", "metrics": {"auc": 0.7}}','promoted','["fare drifted"]','20261101-000000-aaaaaa',1);
COMMIT;
PRAGMA user_version = 1;
