-- Times are microseconds since 1970, ids 16 bytes, hashes 32.

-- A lead as it arrived, and where it stands.
CREATE TABLE leads (
    id           BLOB PRIMARY KEY,
    source       TEXT NOT NULL,
    arrived_at   INTEGER NOT NULL,
    state        TEXT NOT NULL,
    reason       TEXT,
    duplicate_of BLOB,
    sealed       BLOB NOT NULL
) STRICT;
CREATE INDEX leads_state ON leads (state);

-- Leads that a router has, should have, or may have again. `due` is when a lead is handed out next: for a leased one, the end of the lease; without
-- one it rests. `left_under` is the digest of the rules under which it was left unmatched.
CREATE TABLE queue (
    lead       BLOB PRIMARY KEY,
    due        INTEGER,
    owner      TEXT,
    epoch      INTEGER NOT NULL DEFAULT 0,
    run_since  INTEGER NOT NULL,
    left_under TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX queue_due ON queue (due, lead) WHERE due IS NOT NULL;
CREATE INDEX queue_left ON queue (left_under) WHERE left_under IS NOT NULL;

CREATE TABLE deliveries (
    lead        BLOB NOT NULL,
    number      INTEGER NOT NULL,
    recipient   TEXT NOT NULL,
    tier        TEXT NOT NULL,
    policy      TEXT NOT NULL,
    endpoint    TEXT NOT NULL,
    price_minor INTEGER,
    currency    TEXT,
    state       TEXT NOT NULL,
    record_id   TEXT,
    at          INTEGER NOT NULL,
    ended_at    INTEGER,
    request     BLOB NOT NULL,
    PRIMARY KEY (lead, number)
) STRICT;

-- The places that a delivery holds.
CREATE TABLE holds (
    lead       BLOB NOT NULL,
    number     INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    recipient  TEXT NOT NULL,
    cap_window TEXT NOT NULL,
    PRIMARY KEY (lead, number, position)
) STRICT, WITHOUT ROWID;

-- How many places are held, by recipient and window: always the number of rows in `holds`.
CREATE TABLE usage (
    recipient  TEXT NOT NULL,
    cap_window TEXT NOT NULL,
    held       INTEGER NOT NULL,
    PRIMARY KEY (recipient, cap_window)
) STRICT, WITHOUT ROWID;

-- Tries, each as JSON.
CREATE TABLE attempts (
    lead      BLOB NOT NULL,
    delivery  INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    ambiguous INTEGER NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (lead, delivery, number)
) STRICT, WITHOUT ROWID;

-- Decisions, each as JSON, in the order in which they were made.
CREATE TABLE decisions (
    seq  INTEGER PRIMARY KEY,
    lead BLOB NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_lead ON decisions (lead);

-- The last sequence number that a tier's rotation gave out.
CREATE TABLE rotations (
    rotation TEXT PRIMARY KEY,
    last     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE turns (
    rotation  TEXT NOT NULL,
    recipient TEXT NOT NULL,
    position  INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    PRIMARY KEY (rotation, recipient)
) STRICT, WITHOUT ROWID;

CREATE TABLE fingerprints (
    hash       BLOB PRIMARY KEY,
    lead       BLOB NOT NULL,
    arrived_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    key  BLOB PRIMARY KEY,
    body BLOB NOT NULL,
    lead BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Sets of rules that decisions were made under.
CREATE TABLE rule_sets (
    digest  TEXT PRIMARY KEY,
    objects BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rule_objects (
    hash BLOB PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row that is written to see whether writing works.
CREATE TABLE pulse (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    beats INTEGER NOT NULL
) STRICT;
INSERT INTO pulse (one, beats) VALUES (1, 0);
