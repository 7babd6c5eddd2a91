--[[
  Takes the people of a dead process out of a room. Every survivor asks for it; the first one does it.

  KEYS, ARGV[1] to ARGV[5]: as in people.lua

  Returns 1 if it was done now, 0 if there was nothing to do
]]
if redis.call('SREM', KEYS[2], ARGV[1]) == 0 then return 0 end
local guests = redis.call('HKEYS', KEYS[3])
redis.call('DEL', KEYS[3])
for _, user in ipairs(guests) do leave(user) end
return 1
