--[[
  Takes the webhooks that are due, the oldest first.
  KEYS[1] times   KEYS[2] webhooks
  ARGV[1] now     ARGV[2] until: no other call takes them before   ARGV[3] limit   ARGV[4] token
  Returns the JSON of each
]]
local taken = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local webhook = read_webhook(id)
  if webhook then
    webhook.token, webhook.hastened = ARGV[4], '0'
    write_webhook(id, webhook)
    redis.call('ZADD', KEYS[1], ARGV[2], id)
    taken[#taken + 1] = webhook.json
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return taken
