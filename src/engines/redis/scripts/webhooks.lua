--[[
  The functions that all scripts on the pending webhooks share; put in front of each of them. KEYS[1] is the sorted set of their times, by id and
  in milliseconds; KEYS[2] the hash of id -> "<version> <token> <hastened> <JSON>", where the token is "-" while it is not taken. One that was
  replaced while it had events to send has the id "<id> <version>" in both from then on.
]]
local function read_webhook(id)
  local text = redis.call('HGET', KEYS[2], id)
  if not text then return nil end
  local version, token, hastened, json = string.match(text, '^(%S+) (%S+) (%S+) (.*)$')
  return {version = version, token = token, hastened = hastened, json = json}
end

local function write_webhook(id, webhook)
  redis.call('HSET', KEYS[2], id, table.concat({webhook.version, webhook.token, webhook.hastened, webhook.json}, ' '))
end
