"""Speech of many texts, each in a file of its own, with a record of what is done."""

from __future__ import annotations

from trio_cartesia.batch.item_file import read_items as read_items
from trio_cartesia.batch.items import Item as Item
from trio_cartesia.batch.results import BatchStatistics as BatchStatistics
from trio_cartesia.batch.results import Result as Result
from trio_cartesia.batch.speaking import Batch as Batch
from trio_cartesia.batch.speaking import speak_all as speak_all
