--[[
  Reads a stretch of the log of a user: notifications and events in the order of their seqs.

  KEYS[1] base, see log.lua
  KEYS[2] identity      of the store

  ARGV[1..8]            the envelope, as in log.lua
  ARGV[9] direction     "after": upwards from ARGV[10]; "before": downwards from ARGV[10]
  ARGV[10] seq          exclusive; "" with "after": from the floor; "" with "before": from the end
  ARGV[11] max entries  0 to read none
  ARGV[12] max bytes    a page has at least one entry if there is one
  ARGV[13] fresh        the identity of a store that has none

  Returns {seq, floor, epochs ("" if it was not yet written), identity, 1 if nothing is left in that direction, unread, unseen, seq of the last
    entry or "", entry, ...}; an event is a whole message, a notification an entry of the list, see inbox.lua
]]
local lib = library()
local identity = lib.identity(KEYS[2], ARGV[13])
local user = lib.open(KEYS[1], lib.envelope())
if not user then return {0, 0, '', identity, 1, 0, 0, ''} end
lib.close(user)
local floor = user.floor
local result = {user.seq, floor, lib.epochs_of(redis.call('HGET', user.head, 'epochs'), user.epoch), identity, 1, user.unread, user.unseen, ''}
local left, bytes = tonumber(ARGV[11]), tonumber(ARGV[12])
local upwards = ARGV[9] == 'after'
local from = tonumber(ARGV[10] ~= '' and ARGV[10] or upwards and floor or user.seq + 1)

-- The number of the first event with a seq above this one.
local function first_event_above(seq)
  local low, high = 0, user.events
  while low < high do
    local middle = math.floor((low + high) / 2)
    if tonumber(string.match(redis.call('LINDEX', user.base .. ':events', middle), '^%d+')) > seq then high = middle else low = middle + 1 end
  end
  return low
end

local AT_ONCE = 32

-- Reads a list from an index on, in stretches; `next` is what it stands at, and its seq.
local function source(key, index, size)
  local self = {entries = {}, first = 0}
  local function load()
    if upwards then self.first = index else self.first = math.max(index - AT_ONCE + 1, 0) end
    self.entries = redis.call('LRANGE', key, self.first, self.first + AT_ONCE - 1)
  end
  function self.step()
    self.entry, self.seq = nil, nil
    while index >= 0 and index < size do
      local entry = self.entries[index - self.first + 1]
      if not entry or index < self.first then
        load()
        entry = self.entries[index - self.first + 1]
        if not entry then return end
      end
      index = upwards and index + 1 or index - 1
      local seq = tonumber(string.match(entry, '^%d+') or 0)
      -- Holes have no seq. What stays in the inbox below the floor is replayed to nobody.
      if seq > floor then
        self.entry, self.seq = entry, seq
        return
      end
    end
  end
  self.step()
  return self
end

local size = user.items + user.holes
local notifications = source(user.list, lib.first_above(user, upwards and from or from - 1) - (upwards and 0 or 1), size)
local events = source(user.base .. ':events', first_event_above(upwards and from or from - 1) - (upwards and 0 or 1), user.events)

while left > 0 do
  local source = notifications
  if not notifications.seq or events.seq and (events.seq < notifications.seq) == upwards then source = events end
  if not source.seq then return result end
  bytes = bytes - #source.entry
  if bytes < 0 and #result > 8 then
    result[5] = 0
    return result
  end
  result[#result + 1] = source.entry
  result[8] = lib.int(source.seq)
  left = left - 1
  source.step()
end
if notifications.seq or events.seq then result[5] = 0 end
return result
