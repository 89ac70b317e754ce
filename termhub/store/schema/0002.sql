-- Keys that open an account by ssh, and what its user has set.
-- Times are seconds since 1970 (UTC).

CREATE TABLE ssh_keys (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    user        INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
    algorithm   TEXT    NOT NULL,
    -- The public key as ssh sends it (RFC 4253, section 6.6): it opens one account only.
    blob        BLOB    NOT NULL UNIQUE,
    fingerprint TEXT    NOT NULL,
    label       TEXT    NOT NULL,
    created     REAL    NOT NULL,
    last_used   REAL
) STRICT;
CREATE INDEX ssh_keys_of_user ON ssh_keys (user);

CREATE TABLE user_settings (
    user     INTEGER PRIMARY KEY REFERENCES users (number) ON DELETE CASCADE,
    -- A JSON object.
    settings TEXT    NOT NULL
) STRICT;
