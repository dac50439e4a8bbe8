-- Who probes an endpoint that failed, and until when nobody else may.
CREATE TABLE probes (
    endpoint TEXT PRIMARY KEY,
    probe    TEXT NOT NULL,
    ends_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
