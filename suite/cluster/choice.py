"""Which engine a request gets: one in this process, or a cluster's."""

from __future__ import annotations

from suite.engines.choice import engine_named
from suite.engines.engine import Engine
from suite.errors import UsageError
from suite.request import Request, plugins_of

MOST_PROCESSES = 256


def engine_for(request: Request) -> Engine:
    """The engine of a request; raises what its making raises."""
    if request.cluster is None:
        return engine_named(request.engine, request.probed)
    return cluster_engine(request)


def cluster_engine(request: Request) -> Engine:
    """The engine at the cluster that a request names; raises what its making raises."""
    assert request.cluster is not None
    address, count = parsed(request.cluster)
    from suite.cluster.engine import ClusterEngine  # noqa: PLC0415  # Dask, where it is asked for

    plugins = {plugin.name: plugin for plugin in plugins_of(request)}
    return ClusterEngine(address, count, plugins, request.engine, request.probed)


def require_scheduler(where: str | None) -> None:
    """Raise ClusterError where no scheduler answers at an address, UsageError where it is none."""
    address, _ = parsed(where) if where else ("", 0)
    if address:
        from suite.cluster.engine import connected  # noqa: PLC0415  # Dask, where it is asked for

        connected(address).close()


def parsed(where: str, most: int = MOST_PROCESSES) -> tuple[str, int]:
    """The address that `where` names, or the number of processes; UsageError for neither."""
    if where.isdecimal() and 1 <= int(where) <= most:
        return "", int(where)
    if "://" in where and not where.startswith("://"):
        return where, 0
    raise UsageError(
        f"Expected a scheduler's address such as tcp://10.0.0.1:8786, or a number of processes "
        f"on this machine from 1 to {most}. Received: cluster={where!r}."
    )
