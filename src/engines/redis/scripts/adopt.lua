--[[
  Brings a user from the layout of version 0.1 to the present one, once. There the log was a stream, and the inbox beside it was a line of words and
  a content by id, the order, the tags and the ends. Behind inbox-log.lua.

  Its hash of facts becomes a string: a process of that version that writes to this user fails before it has written anything.
]]

-- The words of a line of the old layout.
lib.OLD = {
  SEQ = 1, VERSION = 2, PROGRESS = 3, CREATED = 4, UPDATED = 5, SEEN = 7, READ = 8, ARCHIVED = 9, DELIVERED = 10, SENT = 11, TYPE = 12, TAG = 13,
  CATEGORY = 14, WAITER = 15, WEBHOOK = 16
}

-- CRC-32 (ISO 3309), lowest two bytes of it, as the caller computes it.
function lib.hash_of(text)
  local crc = -1
  for at = 1, #text do
    crc = bit.bxor(crc, string.byte(text, at))
    for _ = 1, 8 do crc = bit.bxor(bit.rshift(crc, 1), bit.band(0xEDB88320, -bit.band(crc, 1))) end
  end
  return bit.band(bit.bnot(crc), 0xffff)
end

-- The end of a frame: the states as they were then, and the counts.
lib.SHOWN = ',"seenAt":([^,]+),"readAt":([^,]+),"archivedAt":([^,]+),"seq":%d+,"epoch":"[^"]*","unread":(%d+),"unseen":(%d+),"alert":(%a+)}%]$'

function lib.time_of(word) return word ~= '-' and lib.milliseconds(word) or nil end

-- Appends a notification; `message` is its entry in the stream, if that still has it.
function lib.adopt_item(user, id, words, content, ends, message)
  local line = message and string.match(message, '^[^\n]*') or ''
  local event, createdAt, expiresAt, except = string.match(line, '^%S+ %S+ (%S+) %S+ (%d+) (%d+) ?(%S*)')
  local seen, read, archived, unread, unseen, alert = string.match(message or '', lib.SHOWN)
  local updated = math.max(lib.milliseconds(words[lib.OLD.UPDATED]), user.updated)
  local times = {seen = lib.time_of(words[lib.OLD.SEEN]), read = lib.time_of(words[lib.OLD.READ]), archived = lib.time_of(words[lib.OLD.ARCHIVED])}
  local function shown(time) return time and time ~= 'null' and lib.int(lib.milliseconds(string.sub(time, 2, -2))) or '-' end
  local entry = table.concat({
    words[lib.OLD.SEQ], event or 'notification', id, createdAt or lib.int(updated), expiresAt or '0', except ~= '' and except or '-', lib.int(ends),
    words[lib.OLD.SENT], words[lib.OLD.WAITER], words[lib.OLD.WEBHOOK], words[lib.OLD.VERSION], words[lib.OLD.PROGRESS], words[lib.OLD.TYPE], words[lib.OLD.TAG],
    words[lib.OLD.CATEGORY], unread or '0', unseen or '0', alert == 'true' and '1' or '0', words[lib.OLD.CREATED], lib.int(updated), shown(seen), shown(read), shown(archived)
  }, ' ')
  redis.call('RPUSH', user.list, entry .. '\n' .. content)
  local at, flags = user.items, 0
  user.rows, user.items = nil, user.items + 1
  lib.write(user, 'index', at, struct.pack(
    '>I6I6I4I2I2', tonumber(words[lib.OLD.SEQ]), updated, tonumber(string.sub(id, -8), 16), lib.hash_of(words[lib.OLD.TYPE]), lib.hash_of(words[lib.OLD.CATEGORY])
  ))
  for state, flag in pairs(lib.FLAG) do
    if times[state] then
      flags = flags + flag
      lib.write(user, state, at, struct.pack('>I6', times[state]))
    end
  end
  local delivered = lib.time_of(words[lib.OLD.DELIVERED])
  if delivered then lib.write(user, 'delivered', at, struct.pack('>I6', delivered)) end
  if words[lib.OLD.WAITER] ~= '-' or words[lib.OLD.WEBHOOK] ~= '-' then flags = flags + lib.FLAG.waits end
  if words[lib.OLD.TAG] ~= '-' then
    flags = flags + lib.FLAG.tagged
    redis.call('HSET', user.base .. ':tags', words[lib.OLD.TAG], words[lib.OLD.SEQ] .. ' ' .. lib.int(at))
  end
  if ends < user.last then
    flags = flags + lib.FLAG.apart
    redis.call('ZADD', user.base .. ':ends', lib.int(ends), words[lib.OLD.SEQ])
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
  if redis.call('TYPE', meta).ok ~= 'hash' then return nil end
  local facts = redis.call('HMGET', meta, 'seq', 'epoch', 'epochs', 'floor', 'acknowledged', 'seen')
  if not facts[2] then return nil end
  local user = lib.new_user(base)
  user.lifetime, user.seq, user.floor, user.epoch = lifetime, tonumber(facts[1] or 0), tonumber(facts[4] or 0), facts[2]
  local messages, events = {}, {}
  for _, entry in ipairs(redis.call('XRANGE', base .. ':log', '-', '+')) do
    local seq, event = string.match(entry[2][2], '^(%d+) %S+ (%S+)')
    if event == 'notification' or event == 'progress' then messages[seq] = entry[2][2]
    elseif seq then events[#events + 1] = entry[2][2] end
  end
  for _, id in ipairs(redis.call('ZRANGE', inbox .. ':order', 0, -1)) do
    local line = redis.call('HGET', inbox .. ':lines', id)
    if line then
      local words = lib.words_of(line)
      local ends = tonumber(redis.call('ZSCORE', inbox .. ':ends', id) or lib.milliseconds(words[6]))
      lib.adopt_item(user, id, words, redis.call('HGET', inbox .. ':contents', id), ends, messages[words[lib.OLD.SEQ]])
    end
  end
  for _, event in ipairs(events) do redis.call('RPUSH', base .. ':events', event) end
  user.events = #events
  for _, name in ipairs({'notifications', 'events', 'tags', 'ends'}) do redis.call('PEXPIRE', base .. ':' .. name, lifetime) end
  if facts[6] then redis.call('SET', base .. ':last-seen', facts[6], 'PX', lifetime) end
  redis.call('HSET', user.head, 'epochs', facts[3], 'acknowledged', facts[5] or '0')
  redis.call('PEXPIRE', user.head, lifetime + 60000)
  lib.save(user)
  redis.call('DEL', base .. ':log')
  for _, name in ipairs({'lines', 'contents', 'order', 'tags', 'ends'}) do redis.call('DEL', inbox .. ':' .. name) end
  redis.call('SET', meta, 'moved to another layout by a newer version of Tabcast', 'PX', lifetime)
  return user
end
