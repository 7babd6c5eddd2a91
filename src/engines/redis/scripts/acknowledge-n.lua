--[[
  Notes that a tab has processed everything above one seq up to another, which delivers the notifications that no tab had acknowledged before.
  KEYS[1] base, see log.lua and inbox.lua
  ARGV[1] seq
  ARGV[2] at        milliseconds
  ARGV[3] above     a seq
  ARGV[4] lifetime  of a key that is new, milliseconds
  Returns "<id> <waiter> <webhook>" of each that was delivered now and that somebody waits for
]]
local base, call, ROW = KEYS[1], redis.call, 20
local facts = call('HMGET', base .. ':head', 'numbers', 'acknowledged')
if not facts[1] then return {} end
local top, _, _, _, _, items, holes, _, front, origin = struct.unpack('>I6I6I6I4I4I4I4I4I6I6', facts[1])
local acknowledged, above = tonumber(facts[2] or 0), tonumber(ARGV[3])
local seq, after = math.min(tonumber(ARGV[1]), top), math.max(acknowledged, above)
if seq <= after then return {} end
-- A tab that begins above the mark does not raise it: what lies between was sent to others.
if above <= acknowledged then call('HSET', base .. ':head', 'acknowledged', string.format('%d', seq)) end

-- Nearly always it is about the last few.
local size, cut = items + holes, front - origin
local read = math.min(size, 8)
local rows = call('GETRANGE', base .. ':index', (cut + size - read) * ROW, -1)
if read < size and struct.unpack('>I6', rows) > after then
  read = size
  rows = call('GETRANGE', base .. ':index', cut * ROW, -1)
end

-- The number of the first place, of those that were read, with a seq above this one.
local function first_above(number)
  local low, high = 0, read
  while low < high do
    local middle = math.floor((low + high) / 2)
    if struct.unpack('>I6', rows, middle * ROW + 1) > number then high = middle else low = middle + 1 end
  end
  return low
end
local first, count = first_above(after), first_above(seq) - first_above(after)
if count == 0 then return {} end

first = size - read + first
local known = call('GETRANGE', base .. ':delivered', (cut + first) * 6, (cut + first + count) * 6 - 1)
local none, times = '\0\0\0\0\0\0', string.rep(struct.pack('>I6', tonumber(ARGV[2])), count)
-- What was delivered already keeps its time.
if known ~= '' then
  times = string.gsub(known .. string.rep('\0', count * 6 - #known), '......', {[none] = struct.pack('>I6', tonumber(ARGV[2]))})
end
call('SETRANGE', base .. ':delivered', (cut + first) * 6, times)
call('PEXPIRE', base .. ':delivered', ARGV[4], 'NX')
local flags, delivered = call('GETRANGE', base .. ':flags', cut + first, cut + first + count - 1), {}
-- 16: somebody waits for it.
for place in string.gmatch(flags, '()[^%z\1-\15]') do
  local before = string.sub(known, place * 6 - 5, place * 6)
  if bit.band(string.byte(flags, place), 16) ~= 0 and (before == '' or before == none) then
    local id, waiter, webhook = string.match(
      call('LINDEX', base .. ':notifications', first + place - 1) or '', '^%d+ %S+ (%S+) %S+ %S+ %S+ %S+ %S+ (%S+) (%S+)'
    )
    if id then delivered[#delivered + 1] = id .. ' ' .. waiter .. ' ' .. webhook end
  end
end
return delivered
