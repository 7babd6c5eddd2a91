--[[
  Reads a stretch of a log, which is founded if it does not exist yet. Entries above the age limit are removed first.

  KEYS[1] log
  KEYS[2] meta
  KEYS[3] lines         of the inbox; of a room there are none

  ARGV[1] incarnation  for a log that does not exist yet
  ARGV[2] now          milliseconds
  ARGV[3] max age      of entries, milliseconds
  ARGV[4] direction    "after": upwards from ARGV[5]; "before": downwards from ARGV[5]
  ARGV[5] seq          exclusive; "" with "after": from the floor; "" with "before": from the end
  ARGV[6] max entries  0 to read none
  ARGV[7] max bytes    a page has at least one entry if there is one

  Returns {seq, floor, epochs, 1 if nothing is left in that direction, unread, unseen, seq of the last message or "", message, ...}; the
  counts are those of the user's inbox
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
local result = {tonumber(meta[1] or 0), tonumber(meta[2] or 0), meta[3], 1, tonumber(counts[1] or 0), tonumber(counts[2] or 0), ''}
local left, bytes = tonumber(ARGV[6]), tonumber(ARGV[7])
local command, from, to = 'XRANGE', '-', '+'
if ARGV[4] == 'before' then command, from, to = 'XREVRANGE', '+', '-' end
if ARGV[5] ~= '' then from = '(' .. ARGV[5] .. '-0' end

while left > 0 do
  local count = math.min(left, 32)
  local entries = redis.call(command, KEYS[1], from, to, 'COUNT', count)
  for _, entry in ipairs(entries) do
    -- Entries that others have put into the stream have other ids. They are skipped.
    local seq = string.match(entry[1], '^(%d+)-0$')
    if seq then
      local message = entry[2][2]
      bytes = bytes - #message
      if bytes < 0 and #result > 7 then
        result[4] = 0
        return result
      end
      result[#result + 1] = message
      result[7] = seq
      left = left - 1
    end
    from = '(' .. entry[1]
  end
  if #entries < count then return result end
end

-- The count was reached, so only one more look shows if something is left.
if #redis.call(command, KEYS[1], from, to, 'COUNT', 1) > 0 then result[4] = 0 end
return result
