"""The streams of a server that are kept open: its notifications and its log."""

from .log import LogListener as LogListener
from .push import PushListener as PushListener
