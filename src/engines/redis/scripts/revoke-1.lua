--[[
  Refuses a user's tokens up to a time; an earlier time than the one that is known changes nothing.

  KEYS[1] revoked  string: seconds since the epoch

  ARGV[1] issued at, seconds since the epoch

  Returns the time that is in force
]]
local known = tonumber(redis.call('GET', KEYS[1]) or 0)
local time = tonumber(ARGV[1])
if time <= known then return known end
redis.call('SET', KEYS[1], ARGV[1])
return time
