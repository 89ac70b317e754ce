-- Users, what they log in with, and their consoles.
-- Times are seconds since 1970 (UTC).  Secrets are stored as SHA-256 or argon2id.

CREATE TABLE users (
    -- Never used again after a removal: a console's uid and home derive from it.
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE,
    created       REAL    NOT NULL,
    plan          TEXT    NOT NULL,
    password_hash TEXT
) STRICT;

CREATE TABLE tokens (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    user      INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
    label     TEXT    NOT NULL,
    hash      TEXT    NOT NULL UNIQUE,
    created   REAL    NOT NULL,
    last_used REAL
) STRICT;
CREATE INDEX tokens_of_user ON tokens (user);

CREATE TABLE login_sessions (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    user      INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
    hash      TEXT    NOT NULL UNIQUE,
    created   REAL    NOT NULL,
    last_seen REAL    NOT NULL,
    expires   REAL    NOT NULL,
    address   TEXT    NOT NULL,
    agent     TEXT    NOT NULL
) STRICT;
CREATE INDEX login_sessions_of_user ON login_sessions (user);
CREATE INDEX login_sessions_by_expiry ON login_sessions (expires);

CREATE TABLE login_links (
    hash    TEXT    PRIMARY KEY,
    user    INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
    created REAL    NOT NULL,
    expires REAL    NOT NULL
) STRICT;
CREATE INDEX login_links_by_expiry ON login_links (expires);

CREATE TABLE consoles (
    id       TEXT    PRIMARY KEY,
    owner    INTEGER NOT NULL REFERENCES users (number),
    name     TEXT    NOT NULL,
    program  TEXT    NOT NULL,
    image    TEXT    NOT NULL,
    created  REAL    NOT NULL,
    ended    REAL,
    reason   TEXT,
    -- Started ahead of its use, and not yet given to its owner.
    prepared INTEGER NOT NULL,
    UNIQUE (owner, name)
) STRICT;
