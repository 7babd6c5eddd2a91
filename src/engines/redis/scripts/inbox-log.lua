-- What happens to the log of a user: events, ends, lifetimes, and its founding. Behind inbox.lua.


-- Removes the events that are older than max_age (milliseconds).
function lib.trim_events_by_age(user, how)
  while user.events > 0 do
    local event = redis.call('LINDEX', user.base .. ':events', 0)
    local created = event and tonumber(string.match(event, '^%S+ %S+ %S+ %S+ (%d+)') or 0)
    if created and how.now - created <= how.max_age then return end
    if event then
      lib.raise_floor(user, string.match(event, '^%d+'))
      redis.call('LPOP', user.base .. ':events')
      user.events = user.events - 1
    else
      -- They have expired, or were evicted.
      lib.raise_floor(user, user.seq)
      user.events = 0
    end
    user.changed = true
  end
end

-- Appends an event to the log, and announces it. `opening`: "<event> <id> <createdAt> <expiresAt> <except>\n" and the packet, up to seq.
function lib.append_event(user, how, opening, tail)
  user.seq = user.seq + 1
  user.changed = true
  user.epoch = lib.epoch_at(user.head, user.epoch, how.run_id, user.seq, user.floor)
  local number, key = lib.int(user.seq), user.base .. ':events'
  local message = number .. ' ' .. user.epoch .. ' ' .. opening .. ',"seq":' .. number .. ',"epoch":"' .. user.epoch .. '"' .. tail
  local events = redis.call('RPUSH', key, message)
  if events ~= user.events + 1 then lib.raise_floor(user, user.seq - 1) end
  if events == 1 then redis.call('PEXPIRE', key, user.lifetime) end
  while events > how.max do
    lib.raise_floor(user, string.match(redis.call('LPOP', key), '^%d+'))
    events = events - 1
  end
  user.events = events
  redis.call(how.command, user.base .. how.topic, message)
  return number
end

-- The tail of an event with the counts.
function lib.counts_tail(user)
  return string.format(',"unread":%d,"unseen":%d}]', user.unread, user.unseen)
end

-- The most ended notifications in one event.
lib.AT_ONCE = 100

-- The number of the first place that ends in the order of the list, its words and its end.
function lib.first_in_order(user)
  local flags = lib.string_of(user, 'flags')
  for at = 0, user.items + user.holes - 1 do
    if bit.band(string.byte(flags, at + 1) or 0, lib.FLAG.gone + lib.FLAG.apart) == 0 then
      local words = lib.words_of(redis.call('LINDEX', user.list, at))
      return at, words, tonumber(words[lib.WORD.ENDS])
    end
  end
end

-- Takes one notification that has ended out; returns its id, or nil if there is none.
function lib.take_ended(user, how)
  local seq = redis.call('ZRANGEBYSCORE', user.base .. ':ends', '-inf', how.now, 'LIMIT', 0, 1)[1]
  local at, words, ends
  if seq then
    at, words = lib.at_seq(user, tonumber(seq))
    if not at then
      redis.call('ZREM', user.base .. ':ends', seq)
      return lib.take_ended(user, how)
    end
  else
    at, words, ends = lib.first_in_order(user)
    if not at or ends > how.now then return nil end
  end
  -- What ends because it is no longer kept may have been missed; what ends by its own time may not.
  local own = tonumber(words[lib.WORD.EXPIRES_AT])
  if own == 0 or own > tonumber(words[lib.WORD.ENDS]) then lib.raise_floor(user, words[lib.WORD.SEQ]) end
  lib.drop(user, at, words)
  return words[lib.WORD.ID]
end

-- Removes what has ended, and announces it.
function lib.expire(user, how)
  if how.now < user.first then return end
  user.changed = true
  local ids
  repeat
    ids = {}
    while #ids < lib.AT_ONCE do
      local id = lib.take_ended(user, how)
      if not id then break end
      ids[#ids + 1] = '"' .. id .. '"'
    end
    if #ids > 0 then
      local line = 'removed ' .. how.id .. ' ' .. lib.int(how.now) .. ' 0 \n'
      lib.append_event(user, how, line .. '["notification:removed",{"ids":[' .. table.concat(ids, ',') .. ']', lib.counts_tail(user))
    end
  until #ids < lib.AT_ONCE
  local _, _, ends = lib.first_in_order(user)
  user.first = math.min(ends or lib.NEVER, tonumber(redis.call('ZRANGE', user.base .. ':ends', 0, 0, 'WITHSCORES')[2] or lib.NEVER))
  lib.tidy(user)
end

-- Renews the lifetime of all keys; done now and then, not with every call. The head has the numbers, so it is the last to go.
function lib.keep_alive(user, how)
  user.due = how.now + lib.renewal(how.max_age)
  for _, name in ipairs({'notifications', 'index', 'events', 'tags', 'ends', unpack(lib.STRINGS)}) do
    redis.call('PEXPIRE', user.base .. ':' .. name, user.lifetime)
  end
  redis.call('PEXPIRE', user.head, user.lifetime + 60000)
end

-- Brings a user up to date: what has ended or is too old goes. Returns nil if the log was not yet written.
function lib.open(base, how)
  local lifetime = lib.lifetime(how.max_age)
  local user = lib.load(base) or lib.adopt(base, lifetime)
  if not user then return nil end
  user.lifetime = lifetime
  if user.items + user.holes > 0 and redis.call('EXISTS', user.list) == 0 then
    lib.start_over(user)
    user.changed = true
  end
  lib.expire(user, how)
  lib.trim_events_by_age(user, how)
  if how.now >= user.due then
    lib.keep_alive(user, how)
    user.changed = true
  end
  return user
end

-- As `open`; founds the log if it was not yet written.
function lib.open_to_write(base, how)
  local user = lib.open(base, how)
  if user then return user end
  user = lib.new_user(base)
  user.lifetime, user.changed = lib.lifetime(how.max_age), true
  -- What is left of a log whose head was evicted has no number to go on from.
  lib.start_over(user)
  redis.call('DEL', base .. ':events')
  user.epoch = lib.first_epoch(user.head, how.incarnation)
  lib.keep_alive(user, how)
  return user
end

-- Writes the head if it has changed.
function lib.close(user)
  if user.changed then lib.save(user) end
end
