"""``/metrics`` for Prometheus: totals of the hub, never who uses what.

Only administrators may see it, with a login or a token that is good to read: where a proxy stands in
front, everybody comes from this machine, so an address proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import prometheus_client
from klein import Klein
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from termhub.errors import NotAllowed

from .http import TermhubRequest
from .router import Router
from .services import Services

_STATES = ("starting", "running", "recovering")


class HubCollector(prometheus_client.registry.Collector):
    """What the hub knows just now."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """The metrics, read as they are."""
        services, metering = self._services, self._services.reports.metering
        consoles = services.admin.running()
        plans = metering.plans
        yield _gauge("termhub_info", "The version of the hub.", {services.version: 1}, "version")
        states = Counter(dict.fromkeys(_STATES, 0))
        states.update(console.state for console in consoles)
        yield _gauge("termhub_consoles", "Consoles that run, by state.", states, "state")
        owned = Counter(dict.fromkeys(plans.all, 0))
        owned.update(
            plans.name(user) for console in consoles if (user := plans.users.get(console.owner)) is not None
        )
        yield _gauge("termhub_plan_consoles", "Consoles that run, by plan.", owned, "plan")
        users = Counter(dict.fromkeys(plans.all, 0))
        users.update(plans.name(user) for user in plans.users.values())
        yield _gauge("termhub_users", "Accounts, by plan.", users, "plan")
        viewers = sum(len(console.viewers) for console in consoles)
        yield GaugeMetricFamily("termhub_viewers", "Clients that are attached.", viewers)
        suspended = sum(user.suspended is not None for user in plans.users.values())
        yield GaugeMetricFamily("termhub_users_suspended", "Accounts that are suspended.", suspended)
        yield GaugeMetricFamily(
            "termhub_users_over_allowance", "Accounts over the day's CPU time.", len(plans.over)
        )
        draining = int(services.admin.drain.since is not None)
        yield GaugeMetricFamily("termhub_draining", "Whether no new consoles are taken.", draining)
        figures = list(metering.figures.values())
        yield GaugeMetricFamily(
            "termhub_consoles_memory_bytes",
            "Memory that consoles hold.",
            sum(each.memory_bytes or 0 for each in figures),
        )
        yield GaugeMetricFamily(
            "termhub_consoles_processes",
            "Processes and threads in consoles.",
            sum(each.processes or 0 for each in figures),
        )
        yield GaugeMetricFamily(
            "termhub_homes_bytes",
            "Space that homes with running consoles take.",
            sum(home.bytes or 0 for home in metering.homes.values()),
        )
        totals = metering.totals
        yield CounterMetricFamily(
            "termhub_consoles_cpu_seconds", "CPU time of consoles since the hub began.", totals.cpu_seconds
        )
        traffic = CounterMetricFamily(
            "termhub_consoles_network_bytes",
            "Bytes of consoles since the hub began.",
            labels=["direction"],
        )
        traffic.add_metric(["in"], totals.network_in)
        traffic.add_metric(["out"], totals.network_out)
        yield traffic
        if metering.looked_at is not None:
            yield GaugeMetricFamily(
                "termhub_usage_time_seconds", "When usage was last measured.", metering.looked_at
            )


def _gauge(name: str, words: str, values: dict[str, int], label: str) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def add_metrics(app: Klein, router: Router) -> None:
    """Serve them."""
    registry = prometheus_client.CollectorRegistry()
    registry.register(HubCollector(router.services))
    prometheus_client.ProcessCollector(registry=registry)
    prometheus_client.GCCollector(registry=registry)

    @app.route("/metrics", methods=["GET"])
    async def metrics(request: TermhubRequest) -> Any:
        identity, _ = await router.identify(request)
        router.rates.of_user(identity.user.number)
        identity.check("read")
        if not identity.user.is_admin:
            raise NotAllowed("Only who looks after the hub may do that.", "admins_only")
        text = prometheus_client.generate_latest(registry)
        return request.send(text, prometheus_client.CONTENT_TYPE_LATEST, "no-store", {})
