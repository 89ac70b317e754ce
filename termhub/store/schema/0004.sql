-- Administrators, suspended accounts, tokens that may do some things only, what users have used,
-- what was done (audit), and what is to be told to the operator's hook.
-- Times are seconds since 1970 (UTC); a day is its date in UTC, such as 2026-11-23.

ALTER TABLE users ADD COLUMN is_admin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN suspended REAL;
-- When the account goes by itself; NULL: never.
ALTER TABLE users ADD COLUMN expires REAL;
-- Whoever set the hub up looks after it.
UPDATE users SET is_admin = 1, plan = 'pro' WHERE number = (SELECT min(number) FROM users);
UPDATE users SET plan = 'plus' WHERE plan = 'default';

-- What a token may be used for, words with spaces between; and until when, NULL: for ever.
ALTER TABLE tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read write account admin';
ALTER TABLE tokens ADD COLUMN expires REAL;

-- What a user has used on a day.  It outlives the account, so that it can be billed.
CREATE TABLE usage (
    user              INTEGER NOT NULL,
    day               TEXT    NOT NULL,
    cpu_seconds       REAL    NOT NULL DEFAULT 0,
    -- MiB, summed over seconds: divided by 1024 * 3600 they are GiB hours.
    memory_mb_seconds REAL    NOT NULL DEFAULT 0,
    disk_mb_seconds   REAL    NOT NULL DEFAULT 0,
    network_in        INTEGER NOT NULL DEFAULT 0,
    network_out       INTEGER NOT NULL DEFAULT 0,
    console_seconds   REAL    NOT NULL DEFAULT 0,
    PRIMARY KEY (user, day)
) STRICT, WITHOUT ROWID;

-- How much of a console's counters is in usage already: nothing is counted twice.
CREATE TABLE usage_marks (
    console     TEXT    PRIMARY KEY,
    cpu_seconds REAL    NOT NULL,
    network_in  INTEGER NOT NULL,
    network_out INTEGER NOT NULL,
    time        REAL    NOT NULL
) STRICT, WITHOUT ROWID;

-- Append-only; each entry's hash covers the one before.
CREATE TABLE audit (
    number   INTEGER PRIMARY KEY,
    time     REAL    NOT NULL,
    -- Names, not numbers: they outlive the accounts.
    actor    TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    -- A JSON object.
    detail   TEXT    NOT NULL,
    address  TEXT    NOT NULL,
    hash     TEXT    NOT NULL
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit
BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;

-- Events that the operator's hook has not taken yet.
CREATE TABLE hook_events (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    created  REAL    NOT NULL,
    -- A JSON object.
    body     TEXT    NOT NULL,
    tries    INTEGER NOT NULL DEFAULT 0,
    next_try REAL    NOT NULL
) STRICT;

-- What the hub itself must remember, such as that it is drained.
CREATE TABLE hub_state (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
