--[[
  Makes a user a member of a room, or ends the membership, and appends the control entry that reports it. A call that changes nothing writes
  nothing.

  KEYS[1] log
  KEYS[2] meta
  KEYS[3] memberships  hash: room -> "1" if the member may publish there, else "0"
  KEYS[4] topic        Pub/Sub channel

  ARGV[1..7]            the envelope, as in log.lua
  ARGV[8] opening      of the control entry, as in publish-5
  ARGV[9] tail         of the control entry
  ARGV[10] room
  ARGV[11] publish     "1" or "0"; "" ends the membership
  ARGV[12] most        rooms that a user may be a member of

  Returns 0 nothing to change | 1 changed | 2 a member of too many rooms
]]
local room, publish = ARGV[10], ARGV[11]
local known = redis.call('HGET', KEYS[3], room)
if (known or '') == publish then return 0 end
if publish == '' then
  redis.call('HDEL', KEYS[3], room)
else
  if not known and redis.call('HLEN', KEYS[3]) >= tonumber(ARGV[12]) then return 2 end
  redis.call('HSET', KEYS[3], room, publish)
end

local how = envelope()
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'due')
local number, epoch = next_number(KEYS[1], KEYS[2], meta[1], how.run_id, how.incarnation)
local message = number .. ' ' .. epoch .. ' ' .. ARGV[8] .. ',"seq":' .. number .. ',"epoch":"' .. epoch .. '"' .. ARGV[9]
append(KEYS[1], KEYS[2], number, message, how.max)
if how.now >= tonumber(meta[2] or 0) then keep_alive(KEYS[1], KEYS[2], how.now, how.max_age) end
redis.call(how.command, KEYS[4], message)
return 1
