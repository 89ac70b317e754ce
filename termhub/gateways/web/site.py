"""The whole web gateway on one port: REST, the WebSocket, and the browser client's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from klein import Klein
from twisted.web.resource import IResource

from termhub.errors import NoSuchConsole, NotAllowed, NotLoggedIn

from ..attached import NOT_ALLOWED, Attached
from . import (
    account_api,
    admin_api,
    console_api,
    export_api,
    key_api,
    plan_api,
    share_api,
    usage_api,
)
from .attach import NO_SUCH_CONSOLE, SUBPROTOCOL, Admission, AttachFactory, attach_resource
from .guards import Guards
from .http import TermhubRequest, TermhubSite
from .metrics import add_metrics
from .openapi import openapi_document
from .operations import PREFIX
from .origins import origin_is_ours
from .problems import refusal
from .router import Router, new_app
from .services import Services
from .static import Static, StaticFile

OPERATIONS = (
    *console_api.OPERATIONS,
    *share_api.OPERATIONS,
    *account_api.OPERATIONS,
    *key_api.OPERATIONS,
    *export_api.OPERATIONS,
    *admin_api.OPERATIONS,
    *plan_api.OPERATIONS,
    *usage_api.OPERATIONS,
)
STATIC_FOLDER = Path(__file__).parent / "static"


def make_site(
    services: Services,
    reactor: Any,
    *,
    guards: Guards | None = None,
    static_folder: Path = STATIC_FOLDER,
) -> TermhubSite:
    """The site to listen with.

    :param services: the consoles, accounts and images to serve.
    :param guards: what connections and requests are held to; None: next to nothing.
    :param static_folder: where the browser client was built to.
    """
    guards = guards or Guards()
    router = Router(services, origins=guards.origins, rates=guards.rates)
    app = new_app()
    router.add(app, OPERATIONS)
    _add_documents(app, services)
    add_metrics(app, router)
    _add_attach(app, router, AttachFactory(Attached(services.accounts), reactor))
    _add_client(app, Static(static_folder))
    return TermhubSite(IResource(app.resource()), reactor, guards)


def _add_documents(app: Klein, services: Services) -> None:
    document = msgspec.json.encode(openapi_document(OPERATIONS, services.version))

    @app.route(PREFIX + "/openapi.json", methods=["GET"])
    def openapi(request: TermhubRequest) -> bytes:
        return request.send(document, "application/json", "no-cache", {})

    @app.route("/healthz", methods=["GET"])
    def healthz(request: TermhubRequest) -> bytes:
        status = "ok" if services.admin.drain.since is None else "draining"
        health = msgspec.json.encode({"status": status, "version": services.version})
        return request.send(health, "application/json", "no-store", {})


def _add_attach(app: Klein, router: Router, factory: AttachFactory) -> None:
    @app.route(PREFIX + "/consoles/<console>/attach", methods=["GET"])
    async def attach(request: TermhubRequest, console: str) -> Any:
        origin = request.header("Origin")
        wanted = (request.header("Sec-WebSocket-Protocol") or "").replace(" ", "").split(",")
        if (request.header("Upgrade") or "").lower() != "websocket":
            return request.refuse(
                refusal(426, "upgrade_required", "This address is a WebSocket.", Upgrade="websocket")
            )
        if origin is not None and not origin_is_ours(origin, request.asked_host, router.origins):
            return request.refuse(refusal(403, "foreign_origin", "Only termhub's own pages may attach."))
        if SUBPROTOCOL not in wanted:
            return request.refuse(
                refusal(400, "bad_subprotocol", f"The WebSocket subprotocol is {SUBPROTOCOL}.")
            )
        admission = await _admission(router, request, console)
        if request.is_over:
            return None
        return attach_resource(factory, admission, request.give_places())


async def _admission(router: Router, request: TermhubRequest, console: str) -> Admission:
    consoles = router.services.consoles
    try:
        identity, credentials = await router.identify(request)
        user = identity.user
        router.rates.of_user(user.number)
        identity.check("read")
        found = consoles.get(user, console, "observer")
        return Admission(
            user,
            credentials,
            found,
            lambda: consoles.role_of(user, found),
            may_write=identity.may_write,
            address=request.address,
        )
    except (NotLoggedIn, NotAllowed) as error:
        return Admission(close_code=NOT_ALLOWED, reason=error.message)
    except NoSuchConsole as error:
        return Admission(close_code=NO_SUCH_CONSOLE, reason=error.message)


def _add_client(app: Klein, static: Static) -> None:
    def send(request: TermhubRequest, file: StaticFile) -> bytes:
        headers = {"Vary": "Accept-Encoding"}
        if request.has_etag(file.etag):
            return request.send(b"", "", file.cache_control, headers)
        body = file.content
        if file.compressed is not None and "gzip" in (request.header("Accept-Encoding") or ""):
            body = file.compressed
            headers["Content-Encoding"] = "gzip"
        return request.send(body, file.content_type, file.cache_control, headers)

    @app.route("/", methods=["GET"])
    @app.route("/login", methods=["GET"])
    @app.route("/keys", methods=["GET"])
    @app.route("/account", methods=["GET"])
    @app.route("/usage", methods=["GET"])
    @app.route("/admin", methods=["GET"])
    @app.route("/admin/users", methods=["GET"])
    @app.route("/admin/consoles", methods=["GET"])
    @app.route("/admin/audit", methods=["GET"])
    @app.route("/s/", methods=["GET"])
    def page(request: TermhubRequest) -> bytes:
        return send(request, static.page())

    @app.route("/c/<name>", methods=["GET"])
    @app.route("/s/<name>", methods=["GET"])
    def named_page(request: TermhubRequest, name: str) -> bytes:
        return send(request, static.page())

    @app.route("/c/<owner>/<name>", methods=["GET"])
    def shared_page(request: TermhubRequest, owner: str, name: str) -> bytes:
        return send(request, static.page())

    @app.route("/<file>", methods=["GET"])
    def top_file(request: TermhubRequest, file: str) -> bytes:
        return send_found(request, file)

    @app.route("/assets/<path:path>", methods=["GET"])
    def asset(request: TermhubRequest, path: str) -> bytes:
        return send_found(request, f"assets/{path}")

    def send_found(request: TermhubRequest, path: str) -> bytes:
        found = static.file(path)
        if found is None:
            return request.refuse(refusal(404, "not_found", "There is nothing at this address."))
        return send(request, found)
