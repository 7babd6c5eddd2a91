--[[
  Notes when something ends in some inboxes, for whoever looks for it.
  KEYS[1] due      sorted set: channel -> milliseconds
  ARGV[1] ends     milliseconds
  ARGV[2..]        channels
]]
for index = 2, #ARGV do
  local known = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[index]) or math.huge)
  -- What is noted for an earlier time moves a little, too: whoever has just looked must not settle it without a look at this.
  redis.call('ZADD', KEYS[1], math.min(tonumber(ARGV[1]), known - 1), ARGV[index])
end
return 0
