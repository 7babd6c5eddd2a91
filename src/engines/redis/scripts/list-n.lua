--[[
  Lists notifications, newest first, or finds one.
  KEYS[1] base, see log.lua
  KEYS[2] identity      of the store
  ARGV[1..8]            the envelope, as in log.lua
  ARGV[9] limit
  ARGV[10] before       only below this seq; or ""
  ARGV[11] status       active, unread, unseen, read, archived; or ""
  ARGV[12] type         as a word, or ""
  ARGV[13] hash         of the type
  ARGV[14] category     as a word, or ""
  ARGV[15] hash         of the category
  ARGV[16] id           only this one, or the one with the tag; or ""
  ARGV[17] tag          as a word, or ""
  ARGV[18] fresh        the identity of a store that has none
  Returns {seq, epoch, identity if the log was not yet written, unread, unseen, 1 if nothing older is left, item, ...}; of each item its entry, and
  when it was seen, read, archived and delivered, in milliseconds, 0 for never
]]
local lib = library()
local user = lib.open(KEYS[1], lib.envelope())
if not user then return {0, '', lib.identity(KEYS[2], ARGV[18]), 0, 0, 1} end
lib.close(user)
local limit, status, wanted = tonumber(ARGV[9]), ARGV[11], ARGV[16]
local band = bit.band

-- True of the flags that a status stands for; a hole has none.
local function has_status(flags)
  if band(flags, lib.FLAG.gone) ~= 0 then return false end
  if status == '' then return true end
  local unread, unseen = lib.weight(flags)
  if status == 'unread' then return unread == 1 end
  if status == 'unseen' then return unseen == 1 end
  local archived = band(flags, lib.FLAG.archived) ~= 0
  if status == 'archived' then return archived end
  return not archived and (status == 'active' or band(flags, lib.FLAG.read) ~= 0)
end

local flags, statuses = lib.string_of(user, 'flags'), {}
local function fits(at)
  local known = string.byte(flags, at + 1) or 0
  if statuses[known] == nil then statuses[known] = has_status(known) end
  return statuses[known]
end

-- Where the hash of the type or of the category is in a row, and what it is; nil without a filter.
local function filter()
  if ARGV[12] ~= '' then return 16, struct.pack('>I2', tonumber(ARGV[13])) end
  if ARGV[14] ~= '' then return 18, struct.pack('>I2', tonumber(ARGV[15])) end
end

-- The numbers of the places that may be wanted, oldest first, below `behind`; nil for all.
local function candidates(behind)
  local offset, hash = filter()
  if not offset then return nil end
  local rows, from, found = lib.rows_of(user), 1, {}
  while true do
    from = string.find(rows, hash, from, true)
    if not from or from > behind * 20 then return found end
    local at = (from - 1 - offset) / 20
    if at == math.floor(at) and fits(at) then found[#found + 1] = at end
    from = from + 1
  end
end

local facts = {user.seq, user.epoch, '', user.unread, user.unseen, 1}
local strings = {}
local function time_at(state, at)
  strings[state] = strings[state] or lib.string_of(user, state)
  local from = at * 6 + 1
  return #strings[state] < from + 5 and '0' or lib.int(struct.unpack('>I6', strings[state], from))
end

-- Adds the notification at a place, if it is wanted; returns true if the list is full.
local function add(at, entry)
  if not entry or entry == '' then return false end
  local words = (ARGV[12] ~= '' or ARGV[14] ~= '' or ARGV[17] ~= '') and lib.words_of(entry)
  if words and (ARGV[12] ~= '' and words[lib.WORD.TYPE] ~= ARGV[12] or ARGV[17] ~= '' and wanted == '' and words[lib.WORD.TAG] ~= ARGV[17]
    or ARGV[14] ~= '' and words[lib.WORD.CATEGORY] ~= ARGV[14]) then return false end
  if limit == 0 then
    facts[6] = 0
    return true
  end
  limit = limit - 1
  facts[#facts + 1] = entry
  for _, state in ipairs({'seen', 'read', 'archived', 'delivered'}) do facts[#facts + 1] = time_at(state, at) end
  return false
end

if wanted ~= '' or ARGV[17] ~= '' then
  local at, entry = lib.find(user, wanted, ARGV[17] ~= '' and ARGV[17])
  if at and (ARGV[10] == '' or tonumber(string.match(entry, '^%d+')) < tonumber(ARGV[10])) and fits(at) then add(at, entry) end
  return facts
end
local behind = user.items + user.holes
if ARGV[10] ~= '' then behind = lib.first_above(user, tonumber(ARGV[10]) - 1) end
local wanted_places = candidates(behind)
if wanted_places then
  for index = #wanted_places, 1, -1 do
    local at = wanted_places[index]
    if add(at, redis.call('LINDEX', user.list, at)) then return facts end
  end
  return facts
end
-- In stretches, since neighbours are read much faster together; but only those with a place that is wanted.
local AT_ONCE = 25
for last = behind - 1, 0, -AT_ONCE do
  local first, entries = math.max(last - AT_ONCE + 1, 0), nil
  for at = last, first, -1 do
    if fits(at) then
      entries = entries or redis.call('LRANGE', user.list, first, last)
      if add(at, entries[at - first + 1]) then return facts end
    end
  end
end
return facts
