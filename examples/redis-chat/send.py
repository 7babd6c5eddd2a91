"""Publishes a message to every open page: python3 send.py "Hello, everyone"

It needs the package redis (Debian: python3-redis). REDIS_URL comes from the environment.
"""

import os
import sys

import redis

if len(sys.argv) != 2:
    sys.exit("Usage: python3 send.py <message>")

r = redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"))
r.publish("chat", sys.argv[1])
