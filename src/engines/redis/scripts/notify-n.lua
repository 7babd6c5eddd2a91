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
local call, format = redis.call, string.format
local run_id, now, max = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local ends, given_updated, given, tag = tonumber(ARGV[10]), tonumber(ARGV[13]), ARGV[16], ARGV[21]
-- An empty word would be none.
local ending = string.sub(ARGV[9], -1) == ' ' and ARGV[9] .. '-' or ARGV[9]
local awaited = ARGV[15] == '- -' and '' or ' awaited'
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

-- Stores it for one user.
local notify
function notify(base, new_id)
  local connections = call('HGETALL', base .. ':connections')
  local key = ARGV[23] ~= '' and base .. ':idempotency:' .. ARGV[23]
  local known = key and call('GET', key)
  if known then return lib().repeated(known, ARGV[24], connections) end
  local epoch, numbers = read_head(base, new_id)
  local seq, floor, due, unread, unseen, items, holes, events, front, origin, first, last, updated = struct.unpack(PACKED, numbers)
  local list, version, created, stamp = base .. ':notifications', given ~= '' and given or '1', 1, ARGV[12]
  local id, alert, flags, more_words, old = new_id, ARGV[14], new_flags, '', nil
  local rare = tag ~= '-' or given_updated < updated or items > max

  if items == max and not rare then
    -- Nearly always the oldest one has neither a tag nor an end of its own, and can just fall out.
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
  seq, updated = seq + 1, math.max(updated, given_updated)
  local user
  if rare then
    user = lib().unpacked(base, numbers)
    old = lib().make_room(user, updated)
    if old and old.late then
      if key then call('SET', key, table.concat({ARGV[24], old.seq, epoch, old.id, old.version, 0, 0}, ' '), 'EX', ARGV[25]) end
      return {0, tonumber(old.seq), epoch, old.id, connections, '', old.version, 0, 0}
    end
    unread, unseen, items, holes, front, floor = user.unread, user.unseen, user.items, user.holes, user.front, user.floor
    if old then id, version, created, alert, flags = old.id, old.version, 0, old.alert, flags + old.flags end
    stamp, more_words = user.stamp or stamp, user.more_words or more_words
  end

  if string.sub(epoch, 10, 25) ~= run_id then epoch = lib().epoch_at(base .. ':head', epoch, run_id, seq, floor) end
  local apart = ends < last
  if apart then flags = flags + 32 end
  unread, unseen = unread + (flags % 8 < 2 and 1 or 0), unseen + (flags % 8 == 0 and 1 or 0)
  local sent = 0
  for at = 2, #connections, 2 do sent = sent + connections[at] end
  local number = format('%d', seq)
  local size = call('RPUSH', list, number .. ' ' .. ARGV[8] .. ' ' .. id .. ending .. ' ' .. ARGV[10] .. ' ' .. sent .. ' ' .. ARGV[15] .. ' '
    .. version .. ' ' .. ARGV[17] .. ' ' .. ARGV[18] .. ' ' .. unread .. ' ' .. unseen .. ' ' .. alert .. more_words .. '\n' .. ARGV[11])
  if size ~= items + holes + 1 then
    -- The list has expired, or was evicted.
    lib().forget_list(base)
    return notify(base, new_id)
  end
  local place = front - origin + size - 1
  call('SETRANGE', base .. ':index', place * 20, struct.pack(
    '>I6I6I4I2I2', seq, updated, tonumber(string.sub(id, -8), 16), tonumber(ARGV[19]), tonumber(ARGV[20])
  ))
  if flags > 0 then lib().write_flags(base, place, flags, apart and ends, number, front + size - 1) end
  if size == 1 then lib().expire_list(base) end
  if old then lib().keep_times(user, size - 1, old.times) end
  call('HSET', base .. ':head', 'numbers', struct.pack(
    PACKED, seq, floor, due, unread, unseen, items + 1, holes, events, front, origin, math.min(first, ends), apart and last or ends, updated
  ))
  if holes > 256 or front - origin > 512 then lib().tidy_all(base) end

  local message = number .. ' ' .. epoch .. ' ' .. ARGV[8] .. ' ' .. id .. ARGV[9] .. awaited .. '\n["notification",{"id":"' .. id .. '",'
    .. ARGV[11] .. stamp .. ',"seq":' .. number .. ',"epoch":"' .. epoch .. '","unread":' .. unread .. ',"unseen":' .. unseen
    .. ',"alert":' .. (alert == '1' and 'true' or 'false') .. '}]'
  if key then call('SET', key, table.concat({ARGV[24], number, epoch, id, version, created, 1}, ' '), 'EX', ARGV[25]) end
  call(ARGV[5], base .. ARGV[6], message)
  return {0, seq, epoch, id, connections, '', version, created, 1, ends < first and 1 or 0}
end

local results = {}
for index = 26, #ARGV do results[#results + 1] = notify(KEYS[index - 25], ARGV[index]) end
return results
