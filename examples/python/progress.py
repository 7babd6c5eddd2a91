"""A task that shows its progress in every tab of a user, as one notification that is replaced in place.

    python3 progress.py demo 200

It needs notify.py, which says where Tabcast is.
"""

import sys
import time
import uuid

from notify import TabcastError, notify


def export(user, rows):
    """Works off so many rows and shows how far it has come; returns the tag of the notification."""
    task = f"export-{uuid.uuid4().hex[:8]}"

    def show(status, row):
        done = status == "succeeded"
        notification = {
            "title": "Your export is ready" if done else "Exporting",
            "tag": task,
            # A lower version than the stored one is dropped: an update that was held up cannot set the bar back.
            "version": row + done,
            "progress": {
                "status": status,
                "value": row,
                "max": rows,
                "text": f"{row} of {rows} rows",
                # No update for this many seconds, and it is shown as stale: then the task has died.
                "staleAfter": 30,
            },
        }
        notify(user, notification)

    for row in range(rows):
        # Tabs are shown four updates a second at most, so it does no harm to send each.
        show("running", row)
        time.sleep(0.005)
    show("succeeded", rows)
    return task


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[2].isdecimal():
        sys.exit("Usage: python3 progress.py <user> <rows>")
    try:
        print(f"{export(sys.argv[1], int(sys.argv[2]))} is done")
    except TabcastError as failure:
        sys.exit(str(failure))
