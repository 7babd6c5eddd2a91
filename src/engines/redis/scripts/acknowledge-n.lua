--[[
  Notes for each of some users that a tab has processed everything above one seq up to another, which delivers the notifications that no tab had
  acknowledged before.
  KEYS              the base of each user, see log.lua and inbox.lua; on a Cluster of one
  ARGV[1] at        milliseconds
  ARGV[2] lifetime  of a key that is new, milliseconds
  ARGV[3..]         for each user: seq, and above, which is a seq as well
  Returns for each "<id> <waiter> <webhook>" of each that was delivered now and that somebody waits for; or "" of one among several that has failed
]]
local call, ROW, NONE = redis.call, 20, '\0\0\0\0\0\0'
local at, lifetime = struct.pack('>I6', tonumber(ARGV[1])), ARGV[2]

-- The number of the first of these rows of the index with a seq above this one.
local function first_above(rows, number)
  local low, high = 0, #rows / ROW
  while low < high do
    local middle = math.floor((low + high) / 2)
    if struct.unpack('>I6', rows, middle * ROW + 1) > number then high = middle else low = middle + 1 end
  end
  return low
end

-- Those of some places that somebody waits for, and that had not been delivered. `first`: the number of the first of them.
local function awaited(base, first, flags, known)
  local delivered = {}
  for place in string.gmatch(flags, '()[^%z\1-\15]') do
    local before = string.sub(known, place * 6 - 5, place * 6)
    -- 16: somebody waits for it.
    if bit.band(string.byte(flags, place), 16) ~= 0 and (before == '' or before == NONE) then
      local id, waiter, webhook = string.match(
        call('LINDEX', base .. ':notifications', first + place - 1) or '', '^%d+ %S+ (%S+) %S+ %S+ %S+ %S+ %S+ (%S+) (%S+)'
      )
      if id then delivered[#delivered + 1] = id .. ' ' .. waiter .. ' ' .. webhook end
    end
  end
  return delivered
end

local function acknowledge(base, wanted, above)
  local facts = call('HMGET', base .. ':head', 'numbers', 'acknowledged')
  if not facts[1] then return {} end
  local top, _, _, _, _, items, holes, _, front, origin = struct.unpack('>I6I6I6I4I4I4I4I4I6I6', facts[1])
  local acknowledged = tonumber(facts[2] or 0)
  local seq, after = math.min(wanted, top), math.max(acknowledged, above)
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
  local first = first_above(rows, after)
  local count = first_above(rows, seq) - first
  if count == 0 then return {} end

  first = size - read + first
  local known = call('GETRANGE', base .. ':delivered', (cut + first) * 6, (cut + first + count) * 6 - 1)
  local times = string.rep(at, count)
  -- What was delivered already keeps its time.
  if known ~= '' then times = string.gsub(known .. string.rep('\0', count * 6 - #known), '......', {[NONE] = at}) end
  call('SETRANGE', base .. ':delivered', (cut + first) * 6, times)
  call('PEXPIRE', base .. ':delivered', lifetime, 'NX')
  return awaited(base, first, call('GETRANGE', base .. ':flags', cut + first, cut + first + count - 1), known)
end

if #ARGV == 4 then return {acknowledge(KEYS[1], tonumber(ARGV[3]), tonumber(ARGV[4]))} end
local results = {}
for index = 3, #ARGV, 2 do
  -- One of several that fails does not fail the others; called alone, it tells why.
  local succeeded, delivered = pcall(acknowledge, KEYS[(index - 1) / 2], tonumber(ARGV[index]), tonumber(ARGV[index + 1]))
  results[#results + 1] = succeeded and delivered or ''
end
return results
