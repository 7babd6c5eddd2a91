--[[
  Stores a notification for each of some users: creates it, or replaces the one with its tag, unless that is newer. Then announces it.
  Content is never decoded: the store's own fields are spliced into finished text, integers by %d.
  KEYS[1..10]           of the first user, KEYS[11..20] of the second, ...:
    log                   stream; an entry's id is its seq
    meta                  hash: seq, floor, epoch, epochs, due
    connections           hash: process -> connections
    idempotency           string; any other key if the caller gave none (then ARGV[11] is "")
    topic                 Pub/Sub channel
    the inbox             lines, contents, order, tags, ends
  ARGV[1..7]            the envelope, as in log.lua; without an id
  ARGV[8] event         "notification" or "progress"
  ARGV[9] line          " <createdAt> <expiresAt> <except>"
  ARGV[10] content      the fields as JSON text, without the braces
  ARGV[11] fingerprint  of the body, or ""
  ARGV[12] waiter       the process that waits for the first acknowledgement, or "-"
  ARGV[13] remember     the idempotency key for this many seconds
  ARGV[14] tag          as a word
  ARGV[15] version      or ""
  ARGV[16] progress state   "none", "running" or "finished"
  ARGV[17] renotify     "1" or "0"
  ARGV[18] alert        "1" if it may toast or sound if it is new, else "0"
  ARGV[19] updated at   RFC 3339
  ARGV[20] expires at   RFC 3339
  ARGV[21] ends at      milliseconds
  ARGV[22] type         as a word
  ARGV[23] category     as a word
  ARGV[24] webhook      "webhook" if its backend asked for one, or "-"
  ARGV[25..]            for each user, the id if it is new
  Returns for each {0 stored | 1 replayed | 2 conflict, seq, epoch, id, {process, connections, ...}, run id of the store if replayed or "",
    version as text, 1 if created, 1 if applied, 1 if nothing else is in the inbox}
]]

-- The highest version: the highest integer that every reader of JSON keeps exactly (RFC 8259 §6).
local MAX_VERSION = 9007199254740991

-- The time of a state as JSON.
local function quoted(time) return time == '-' and 'null' or '"' .. time .. '"' end

local how = envelope()

-- Stores it for the user whose keys begin with KEYS[first].
local function notify(first, new_id)
  local log_key, meta_key, connections_key, idempotency_key, topic = unpack(KEYS, first, first + 4)
  local connections = redis.call('HGETALL', connections_key)
  if ARGV[11] ~= '' then
    local known = redis.call('GET', idempotency_key)
    if known then
      local words = words_of(known)
      if words[1] ~= ARGV[11] then return {2} end
      return {1, tonumber(words[2]), words[3], words[4], connections, run_id_of_store(), words[5], tonumber(words[6]), tonumber(words[7])}
    end
  end
  local inbox = inbox_keys(first + 5)
  how.id = new_id
  local meta = redis.call('HMGET', meta_key, 'epoch', 'due')
  local counts = counts_of(inbox)
  if expire({log = log_key, meta = meta_key, topic = topic}, inbox, counts, how) then
    meta[1] = redis.call('HGET', meta_key, 'epoch')
  end

  local function remember(number, epoch, id, version, created, applied)
    if ARGV[11] == '' then return end
    redis.call('SET', idempotency_key, table.concat({ARGV[11], number, epoch, id, version, created, applied}, ' '), 'EX', ARGV[13])
  end

  local connected = 0
  for index = 2, #connections, 2 do connected = connected + tonumber(connections[index]) end
  local id, tag, given, progress_state = new_id, text_of(ARGV[14]), ARGV[15], ARGV[16]
  local known_id = tag and redis.call('HGET', inbox.tags, tag)
  local line = known_id and redis.call('HGET', inbox.lines, known_id)
  local old = line and words_of(line)
  local version, alert = given ~= '' and given or '1', ARGV[18] == '1'
  -- The line of the inbox, still without the seq and states.
  local words = {
    '', version, progress_state, ARGV[19], ARGV[19], ARGV[20], '-', '-', '-', '-', string.format('%d', connected),
    ARGV[22], ARGV[14], ARGV[23], ARGV[12], ARGV[24]
  }
  if old then
    id = known_id
    local late = given ~= '' and tonumber(given) <= tonumber(old[VERSION])
    if late or (given == '' and progress_state == 'running' and old[PROGRESS_STATE] == 'finished') then
      local epoch = redis.call('HGET', meta_key, 'epoch')
      remember(old[SEQ], epoch, id, old[VERSION], 0, 0)
      return {0, tonumber(old[SEQ]), epoch, id, connections, '', old[VERSION], 0, 0}
    end
    if given == '' then words[VERSION] = string.format('%d', math.min(tonumber(old[VERSION]) + 1, MAX_VERSION)) end
    words[CREATED] = old[CREATED]
    local again = ARGV[17] == '1' or (progress_state == 'finished' and old[PROGRESS_STATE] ~= 'finished')
    alert = alert and again
    if not again then
      words[SEEN], words[READ], words[ARCHIVED] = old[SEEN], old[READ], old[ARCHIVED]
    end
    redis.call('XDEL', log_key, old[SEQ] .. '-0')
    add(counts, old, -1)
  end
  add(counts, words, 1)

  local number, epoch = next_number(log_key, meta_key, meta[1], how.run_id, how.incarnation)
  words[1] = number
  redis.call('HSET', inbox.contents, id, ARGV[10])
  redis.call('ZADD', inbox.order, number, id)
  redis.call('ZADD', inbox.ends, ARGV[21], id)
  local kept = redis.call('ZCARD', inbox.order)
  local alone = kept == 1 and not old
  -- A key that is created anew has no lifetime yet.
  local renews = alone or how.now >= counts.renew
  if tag and not old then
    redis.call('HSET', inbox.tags, tag, id)
    renews = renews or redis.call('HLEN', inbox.tags) == 1
  end
  if kept > how.max then trim_inbox(inbox, counts, kept - how.max) end
  redis.call('HSET', inbox.lines, id, table.concat(words, ' '), '#unread', counts.unread, '#unseen', counts.unseen,
    '#first', string.format('%d', math.min(counts.first, tonumber(ARGV[21]))))

  local message = number .. ' ' .. epoch .. ' ' .. ARGV[8] .. ' ' .. id .. ARGV[9] .. '\n["notification",{"id":"' .. id .. '",' .. ARGV[10]
    .. ',"version":' .. words[VERSION] .. ',"createdAt":"' .. words[CREATED] .. '","updatedAt":"' .. ARGV[19] .. '","expiresAt":"' .. ARGV[20]
    .. '","seenAt":' .. quoted(words[SEEN]) .. ',"readAt":' .. quoted(words[READ]) .. ',"archivedAt":' .. quoted(words[ARCHIVED])
    .. ',"seq":' .. number .. ',"epoch":"' .. epoch .. '"' .. counts_text(counts) .. ',"alert":' .. (alert and 'true' or 'false') .. '}]'
  append(log_key, meta_key, number, message, how.max)
  if how.now >= tonumber(meta[2] or 0) then keep_alive(log_key, meta_key, how.now, how.max_age) end
  if renews then keep_inbox_alive(inbox, meta_key, how.now, how.max_age) end
  local created = old and 0 or 1
  remember(number, epoch, id, words[VERSION], created, 1)
  redis.call(how.command, topic, message)
  return {0, tonumber(number), epoch, id, connections, '', words[VERSION], created, 1, alone and 1 or 0}
end

local results = {}
for index = 25, #ARGV do results[#results + 1] = notify((index - 25) * 10 + 1, ARGV[index]) end
return results
