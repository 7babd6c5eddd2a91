--[[
  What the scripts on the people of a room share; it is put in front of each of them. Whoever changes something tells it, in one step: two
  processes that find the same are heard once.

  KEYS[1] people   hash: user -> number of processes that have them
  KEYS[2] hosts    set: processes that have somebody
  KEYS[3] guests   hash of the process in ARGV[1]: user -> connections
  KEYS[4] topic     Pub/Sub channel

  ARGV[1] process
  ARGV[2] room     as JSON text
  ARGV[3] id       of what is told
  ARGV[4] now      milliseconds
  ARGV[5] command  PUBLISH or SPUBLISH
]]
local function tell(user, action)
  local count = string.format('%d', redis.call('HLEN', KEYS[1]))
  local change = '{"room":' .. ARGV[2] .. ',"user":' .. cjson.encode(user) .. ',"action":"' .. action .. '","count":' .. count .. '}'
  redis.call(ARGV[5], KEYS[4], '0  presence ' .. ARGV[3] .. ' ' .. ARGV[4] .. ' 0 \n["presence",' .. change .. ']')
end

-- The process has a user.
local function enter(user)
  if redis.call('HINCRBY', KEYS[1], user, 1) == 1 then tell(user, 'join') end
end

-- The process has a user no longer.
local function leave(user)
  if redis.call('HINCRBY', KEYS[1], user, -1) > 0 then return end
  redis.call('HDEL', KEYS[1], user)
  tell(user, 'leave')
end
