--[[
  Makes webhooks due now; those that are taken, when they are given back.
  KEYS[1] times   KEYS[2] webhooks
  ARGV[1] now     ARGV[2] the time of the delivery, RFC 3339 in UTC, to be noted; or ""     ARGV[3..] ids
  Returns the number of webhooks that it found
]]
local found = 0
for index = 3, #ARGV do
  local id = ARGV[index]
  local webhook = read_webhook(id)
  if webhook then
    found = found + 1
    if ARGV[2] ~= '' then
      -- In front, since JSON.parse takes the last of two: the time that was noted first.
      webhook.json = '{"deliveredAt":"' .. ARGV[2] .. '",' .. string.sub(webhook.json, 2)
      write_webhook(id, webhook)
    end
    if tonumber(redis.call('ZSCORE', KEYS[1], id) or 0) > tonumber(ARGV[1]) then
      if webhook.token == '-' then
        redis.call('ZADD', KEYS[1], ARGV[1], id)
      else
        webhook.hastened = '1'
        write_webhook(id, webhook)
      end
    end
  end
end
return found
