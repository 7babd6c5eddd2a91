--[[
  Removes the users of a dead process from a room. Every living process calls this; the first call does it.

  KEYS, ARGV[1] to ARGV[5]: as in presence.lua

  Returns 1 if it was done now, 0 if there was nothing to do
]]
if redis.call('SREM', KEYS[2], ARGV[1]) == 0 then return 0 end
local users = redis.call('HKEYS', KEYS[3])
redis.call('DEL', KEYS[3])
for _, user in ipairs(users) do leave(user) end
return 1
