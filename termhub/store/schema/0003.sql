-- Shared consoles: shares, the people without an account who came by one, whom shares let in,
-- and what was said in a console.
-- Times are seconds since 1970 (UTC).

CREATE TABLE shares (
    id              TEXT    PRIMARY KEY,
    console         TEXT    NOT NULL REFERENCES consoles (id) ON DELETE CASCADE,
    role            TEXT    NOT NULL CHECK (role IN ('observer', 'writer', 'owner')),
    created_by      INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
    created         REAL    NOT NULL,
    expires         REAL    NOT NULL,
    -- How many more may come by it; NULL: any number.
    uses_left       INTEGER CHECK (uses_left >= 0),
    -- Of a link's token; NULL for a share with an account.
    hash            TEXT    UNIQUE,
    passphrase_hash TEXT,
    -- The name of the account that it is for; empty for a link.
    label           TEXT    NOT NULL
) STRICT;
CREATE INDEX shares_of_console ON shares (console);
CREATE INDEX shares_by_creator ON shares (created_by);
CREATE INDEX shares_by_expiry ON shares (expires);

CREATE TABLE guests (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT    NOT NULL,
    hash      TEXT    NOT NULL UNIQUE,
    created   REAL    NOT NULL,
    last_seen REAL    NOT NULL
) STRICT;

CREATE TABLE members (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    share   TEXT    NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    console TEXT    NOT NULL REFERENCES consoles (id) ON DELETE CASCADE,
    user    INTEGER REFERENCES users (number) ON DELETE CASCADE,
    guest   INTEGER REFERENCES guests (number) ON DELETE CASCADE,
    role    TEXT    NOT NULL CHECK (role IN ('observer', 'writer', 'owner')),
    joined  REAL    NOT NULL,
    -- Kept as long as the share, so that nobody comes back by it.
    removed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (share, user),
    UNIQUE (share, guest),
    CHECK ((user IS NULL) <> (guest IS NULL))
) STRICT;
CREATE INDEX members_of_console ON members (console);
CREATE INDEX members_of_user ON members (user);
CREATE INDEX members_of_guest ON members (guest);

CREATE TABLE chat (
    console TEXT    NOT NULL REFERENCES consoles (id) ON DELETE CASCADE,
    -- Counted from 1 in each console.
    number  INTEGER NOT NULL,
    time    REAL    NOT NULL,
    name    TEXT    NOT NULL,
    text    TEXT    NOT NULL,
    PRIMARY KEY (console, number)
) STRICT, WITHOUT ROWID;

-- Who may type when several are there.
ALTER TABLE consoles ADD COLUMN control TEXT NOT NULL DEFAULT 'anyone'
    CHECK (control IN ('anyone', 'one', 'owner'));
