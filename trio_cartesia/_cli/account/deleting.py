"""Delete several records of an account, and report what became of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from trio_cartesia import AuthenticationFailed, Cartesia, RequestFailed
from trio_cartesia._cli.account.running import Common, next_step_of, print_json, run_request
from trio_cartesia._cli.console import (
    EXPECTED,
    FAILED,
    Expected,
    UsageError,
    describe_error,
    print_message,
    print_result,
    report_error,
)

__all__ = ["Ids", "delete_each"]

Ids = Annotated[str, Parameter(name="ID", required=True)]
Delete = Callable[[str], Awaitable[None]]


async def delete_each(
    common: Common, ids: Sequence[str], delete_of: Callable[[Cartesia], Delete]
) -> int:
    """Delete the records with these ids, one after the other, and return the exit code.

    The ids of deleted records go to standard output, one a line, as soon as each is deleted;
    failures go to standard error with their ids. A record that the service refuses to delete does
    not keep the others from being deleted; any other failure does, and the rest is listed.

    Args:
        common: The options.
        ids: The ids.
        delete_of: Returns the client's method that deletes one.

    Raises:
        UsageError: An id is not valid; nothing was sent.
    """
    _check(ids)
    errors: dict[str, Expected | None] = {}  # by id; None: deleted

    async def work(client: Cartesia) -> bool:
        delete, is_printed = delete_of(client), True
        for each in ids:
            errors[each] = error = await _error_of(delete(each))
            if error is not None:
                step = next_step_of(error)
                report_error(error, each, next_step=step, debug=common.debug)
                if _concerns_all(error):
                    break
            elif not common.json:
                is_printed &= print_result(each)
        if rest := ids[len(errors) :]:
            print_message(f"not deleted, as nothing was sent for them: {', '.join(rest)}")
        if common.json:
            is_printed = print_json([_outcome(each, errors) for each in ids])
        return is_printed

    code = await run_request(common, work)
    return FAILED if any(errors.values()) else code


def _check(ids: Sequence[str]) -> None:
    for each in ids:
        if each.strip() in ("", ".", "..") or each != each.strip() or not each.isprintable():
            raise UsageError(f"{each!r} is not an id", next_step="Nothing was sent.")
        if ids.count(each) > 1:
            raise UsageError(f"the id {each} is there twice", next_step="Nothing was sent.")


async def _error_of(deletion: Awaitable[None]) -> Expected | None:
    try:
        await deletion
    except EXPECTED as error:
        return error
    return None


def _concerns_all(error: Expected) -> bool:
    return not isinstance(error, RequestFailed) or isinstance(error, AuthenticationFailed)


def _outcome(each: str, errors: dict[str, Expected | None]) -> dict[str, Any]:
    if each not in errors:
        return {"id": each, "deleted": False, "error": "Nothing was sent."}
    error = errors[each]
    if error is None:
        return {"id": each, "deleted": True}
    return {"id": each, "deleted": False, "error": describe_error(error, next_step_of(error))}
