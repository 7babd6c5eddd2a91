--[[
  Makes a user a member of a room, or ends the membership, and appends the control entry that reports it. A call that changes nothing writes
  nothing.

  KEYS[1] base, see log.lua

  ARGV[1..8]            the envelope, as in log.lua
  ARGV[9] opening       of the control entry, as in publish-n
  ARGV[10] tail         of the control entry
  ARGV[11] room
  ARGV[12] publish      "1" or "0"; "" ends the membership
  ARGV[13] most         rooms that a user may be a member of

  Returns 0 nothing to change | 1 changed | 2 a member of too many rooms
]]
local key, room, publish = KEYS[1] .. ':memberships', ARGV[11], ARGV[12]
local known = redis.call('HGET', key, room)
if (known or '') == publish then return 0 end
if publish == '' then
  redis.call('HDEL', key, room)
else
  if not known and redis.call('HLEN', key) >= tonumber(ARGV[13]) then return 2 end
  redis.call('HSET', key, room, publish)
end
local lib = library()
local how = lib.envelope()
local user = lib.open_to_write(KEYS[1], how)
lib.append_event(user, how, ARGV[9], ARGV[10])
lib.close(user)
return 1
