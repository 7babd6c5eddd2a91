--[[
  Notes that a tab has processed everything above one seq up to another, which delivers the notifications that no tab had acknowledged before.
  KEYS[1] base, see log.lua
  ARGV[1] seq
  ARGV[2] at        milliseconds
  ARGV[3] above     a seq
  ARGV[4] lifetime  of a key that is new, milliseconds
  Returns "<id> <waiter> <webhook>" of each that was delivered now and that somebody waits for
]]
local lib, base = library(), KEYS[1]
local user = lib.load(base)
if not user then return {} end
user.lifetime = tonumber(ARGV[4])
local acknowledged, above = tonumber(redis.call('HGET', user.head, 'acknowledged') or 0), tonumber(ARGV[3])
local seq, after = math.min(tonumber(ARGV[1]), user.seq), math.max(acknowledged, above)
if seq <= after then return {} end
-- A tab that begins above the mark does not raise it: what lies between was sent to others.
if above <= acknowledged then redis.call('HSET', user.head, 'acknowledged', lib.int(seq)) end
local first, behind = lib.first_above(user, after), lib.first_above(user, seq)
if first == behind then return {} end

local start = (user.front - user.origin + first) * 6
local size = (behind - first) * 6
local known = redis.call('GETRANGE', base .. ':delivered', start, start + size - 1)
local none, at = '\0\0\0\0\0\0', struct.pack('>I6', tonumber(ARGV[2]))
-- What was delivered already keeps its time.
local times = string.gsub(known .. string.rep('\0', size - #known), '......', {[none] = at})
lib.write(user, 'delivered', first, times)
local flags = user.front - user.origin
local waiting, delivered = redis.call('GETRANGE', base .. ':flags', flags + first, flags + behind - 1), {}
for place in string.gmatch(waiting, '()[^%z\1-\15]') do
  local offset = (place - 1) * 6
  local is_new = string.sub(known, offset + 1, offset + 6)
  if math.floor(string.byte(waiting, place) / lib.WAITS) % 2 == 1 and (is_new == '' or is_new == none) then
    local words = lib.words_of(redis.call('LINDEX', user.list, first + place - 1))
    if words then delivered[#delivered + 1] = words[lib.ID] .. ' ' .. words[lib.WAITER] .. ' ' .. words[lib.WEBHOOK] end
  end
end
return delivered
