--[[
  Notes the heartbeat of one process, and returns the processes that are alive. The time is the store's own.

  KEYS[1] alive  sorted set: process -> milliseconds of its last heartbeat
  KEYS[2] peers  hash: process -> peer

  ARGV[1] process
  ARGV[2] peer       JSON; "" withdraws the process
  ARGV[3] dead after milliseconds

  Returns {1 if the others did not know the process, else 0; process, peer, process, peer, ...}
]]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local added = 0
if ARGV[2] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  added = redis.call('ZADD', KEYS[1], now, ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]) - 1)
if #dead > 0 then
  redis.call('ZREM', KEYS[1], unpack(dead))
  redis.call('HDEL', KEYS[2], unpack(dead))
end
local result = redis.call('HGETALL', KEYS[2])
table.insert(result, 1, added)
return result
