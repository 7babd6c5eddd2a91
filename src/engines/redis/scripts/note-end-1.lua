--[[
  Notes the time at which something ends in some inboxes, for the processes that look for it.
  KEYS[1] due      sorted set: channel -> milliseconds
  ARGV[1] ends     milliseconds
  ARGV[2..]        channels
]]
for index = 2, #ARGV do
  local known = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[index]) or math.huge)
  -- A known time that is earlier moves a little, too, so that a process that has just looked does not replace it (see note-next-end-1).
  redis.call('ZADD', KEYS[1], math.min(tonumber(ARGV[1]), known - 1), ARGV[index])
end
return 0
