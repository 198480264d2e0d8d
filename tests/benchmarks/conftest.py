"""The benchmarks make Home Assistants and loops of their own, as the score does."""

from tests.truth.conftest import (
    _custom_integrations,
    _quiet_log,
    enable_event_loop_debug,
)

__all__ = ["_custom_integrations", "_quiet_log", "enable_event_loop_debug"]
