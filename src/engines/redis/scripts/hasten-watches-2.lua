--[[
  Lets watches be due now; those that are taken, when they are given back.
  KEYS[1] times   KEYS[2] watches
  ARGV[1] now     ARGV[2..] ids
  Returns how many it found
]]
local found = 0
for index = 2, #ARGV do
  local id = ARGV[index]
  local watch = read_watch(id)
  if watch then
    found = found + 1
    if tonumber(redis.call('ZSCORE', KEYS[1], id) or 0) > tonumber(ARGV[1]) then
      if watch.token == '-' then
        redis.call('ZADD', KEYS[1], ARGV[1], id)
      else
        watch.hastened = '1'
        write_watch(id, watch)
      end
    end
  end
end
return found
