--[[
  Takes out of one inbox what has ended, and tells of it.
  KEYS[1] log   KEYS[2] meta   KEYS[3] topic
  KEYS[4..8]            the inbox: lines, contents, order, tags, ends
  ARGV[1] run_id   ARGV[2] incarnation
  ARGV[3] now           milliseconds
  ARGV[4] max count     of entries
  ARGV[5] command       PUBLISH or SPUBLISH
  ARGV[6] id            of the event
  ARGV[7] max age       milliseconds
  Returns when the next one ends, in milliseconds as text; "" for never
]]
local inbox = inbox_keys(4)
local log = {log = KEYS[1], meta = KEYS[2], topic = KEYS[3]}
local how = {run_id = ARGV[1], incarnation = ARGV[2], max = tonumber(ARGV[4]), command = ARGV[5], now = tonumber(ARGV[3]), id = ARGV[6], max_age = tonumber(ARGV[7])}
local counts = counts_of(inbox)
-- Whoever comes here knows of something that ends.
counts.first = 0
expire(log, inbox, counts, how)
return redis.call('ZRANGE', inbox.ends, 0, 0, 'WITHSCORES')[2] or ''
