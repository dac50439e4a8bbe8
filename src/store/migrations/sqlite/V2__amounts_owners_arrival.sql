-- A hold takes an amount of its window: one lead, a weight, or minor units of money; `usage.held` is the sum of these. What is to be kept stays when
-- the delivery is refused or fails.
ALTER TABLE holds ADD COLUMN amount INTEGER NOT NULL DEFAULT 1 CHECK (amount >= 0);
ALTER TABLE holds ADD COLUMN keep INTEGER NOT NULL DEFAULT 0;
-- Windows that are long over are found by their names, and forgotten.
CREATE INDEX usage_window ON usage (cap_window);

-- Nobody else gets the lead.
ALTER TABLE deliveries ADD COLUMN exclusive INTEGER NOT NULL DEFAULT 0;

-- Who accepted the last lead of a contact or company, by keyed hash.
CREATE TABLE owners (
    key       BLOB PRIMARY KEY,
    recipient TEXT NOT NULL,
    at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX leads_arrived ON leads (arrived_at, id);
CREATE INDEX leads_unmatched ON leads (reason, id) WHERE state = 'unmatched';
