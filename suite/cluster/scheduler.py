"""A cluster's scheduler: how it is named, and whether it answers. Loads neither Keras nor JAX."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from suite.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from distributed import Client

MOST_PROCESSES = 256

CONNECT = 10.0
"""Seconds in which a scheduler answers, or there is none."""

UNREACHABLE = (OSError, TimeoutError, RuntimeError)
"""What Dask raises where a scheduler does not answer; its own errors of communication are among
them."""


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


def require_scheduler(where: str | None) -> None:
    """Raise ClusterError where no scheduler answers at an address, UsageError where it is none."""
    if where is not None and (address := parsed(where)[0]):
        connected(address).close()


def connected(address: str) -> Client:
    """A client of the scheduler at that address; raises ClusterError where none answers."""
    from distributed import Client  # noqa: PLC0415  # Dask, where it is asked for

    for name in ("distributed", "distributed.client", "distributed.comm"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is said by the suite
    if not address.startswith("inproc://"):
        try:
            asyncio.run(asyncio.wait_for(_identity(address), CONNECT))
        except ValueError as error:  # a scheme that Dask does not know
            raise UsageError(
                f"Expected an address that Dask can connect to, such as tcp://10.0.0.1:8786. "
                f"Received: cluster={address!r} ({error})."
            ) from error
        except UNREACHABLE as error:
            raise ClusterError(
                f"Expected a Dask scheduler at {address}. Received: no answer within "
                f"{CONNECT:.0f} s. Start one with `dask scheduler`."
            ) from error
    return Client(address, timeout=CONNECT, set_as_default=False)


async def _identity(address: str) -> Any:
    """What a scheduler says of itself; asked before there is a client, which is slow to give up."""
    from distributed.core import rpc  # noqa: PLC0415  # Dask, where it is asked for

    async with rpc(address) as scheduler:
        return await scheduler.identity()
