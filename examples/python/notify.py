"""Notifies a user through Tabcast, with the standard library only (Python 3.9 or later).

    python3 notify.py demo "Your export is ready" "42 rows"

TABCAST_URL and TABCAST_KEY come from the environment.
"""

import http.client
import json
import os
import re
import sys
import time
import uuid
from urllib.parse import quote, urlsplit


class TabcastError(Exception):
    """The notification was refused, or could not be delivered to Tabcast."""


def notify(user, notification, key=None):
    """Stores the notification, shows it in every tab of the user, and returns id, seq, epoch, connections.

    If nothing or a 5xx came back, it is sent once more with the same idempotency key, so it is never shown twice.
    Give a key of your own, such as "export-42", to repeat the call safely later.
    """
    key = key or str(uuid.uuid4())
    for last in (False, True):
        try:
            status, answer = _post(user, notification, key)
            if last or status < 500:
                break
        except (OSError, http.client.HTTPException) as error:
            if last:
                raise TabcastError(f"Tabcast did not answer: {error or type(error).__name__}") from error
    try:
        result = json.loads(answer)
    except ValueError:
        result = {}
    if not 200 <= status < 300:
        raise TabcastError(f"Tabcast answered {status}: {_problem(result)}")
    return result


def _post(user, notification, key):
    api_key = os.environ.get("TABCAST_KEY", "")
    if not re.fullmatch("[!-~]+", api_key):
        raise TabcastError("Set TABCAST_KEY to an API key, without spaces and line breaks")
    url = urlsplit(os.environ.get("TABCAST_URL", "http://127.0.0.1:3000"))
    if url.scheme not in ("http", "https") or not url.hostname:
        raise TabcastError("Set TABCAST_URL to an address such as http://127.0.0.1:3000")
    secure = url.scheme == "https"
    connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(url.netloc, timeout=0.5)
    deadline = time.monotonic() + 2
    try:
        connection.connect()
        # A timeout of a socket is for each step, so each one gets what is left.
        connection.sock.settimeout(max(0.1, deadline - time.monotonic()))
        connection.request(
            "POST",
            # Without safe="" a user called "a/b" would be another route.
            f"{url.path.rstrip('/')}/notify/{quote(user, safe='')}",
            body=json.dumps(notification).encode(),
            headers={
                "Authorization": f"Bearer {api_key}",
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            },
        )
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _problem(problem):
    """What a problem document (RFC 9457) says, in one line."""
    errors = [f"{error.get('pointer')}: {error.get('detail')}" for error in problem.get("errors", [])]
    return "; ".join([problem.get("detail") or problem.get("title") or "no problem document", *errors])


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("Usage: python3 notify.py <user> <title> [<body>]")
    fields = dict(zip(("title", "body"), sys.argv[2:]))
    try:
        print(json.dumps(notify(sys.argv[1], fields), ensure_ascii=False))
    except TabcastError as failure:
        sys.exit(str(failure))
