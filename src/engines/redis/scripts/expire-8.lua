--[[
  Removes from one inbox what has ended, and announces it.
  KEYS[1] log   KEYS[2] meta   KEYS[3] topic
  KEYS[4..8]            the inbox: lines, contents, order, tags, ends
  ARGV[1..7]            the envelope, as in log.lua
  Returns the end of the next one, in milliseconds as text; "" for never
]]
local inbox = inbox_keys(4)
local log, how = log_keys(), envelope()
local counts = counts_of(inbox)
-- The caller knows that something has ended.
counts.first = 0
expire(log, inbox, counts, how)
return redis.call('ZRANGE', inbox.ends, 0, 0, 'WITHSCORES')[2] or ''
