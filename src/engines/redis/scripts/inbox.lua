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
lib.WORD = {SEQ = 1, ID = 3, CREATED_AT = 4, EXPIRES_AT = 5, ENDS = 7, WAITER = 9, WEBHOOK = 10, TYPE = 13, TAG = 14, CATEGORY = 15}

-- The flags: the states, no longer there, somebody waits for it, its end is in `:ends`, it has a tag.
lib.FLAG = {seen = 1, read = 2, archived = 4, gone = 8, waits = 16, apart = 32, tagged = 64}

-- The bytes of a row of the index, and of a time.
lib.ROW, lib.TIME = 20, 6

-- A time that never comes.
lib.NEVER = 281474976710655
-- The holes, and the places that are cut off in front, for which it is worth writing everything anew.
lib.MOST_HOLES, lib.MOST_CUT = 256, 512

-- 1 if a notification with these flags counts as unread, 1 if it counts as unseen.
function lib.weight(flags)
  return bit.band(flags, 14) == 0 and 1 or 0, bit.band(flags, 15) == 0 and 1 or 0
end

function lib.count(user, flags, sign)
  local unread, unseen = lib.weight(flags)
  user.unread = user.unread + sign * unread
  user.unseen = user.unseen + sign * unseen
end

-- The words of an entry; nil for a hole.
function lib.words_of(entry)
  if not entry or entry == '' then return nil end
  local words = {}
  for word in string.gmatch(string.match(entry, '^[^\n]*'), '%S+') do words[#words + 1] = word end
  return words
end

lib.NUMBERS = {
  'seq', 'floor', 'due', 'unread', 'unseen', 'items', 'holes', 'events', 'front', 'origin', 'first', 'last', 'updated'
}
lib.PACKED = '>I6I6I6I4I4I4I4I4I6I6I6I6I6'

function lib.new_user(base)
  local user = {base = base, head = base .. ':head', list = base .. ':notifications'}
  for _, name in ipairs(lib.NUMBERS) do user[name] = 0 end
  user.first = lib.NEVER
  return user
end


-- A user with these numbers.
function lib.unpacked(base, packed)
  local user, numbers = {base = base, head = base .. ':head', list = base .. ':notifications'}, {struct.unpack(lib.PACKED, packed)}
  for index, name in ipairs(lib.NUMBERS) do user[name] = numbers[index] end
  return user
end

-- Reads the head; nil if the log was not yet written.
function lib.load(base)
  local facts = redis.call('HMGET', base .. ':head', 'epoch', 'numbers')
  if not facts[1] then return nil end
  local user = lib.unpacked(base, facts[2])
  user.epoch = facts[1]
  return user
end


-- Writes the head.
function lib.save(user)
  local numbers = {}
  for index, name in ipairs(lib.NUMBERS) do numbers[index] = user[name] end
  redis.call('HSET', user.head, 'epoch', user.epoch, 'numbers', struct.pack(lib.PACKED, unpack(numbers)))
end

lib.STRINGS = {'flags', 'seen', 'read', 'archived', 'delivered'}

-- The width of a string's part of a place.
function lib.width(name) return name == 'index' and lib.ROW or name == 'flags' and 1 or lib.TIME end

-- A byte as a pattern that matches it.
function lib.escaped(byte)
  if byte == '\0' then return '%z' end
  return string.find(byte, '%w') and byte or '%' .. byte
end

-- A string from the first place on.
function lib.string_of(user, name)
  return redis.call('GETRANGE', user.base .. ':' .. name, (user.front - user.origin) * lib.width(name), -1)
end

-- Writes into a string, from the place with this number on; the first is 0.
function lib.write(user, name, at, bytes)
  local key = user.base .. ':' .. name
  redis.call('SETRANGE', key, (user.front - user.origin + at) * lib.width(name), bytes)
  redis.call('PEXPIRE', key, user.lifetime, 'NX')
end

-- The flags of the place with this number.
function lib.flags_at(user, at)
  local offset = user.front - user.origin + at
  return string.byte(redis.call('GETRANGE', user.base .. ':flags', offset, offset)) or 0
end

-- The index from the first place on; read once.
function lib.rows_of(user)
  if not user.rows then user.rows = lib.string_of(user, 'index') end
  return user.rows
end

-- The number of the first place for which a number in its row is above this one: with `from` 1 its seq, with 7 its updatedAt, both of which grow.
function lib.first_above(user, number, from)
  local rows, low, high = lib.rows_of(user), 0, user.items + user.holes
  while low < high do
    local middle = math.floor((low + high) / 2)
    if struct.unpack('>I6', rows, middle * lib.ROW + (from or 1)) > number then high = middle else low = middle + 1 end
  end
  return low
end

-- The number of the place of a seq, and the words there; nil if there is none.
function lib.at_seq(user, seq)
  local at = lib.first_above(user, seq - 1)
  local entry = at < user.items + user.holes and redis.call('LINDEX', user.list, at)
  local words = lib.words_of(entry)
  if words and tonumber(words[lib.WORD.SEQ]) == seq then return at, words, entry end
end

-- The number of the place of a tag as a word, its seq as text, and the entry; nil if there is none.
function lib.tagged(user, tag)
  local seq, place = string.match(redis.call('HGET', user.base .. ':tags', tag) or '', '^(%d+) (%d+)$')
  if not seq then return nil end
  local at = tonumber(place) - user.front
  local entry = at >= 0 and redis.call('LINDEX', user.list, at)
  if entry and string.match(entry, '^%d+') == seq then return at, seq, entry end
  -- Places change when holes are taken away.
  local words
  at, words, entry = lib.at_seq(user, tonumber(seq))
  if at then return at, seq, entry end
end

-- The number of the place of an id, or of a tag as a word, and the entry; nil if there is none.
function lib.find(user, id, tag)
  if tag then
    local at, _, entry = lib.tagged(user, tag)
    if at then return at, entry end
  end
  local hex = string.match(id, '^%x+%-%x+%-%x+%-%x+%-%x%x%x%x(%x%x%x%x%x%x%x%x)$')
  if not hex then return nil end
  local rows, bytes, from = lib.rows_of(user), struct.pack('>I4', tonumber(hex, 16)), 1
  while true do
    from = string.find(rows, bytes, from, true)
    if not from then return nil end
    if from % lib.ROW == 13 then
      local at = (from - 13) / lib.ROW
      local entry = redis.call('LINDEX', user.list, at)
      if entry and string.match(entry, '^%d+ %S+ (%S+)') == id then return at, entry end
    end
    from = from + 1
  end
end

-- Takes the holes in front away.
function lib.skip_holes(user)
  while user.holes > 0 and redis.call('LINDEX', user.list, 0) == '' do
    redis.call('LPOP', user.list)
    user.front, user.holes, user.rows = user.front + 1, user.holes - 1, nil
  end
end

-- Removes the first place.
function lib.shift(user)
  redis.call('LPOP', user.list)
  user.front, user.rows = user.front + 1, nil
  lib.skip_holes(user)
end

-- Makes a hole of a place behind the first. `flags`: those that it has.
function lib.make_hole(user, at, flags)
  redis.call('LSET', user.list, at, '')
  lib.write(user, 'flags', at, string.char(bit.bor(flags, lib.FLAG.gone)))
  user.holes = user.holes + 1
end

-- Removes the notification at a place from the list and the counts.
function lib.drop(user, at, words)
  local flags = lib.flags_at(user, at)
  lib.count(user, flags, -1)
  user.items = user.items - 1
  if bit.band(flags, lib.FLAG.apart) ~= 0 then redis.call('ZREM', user.base .. ':ends', words[lib.WORD.SEQ]) end
  if bit.band(flags, lib.FLAG.tagged) ~= 0 then
    local known = redis.call('HGET', user.base .. ':tags', words[lib.WORD.TAG])
    if known and string.match(known, '^%d+') == words[lib.WORD.SEQ] then redis.call('HDEL', user.base .. ':tags', words[lib.WORD.TAG]) end
  end
  if at == 0 then lib.shift(user) else lib.make_hole(user, at, flags) end
end

function lib.raise_floor(user, seq) user.floor = math.max(user.floor, tonumber(seq)) end

-- Removes the oldest notifications until there are at most `max`.
function lib.trim(user, max)
  while user.items > max do
    local words = lib.words_of(redis.call('LINDEX', user.list, 0))
    lib.raise_floor(user, words[lib.WORD.SEQ])
    lib.drop(user, 0, words)
  end
end

-- Writes the strings anew, without what was cut off in front, and everything without holes, if there is much of that.
function lib.tidy(user)
  if user.holes <= lib.MOST_HOLES and user.front - user.origin <= lib.MOST_CUT then return end
  local flags, total = lib.string_of(user, 'flags'), user.items + user.holes
  for _, name in ipairs({'index', unpack(lib.STRINGS)}) do
    local bytes, size, kept = lib.string_of(user, name), lib.width(name), nil
    if bytes ~= '' and user.holes > 0 then
      kept = {}
      for at = 0, total - 1 do
        if bit.band(string.byte(flags, at + 1) or 0, lib.FLAG.gone) == 0 then kept[#kept + 1] = string.sub(bytes, at * size + 1, (at + 1) * size) end
      end
      bytes = table.concat(kept)
    end
    local key = user.base .. ':' .. name
    if bytes == '' then redis.call('DEL', key) else redis.call('SET', key, bytes, 'PX', user.lifetime) end
  end
  if user.holes > 0 then redis.call('LREM', user.list, 0, '') end
  user.origin, user.holes, user.rows = user.front, 0, nil
end

-- Forgets everything but the numbers: the list has expired, or was evicted.
function lib.start_over(user)
  for _, name in ipairs({'notifications', 'index', 'tags', 'ends', unpack(lib.STRINGS)}) do redis.call('DEL', user.base .. ':' .. name) end
  for _, name in ipairs({'unread', 'unseen', 'items', 'holes', 'front', 'origin', 'last'}) do user[name] = 0 end
  user.first, user.rows = lib.NEVER, nil
  lib.raise_floor(user, user.seq)
end
