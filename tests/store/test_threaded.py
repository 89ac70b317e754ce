import threading

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.trial.unittest import TestCase

from termhub.errors import NameTaken, TooMany
from termhub.store import AsyncStore, Database, Store, threaded
from tests.support.folders import temporary_folder


class AsyncStoreTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.database = Database(temporary_folder(self) / "termhub.db")
        self.store = AsyncStore(self.database, reactor)

    def start(self) -> None:
        self.store.start()
        self.addCleanup(self.store.stop)

    async def test_calls_run_in_order_in_one_thread(self) -> None:
        self.start()
        store: Store = self.store
        added = await gatherResults(
            [Deferred.fromCoroutine(store.add_user(f"u{n}", 1.0, "default")) for n in range(50)]
        )
        self.assertEqual([user.number for user in added], list(range(1, 51)))
        self.assertEqual(len(await store.users()), 50)
        threads = {await self.store._run(lambda _: threading.get_ident()) for _ in range(5)}
        self.assertEqual(len(threads), 1)
        self.assertNotIn(threading.get_ident(), threads)

    async def test_errors_arrive_as_they_are(self) -> None:
        self.start()
        await self.store.add_user("alice", 1.0, "default")
        with self.assertRaises(NameTaken):
            await self.store.add_user("alice", 1.0, "default")

    async def test_a_cancelled_call_is_still_made(self) -> None:
        call = Deferred.fromCoroutine(self.store.add_user("alice", 1.0, "default"))
        call.cancel()
        self.failureResultOf(call, CancelledError)
        self.start()
        self.assertIsNotNone(await self.store.user_named("alice"))

    def test_too_many_waiting_calls_are_refused(self) -> None:
        self.patch(threaded, "MAX_WAITING", 3)
        self.store = AsyncStore(self.database, reactor)
        waiting = [Deferred.fromCoroutine(self.store.users()) for _ in range(3)]
        refused = Deferred.fromCoroutine(self.store.users())
        self.assertEqual(self.failureResultOf(refused, TooMany).value.code, "busy")
        self.start()
        return gatherResults(waiting)  # type: ignore[return-value]
