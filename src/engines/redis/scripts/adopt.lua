--[[
  Brings a user from the layout of version 0.1 to the present one, once. There the log was a stream, and the inbox beside it was a line of words and
  a content by id, the order, the tags and the ends. Behind inbox-log.lua.

  Its hash of facts becomes a string: a process of that version that writes to this user fails before it has written anything.
]]
local call, int = redis.call, lib.int

local MOVED = 'moved to another layout by a newer version of Tabcast'

-- The words of a line of the old layout.
local OLD = {
  SEQ = 1, VERSION = 2, PROGRESS = 3, CREATED = 4, UPDATED = 5, SEEN = 7, READ = 8, ARCHIVED = 9, DELIVERED = 10, SENT = 11, TYPE = 12, TAG = 13,
  CATEGORY = 14, WAITER = 15, WEBHOOK = 16
}

-- CRC-32 (ISO 3309), lowest two bytes of it, as the caller computes it.
local function hash_of(text)
  local crc = -1
  for at = 1, #text do
    crc = bit.bxor(crc, string.byte(text, at))
    for _ = 1, 8 do crc = bit.bxor(bit.rshift(crc, 1), bit.band(0xEDB88320, -bit.band(crc, 1))) end
  end
  return bit.band(bit.bnot(crc), 0xffff)
end

-- The end of a frame: the states as they were then, and the counts.
local SHOWN = ',"seenAt":([^,]+),"readAt":([^,]+),"archivedAt":([^,]+),"seq":%d+,"epoch":"[^"]*","unread":(%d+),"unseen":(%d+),"alert":(%a+)}%]$'

local function time_of(word) return word ~= '-' and lib.milliseconds(word) or nil end

-- Appends a notification; `message` is its entry in the stream, if that still has it.
local function append(user, id, words, content, ends, message)
  local line = message and string.match(message, '^[^\n]*') or ''
  local event, createdAt, expiresAt, except = string.match(line, '^%S+ %S+ (%S+) %S+ (%d+) (%d+) ?(%S*)')
  local seen, read, archived, unread, unseen, alert = string.match(message or '', SHOWN)
  local updated = math.max(lib.milliseconds(words[OLD.UPDATED]), user.updated)
  local times = {seen = time_of(words[OLD.SEEN]), read = time_of(words[OLD.READ]), archived = time_of(words[OLD.ARCHIVED])}
  local function shown(time) return time and time ~= 'null' and int(lib.milliseconds(string.sub(time, 2, -2))) or '-' end
  local entry = table.concat({
    words[OLD.SEQ], event or 'notification', id, createdAt or int(updated), expiresAt or '0', except ~= '' and except or '-', int(ends),
    words[OLD.SENT], words[OLD.WAITER], words[OLD.WEBHOOK], words[OLD.VERSION], words[OLD.PROGRESS], words[OLD.TYPE], words[OLD.TAG],
    words[OLD.CATEGORY], unread or '0', unseen or '0', alert == 'true' and '1' or '0', words[OLD.CREATED], int(updated), shown(seen), shown(read), shown(archived)
  }, ' ')
  call('RPUSH', user.list, entry .. '\n' .. content)
  local at, flags = user.items, 0
  user.rows, user.items = nil, user.items + 1
  lib.write(user, 'index', at, struct.pack(
    '>I6I6I4I2I2', tonumber(words[OLD.SEQ]), updated, tonumber(string.sub(id, -8), 16), hash_of(words[OLD.TYPE]), hash_of(words[OLD.CATEGORY])
  ))
  for state, flag in pairs(lib.FLAG) do
    if times[state] then
      flags = flags + flag
      lib.write(user, state, at, struct.pack('>I6', times[state]))
    end
  end
  local delivered = time_of(words[OLD.DELIVERED])
  if delivered then lib.write(user, 'delivered', at, struct.pack('>I6', delivered)) end
  if words[OLD.WAITER] ~= '-' or words[OLD.WEBHOOK] ~= '-' then flags = flags + lib.WAITS end
  if words[OLD.TAG] ~= '-' then
    flags = flags + lib.TAGGED
    call('HSET', user.base .. ':tags', words[OLD.TAG], words[OLD.SEQ] .. ' ' .. int(at))
  end
  if ends < user.last then
    flags = flags + lib.APART
    call('ZADD', user.base .. ':ends', int(ends), words[OLD.SEQ])
  else
    user.last = ends
  end
  if flags > 0 then lib.write(user, 'flags', at, string.char(flags)) end
  lib.count(user, flags, 1)
  user.updated, user.first = updated, math.min(user.first, ends)
end

-- Adopts a user of the old layout; returns nil if there is none. `lifetime`: of the keys, in milliseconds.
function lib.adopt(base, lifetime)
  local meta, inbox = base .. ':meta', base .. ':inbox'
  if call('TYPE', meta).ok ~= 'hash' then return nil end
  local facts = call('HMGET', meta, 'seq', 'epoch', 'epochs', 'floor', 'acknowledged', 'seen')
  if not facts[2] then return nil end
  local user = lib.new_user(base)
  user.lifetime, user.seq, user.floor, user.epoch = lifetime, tonumber(facts[1] or 0), tonumber(facts[4] or 0), facts[2]
  local messages, events = {}, {}
  for _, entry in ipairs(call('XRANGE', base .. ':log', '-', '+')) do
    local seq, event = string.match(entry[2][2], '^(%d+) %S+ (%S+)')
    if event == 'notification' or event == 'progress' then messages[seq] = entry[2][2]
    elseif seq then events[#events + 1] = entry[2][2] end
  end
  for _, id in ipairs(call('ZRANGE', inbox .. ':order', 0, -1)) do
    local line = call('HGET', inbox .. ':lines', id)
    if line then
      local words = lib.words_of(line)
      local ends = tonumber(call('ZSCORE', inbox .. ':ends', id) or lib.milliseconds(words[6]))
      append(user, id, words, call('HGET', inbox .. ':contents', id), ends, messages[words[OLD.SEQ]])
    end
  end
  for _, event in ipairs(events) do call('RPUSH', base .. ':events', event) end
  user.events = #events
  for _, name in ipairs({'notifications', 'events', 'tags', 'ends'}) do call('PEXPIRE', base .. ':' .. name, lifetime) end
  if facts[6] then call('SET', base .. ':last-seen', facts[6], 'PX', lifetime) end
  call('HSET', user.head, 'epochs', facts[3], 'acknowledged', facts[5] or '0')
  call('PEXPIRE', user.head, lifetime + 60000)
  lib.save(user)
  call('DEL', base .. ':log')
  for _, name in ipairs({'lines', 'contents', 'order', 'tags', 'ends'}) do call('DEL', inbox .. ':' .. name) end
  call('SET', meta, MOVED, 'PX', lifetime)
  return user
end
