-- A hold takes an amount of its window: one lead, a weight, or minor units of money; `usage.held` is the sum of these. What is to be kept stays when
-- the delivery is refused or fails.
ALTER TABLE holds
    ADD COLUMN amount bigint NOT NULL DEFAULT 1,
    ADD COLUMN keep   boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT holds_amount CHECK (amount >= 0) NOT VALID;
-- Windows that are long over are found by their names, and forgotten.
CREATE INDEX usage_window ON usage (cap_window);

-- Nobody else gets the lead.
ALTER TABLE deliveries ADD COLUMN exclusive boolean NOT NULL DEFAULT false;

-- Who accepted the last lead of a contact or company, by keyed hash.
CREATE TABLE owners (
    key       bytea PRIMARY KEY,
    recipient text NOT NULL,
    at        timestamptz NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX leads_arrived ON leads (arrived_at, id);
CREATE INDEX leads_unmatched ON leads (reason, id) WHERE state = 'unmatched';
