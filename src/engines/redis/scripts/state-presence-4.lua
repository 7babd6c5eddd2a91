--[[
  States the number of connections that users have in a room in one process. Each costs the same, however many are there.

  KEYS, ARGV[1] to ARGV[5]: as in presence.lua
  ARGV[6] keep  the presence of the room for this many seconds, unless it is stated again
  ARGV[7], ...  user, connections, user, connections, ...; 0 withdraws

  Returns 1
]]
for index = 7, #ARGV, 2 do
  local user, connections = ARGV[index], ARGV[index + 1]
  if connections ~= '0' then
    if redis.call('HSET', KEYS[3], user, connections) == 1 then enter(user) end
  elseif redis.call('HDEL', KEYS[3], user) == 1 then
    leave(user)
  end
end
if redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('SADD', KEYS[2], ARGV[1])
else
  redis.call('SREM', KEYS[2], ARGV[1])
end
for _, key in ipairs({KEYS[1], KEYS[2], KEYS[3]}) do redis.call('EXPIRE', key, ARGV[6]) end
return 1
