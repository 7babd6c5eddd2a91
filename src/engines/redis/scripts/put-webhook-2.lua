--[[
  Keeps a webhook, unless there is one of the same notification with this or a higher version. One with a lower version that still has events to
  send is set aside.
  KEYS[1] times   KEYS[2] webhooks
  ARGV[1] id      ARGV[2] version   ARGV[3] at   ARGV[4] JSON
  Returns 1 if it is kept now
]]
local known = read_webhook(ARGV[1])
if known then
  if tonumber(known.version) >= tonumber(ARGV[2]) then return 0 end
  if #cjson.decode(known.json).unsent > 0 then
    local aside = ARGV[1] .. ' ' .. known.version
    write_webhook(aside, known)
    redis.call('ZADD', KEYS[1], redis.call('ZSCORE', KEYS[1], ARGV[1]) or ARGV[3], aside)
  end
end
write_webhook(ARGV[1], {version = ARGV[2], token = '-', hastened = '0', json = ARGV[4]})
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
