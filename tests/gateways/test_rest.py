"""REST over real HTTP: what each operation answers, and what it asks of the hub."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from termhub.errors import ConsoleError, NoSandbox, TooMany
from termhub.gateways.web import http, load
from tests.support.web import Response, WebTestCase


class ConsoleTests(WebTestCase):
    def refused(self, response: Response, status: int, code: str) -> None:
        self.assertEqual((response.status, response.json.get("code")), (status, code), response.body)
        self.assertEqual(response.headers["Content-Type"], "application/problem+json")
        self.assertEqual(response.json["status"], status)
        self.assertTrue(response.json["title"])
        self.assertTrue(response.json["detail"])

    async def test_a_console_is_created_listed_and_found_by_id_and_name(self) -> None:
        wanted = {
            "name": "main",
            "program": "script",
            "image": "3.13",
            "cols": 132,
            "rows": 43,
            "argv": ["a.py", "-v"],
            "env": {"A": "1"},
        }
        created = await self.call("POST", "/consoles", wanted)
        self.assertEqual(created.status, 201)
        console = self.consoles.get(self.alice, "main")
        new = console.new
        self.assertEqual(
            {field: getattr(new, field) for field in wanted},
            wanted,
        )
        self.assertEqual(created.headers["Location"], f"/api/v1/consoles/{console.id}")
        self.assertEqual(created.json["id"], console.id)
        listed = (await self.call("GET", "/consoles")).json
        self.assertEqual(listed, {"consoles": [created.json]})
        for key in ("main", console.id):
            self.assertEqual((await self.call("GET", f"/consoles/{key}")).json, created.json)

    async def test_a_console_needs_nothing_said(self) -> None:
        self.assertEqual((await self.call("POST", "/consoles")).status, 201)
        self.assertEqual((await self.call("POST", "/consoles", {})).status, 201)

    async def test_a_taken_name_is_a_conflict(self) -> None:
        self.console("main")
        self.refused(await self.call("POST", "/consoles", {"name": "main"}), 409, "name_taken")

    async def test_no_sandbox_is_said(self) -> None:
        async def create(user: Any, new: Any) -> Any:
            raise NoSandbox("bubblewrap is missing: apt install bubblewrap")

        self.consoles.create = create  # type: ignore[method-assign]
        response = await self.call("POST", "/consoles", {})
        self.refused(response, 503, "no_sandbox")
        self.assertIn("apt install", response.json["detail"])

    async def test_too_many_says_when_to_come_back(self) -> None:
        async def create(user: Any, new: Any) -> Any:
            raise TooMany("You have 50 consoles.", "too_many_consoles", 7.2)

        self.consoles.create = create  # type: ignore[method-assign]
        response = await self.call("POST", "/consoles", {})
        self.refused(response, 429, "too_many_consoles")
        self.assertEqual(response.headers["Retry-After"], "8")

    async def test_a_defect_is_a_plain_500_and_is_logged(self) -> None:
        async def create(user: Any, new: Any) -> Any:
            raise ZeroDivisionError("a secret detail")

        self.consoles.create = create  # type: ignore[method-assign]
        response = await self.call("POST", "/consoles", {})
        self.refused(response, 500, "internal_error")
        self.assertNotIn(b"secret", response.body)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_bodies_are_strict(self) -> None:
        for body, place in (
            ({"cols": "80"}, "$.cols"),
            ({"cols": 1}, "$.cols"),
            ({"rows": 501}, "$.rows"),
            ({"colour": 1}, "colour"),
            ({"name": ""}, "$.name"),
            ({"argv": [1]}, "$.argv[0]"),
            ({"env": {"A=B": "x"}}, "env"),
            ([], "array"),
        ):
            response = await self.call("POST", "/consoles", body)
            self.refused(response, 400, "bad_body")
            self.assertIn(place, response.json["detail"])
        for raw in (b"{", b"\xff", b"nonsense", b"[" * 60_000, b'{"name": "\\ud800"}'):
            self.refused(await self.call("POST", "/consoles", raw=raw), 400, "bad_body")
        self.assertEqual(self.consoles.all, {})

    async def test_rename(self) -> None:
        console = self.console("main")
        response = await self.call("PATCH", "/consoles/main", {"name": "work"})
        self.assertEqual((response.status, response.json["name"], console.name), (200, "work", "work"))

    async def test_deleting_ends_and_deleting_again_removes(self) -> None:
        console = self.console("main")
        self.assertEqual((await self.call("DELETE", "/consoles/main")).status, 204)
        self.assertEqual(console.state, "ended")
        self.assertEqual((await self.call("GET", "/consoles/main")).json["state"], "ended")
        self.assertEqual((await self.call("DELETE", "/consoles/main")).status, 204)
        self.refused(await self.call("GET", "/consoles/main"), 404, "no_such_console")

    async def test_deleting_can_remove_at_once(self) -> None:
        console = self.console("main")
        self.assertEqual((await self.call("DELETE", "/consoles/main?remove=true")).status, 204)
        self.assertEqual(console.state, "ended")
        self.assertEqual(self.consoles.all, {})

    async def test_what_cannot_be_ended_can_be_removed(self) -> None:
        async def fail(console: Any, reason: str) -> None:
            raise ConsoleError("It does not end.", "not_ended")

        self.patch(self.consoles, "end", fail)
        self.console("main")
        self.refused(await self.call("DELETE", "/consoles/main"), 409, "not_ended")
        self.assertEqual((await self.call("DELETE", "/consoles/main?remove=true")).status, 204)
        self.assertEqual(self.consoles.all, {})

    async def test_windows_are_opened_and_closed(self) -> None:
        console = self.console("main")
        opened = await self.call("POST", "/consoles/main/windows", {"program": "bash", "cols": 100})
        self.assertEqual((opened.status, opened.json), (201, {"window": 1}))
        self.assertEqual(console.asked, [("open", "bash", None, 100, 24)])
        self.assertEqual((await self.call("DELETE", "/consoles/main/windows/1")).status, 204)
        self.assertEqual(console.window_numbers, [0])
        self.refused(await self.call("DELETE", "/consoles/main/windows/1"), 404, "no_such_window")

    async def test_input_is_bytes_as_they_are(self) -> None:
        console = self.console("main")
        data = bytes(range(256)) * 4096
        response = await self.call("POST", "/consoles/main/input?window=0", raw=data)
        self.assertEqual((response.status, response.json), (202, {"accepted": len(data)}))
        self.assertEqual(console.typed, data)
        self.assertEqual((await self.call("POST", "/consoles/main/input")).json, {"accepted": 0})

    async def test_long_input_goes_in_pieces_that_a_console_takes(self) -> None:
        console = self.console("main")
        real, sizes = console.input, []

        async def input(user: Any, role: str, window: int, data: bytes) -> None:
            sizes.append(len(data))
            await real(user, role, window, data)

        console.input = input  # type: ignore[method-assign]
        data = bytes(range(251)) * 12_000
        response = await self.call("POST", "/consoles/main/input", raw=data)
        self.assertEqual(response.json, {"accepted": len(data)})
        self.assertEqual(console.typed, data)
        self.assertLessEqual(max(sizes), 1 << 20)

    async def test_input_is_never_taken_for_a_form(self) -> None:
        console = self.console("main")
        for content_type, data in (
            ("application/x-www-form-urlencoded", b"a=1&window=9"),
            ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        ):
            response = await self.call(
                "POST", "/consoles/main/input", raw=data, headers={"Content-Type": content_type}
            )
            self.assertEqual(response.status, 202, response.body)
        self.assertEqual(console.typed, b"a=1&window=9--x\r\nbroken")

    async def test_input_is_answered_when_it_is_written(self) -> None:
        console = self.console("main")
        console.hold = Deferred()
        answered: list[Response] = []
        answering = self.call("POST", "/consoles/main/input", raw=b"slow")
        answering.addCallback(answered.append)
        await self.call("GET", "/me")
        self.assertEqual(answered, [])
        console.hold.callback(None)
        await answering
        self.assertEqual(answered[0].status, 202)

    async def test_the_screen_is_text(self) -> None:
        self.console("main")
        response = await self.call("GET", "/consoles/main/screen?window=0&scrollback=2")
        self.assertEqual(
            response.json,
            {
                "lines": ["history", "history", ">>> "],
                "cursor": {"x": 4, "y": 0},
                "cols": 80,
                "rows": 24,
                "offset": 4,
                "title": "a title",
            },
        )

    async def test_output_is_read_from_an_offset(self) -> None:
        self.console("main").printed = b"0123456789"
        response = await self.call("GET", "/consoles/main/output?since=4&limit=3")
        self.assertEqual((response.status, response.body), (200, b"456"))
        self.assertEqual(response.headers["X-Offset"], "4")
        self.assertEqual(response.headers["Content-Type"], "application/octet-stream")

    async def test_output_can_be_waited_for(self) -> None:
        console = self.console("main")
        answering = self.call("GET", "/consoles/main/output?since=0&wait=30")
        while not console.output_waits:
            await self.call("GET", "/me")
        console.print(b"there")
        response = await answering
        self.assertEqual((response.body, response.headers["X-Offset"]), (b"there", "0"))

    async def test_queries_are_strict(self) -> None:
        self.console("main")
        for query in (
            "since=-1",
            "since=x",
            "wait=61",
            "limit=0",
            "limit=999999999",
            "window=70000",
            "since=1&since=2",
            "colour=1",
            "wait=nan",
            "since=%FF",
            "since=99999999999999999999999",
        ):
            self.refused(await self.call("GET", f"/consoles/main/output?{query}"), 400, "bad_query")

    async def test_resize_and_signal(self) -> None:
        console = self.console("main")
        resized = await self.call("POST", "/consoles/main/resize", {"cols": 100, "rows": 30})
        signalled = await self.call("POST", "/consoles/main/signal", {"signal": "SIGINT", "window": 0})
        self.assertEqual((resized.status, signalled.status), (204, 204))
        self.assertEqual(console.asked, [("resize", 0, 100, 30), ("signal", "SIGINT", 0)])
        self.refused(await self.call("POST", "/consoles/main/signal", {"signal": "9"}), 400, "bad_body")
        self.refused(
            await self.call("POST", "/consoles/main/resize", {"cols": 9, "rows": 9, "window": 3}),
            404,
            "no_such_window",
        )

    async def test_what_an_ended_console_cannot_do_is_a_conflict(self) -> None:
        self.console("main").state = "ended"
        self.refused(await self.call("POST", "/consoles/main/input", raw=b"x"), 409, "ended")

    async def test_another_users_console_is_not_there(self) -> None:
        console = self.console("main", self.bob)
        paths = (
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("POST", "/windows"),
            ("DELETE", "/windows/0"),
            ("POST", "/input"),
            ("GET", "/screen"),
            ("GET", "/output"),
            ("POST", "/resize"),
            ("POST", "/signal"),
        )
        bodies = {
            "PATCH": {"name": "stolen"},
            "/resize": {"cols": 9, "rows": 9},
            "/signal": {"signal": "SIGKILL"},
        }
        for method, path in paths:
            body = bodies.get(path) or bodies.get(method)
            for key in (console.id, console.name):
                theirs = await self.call(method, f"/consoles/{key}{path}", body)
                self.refused(theirs, 404, "no_such_console")
                nobodys = await self.call(method, f"/consoles/nothing{path}", body)
                self.assertEqual(
                    theirs.body.replace(key.encode(), b"X"), nobodys.body.replace(b"nothing", b"X")
                )
        self.assertEqual((await self.call("GET", "/consoles")).json, {"consoles": []})
        self.assertEqual((console.name, console.state, console.typed), ("main", "running", b""))

    async def test_names_are_quoted_in_the_address(self) -> None:
        self.console("my name é")
        response = await self.call("GET", "/consoles/my%20name%20%C3%A9")
        self.assertEqual(response.json["name"], "my name é")

    async def test_images_tell_nothing_of_the_machine(self) -> None:
        response = await self.call("GET", "/images")
        self.assertEqual(
            response.json,
            {
                "images": [
                    {"name": "3.11", "version": "3.11.2", "source": "system", "programs": ["python", "bash"]}
                ]
            },
        )

    async def test_unknown_addresses_and_methods(self) -> None:
        self.refused(await self.call("GET", "/nothing"), 404, "not_found")
        self.refused(await self.call("POST", "/nothing/at/all"), 404, "not_found")
        self.refused(await self.call("GET", "/consoles/"), 404, "not_found")
        self.refused(await self.call("GET", "//consoles"), 404, "not_found")
        response = await self.call("PUT", "/consoles")
        self.refused(response, 405, "method_not_allowed")
        self.assertEqual(response.headers["Allow"], "GET, HEAD, POST")


class GoneClientTests(WebTestCase):
    async def test_a_change_is_carried_through_when_its_client_goes(self) -> None:
        going: Deferred[None] = Deferred()
        real = self.consoles.create

        async def create(user: Any, new: Any) -> Any:
            await going
            return await real(user, new)

        self.consoles.create = create  # type: ignore[method-assign]
        answer = await self.raw(
            f"POST /api/v1/consoles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n"
            'Content-Length: 16\r\n\r\n{"name": "main"}'
        )
        self.assertEqual((answer, self.consoles.all), (b"", {}))
        going.callback(None)
        self.assertEqual(self.consoles.get(self.alice, "main").name, "main")

    async def test_input_that_waits_is_dropped_when_its_client_goes(self) -> None:
        console = self.console("main")
        dropped: list[str] = []
        console.hold = Deferred(lambda hold: dropped.append("dropped"))
        await self.raw(
            f"POST /api/v1/consoles/main/input HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n"
            "Content-Length: 4\r\n\r\nabcd"
        )
        self.assertEqual((dropped, console.typed), (["dropped"], b""))

    async def test_a_wait_for_output_ends_when_its_client_goes(self) -> None:
        console = self.console("main")
        waiting: list[int] = []
        real = console.output

        async def output(*args: Any) -> Any:
            answering = Deferred.fromCoroutine(real(*args))
            waiting.append(len(console.output_waits))
            return await answering

        console.output = output  # type: ignore[method-assign]
        await self.raw(
            "GET /api/v1/consoles/main/output?wait=60 HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {self.token}\r\n\r\n"
        )
        self.assertEqual(waiting, [1])
        self.assertEqual(console.output_waits, [])


class LoadTests(WebTestCase):
    async def test_a_user_has_a_bounded_number_of_calls_under_way(self) -> None:
        self.patch(load, "MAX_CALLS", 3)
        console = self.console("main")
        waiting = [self.call("GET", "/consoles/main/output?wait=60") for _ in range(3)]
        while len(console.output_waits) < 3:
            await self.http("GET", "/healthz")
        refused = await self.call("GET", "/me")
        self.assertEqual((refused.status, refused.json["code"]), (429, "too_many_requests"))
        self.assertEqual((await self.call("GET", "/me", token=self.bobs_token)).status, 200)
        console.print(b"output")
        self.assertEqual([response.body for response in [await one for one in waiting]], [b"output"] * 3)
        self.assertEqual((await self.call("GET", "/me")).status, 200)

    async def test_input_under_way_is_bounded_by_bytes(self) -> None:
        self.patch(load, "MAX_BYTES", 1000)
        console = self.console("main")
        console.hold = Deferred()
        waiting = self.call("POST", "/consoles/main/input", raw=b"x" * 5000)
        while (await self.call("POST", "/consoles/main/resize", {"cols": 9, "rows": 9})).status != 429:
            pass
        console.hold.callback(None)
        self.assertEqual((await waiting).status, 202, "one call alone may be of any size")

    async def test_large_bodies_are_bounded_for_all(self) -> None:
        self.patch(http, "MAX_LARGE_BODIES", 2)
        console = self.console("main")
        console.hold = Deferred()
        waiting = [self.call("POST", "/consoles/main/input", raw=b"x" * 100_000) for _ in range(2)]
        while self.site._large_bodies < 2:
            await self.http("GET", "/healthz")
        refused = await self.call("POST", "/consoles/main/input", raw=b"x" * 100_000)
        self.assertEqual((refused.status, refused.json["code"]), (503, "busy"))
        self.assertEqual(refused.headers["Retry-After"], "1")
        small = self.call("POST", "/consoles/main/input", raw=b"small")
        console.hold.callback(None)
        self.assertEqual([(await one).status for one in (*waiting, small)], [202] * 3)
        self.assertEqual(self.site._large_bodies, 0)
