--[[
  Gives back a webhook that was taken, or ends it, unless it was replaced or taken by another process meanwhile.
  KEYS[1] times   KEYS[2] webhooks
  ARGV[1] id      ARGV[2] version   ARGV[3] token   ARGV[4] now   ARGV[5] the time when it is due again, or "" if it has ended   ARGV[6] JSON, or ""
  Returns 1, or 0 if it is another's
]]
-- It may have been set aside. All that are taken in one call have one token, so the version tells them apart.
for _, name in ipairs({ARGV[1], ARGV[1] .. ' ' .. ARGV[2]}) do
  local webhook = read_webhook(name)
  if webhook and webhook.version == ARGV[2] and webhook.token == ARGV[3] then
    if ARGV[5] == '' then
      redis.call('HDEL', KEYS[2], name)
      redis.call('ZREM', KEYS[1], name)
      return 1
    end
    redis.call('ZADD', KEYS[1], webhook.hastened == '1' and ARGV[4] or ARGV[5], name)
    webhook.token, webhook.hastened, webhook.json = '-', '0', ARGV[6]
    write_webhook(name, webhook)
    return 1
  end
end
return 0
