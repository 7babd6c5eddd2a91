--[[
  Reads a stretch of the log of a room. Entries above the age limit are removed first.

  KEYS[1] base, see log.lua
  KEYS[2] identity      of the store

  ARGV[1] now           milliseconds
  ARGV[2] max age       of entries, milliseconds
  ARGV[3] direction     "after": upwards from ARGV[4]; "before": downwards from ARGV[4]
  ARGV[4] seq           exclusive; "" with "after": from the floor; "" with "before": from the end
  ARGV[5] max entries   0 to read none
  ARGV[6] max bytes     a page has at least one entry if there is one
  ARGV[7] fresh         the identity of a store that has none

  Returns {seq, floor, epochs ("" if it was not yet written), identity, 1 if nothing is left in that direction, 0, 0, seq of the last message or "",
    message, ...}
]]
local lib = library()
local identity = lib.identity(KEYS[2], ARGV[7])
local room = lib.room(KEYS[1])
local seq, floor, epochs = lib.open_room(room, tonumber(ARGV[1]), tonumber(ARGV[2]))
if not seq then return {0, 0, '', identity, 1, 0, 0, ''} end
local result = {seq, floor, epochs, identity, 1, 0, 0, ''}
local left, bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local command, from, to = 'XRANGE', '-', '+'
if ARGV[3] == 'before' then command, from, to = 'XREVRANGE', '+', '-' end
if ARGV[4] ~= '' then from = '(' .. ARGV[4] .. '-0' end

while left > 0 do
  local count = math.min(left, 32)
  local entries = redis.call(command, room.log, from, to, 'COUNT', count)
  for _, entry in ipairs(entries) do
    -- Entries that others have put into the stream have other ids. They are skipped.
    local number = string.match(entry[1], '^(%d+)-0$')
    if number then
      local message = entry[2][2]
      bytes = bytes - #message
      if bytes < 0 and #result > 8 then
        result[5] = 0
        return result
      end
      result[#result + 1] = message
      result[8] = number
      left = left - 1
    end
    from = '(' .. entry[1]
  end
  if #entries < count then return result end
end

-- The count was reached, so only one more look shows if something is left.
if #redis.call(command, room.log, from, to, 'COUNT', 1) > 0 then result[5] = 0 end
return result
