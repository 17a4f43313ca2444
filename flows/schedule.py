"""The Prefect face of the flows: schedules, retries, names. The only module that knows Prefect.

Every flow is a plain async function that a caller may await without Prefect (`collect.fn(...)`); the decorators add the schedule,
the run's log and one retry layer. Async, since Prefect 3.8.8 spends a second in the heartbeat thread of each sync flow.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from prefect import aserve, flow
from prefect.schedules import Cron, Interval

from duluan.clock import system_clock
from flows import rounds

ZONE = "Asia/Ho_Chi_Minh"
EVERY = 600.0  # seconds: an incident is to be seen within the hour: six looks at every source
RETRIES, RETRY_DELAY = 2, 60  # a flow takes one delay: a list is refused by the server with 422


@flow(name="thu-thap-va-canh-bao", retries=RETRIES, retry_delay_seconds=RETRY_DELAY)
async def collect(province: str | None = None, store: str | None = None, state: str | None = None) -> dict[str, Any]:
    """One round: crawl, enrich, index, watch, send."""
    return await asyncio.to_thread(rounds.collect_and_watch, province, store, state, clock=system_clock)


@flow(name="ban-tin-tuan", retries=1, retry_delay_seconds=600)
async def brief(province: str | None = None, store: str | None = None, out: str = "out/ban-tin") -> list[str]:
    """The briefing of the week that ended yesterday."""
    return await asyncio.to_thread(rounds.write_last_week, province, store, out, clock=system_clock)


@flow(name="het-han-luu", retries=1, retry_delay_seconds=600)
async def retain(store: str | None = None, state: str | None = None) -> dict[str, int]:
    """Shorten and delete what is past its retention."""
    return await asyncio.to_thread(rounds.retain, store, state, clock=system_clock)


async def serve(province: str | None, store: str | None, state: str | None, *, every: float = EVERY) -> None:
    """Run all schedules until the process ends: a round every ten minutes, the briefing on Fridays at six, retention at three."""
    common = {"province": province, "store": store}
    await aserve(
        await collect.ato_deployment(
            "tinh",
            schedule=Interval(timedelta(seconds=every), timezone=ZONE),
            parameters={**common, "state": state},
            concurrency_limit=1,
        ),
        await brief.ato_deployment("tinh", schedule=Cron("0 6 * * 5", timezone=ZONE), parameters=common),
        await retain.ato_deployment(
            "tinh", schedule=Cron("0 3 * * *", timezone=ZONE), parameters={"store": store, "state": state}
        ),
        print_starting_message=False,
    )
