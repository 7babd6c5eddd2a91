--[[
  Notes that a tab has processed everything above one seq up to another, which delivers the notifications that no tab had acknowledged before.
  KEYS[1] meta   KEYS[2] lines   KEYS[3] order
  ARGV[1] seq
  ARGV[2] at     RFC 3339 in UTC
  ARGV[3] above
  Returns "<id> <waiter> <webhook>" of each that was delivered now
]]
local acknowledged = tonumber(redis.call('HGET', KEYS[1], 'acknowledged') or 0)
local seq = math.min(tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[1], 'seq') or 0))
local above = tonumber(ARGV[3])
local after = math.max(acknowledged, above)
if seq <= after then return {} end
-- A tab that begins above the mark does not raise it: what lies between was sent to others.
if above <= acknowledged then redis.call('HSET', KEYS[1], 'acknowledged', seq) end
local ids = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. after, seq)
local delivered = {}
for _, id in ipairs(ids) do
  local line = redis.call('HGET', KEYS[2], id)
  local words = line and words_of(line)
  if words and words[DELIVERED] == '-' then
    words[DELIVERED] = ARGV[2]
    redis.call('HSET', KEYS[2], id, table.concat(words, ' '))
    delivered[#delivered + 1] = id .. ' ' .. words[WAITER] .. ' ' .. words[WITH_WEBHOOK]
  end
end
return delivered
