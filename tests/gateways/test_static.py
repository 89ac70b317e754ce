"""The browser client's files."""

from __future__ import annotations

import gzip
import os

from tests.support.web import WebTestCase


class StaticTests(WebTestCase):
    def build(self, page: bytes = b"<!doctype html><title>termhub</title>") -> None:
        assets = self.static / "assets"
        assets.mkdir(parents=True, exist_ok=True)
        (assets / "main-a1b2c3d4.js").write_bytes(b"console.log(1);\n" * 500)
        (assets / "font-a1b2.woff2").write_bytes(b"wOF2 font")
        (self.static / "favicon.svg").write_bytes(b"<svg/>")
        (self.static / "index.html").write_bytes(page)

    async def test_without_a_build_the_page_says_what_to_do(self) -> None:
        for target in ("/", "/c/main", "/login"):
            response = await self.http("GET", target)
            self.assertEqual(response.status, 200)
            self.assertIn(b"make client", response.body)
            self.assertTrue(response.headers["Content-Type"].startswith("text/html"))

    async def test_the_client_is_one_page(self) -> None:
        self.build()
        for target in ("/", "/c/main", "/c/my%20name", "/login"):
            response = await self.http("GET", target)
            self.assertEqual(
                (response.status, response.body), (200, b"<!doctype html><title>termhub</title>")
            )
            self.assertEqual(response.headers["Cache-Control"], "no-cache")
            self.assertEqual(response.headers["Content-Type"], "text/html; charset=utf-8")

    async def test_hashed_files_are_kept_for_good(self) -> None:
        self.build()
        response = await self.http("GET", "/assets/main-a1b2c3d4.js")
        self.assertEqual(response.headers["Cache-Control"], "public, max-age=31536000, immutable")
        self.assertEqual(response.headers["Content-Type"], "text/javascript; charset=utf-8")
        icon = await self.http("GET", "/favicon.svg")
        self.assertEqual(icon.headers["Cache-Control"], "no-cache")
        self.assertEqual(icon.headers["Content-Type"], "image/svg+xml")

    async def test_text_is_sent_compressed_to_who_takes_it(self) -> None:
        self.build()
        plain = await self.http("GET", "/assets/main-a1b2c3d4.js")
        small = await self.http("GET", "/assets/main-a1b2c3d4.js", headers={"Accept-Encoding": "br, gzip"})
        self.assertEqual(small.headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(small.body), plain.body)
        self.assertLess(len(small.body), len(plain.body) // 10)
        font = await self.http("GET", "/assets/font-a1b2.woff2", headers={"Accept-Encoding": "gzip"})
        self.assertEqual((font.body, font.headers["Content-Encoding"]), (b"wOF2 font", None))

    async def test_the_page_is_not_sent_again_while_it_is_the_same(self) -> None:
        self.build()
        first = await self.http("GET", "/")
        same = await self.http("GET", "/", headers={"If-None-Match": first.headers["ETag"]})
        self.assertEqual((same.status, same.body), (304, b""))
        self.build(b"<!doctype html><title>newer</title>")
        os.utime(self.static / "index.html", (9, 9))
        newer = await self.http("GET", "/", headers={"If-None-Match": first.headers["ETag"]})
        self.assertEqual((newer.status, newer.body), (200, b"<!doctype html><title>newer</title>"))

    async def test_nothing_outside_is_served(self) -> None:
        self.build()
        (self.static.parent / "secret.txt").write_bytes(b"secret")
        os.symlink(self.static.parent.absolute() / "secret.txt", self.static / "assets" / "link.txt")
        for target in (
            "/../secret.txt",
            "/assets/../../secret.txt",
            "/%2e%2e/secret.txt",
            "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
            "/assets//../secret.txt",
            "/assets/link.txt",
            "/assets",
            "/assets/",
            "/index.html/x",
        ):
            response = await self.http("GET", target)
            self.assertEqual((response.status, response.json["code"]), (404, "not_found"), target)
