--[[
  Takes what is due, the oldest first.
  KEYS[1] times   KEYS[2] watches
  ARGV[1] now     ARGV[2] until: nobody else gets them before   ARGV[3] limit   ARGV[4] token
  Returns the JSON of each
]]
local taken = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local watch = read_watch(id)
  if watch then
    watch.token, watch.hastened = ARGV[4], '0'
    write_watch(id, watch)
    redis.call('ZADD', KEYS[1], ARGV[2], id)
    taken[#taken + 1] = watch.json
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return taken
