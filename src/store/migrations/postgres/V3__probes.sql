-- Who probes an endpoint that failed, and until when nobody else may.
CREATE TABLE probes (
    endpoint text PRIMARY KEY,
    probe    text NOT NULL,
    ends_at  timestamptz NOT NULL
) WITH (fillfactor = 80);
