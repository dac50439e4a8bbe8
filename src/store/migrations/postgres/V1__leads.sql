-- A lead as it arrived, and where it stands.
CREATE TABLE leads (
    id           uuid PRIMARY KEY,
    source       text NOT NULL,
    arrived_at   timestamptz NOT NULL,
    state        text NOT NULL,
    reason       text,
    duplicate_of uuid,
    sealed       bytea NOT NULL
);
CREATE INDEX leads_state ON leads (state);
-- Sealed bytes can't be compressed: don't try.
ALTER TABLE leads ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Leads that a router has, should have, or may have again. `due` is when a lead is handed out next: for a leased one, the end of the lease; without
-- one it rests. `left_under` is the digest of the rules under which it was left unmatched. Small and often changed: swept early.
CREATE TABLE queue (
    lead       uuid PRIMARY KEY,
    due        timestamptz,
    owner      text,
    epoch      bigint NOT NULL DEFAULT 0,
    run_since  timestamptz NOT NULL,
    left_under text
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX queue_due ON queue (due, lead) WHERE due IS NOT NULL;
CREATE INDEX queue_left ON queue (left_under) WHERE left_under IS NOT NULL;

CREATE TABLE deliveries (
    lead        uuid NOT NULL,
    number      integer NOT NULL,
    recipient   text NOT NULL,
    tier        text NOT NULL,
    policy      text NOT NULL,
    endpoint    text NOT NULL,
    price_minor bigint,
    currency    text,
    state       text NOT NULL,
    record_id   text,
    at          timestamptz NOT NULL,
    ended_at    timestamptz,
    request     bytea NOT NULL,
    PRIMARY KEY (lead, number)
) WITH (fillfactor = 80);
ALTER TABLE deliveries ALTER COLUMN request SET STORAGE EXTERNAL;

-- The places that a delivery holds.
CREATE TABLE holds (
    lead       uuid NOT NULL,
    number     integer NOT NULL,
    position   integer NOT NULL,
    recipient  text COLLATE "C" NOT NULL,
    cap_window text COLLATE "C" NOT NULL,
    PRIMARY KEY (lead, number, position)
);

-- How many places are held, by recipient and window: always the number of rows in `holds`. Rows are locked in the order of their key.
CREATE TABLE usage (
    recipient  text COLLATE "C" NOT NULL,
    cap_window text COLLATE "C" NOT NULL,
    held       bigint NOT NULL,
    PRIMARY KEY (recipient, cap_window)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- Tries, each as JSON.
CREATE TABLE attempts (
    lead      uuid NOT NULL,
    delivery  integer NOT NULL,
    number    integer NOT NULL,
    ambiguous boolean NOT NULL,
    body      text NOT NULL,
    PRIMARY KEY (lead, delivery, number)
);

-- Decisions, each as JSON, in the order in which they were made.
CREATE TABLE decisions (
    seq  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lead uuid NOT NULL,
    body text NOT NULL
);
CREATE INDEX decisions_lead ON decisions (lead);

-- The last sequence number that a tier's rotation gave out. Whoever takes a turn locks its row first.
CREATE TABLE rotations (
    rotation text COLLATE "C" PRIMARY KEY,
    last     bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE turns (
    rotation  text COLLATE "C" NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    position  bigint NOT NULL,
    last      bigint NOT NULL,
    PRIMARY KEY (rotation, recipient)
) WITH (fillfactor = 50);

CREATE TABLE fingerprints (
    hash       bytea PRIMARY KEY,
    lead       uuid NOT NULL,
    arrived_at timestamptz NOT NULL
);

CREATE TABLE idempotency (
    key  bytea PRIMARY KEY,
    body bytea NOT NULL,
    lead uuid NOT NULL
);

-- Sets of rules that decisions were made under.
CREATE TABLE rule_sets (
    digest  text PRIMARY KEY,
    objects bytea[] NOT NULL
);

CREATE TABLE rule_objects (
    hash bytea PRIMARY KEY,
    body text NOT NULL
);

-- One row that is written to see whether writing works.
CREATE TABLE pulse (
    one   integer PRIMARY KEY CHECK (one = 1),
    beats bigint NOT NULL
);
INSERT INTO pulse (one, beats) VALUES (1, 0);
