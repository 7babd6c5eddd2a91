--[[
  The log and the inbox of a user in one. Behind log.lua and times.lua. The keys, each the base and what is named here:

    :notifications  list, an entry each: a line of words, and the content; empty where a notification was replaced or is gone (a hole). An entry
                    has a place, a number that grows by one; the head says the place of the first, and the place `origin` with which the
                    following strings begin:
    :index          twenty bytes a place: seq (6), updatedAt (6), the last four bytes of the id, a hash of the type (2) and of the category (2).
                    A hit is checked at the entry.
    :flags          a byte a place, see below; shorter than the list as long as nothing is marked
    :seen, :read, :archived, :delivered
                    strings, six bytes a place: the time of the state; shorter than the list, too, or missing
    :tags           hash: tag as a word -> "<seq> <place>"; the place may be out of date, so it is checked at the entry
    :ends           sorted set: seq -> end, of the notifications that end before one in front of them; all others end in the order of the list
    :events         list: what is in the log and is no notification, as complete messages
    :head           hash: epoch, epochs, acknowledged, and numbers: packed, since all of them are read and most are written with every
                    notification. They are seq, floor, due (as of every log); unread, unseen; items, holes, events: how many there are; front: the
                    place of the first; origin; first: nothing ends before; last: the latest end; updated: the latest updatedAt

  The words of an entry, "-" for none, a text that a backend chooses as "=" and the text, escaped as in URLs. created, updated (RFC 3339, and
  milliseconds) and the states are left out if they are as usual: as createdAt, and never.
]]
local SEQ, ID, CREATED_AT, ENDS, WAITER, WEBHOOK, VERSION, PROGRESS, TAG = 1, 3, 4, 7, 9, 10, 11, 12, 14
local CREATED = 19
lib.ID, lib.CREATED_AT, lib.WAITER, lib.WEBHOOK, lib.VERSION, lib.PROGRESS, lib.CREATED = ID, CREATED_AT, WAITER, WEBHOOK, VERSION, PROGRESS, CREATED

-- The flags: the states, no longer there, somebody waits for it, its end is in `:ends`, it has a tag.
local SEEN, READ, ARCHIVED, GONE, WAITS, APART, TAGGED = 1, 2, 4, 8, 16, 32, 64
lib.FLAG = {seen = SEEN, read = READ, archived = ARCHIVED}
lib.GONE, lib.WAITS, lib.APART, lib.TAGGED = GONE, WAITS, APART, TAGGED

local ROW, TIME = 20, 6
local band, bor, call = bit.band, bit.bor, redis.call

-- A time that never comes.
local NEVER = 281474976710655
lib.NEVER = NEVER
-- The holes, and the places that are cut off in front, for which it is worth writing everything anew.
local MOST_HOLES, MOST_CUT = 256, 512

-- 1 if a notification with these flags counts as unread, 1 if it counts as unseen.
local function weight(flags)
  return band(flags, READ + ARCHIVED + GONE) == 0 and 1 or 0, band(flags, SEEN + READ + ARCHIVED + GONE) == 0 and 1 or 0
end
lib.weight = weight

local function count(user, flags, sign)
  local unread, unseen = weight(flags)
  user.unread = user.unread + sign * unread
  user.unseen = user.unseen + sign * unseen
end
lib.count = count

-- The words of an entry; nil for a hole.
local function words_of(entry)
  if not entry or entry == '' then return nil end
  local words = {}
  for word in string.gmatch(string.match(entry, '^[^\n]*'), '%S+') do words[#words + 1] = word end
  return words
end
lib.words_of = words_of

local NUMBERS = {
  'seq', 'floor', 'due', 'unread', 'unseen', 'items', 'holes', 'events', 'front', 'origin', 'first', 'last', 'updated'
}
local PACKED = '>I6I6I6I4I4I4I4I4I6I6I6I6I6'

local function new_user(base)
  local user = {base = base, head = base .. ':head', list = base .. ':notifications'}
  for _, name in ipairs(NUMBERS) do user[name] = 0 end
  user.first = NEVER
  return user
end

lib.new_user = new_user

-- A user with these numbers.
local function unpacked(base, packed)
  local user, numbers = {base = base, head = base .. ':head', list = base .. ':notifications'}, {struct.unpack(PACKED, packed)}
  for index, name in ipairs(NUMBERS) do user[name] = numbers[index] end
  return user
end
lib.unpacked = unpacked

-- Reads the head; nil if the log was not yet written.
local function load(base)
  local facts = call('HMGET', base .. ':head', 'epoch', 'numbers')
  if not facts[1] then return nil end
  local user = unpacked(base, facts[2])
  user.epoch = facts[1]
  return user
end

lib.load = load

-- Writes the head.
function lib.save(user)
  local numbers = {}
  for index, name in ipairs(NUMBERS) do numbers[index] = user[name] end
  call('HSET', user.head, 'epoch', user.epoch, 'numbers', struct.pack(PACKED, unpack(numbers)))
end

local STRINGS = {'flags', 'seen', 'read', 'archived', 'delivered'}
lib.STRINGS = STRINGS

-- The width of a string's part of a place.
local function width(name) return name == 'index' and ROW or name == 'flags' and 1 or TIME end

-- A byte as a pattern that matches it.
function lib.escaped(byte)
  if byte == '\0' then return '%z' end
  return string.find(byte, '%w') and byte or '%' .. byte
end

-- A string from the first place on.
local function string_of(user, name)
  return call('GETRANGE', user.base .. ':' .. name, (user.front - user.origin) * width(name), -1)
end
lib.string_of = string_of

-- Writes into a string, from the place with this number on; the first is 0.
local function write(user, name, at, bytes)
  local key = user.base .. ':' .. name
  call('SETRANGE', key, (user.front - user.origin + at) * width(name), bytes)
  call('PEXPIRE', key, user.lifetime, 'NX')
end
lib.write = write

-- The flags of the place with this number.
local function flags_at(user, at)
  local offset = user.front - user.origin + at
  return string.byte(call('GETRANGE', user.base .. ':flags', offset, offset)) or 0
end
lib.flags_at = flags_at

-- The index from the first place on; read once.
local function rows_of(user)
  if not user.rows then user.rows = string_of(user, 'index') end
  return user.rows
end
lib.rows_of = rows_of

-- The number of the first place for which a number in its row is above this one: with `from` 1 its seq, with 7 its updatedAt, both of which grow.
local function first_above(user, number, from)
  local rows, low, high = rows_of(user), 0, user.items + user.holes
  while low < high do
    local middle = math.floor((low + high) / 2)
    if struct.unpack('>I6', rows, middle * ROW + (from or 1)) > number then high = middle else low = middle + 1 end
  end
  return low
end
lib.first_above = first_above

-- The number of the place of a seq, and the words there; nil if there is none.
local function at_seq(user, seq)
  local at = first_above(user, seq - 1)
  local entry = at < user.items + user.holes and call('LINDEX', user.list, at)
  local words = words_of(entry)
  if words and tonumber(words[SEQ]) == seq then return at, words, entry end
end
lib.at_seq = at_seq

-- The number of the place of a tag as a word, its seq as text, and the entry; nil if there is none.
local function tagged(user, tag)
  local seq, place = string.match(call('HGET', user.base .. ':tags', tag) or '', '^(%d+) (%d+)$')
  if not seq then return nil end
  local at = tonumber(place) - user.front
  local entry = at >= 0 and call('LINDEX', user.list, at)
  if entry and string.match(entry, '^%d+') == seq then return at, seq, entry end
  -- Places change when holes are taken away.
  local words
  at, words, entry = at_seq(user, tonumber(seq))
  if at then return at, seq, entry end
end
lib.tagged = tagged

-- The number of the place of an id, or of a tag as a word, the words there, and the entry; nil if there is none.
function lib.find(user, id, tag)
  if tag then
    local at, _, entry = tagged(user, tag)
    if at then return at, words_of(entry), entry end
  end
  local hex = string.match(id, '^%x+%-%x+%-%x+%-%x+%-%x%x%x%x(%x%x%x%x%x%x%x%x)$')
  if not hex then return nil end
  local rows, bytes, from = rows_of(user), struct.pack('>I4', tonumber(hex, 16)), 1
  while true do
    from = string.find(rows, bytes, from, true)
    if not from then return nil end
    if from % ROW == 13 then
      local at = (from - 13) / ROW
      local entry = call('LINDEX', user.list, at)
      local words = words_of(entry)
      if words and words[ID] == id then return at, words, entry end
    end
    from = from + 1
  end
end

-- Takes the holes in front away.
local function skip_holes(user)
  while user.holes > 0 and call('LINDEX', user.list, 0) == '' do
    call('LPOP', user.list)
    user.front, user.holes, user.rows = user.front + 1, user.holes - 1, nil
  end
end

-- Removes the first place.
local function shift(user)
  call('LPOP', user.list)
  user.front, user.rows = user.front + 1, nil
  skip_holes(user)
end
lib.shift = shift

-- Makes a hole of a place behind the first. `flags`: those that it has.
local function make_hole(user, at, flags)
  call('LSET', user.list, at, '')
  write(user, 'flags', at, string.char(bor(flags, GONE)))
  user.holes = user.holes + 1
end
lib.make_hole = make_hole

-- Removes the notification at a place from the list and the counts.
local function drop(user, at, words)
  local flags = flags_at(user, at)
  count(user, flags, -1)
  user.items = user.items - 1
  if band(flags, APART) ~= 0 then call('ZREM', user.base .. ':ends', words[SEQ]) end
  if band(flags, TAGGED) ~= 0 then
    local known = call('HGET', user.base .. ':tags', words[TAG])
    if known and string.match(known, '^%d+') == words[SEQ] then call('HDEL', user.base .. ':tags', words[TAG]) end
  end
  if at == 0 then shift(user) else make_hole(user, at, flags) end
end
lib.drop = drop

local function raise_floor(user, seq) user.floor = math.max(user.floor, tonumber(seq)) end
lib.raise_floor = raise_floor

-- Removes the oldest notifications until there are at most `max`.
function lib.trim(user, max)
  while user.items > max do
    local words = words_of(call('LINDEX', user.list, 0))
    raise_floor(user, words[SEQ])
    drop(user, 0, words)
  end
end

-- Writes the strings anew, without what was cut off in front, and everything without holes, if there is much of that.
function lib.tidy(user)
  if user.holes <= MOST_HOLES and user.front - user.origin <= MOST_CUT then return end
  local flags, total = string_of(user, 'flags'), user.items + user.holes
  for _, name in ipairs({'index', unpack(STRINGS)}) do
    local bytes, size, kept = string_of(user, name), width(name), nil
    if bytes ~= '' and user.holes > 0 then
      kept = {}
      for at = 0, total - 1 do
        if band(string.byte(flags, at + 1) or 0, GONE) == 0 then kept[#kept + 1] = string.sub(bytes, at * size + 1, (at + 1) * size) end
      end
      bytes = table.concat(kept)
    end
    local key = user.base .. ':' .. name
    if bytes == '' then call('DEL', key) else call('SET', key, bytes, 'PX', user.lifetime) end
  end
  if user.holes > 0 then call('LREM', user.list, 0, '') end
  user.origin, user.holes, user.rows = user.front, 0, nil
end

-- Forgets everything but the numbers: the list has expired, or was evicted.
function lib.start_over(user)
  for _, name in ipairs({'notifications', 'index', 'tags', 'ends', unpack(STRINGS)}) do call('DEL', user.base .. ':' .. name) end
  for _, name in ipairs({'unread', 'unseen', 'items', 'holes', 'front', 'origin', 'last'}) do user[name] = 0 end
  user.first, user.rows = NEVER, nil
  raise_floor(user, user.seq)
end
