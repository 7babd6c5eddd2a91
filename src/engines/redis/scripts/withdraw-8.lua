--[[
  Removes one notification from the inbox and the log, and announces it.
  KEYS[1] log   KEYS[2] meta   KEYS[3] topic
  KEYS[4..8]            the inbox: lines, contents, order, tags, ends
  ARGV[1..7]            the envelope, as in log.lua
  ARGV[8] opening       "<event> <id> <createdAt> <expiresAt> <except>\n"
  ARGV[9] id or tag
  Returns {id, 1 if it has a webhook}, or {} if there is none
]]
local inbox = inbox_keys(4)
local log, how = log_keys(), envelope()
local counts = counts_of(inbox)
expire(log, inbox, counts, how)
local id = redis.call('HGET', inbox.tags, ARGV[9]) or ARGV[9]
local line = redis.call('HGET', inbox.lines, id)
if not line then return {} end
local words = words_of(line)
redis.call('XDEL', KEYS[1], words[SEQ] .. '-0')
drop(inbox, counts, id, words)
keep_counts(inbox, counts)
append_event(log, how, ARGV[8] .. '["notification:removed",{"ids":["' .. id .. '"]', counts)
return {id, words[WITH_WEBHOOK] == '-' and 0 or 1}
