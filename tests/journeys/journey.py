"""Home Assistant and a server on a journey, at one address or at two."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.const import CONF_URL, STATE_OFF
from homeassistant.data_entry_flow import FlowResultType

from tests.conftest import Home, settle
from tests.flows import announce, answer_repair, open_repair, repairs
from tests.simulator import SimulatedPlex

OLD, NEW = "127.0.0.1", "127.0.0.2"
NOTHING_LISTENS = "Nothing is listening at the address"
MINUTE, HOUR = 60, 3600


def token_sent_to(plex: SimulatedPlex) -> Counter[str]:
    """Return how often each path was asked for with a token."""
    return Counter(it.path for it in plex.requests if "X-Plex-Token" in it.headers)


class Journey(Home):
    """Home Assistant, a server, its entry, and what can be seen of all of them."""

    def is_retried(self) -> bool:
        return self.entry.state is ConfigEntryState.SETUP_RETRY

    def repairs(self) -> set[str]:
        return set(repairs(self.hass))

    def dialogs(self) -> list[ConfigFlowResult]:
        return self.hass.config_entries.flow.async_progress()

    async def follow(self, kind: str) -> Any:
        """Confirm the only repair; return the dialog to which it leads."""
        assert self.repairs() == {kind}
        result = await answer_repair(self.hass, await open_repair(self.hass, kind), {})
        assert result["type"] is FlowResultType.CREATE_ENTRY
        _, flow_id = result["next_flow"]
        return self.hass.config_entries.flow.async_get(flow_id)

    def expect_healthy(self) -> None:
        """See the entry at work, and nothing left for a person to do."""
        assert self.entry_state() is ConfigEntryState.LOADED
        assert self.state() == STATE_OFF
        assert self.repairs() == set()
        assert self.dialogs() == []

    def update(self, **data: Any) -> None:
        """Change the entry's data."""
        data = {**self.entry.data, **data}
        self.hass.config_entries.async_update_entry(self.entry, data=data)

    async def tasks(self) -> dict[str, Any]:
        """Return what an action says of each task."""
        return {it["name"]: it for it in await self.answer("get_butler_tasks")}

    async def pass_time(self, seconds: int) -> None:
        """Let time pass in steps that no timer leaps over."""
        await self.advance_steps(seconds // 5, 5)

    async def pass_by(self, seconds: float) -> None:
        """Let time pass without waiting for answers that need it to pass themselves."""
        for step in (*[5] * int(seconds // 5), seconds % 5):
            self.freezer.tick(step)
            await self.plex.advance(step)
            for _ in range(50):
                await asyncio.sleep(0)


@dataclass
class Move(Journey):
    """A server at its old and at its new address."""

    new: SimulatedPlex

    @property
    def old(self) -> SimulatedPlex:
        return self.plex

    def url(self) -> str:
        return str(self.entry.data[CONF_URL])

    async def announce(self) -> ConfigFlowResult:
        """Let the server announce itself at the new address."""
        return await announce(self.hass, self.new.port, NEW)

    async def outage(self, minutes: int = 2) -> None:
        """Let so much time pass that one failed poll has become an absence."""
        await self.advance_steps(minutes * 2, 31)

    async def leave(self) -> None:
        """Let the server leave its old address, and be missed there."""
        await self.announce()
        await self.old.stop_listening()
        await self.outage()

    async def confirm(self, url: str | None = None) -> None:
        """Confirm the new address, and see the entry at work there."""
        result = await open_repair(self.hass, "address_changed")
        assert result["step_id"] == "confirm"
        result = await answer_repair(self.hass, result, {})
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await settle(self.hass)
        self.expect_healthy_at(url or self.new.url)

    async def come_back(self, url: str) -> None:
        """Let the server be at its old address again, and see the entry at work there."""
        await self.old.listen_again()
        await self.outage()
        self.expect_healthy_at(url)

    def expect_not_followed(self) -> None:
        """See no repair, and no token at the new address."""
        assert self.repairs() == set()
        assert not token_sent_to(self.new)

    def expect_healthy_at(self, url: str) -> None:
        """See the entry at work at an address."""
        assert self.url() == url
        self.expect_healthy()
