-- The log of a room: a stream, whose entries have their seq as id, and a hash, the head. Behind log.lua.

-- The keys of a room's log.
function lib.room(base)
  return {log = base .. ':log', head = base .. ':meta'}
end

function lib.raise_room_floor(room, entry)
  redis.call('HSET', room.head, 'floor', string.match(entry, '^%d+'))
end

-- Removes the entries that are older than max_age (milliseconds).
function lib.trim_by_age(room, now, max_age)
  if redis.call('EXISTS', room.log) == 0 then
    -- The whole log has expired, or was evicted; one that was only emptied keeps its key.
    local seq = tonumber(redis.call('HGET', room.head, 'seq') or 0)
    if seq > 0 then lib.raise_room_floor(room, lib.int(seq)) end
    return
  end
  local last = nil
  while true do
    local entries = redis.call('XRANGE', room.log, last and ('(' .. last) or '-', '+', 'COUNT', 20)
    for _, entry in ipairs(entries) do
      local created = string.match(entry[2][2], '^%S+ %S+ %S+ %S+ (%d+)')
      if not created then
        -- Not a publication, so nobody can miss it.
        redis.call('XDEL', room.log, entry[1])
      elseif now - tonumber(created) <= max_age then
        entries = {}
        break
      else
        last = entry[1]
      end
    end
    if #entries == 0 then break end
  end
  if last then
    redis.call('XTRIM', room.log, 'MINID', lib.int(tonumber(string.match(last, '^%d+')) + 1) .. '-0')
    lib.raise_room_floor(room, last)
  end
end

-- Renews the lifetime of a log's keys; done now and then, not with every call.
function lib.keep_room_alive(room, now, max_age)
  lib.trim_by_age(room, now, max_age)
  local renewal = lib.renewal(max_age)
  redis.call('HSET', room.head, 'due', lib.int(now + renewal))
  redis.call('PEXPIRE', room.log, max_age + renewal * 2)
  redis.call('PEXPIRE', room.head, lib.lifetime(max_age))
end

-- Gives an entry the next number, appends the message that `write` makes of the number and the epoch, and removes the oldest above the number that
-- is kept. Returns the number as text, the epoch and the message.
function lib.append_to_room(room, how, write)
  local known = redis.call('HMGET', room.head, 'epoch', 'due', 'floor')
  if not known[1] then
    -- Entries whose head was evicted have no number to go on from.
    redis.call('DEL', room.log)
    known[1] = lib.first_epoch(room.head, how.incarnation)
  end
  local seq = redis.call('HINCRBY', room.head, 'seq', 1)
  local number, epoch = lib.int(seq), lib.epoch_at(room.head, known[1], how.run_id, seq, tonumber(known[3] or 0))
  local message = write(number, epoch)
  if not redis.call('XADD', room.log, 'NOMKSTREAM', number .. '-0', 'm', message) then
    -- The log before this entry has expired or was evicted, which could not be noticed once there is an entry.
    if number ~= '1' then lib.raise_room_floor(room, lib.int(seq - 1)) end
    redis.call('XADD', room.log, number .. '-0', 'm', message)
  end
  local surplus = redis.call('XLEN', room.log) - how.max
  if surplus > 0 then
    local oldest = redis.call('XRANGE', room.log, '-', '+', 'COUNT', surplus)
    redis.call('XTRIM', room.log, 'MAXLEN', how.max)
    lib.raise_room_floor(room, oldest[#oldest][1])
  end
  if how.now >= tonumber(known[2] or 0) then lib.keep_room_alive(room, how.now, how.max_age) end
  return number, epoch, message
end

-- Brings a log that is read up to date. Returns its seq, floor and epochs; nil if it was not yet written.
function lib.open_room(room, now, max_age)
  local due = redis.call('HMGET', room.head, 'epoch', 'due')
  if not due[1] then return nil end
  if now >= tonumber(due[2] or 0) then lib.keep_room_alive(room, now, max_age) else lib.trim_by_age(room, now, max_age) end
  local facts = redis.call('HMGET', room.head, 'seq', 'floor', 'epochs', 'epoch')
  return tonumber(facts[1] or 0), tonumber(facts[2] or 0), lib.epochs_of(facts[3], facts[4])
end
