"""The proxy of an allow-list, with an agent that the test is the host of."""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.guest import frames
from sandbox.guest.proxy import HEAD_BYTES, MOST_CONNECTIONS, ProxyError, parse
from sandbox.network import Network
from tests.support.agents import PATIENCE_SECONDS

HEAD = b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"


class TestHead:
    @pytest.mark.parametrize(
        ("target", "host", "port"),
        [
            ("example.com:443", "example.com", 443),
            ("Files.Example.COM:8443", "files.example.com", 8443),
            ("example.com.:443", "example.com", 443),
            ("192.0.2.7:1", "192.0.2.7", 1),
            ("[2001:DB8::1]:65535", "2001:db8::1", 65535),
            ("xn--bcher-kva.example:443", "xn--bcher-kva.example", 443),
        ],
    )
    def test_names_host_and_port(self, target, host, port):
        assert parse(f"CONNECT {target} HTTP/1.1\r\nX: y\r\n\r\n".encode()) == (host, port)

    @pytest.mark.parametrize(
        ("line", "status"),
        [
            ("GET http://example.com/ HTTP/1.1", 405),
            ("POST http://example.com/ HTTP/1.1", 405),
            ("CONNECT example.com HTTP/1.1", 400),
            ("CONNECT example.com: HTTP/1.1", 400),
            ("CONNECT example.com:0 HTTP/1.1", 400),
            ("CONNECT example.com:65536 HTTP/1.1", 400),
            ("CONNECT example.com:+44 HTTP/1.1", 400),
            ("CONNECT example.com:443", 400),
            ("CONNECT  example.com:443 HTTP/1.1", 400),
            ("CONNECT :443 HTTP/1.1", 400),
            ("CONNECT a@b:443 HTTP/1.1", 400),
            ("CONNECT a/b:443 HTTP/1.1", 400),
            ("CONNECT a\0b:443 HTTP/1.1", 400),
            ("CONNECT 2001:db8::1:443 HTTP/1.1", 400),
            ("CONNECT [example.com]:443 HTTP/1.1", 400),
            ("CONNECT [fe80::1%eth0]:443 HTTP/1.1", 400),
            ("CONNECT bücher.example:443 HTTP/1.1", 400),
            ("CONNECT " + "a" * 254 + ":443 HTTP/1.1", 400),
            ("\x16\x03\x01", 400),
            ("", 400),
        ],
    )
    def test_of_anything_else_is_refused(self, line, status):
        with pytest.raises(ProxyError) as caught:
            parse(line.encode() + b"\r\n\r\n")
        assert caught.value.status == status

    @given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda data: b"CONNECT " + data)))
    def test_whatever_comes_is_a_host_and_port_or_refused(self, data):
        try:
            host, port = parse(data)
        except ProxyError:
            return
        assert 0 < len(host) <= 253
        assert host == host.lower()
        assert host.isascii()
        assert not set(host) & set(" \t\r\n\0/@%[]\"'\\")
        assert 1 <= port <= 65535


@pytest.fixture
def proxied(run_agent, monkeypatch):
    """An agent with a proxy on a free port: ``(peer, port)``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr("sandbox.launch.guest.PROXY_PORT", port)

    def begin(**options):
        return run_agent("cat", network=Network("allowlist"), **options), port

    return begin


def client_of(port, head=HEAD):
    """A program's connection that has asked; tried until the agent listens."""
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    client.sendall(head)
    return client


def wanted(peer, count=1):
    """The first connections that were asked for."""

    def asked():
        return [event for _, event in peer.events if event["type"] == "connect"]

    peer.wait(lambda: len(asked()) >= count, "a connection is wanted")
    return asked()


def connect(agent, port):
    """A connection that was made: its client and its stream's number."""
    client = client_of(port)
    number = wanted(agent.peer, 1)[-1]["stream"]
    assert agent.peer.request("connected", stream=number)["ok"]
    assert client.recv(1000) == b"HTTP/1.1 200 Connection established\r\n\r\n"
    return client, number


def test_asks_and_relays_both_ways_with_half_closes(proxied):
    agent, port = proxied()
    peer = agent.peer
    client = client_of(port, HEAD + b"early")
    (event,) = wanted(peer)
    number = event["stream"]
    assert event == {"type": "connect", "stream": number, "host": "example.com", "port": 443}
    assert number >= frames.CONNECTIONS
    peer.request("connected", stream=number)
    assert client.recv(1000) == b"HTTP/1.1 200 Connection established\r\n\r\n"
    client.sendall(b" bird")
    peer.wait(lambda: peer.piped.get(number) == b"early bird", "what the client sent")
    client.shutdown(socket.SHUT_WR)
    peer.wait(lambda: number in peer.piped_ends, "the end of what the client sends")
    peer.send(frames.stream(frames.CONSOLE, number, b"answer"))
    peer.send(frames.stream(frames.CONSOLE, number, b""))
    assert client.makefile("rb").read() == b"answer"
    peer.stream_end(number)


def test_refusal_is_told_in_the_words_of_whoever_refused(proxied):
    agent, port = proxied()
    for code, status in (("not_allowed", 403), ("timeout", 504), ("busy", 503), ("unreachable", 502)):
        client = client_of(port)
        number = wanted(agent.peer, 1)[-1]["stream"]
        agent.peer.request("refused", stream=number, code=code, error="No, the list\r\nX-Bad: says so.")
        answer = client.makefile("rb").read().decode()
        assert answer.startswith(f"HTTP/1.1 {status} No, the list??X-Bad: says so.\r\n")
        assert answer.endswith("\r\n\r\nNo, the list??X-Bad: says so.\n")
        agent.peer.events.clear()


def test_plain_http_is_told_what_to_do(proxied):
    agent, port = proxied()
    agent.peer.request("ping")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": f"http://127.0.0.1:{port}"}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open("http://example.com/", timeout=PATIENCE_SECONDS)
    assert caught.value.code == 405
    assert "https://" in caught.value.read().decode()
    assert caught.value.headers["Allow"] == "CONNECT"


def test_large_amounts_both_ways_at_once(proxied):
    agent, port = proxied()
    peer = agent.peer
    client, number = connect(agent, port)
    data = os.urandom(1 << 20) * 3
    client.setblocking(True)  # for the program too
    program = subprocess.Popen([sys.executable, "-c", ECHO, str(client.fileno())], pass_fds=[client.fileno()])
    client.close()
    sent = 0
    step = frames.MAX_AGENT_STREAM
    while sent < len(data):
        while sent - peer.credits.get(number, 0) + step > frames.STREAM_WINDOW:
            peer.turn(0.1)
        peer.send(frames.stream(frames.CONSOLE, number, data[sent : sent + step]))
        sent += len(data[sent : sent + step])
    peer.send(frames.stream(frames.CONSOLE, number, b""))
    peer.stream_end(number)
    assert peer.piped[number] == data
    assert program.wait(PATIENCE_SECONDS) == 0


ECHO = """
import socket, sys
peer = socket.socket(fileno=int(sys.argv[1]))
while data := peer.recv(65536):
    peer.sendall(data)
peer.shutdown(socket.SHUT_WR)
"""


def test_client_that_does_not_read_stops_the_flow_and_others_go_on(proxied):
    agent, port = proxied()
    peer = agent.peer
    slow, number = connect(agent, port)
    peer.events.clear()
    for _ in range(frames.STREAM_WINDOW // 4000):
        peer.send(frames.stream(frames.CONSOLE, number, b"x" * 4000))
    other, second = connect(agent, port)
    peer.send(frames.stream(frames.CONSOLE, second, b"y"))
    assert other.recv(10) == b"y"
    slow.close()
    peer.stream_end(number)


def test_peer_that_gives_no_credit_is_not_sent_more(proxied):
    agent, port = proxied()
    peer = agent.peer
    peer.gives_credit = False
    client, number = connect(agent, port)
    client.setblocking(False)
    sent = 0
    while True:
        try:
            sent += client.send(b"x" * 65536)
        except BlockingIOError:
            if len(peer.piped.get(number, b"")) >= frames.STREAM_WINDOW:
                break
            peer.turn(0.05)
    peer.request("ping")
    assert len(peer.piped[number]) == frames.STREAM_WINDOW < sent


def test_more_than_there_may_be_wait_for_their_turn(proxied):
    agent, port = proxied()
    peer = agent.peer
    clients = [client_of(port) for _ in range(100)]
    seen = []
    while len(seen) < 100:
        fresh = [event["stream"] for _, event in peer.events if event["type"] == "connect"]
        fresh = [number for number in fresh if number not in seen]
        assert len(fresh) <= MOST_CONNECTIONS
        for number in fresh:
            peer.request("connected", stream=number)
            peer.send(frames.stream(frames.CONSOLE, number, b"done"))
            peer.send(frames.stream(frames.CONSOLE, number, b""))
        seen += fresh
        for client in list(clients):
            client.setblocking(False)
            try:
                if b"done" in client.recv(1000):
                    client.close()
                    clients.remove(client)
            except BlockingIOError:
                pass
        peer.turn(0.01)
    assert len(set(seen)) == 100


def test_given_up_by_the_peer_is_a_reset(proxied):
    agent, port = proxied()
    client, number = connect(agent, port)
    assert agent.peer.request("stop", stream=number)["ok"]
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_another_host_ends_them_and_serves_the_next(proxied):
    agent, port = proxied()
    client, _ = connect(agent, port)
    waiting = client_of(port)
    wanted(agent.peer, 2)
    peer = agent.another_peer()
    peer.greet()
    for gone in (client, waiting):
        with pytest.raises(ConnectionResetError):
            gone.recv(1)
    connect(agent, port)


def test_programs_that_come_before_a_host_wait_for_it(proxied):
    agent, port = proxied(greet=False)
    for _ in range(600):
        try:
            client = client_of(port)
            break
        except ConnectionRefusedError:
            agent.peer.turn(0.1)
    agent.peer.greet()
    (event,) = wanted(agent.peer)
    agent.peer.request("connected", stream=event["stream"])
    assert client.recv(1000).startswith(b"HTTP/1.1 200")


def test_answers_that_nobody_waits_for_are_harmless(proxied):
    agent, port = proxied()
    for number in (0, -1, None, "x", 1 << 31, [1]):
        assert agent.peer.request("connected", stream=number)["ok"]
        assert agent.peer.request("refused", stream=number, code="x", error="y")["ok"]
    connect(agent, port)


def test_head_without_an_end_is_refused(proxied):
    agent, port = proxied()
    client = client_of(port, b"CONNECT " + b"a" * (HEAD_BYTES + 10))
    agent.peer.request("ping")
    assert client.makefile("rb").read().startswith(b"HTTP/1.1 431")


def test_head_in_pieces(proxied):
    agent, port = proxied()
    client = client_of(port, HEAD[:10])
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in HEAD[10:]:
        client.sendall(bytes([byte]))
    wanted(agent.peer)


def test_no_proxy_without_a_list(run_agent, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr("sandbox.launch.guest.PROXY_PORT", port)
    agent = run_agent("cat")
    agent.peer.request("ping")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
