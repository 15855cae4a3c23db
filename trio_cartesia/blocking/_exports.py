"""The public names of `trio_cartesia.blocking`, which it loads when the first one is used."""

from __future__ import annotations

from trio_cartesia.blocking.client import Cartesia as Cartesia
from trio_cartesia.blocking.connection import Connection as Connection
from trio_cartesia.blocking.context import Context as Context
