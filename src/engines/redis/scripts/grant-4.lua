--[[
  Makes a user a member of a room, or ends it, and appends the control entry that tells so; what changes nothing writes nothing.

  KEYS[1] log
  KEYS[2] meta
  KEYS[3] memberships  hash: room -> "1" if the member may speak there, else "0"
  KEYS[4] topic         Pub/Sub channel

  ARGV[1] run_id         of this store, as the caller knows it; "" to ask the store itself
  ARGV[2] incarnation        for a log that does not exist yet
  ARGV[3] opening      of the control entry, as in publish-5
  ARGV[4] tail         of the control entry
  ARGV[5] room
  ARGV[6] publish      "1" or "0"; "" ends the membership
  ARGV[7] most         rooms that a user may be a member of
  ARGV[8] now          milliseconds
  ARGV[9] max count    of entries
  ARGV[10] max age     of entries, milliseconds
  ARGV[11] command     PUBLISH or SPUBLISH

  Returns 0 nothing to change | 1 changed | 2 a member of too many rooms
]]
local known = redis.call('HGET', KEYS[3], ARGV[5])
if (known or '') == ARGV[6] then return 0 end
if ARGV[6] == '' then
  redis.call('HDEL', KEYS[3], ARGV[5])
else
  if not known and redis.call('HLEN', KEYS[3]) >= tonumber(ARGV[7]) then return 2 end
  redis.call('HSET', KEYS[3], ARGV[5], ARGV[6])
end

local meta = redis.call('HMGET', KEYS[2], 'epoch', 'due')
local number, epoch = next_number(KEYS[1], KEYS[2], meta[1], ARGV[1], ARGV[2])
local message = number .. ' ' .. epoch .. ' ' .. ARGV[3] .. ',"seq":' .. number .. ',"epoch":"' .. epoch .. '"' .. ARGV[4]
append(KEYS[1], KEYS[2], number, message, tonumber(ARGV[9]))
local now = tonumber(ARGV[8])
if now >= tonumber(meta[2] or 0) then keep_alive(KEYS[1], KEYS[2], now, tonumber(ARGV[10])) end
redis.call(ARGV[11], KEYS[4], message)
return 1
