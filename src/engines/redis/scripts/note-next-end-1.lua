--[[
  Notes the time at which something ends next in an inbox that has been looked at, unless another time has been noted since.
  KEYS[1] due      sorted set: channel -> milliseconds
  ARGV[1] channel
  ARGV[2] seen     the time that was noted when it was looked at
  ARGV[3] next     or "" for never
]]
if redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then return redis.call('ZREM', KEYS[1], ARGV[1]) end
return redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
