"""HTTP connections, and the only room that imports httpcore2, the lower half of httpx2.

It speaks HTTP and keeps connections for the next request. It gets streams of ours, and bodies in
chunks pass it by. Its exceptions end here.

The upper half, ``httpx2.AsyncClient``, was measured and left out: what it adds (redirects, cookies,
decompression) is not used here, and it took a quarter of the processor time of a request.
"""

from trio_cartesia._http.wire.pool import KEPT_SECONDS, Wire
from trio_cartesia._http.wire.responses import WireResponse

__all__ = ["KEPT_SECONDS", "Wire", "WireResponse"]
