"""The queue before a pool."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from trio_cartesia._pool.fair_queue import FairQueue, Ticket


class QueueMachine(RuleBasedStateMachine):
    """A queue beside a list that is sorted whenever it is looked at."""

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.queue: FairQueue[Ticket] = FairQueue()
        self.model: list[Ticket] = []
        self.count = 0

    @rule(target=tickets, priority=st.integers(-2, 2))
    def enter(self, priority):
        ticket = Ticket(priority, self.count)
        self.count += 1
        self.queue.enter(ticket)
        self.model.append(ticket)
        return ticket

    @rule(ticket=tickets)
    def leave(self, ticket):
        self.queue.leave(ticket)
        self.model = [each for each in self.model if each is not ticket]

    @rule(ticket=consumes(tickets))
    def return_to_the_queue(self, ticket):
        if not any(each is ticket for each in self.model):
            self.queue.enter(ticket)
            self.model.append(ticket)

    @rule()
    def pop(self):
        if self.model:
            first = min(self.model, key=lambda ticket: (-ticket.priority, ticket.number))
            assert self.queue.pop() is first
            self.model.remove(first)

    @invariant()
    def it_is_in_order(self):
        expected = sorted(self.model, key=lambda ticket: (-ticket.priority, ticket.number))
        assert list(self.queue) == expected
        assert len(self.queue) == len(expected)


TestQueue = QueueMachine.TestCase
