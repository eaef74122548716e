"""Which engine a request gets: one in this process, or a cluster's."""

from __future__ import annotations

from suite.cluster.scheduler import parsed
from suite.engines.choice import engine_named
from suite.engines.engine import Engine
from suite.request import Request, plugins_of


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
