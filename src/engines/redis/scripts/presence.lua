--[[
  The functions that the scripts on the presence of a room share; put in front of each of them. A change and its announcement are one step, so
  that two processes that find the same announce it once.

  KEYS[1] users      hash: user -> number of processes that have them
  KEYS[2] processes  set: processes that have users
  KEYS[3] own        hash of the process in ARGV[1]: user -> connections
  KEYS[4] topic      Pub/Sub channel

  ARGV[1] process
  ARGV[2] room     as JSON text
  ARGV[3] id       of what is announced
  ARGV[4] now      milliseconds
  ARGV[5] command  PUBLISH or SPUBLISH
]]
local function announce(user, action)
  local count = string.format('%d', redis.call('HLEN', KEYS[1]))
  local change = '{"room":' .. ARGV[2] .. ',"user":' .. cjson.encode(user) .. ',"action":"' .. action .. '","count":' .. count .. '}'
  redis.call(ARGV[5], KEYS[4], '0  presence ' .. ARGV[3] .. ' ' .. ARGV[4] .. ' 0 \n["presence",' .. change .. ']')
end

-- Notes that the process has a user.
local function enter(user)
  if redis.call('HINCRBY', KEYS[1], user, 1) == 1 then announce(user, 'join') end
end

-- Notes that the process no longer has a user.
local function leave(user)
  if redis.call('HINCRBY', KEYS[1], user, -1) > 0 then return end
  redis.call('HDEL', KEYS[1], user)
  announce(user, 'leave')
end
