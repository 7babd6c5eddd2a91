--[[
  Stores a notification for each of some users: creates it, or replaces the one with its tag, unless that is newer. Then announces it.
  Content is never decoded: the store's own fields are spliced into finished text, integers by %d.
  KEYS                  the base of each user, see log.lua; on a Cluster of one
  ARGV[1..7]            the envelope, as in log.lua; without an id
  ARGV[8] event         "notification" or "progress"
  ARGV[9] ending        of the line of a publication: " <createdAt> <expiresAt> <except>"
  ARGV[10] ends         milliseconds
  ARGV[11] content      the fields as JSON text, without the braces
  ARGV[12] stamp        the fields of the store, as they are if it is new: version and times, with a comma before each
  ARGV[13] updated      milliseconds
  ARGV[14] alert        "1" if it may toast or sound if it is new, else "0"
  ARGV[15] waiting      "<process that waits for the first acknowledgement> <webhook>", "-" for none
  ARGV[16] version      or ""
  ARGV[17] progress     state: "none", "running" or "finished"
  ARGV[18] kind         "<type> <tag> <category>" as words
  ARGV[19] hash of the type, ARGV[20] hash of the category
  ARGV[21] tag          as a word, or "-"
  ARGV[22] renotify     "1" or "0"
  ARGV[23] key          for idempotency, or ""
  ARGV[24] fingerprint  of the body
  ARGV[25] remember     the key for this many seconds
  ARGV[26..]            for each user, the id if it is new
  Returns for each {0 stored | 1 replayed | 2 conflict, seq, epoch, id, {process, connections, ...}, run id of the store if replayed or "",
    version as text, 1 if created, 1 if applied, 1 if nothing else in the inbox ends before it}
]]
local call, int = redis.call, function(number) return string.format('%d', number) end
local run_id, now, max = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local given_updated = tonumber(ARGV[13])
local ends, tag, given = tonumber(ARGV[10]), ARGV[21], ARGV[16]
-- An empty word would be none.
local ending = string.sub(ARGV[9], -1) == ' ' and ARGV[9] .. '-' or ARGV[9]
local new_flags = (ARGV[15] == '- -' and 0 or 16) + (tag == '-' and 0 or 64)

-- The functions that most calls do not need.
local shared
local function lib()
  shared = shared or library()
  return shared
end

-- As in inbox.lua.
local PACKED = '>I6I6I6I4I4I4I4I4I6I6I6I6I6'

-- The epoch and the numbers of a user; before they are read, what is due is done.
local function read_head(base, id)
  local facts = call('HMGET', base .. ':head', 'epoch', 'numbers')
  if facts[1] then
    local _, _, due, _, _, _, _, _, _, _, first = struct.unpack(PACKED, facts[2])
    if now < due and now < first then return facts[1], facts[2] end
  end
  local how = lib().envelope()
  how.id = id
  lib().close(lib().open_to_write(base, how))
  return unpack(call('HMGET', base .. ':head', 'epoch', 'numbers'))
end

-- What an earlier call under this idempotency key came to.
local function repeated(known, connections)
  local words = lib().words_of(known)
  if words[1] ~= ARGV[24] then return {2} end
  return {
    1, tonumber(words[2]), words[3], words[4], connections, lib().run_id_of_store(), words[5], tonumber(words[6]), tonumber(words[7])
  }
end

-- Makes room for it where that takes more than to let the oldest fall out: for the one with its tag, and for one that has a tag or an end of its own.
-- Returns the user and, if it replaces one, what is kept of that.
local function make_room(base)
  local user = lib().load(base)
  user.lifetime = lib().lifetime(tonumber(ARGV[7]))
  local old = tag ~= '-' and lib().replace(user, {tag = tag, version = given, progress = ARGV[17], renotify = ARGV[22] == '1'}) or nil
  if not (old and old.late) then lib().trim(user, max - 1) end
  return user, old
end

-- Sees to it that keys that may be new have a lifetime.
local function keep(base, flags)
  local lifetime = lib().lifetime(tonumber(ARGV[7]))
  local names = {'notifications', 'index'}
  if flags > 0 then names = {'notifications', 'index', 'flags', 'tags', 'ends'} end
  for _, name in ipairs(names) do call('PEXPIRE', base .. ':' .. name, lifetime, 'NX') end
end

-- Writes anew what has many holes.
local function tidy(base)
  local user = lib().load(base)
  user.lifetime = lib().lifetime(tonumber(ARGV[7]))
  lib().tidy(user)
  lib().save(user)
end

-- Stores it for one user.
local notify
function notify(base, new_id)
  local connections = call('HGETALL', base .. ':connections')
  local key = ARGV[23] ~= '' and base .. ':idempotency:' .. ARGV[23]
  local known = key and call('GET', key)
  if known then return repeated(known, connections) end
  local epoch, numbers = read_head(base, new_id)
  local seq, floor, due, unread, unseen, items, holes, events, front, origin, first, last, updated = struct.unpack(PACKED, numbers)
  local list, version, created, stamp = base .. ':notifications', given ~= '' and given or '1', 1, ARGV[12]
  local id, alert, flags, more_words, old = new_id, ARGV[14] == '1', new_flags, '', nil
  local rare = tag ~= '-' or given_updated < updated or items > max
  seq, updated = seq + 1, math.max(updated, given_updated)

  if items == max and not rare then
    local place = front - origin
    local fallen = string.byte(call('GETRANGE', base .. ':flags', place, place)) or 0
    rare = fallen >= 32 or holes > 0
    if not rare then
      floor = math.max(floor, tonumber(string.match(call('LPOP', list) or '0', '^%d+')))
      items, front = items - 1, front + 1
      unread = unread - (fallen % 8 < 2 and 1 or 0)
      unseen = unseen - (fallen % 8 == 0 and 1 or 0)
    end
  end
  local user
  if rare then
    user, old = make_room(base)
    if old and old.late then
      if key then call('SET', key, table.concat({ARGV[24], int(old.seq), epoch, old.id, old.version, 0, 0}, ' '), 'EX', ARGV[25]) end
      return {0, old.seq, epoch, old.id, connections, '', old.version, 0, 0}
    end
    unread, unseen, items, holes, front, floor = user.unread, user.unseen, user.items, user.holes, user.front, user.floor
    local kept_times, since = old and old.times or {}, old and old.created or now
    if old then id, version, created, alert, flags = old.id, old.version, 0, alert and old.again, flags + old.flags end
    if old or updated ~= given_updated then
      stamp = lib().stamp(version, since, updated, ends, kept_times)
      more_words = lib().more_words(since, updated, kept_times)
    end
  end

  if string.sub(epoch, 10, 25) ~= run_id then epoch = lib().epoch_at(base .. ':head', epoch, run_id, seq, floor) end
  local apart = ends < last
  if apart then flags = flags + 32 end
  unread, unseen = unread + (flags % 8 < 2 and 1 or 0), unseen + (flags % 8 == 0 and 1 or 0)
  local sent = 0
  for at = 2, #connections, 2 do sent = sent + connections[at] end
  local number = int(seq)
  local entry = number .. ' ' .. ARGV[8] .. ' ' .. id .. ending .. ' ' .. ARGV[10] .. ' ' .. sent .. ' ' .. ARGV[15]
    .. ' ' .. version .. ' ' .. ARGV[17] .. ' ' .. ARGV[18]  .. ' ' .. unread .. ' ' .. unseen .. (alert and ' 1' or ' 0') .. more_words .. '\n' .. ARGV[11]
  local size = call('RPUSH', list, entry)
  if size ~= items + holes + 1 then
    -- The list has expired, or was evicted.
    user = lib().load(base)
    lib().start_over(user)
    lib().save(user)
    return notify(base, new_id)
  end
  local place = front - origin + size - 1
  call('SETRANGE', base .. ':index', place * 20, struct.pack(
    '>I6I6I4I2I2', seq, updated, tonumber(string.sub(id, -8), 16), tonumber(ARGV[19]), tonumber(ARGV[20])
  ))
  if flags > 0 then
    call('SETRANGE', base .. ':flags', place, string.char(flags))
    if tag ~= '-' then call('HSET', base .. ':tags', tag, number) end
    if apart then call('ZADD', base .. ':ends', ends, number) end
  end
  if size == 1 or flags > 0 then keep(base, flags) end
  if old then lib().keep_times(user, size - 1, old.times) end

  call('HSET', base .. ':head', 'numbers', struct.pack(
    PACKED, seq, floor, due, unread, unseen, items + 1, holes, events, front, origin, math.min(first, ends), apart and last or ends, updated
  ))
  if holes > 256 or front - origin > 512 then tidy(base) end

  local message = number .. ' ' .. epoch .. ' ' .. ARGV[8] .. ' ' .. id .. ARGV[9] .. '\n["notification",{"id":"' .. id .. '",'
    .. ARGV[11] .. stamp .. ',"seq":' .. number .. ',"epoch":"' .. epoch .. '","unread":' .. unread .. ',"unseen":' .. unseen
    .. ',"alert":' .. (alert and 'true' or 'false') .. '}]'
  if key then call('SET', key, table.concat({ARGV[24], number, epoch, id, version, created, 1}, ' '), 'EX', ARGV[25]) end
  call(ARGV[5], base .. ARGV[6], message)
  return {0, seq, epoch, id, connections, '', version, created, 1, ends < first and 1 or 0}
end

local results = {}
for index = 26, #ARGV do results[#results + 1] = notify(KEYS[index - 25], ARGV[index]) end
return results
