"""Downloads that go on where they were cut off, from the first of several mirrors that serves."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

CONNECT_SECONDS = 5.0


READ_SECONDS = 10.0


_CHUNK = 1 << 16


def download(
    urls: Sequence[str], target: Path, right: Callable[[Path], bool], progress: bool = False
) -> None:
    """Fetch one file; it is at ``target`` only once ``right`` has said so of it.

    What came of a download that was cut off stays beside it as ``.part``, and is continued by
    the next mirror or the next call, with an HTTP Range request; a server that knows none sends
    all of it again. A file that is not right is deleted. A bar on stderr shows the progress,
    where that is a terminal.

    Raises:
        OSError: no mirror served; it tells why the last did not.
    """
    part = target.with_name(f"{target.name}.part")
    failure = OSError("no mirror is known")
    for url in urls:
        try:
            # What one mirror began and another ended may not fit together: then once more.
            for _ in range(2):
                continued = _receive(url, part, progress)
                if right(part):
                    part.replace(target)
                    return
                part.unlink(missing_ok=True)
                failure = OSError(f"{url} served another file than it should")
                if not continued:
                    break
        except (OSError, http.client.HTTPException) as error:
            failure = OSError(f"{_where(error) or url}: {_reason(error)}")
    raise failure


def _receive(url: str, part: Path, progress: bool) -> bool:
    """Write what the url serves to ``part``; whether it continued what was there."""
    from tqdm import tqdm

    here = part.stat().st_size if part.exists() else 0
    try:
        response = _open(url, here)
    except HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and here:
            return True  # there is no more of it
        raise
    with response:
        continued = response.status == 206 and _starts_at(response, here)
        length = response.headers.get("Content-Length")
        expected = int(length) + here * continued if length else None
        got = here * continued
        bar = tqdm(
            total=expected, initial=got, desc=part.stem, unit="B", unit_scale=True,
            leave=False, disable=None if progress else True,
        )  # fmt: skip
        part.parent.mkdir(parents=True, exist_ok=True)
        with bar, part.open("ab" if continued else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                got += len(chunk)
                bar.update(len(chunk))
    if expected is not None and got < expected:
        raise ConnectionError(f"cut off after {got} of {expected} bytes")
    return continued


def _open(url: str, start: int) -> Any:
    """The server's answer. In a thread of its own, for urlopen's time limit counts anew for each
    of a server's addresses, and not at all while its name is looked up.
    """
    headers = {"User-Agent": "bpapps"} | ({"Range": f"bytes={start}-"} if start else {})
    answer: Future[Any] = Future()

    def ask() -> None:
        try:
            answer.set_result(urlopen(Request(url, headers=headers), timeout=READ_SECONDS))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(CONNECT_SECONDS)
    except TimeoutError:
        raise TimeoutError(f"no answer within {CONNECT_SECONDS:g} s") from None


def _starts_at(response: Any, start: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _where(error: Exception) -> str | None:
    """The file or folder that an error is about, where it is not about the network."""
    if isinstance(error, OSError) and not isinstance(error, URLError):
        return error.filename
    return None


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"HTTP {error.code} {error.reason}"
    cause = error.reason if isinstance(error, URLError) else error
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
