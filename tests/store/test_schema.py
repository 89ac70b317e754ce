import sqlite3
from pathlib import Path

import pytest

from termhub.errors import StoreError
from termhub.store import SCOPES, Database, Share
from termhub.store.schema import newest_version, scripts, upgrade


def open_raw(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def test_a_new_database_has_the_newest_version(tmp_path: Path) -> None:
    Database(tmp_path / "a.db").close()
    assert open_raw(tmp_path / "a.db").execute("PRAGMA user_version").fetchone() == (newest_version(),)


def test_the_file_is_private_and_uses_wal(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    database.add_user("alice", 1.0, "default")
    modes = {entry.name: entry.stat().st_mode & 0o777 for entry in tmp_path.iterdir()}
    assert modes["a.db"] == 0o600
    assert modes["a.db-wal"] == 0o600
    database.close()


def test_an_upgrade_keeps_the_data(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with_version_1 = open_raw(path)
    upgrade(with_version_1, scripts()[:1])
    with_version_1.execute(
        "INSERT INTO users (name, created, plan, password_hash) VALUES ('alice', 5.0, 'default', 'h')"
    )
    with_version_1.execute(
        "INSERT INTO consoles VALUES ('c-0123456789', 1, 'main', 'python', '3.11', 6.0, NULL, NULL, 0)"
    )
    step = """
    CREATE TABLE keys (user INTEGER NOT NULL REFERENCES users (number), text TEXT NOT NULL) STRICT;
    -- a comment; with a semicolon
    ALTER TABLE consoles ADD COLUMN node TEXT NOT NULL DEFAULT 'here';
    INSERT INTO keys SELECT number, name || ';key' FROM users;
    """
    assert upgrade(with_version_1, [*scripts()[:1], step]) == 1
    assert with_version_1.execute("PRAGMA user_version").fetchone() == (2,)
    assert with_version_1.execute("SELECT * FROM keys").fetchall() == [(1, "alice;key")]
    assert with_version_1.execute("SELECT name, node FROM consoles").fetchall() == [("main", "here")]
    assert upgrade(with_version_1, [*scripts()[:1], step]) == 2


def test_every_released_version_reaches_the_newest_with_its_data(tmp_path: Path) -> None:
    for version in range(1, newest_version() + 1):
        path = tmp_path / f"{version}.db"
        old = open_raw(path)
        upgrade(old, scripts()[:version])
        old.execute("INSERT INTO users (name, created, plan) VALUES ('alice', 5.0, 'default')")
        old.close()
        database = Database(path)
        user = database.user_named("alice")
        assert user is not None
        assert (user.number, user.created) == (1, 5.0)
        database.close()


def test_a_database_of_version_1_gets_keys_and_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    old = open_raw(path)
    upgrade(old, scripts()[:1])
    old.execute("INSERT INTO users (name, created, plan) VALUES ('alice', 5.0, 'default')")
    old.execute("INSERT INTO tokens (user, label, hash, created) VALUES (1, 'laptop', 'h', 6.0)")
    old.execute(
        "INSERT INTO consoles VALUES ('c-0123456789', 1, 'main', 'python', '3.11', 6.0, NULL, NULL, 0)"
    )
    old.close()
    database = Database(path)
    assert database.keys(1) == []
    assert database.settings(1) == {}
    key = database.add_key(1, "ssh-ed25519", b"blob", "SHA256:x", "laptop", 7.0)
    database.set_settings(1, {"prefix": "C-a"})
    database.close()
    database = Database(path)
    assert database.keys(1) == [key]
    assert database.settings(1) == {"prefix": "C-a"}
    assert [token.label for token in database.tokens(1)] == ["laptop"]
    assert [console.name for console in database.consoles()] == ["main"]
    database.close()


def test_a_database_of_version_2_gets_shares_and_chat(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    old = open_raw(path)
    upgrade(old, scripts()[:2])
    old.execute("INSERT INTO users (name, created, plan) VALUES ('alice', 5.0, 'default')")
    old.execute(
        "INSERT INTO consoles VALUES ('c-0123456789', 1, 'main', 'python', '3.11', 6.0, NULL, NULL, 0)"
    )
    old.execute("INSERT INTO ssh_keys VALUES (1, 1, 'ssh-ed25519', x'00', 'SHA256:x', 'laptop', 6.0, NULL)")
    old.execute('INSERT INTO user_settings VALUES (1, \'{"prefix": "C-a"}\')')
    old.close()
    database = Database(path)
    assert database.shares.all(7.0) == []
    share = Share("s-1", "c-0123456789", "writer", 1, 7.0, 9.0, hash="h")
    database.shares.add(share, None, 50)
    user, _ = database.shares.take("s-1", 8.0, None, "Ann", "g", 1000)
    message = database.chats.add("c-0123456789", 8.0, "Ann", "hello")
    database.close()
    database = Database(path)
    (sharing,) = database.shares.all(8.0)
    assert sharing.shares == (share,)
    assert [member.user for member in sharing.members] == [user]
    assert database.chats.before("c-0123456789") == [message]
    assert [key.label for key in database.keys(1)] == ["laptop"]
    assert database.settings(1) == {"prefix": "C-a"}
    assert [console.name for console in database.consoles()] == ["main"]
    database.close()


def test_a_failed_upgrade_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Database(path).close()
    raw = open_raw(path)
    with pytest.raises(StoreError, match=r"Schema upgrade \d+ failed, nothing was changed"):
        upgrade(raw, [*scripts(), "CREATE TABLE extra (x TEXT);\nSELECT * FROM nothing_here;\n"])
    assert raw.execute("PRAGMA user_version").fetchone() == (newest_version(),)
    assert raw.execute("SELECT name FROM sqlite_master WHERE name = 'extra'").fetchall() == []
    Database(path).close()


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Database(path).close()
    raw = open_raw(path)
    raw.execute(f"PRAGMA user_version = {newest_version() + 1}")
    raw.close()
    with pytest.raises(StoreError, match="newer termhub"):
        Database(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"not a database at all, but long enough to be looked at\n" * 20)
    with pytest.raises(StoreError, match="Cannot use the database"):
        Database(path)


def test_a_folder_that_does_not_exist_is_said_clearly(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Cannot open the database"):
        Database(tmp_path / "missing" / "a.db")


def test_whoever_set_the_hub_up_looks_after_it_and_nobody_has_less_than_before(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    old = open_raw(path)
    upgrade(old, scripts()[:3])
    old.execute("INSERT INTO users (name, created, plan) VALUES ('alice', 5.0, 'default')")
    old.execute("INSERT INTO users (name, created, plan) VALUES ('bob', 6.0, 'default')")
    old.execute("INSERT INTO users (name, created, plan) VALUES ('carol', 7.0, 'own')")
    old.execute("INSERT INTO tokens (user, label, hash, created) VALUES (2, 'x', 'h', 6.0)")
    old.close()
    database = Database(path)
    users = [(user.name, user.plan, user.is_admin, user.suspended) for user in database.users()]
    assert users == [
        ("alice", "pro", True, None),
        ("bob", "plus", False, None),
        ("carol", "own", False, None),
    ]
    (token,) = database.tokens(2)
    assert (token.scopes, token.expires) == (frozenset(SCOPES), None)
