"""The results of ``transcribe`` on standard output, in the order of the recordings."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from trio_cartesia._cli.account.running import print_json
from trio_cartesia._cli.console import print_message, print_result
from trio_cartesia._cli.listen.screen import one_line
from trio_cartesia._cli.transcribe.job import Job
from trio_cartesia._cli.transcribe.request import Request

__all__ = ["Results"]


@attrs.define(eq=False)
class Results:
    """What became of each recording."""

    _request: Request
    _jobs: Sequence[Job]
    _is_written: bool = attrs.field(default=True, init=False)
    _seen: int = attrs.field(default=0, init=False)  # of the first jobs

    @property
    def are_complete(self) -> bool:
        """Whether each recording has its text, and standard output has all of them."""
        return self._is_written and all(job.transcript is not None for job in self._jobs)

    def print_ready(self) -> None:
        """Print each result before which all others have been printed."""
        while self._seen < len(self._jobs) and self._jobs[self._seen].has_ended:
            self._print(self._jobs[self._seen])
            self._seen += 1

    def finish(self) -> None:
        """Print the results that are left, and list the recordings without one."""
        for job in self._jobs[self._seen :]:
            self._print(job)
        if self._request.json:
            self._is_written &= print_json([job.members() for job in self._jobs])
        rest = [job.file for job in self._jobs if not job.has_ended]
        if 0 < len(rest) < len(self._jobs):
            print_message(f"not transcribed: {', '.join(rest)}")

    def _print(self, job: Job) -> None:
        if job.transcript is None or self._request.json:
            return
        line = one_line(job.transcript.text) if job.path is None else str(job.path)
        if job.path is None and len(self._jobs) > 1:
            line = f"{job.file}\t{line}"
        self._is_written &= print_result(line, debug=self._request.debug)
