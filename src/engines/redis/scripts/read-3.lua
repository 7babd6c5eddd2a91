--[[
  Reads a stretch of a log, which is founded if it does not exist yet. Entries above the age limit are removed first.

  KEYS[1] log
  KEYS[2] meta
  KEYS[3] lines         of the inbox; of a room there are none

  ARGV[1] birth        for a log that does not exist yet
  ARGV[2] now          milliseconds
  ARGV[3] max age      of entries, milliseconds
  ARGV[4] direction    "after": upwards from ARGV[5]; "before": downwards from ARGV[5]
  ARGV[5] seq          exclusive; "" with "after": from the floor; "" with "before": from the end
  ARGV[6] max entries  0 to read none
  ARGV[7] max bytes    a page has at least one entry if there is one

  Returns {seq, floor, epochs, 1 if nothing is left in that direction, unread, unseen, message, ...}; the counts are those of the user's inbox
]]
local epoch = found(KEYS[1], KEYS[2], ARGV[1])
local now, max_age = tonumber(ARGV[2]), tonumber(ARGV[3])
if now >= tonumber(redis.call('HGET', KEYS[2], 'due') or 0) then
  keep_alive(KEYS[1], KEYS[2], now, max_age)
else
  trim_by_age(KEYS[1], KEYS[2], now, max_age)
end

local meta = redis.call('HMGET', KEYS[2], 'seq', 'floor', 'epochs')
local counts = redis.call('HMGET', KEYS[3], '#unread', '#unseen')
local result = {tonumber(meta[1] or 0), tonumber(meta[2] or 0), meta[3], 1, tonumber(counts[1] or 0), tonumber(counts[2] or 0)}
local left, bytes, edge = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[5]
while left > 0 do
  local count = math.min(left, 32)
  local entries
  if ARGV[4] == 'after' then
    entries = redis.call('XRANGE', KEYS[1], edge == '' and '-' or ('(' .. edge .. '-0'), '+', 'COUNT', count)
  else
    entries = redis.call('XREVRANGE', KEYS[1], edge == '' and '+' or ('(' .. edge .. '-0'), '-', 'COUNT', count)
  end
  for _, entry in ipairs(entries) do
    local message = entry[2][2]
    bytes = bytes - #message
    if bytes < 0 and #result > 6 then
      result[4] = 0
      return result
    end
    result[#result + 1] = message
    edge = string.match(entry[1], '^%d+')
  end
  left = left - #entries
  if #entries < count then return result end
end

-- The count was reached: whether something is left, one more look tells.
if ARGV[4] == 'after' then
  if #redis.call('XRANGE', KEYS[1], edge == '' and '-' or ('(' .. edge .. '-0'), '+', 'COUNT', 1) > 0 then result[4] = 0 end
elseif #redis.call('XREVRANGE', KEYS[1], edge == '' and '+' or ('(' .. edge .. '-0'), '-', 'COUNT', 1) > 0 then
  result[4] = 0
end
return result
