--[[
  Forgets a scheduled notification that was published, unless it was cancelled meanwhile.
  KEYS[1] scheduled   hash: id -> JSON, or "" if it was cancelled
  ARGV[1] id
  Returns 1 if it was cancelled
]]
if redis.call('HGET', KEYS[1], ARGV[1]) == '' then return 1 end
redis.call('HDEL', KEYS[1], ARGV[1])
return 0
