--[[
  Gives back a watch that was taken, or ends it, unless it has been replaced or taken by another meanwhile.
  KEYS[1] times   KEYS[2] watches
  ARGV[1] id      ARGV[2] token   ARGV[3] now   ARGV[4] when it is due again, or "" if it has ended   ARGV[5] JSON, or ""
  Returns 1, or 0 if it is another's
]]
local watch = read_watch(ARGV[1])
if not watch or watch.token ~= ARGV[2] then return 0 end
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[1], ARGV[1])
  return 1
end
redis.call('ZADD', KEYS[1], watch.hastened == '1' and ARGV[3] or ARGV[4], ARGV[1])
watch.token, watch.hastened, watch.json = '-', '0', ARGV[5]
write_watch(ARGV[1], watch)
return 1
