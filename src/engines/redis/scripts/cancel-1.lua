--[[
  Empties a scheduled notification. It stays as an empty text until it is too late for a process that has read it before.
  KEYS[1] scheduled   hash: id -> JSON, or "" if it was cancelled
  ARGV[1] id
  Returns 1 if it was waiting
]]
local scheduled = redis.call('HGET', KEYS[1], ARGV[1])
if not scheduled or scheduled == '' then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], '')
return 1
