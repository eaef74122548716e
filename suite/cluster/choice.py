"""Which engine a request gets: one in this process, or a cluster's."""

from __future__ import annotations

from suite.engines.choice import engine_named
from suite.engines.engine import Engine
from suite.request import Request, plugins_of


def engine_for(request: Request) -> tuple[Engine, str]:
    """The engine of a request, and what it costs; raises what either's making raises."""
    engine, cost = engine_named(request.engine, request.probed)
    if request.cluster is None:
        return engine, cost
    from suite.cluster.engine import ClusterEngine  # noqa: PLC0415  # Dask, where it is asked for

    plugins = {plugin.name: plugin for plugin in plugins_of(request)}
    return ClusterEngine(request.cluster, plugins, request.engine, request.probed), cost
