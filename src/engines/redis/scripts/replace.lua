-- The parts of notify-n that most calls do not need. They read its arguments. Behind inbox-log.lua.


-- The highest version: the highest integer that every reader of JSON keeps exactly (RFC 8259 §6).
lib.MAX_VERSION = 9007199254740991

-- id, createdAt, version, progress, created
lib.KEPT = '^%d+ %S+ (%S+) (%S+) %S+ %S+ %S+ %S+ %S+ %S+ (%S+) (%S+) %S+ %S+ %S+ %S+ %S+ %S+ ?(%S*)'

-- The times of the states of a place, six bytes each.
function lib.times_at(user, at, flags)
  local times, offset = {}, (user.front - user.origin + at) * 6
  if bit.band(flags, 7) == 0 then return times end
  for _, state in ipairs({'seen', 'read', 'archived'}) do
    if bit.band(flags, lib.FLAG[state]) ~= 0 then times[state] = redis.call('GETRANGE', user.base .. ':' .. state, offset, offset + 5) end
  end
  return times
end

-- Takes the notification at a place out, for one that comes behind the last. Its place is used again if it is the last itself, so that a
-- progress leaves no holes.
function lib.take_out(user, at, seq, flags, times)
  lib.count(user, flags, -1)
  user.items = user.items - 1
  if bit.band(flags, lib.FLAG.apart) ~= 0 then redis.call('ZREM', user.base .. ':ends', seq) end
  if at == 0 then
    lib.shift(user)
  elseif at < user.items + user.holes then
    lib.make_hole(user, at, flags)
  else
    redis.call('RPOP', user.list)
    for state in pairs(times) do lib.write(user, state, at, '\0\0\0\0\0\0') end
    local offset = (user.front - user.origin + at) * 6
    if redis.call('GETRANGE', user.base .. ':delivered', offset, offset + 5) ~= '' then lib.write(user, 'delivered', at, '\0\0\0\0\0\0') end
  end
end

-- Removes the notification that is to be replaced. Returns nil if there is none; {late = true, ...} if that one is newer, which is left; else what is
-- kept of it: id, version, created, if the new one may alert, and the flags and times of its states.
function lib.replace(user)
  local at, seq, entry = lib.tagged(user, ARGV[21])
  if not at then return nil end
  local id, createdAt, version, progress, created = string.match(entry, lib.KEPT)
  local given, finished = ARGV[16], ARGV[17] == 'finished' and progress ~= 'finished'
  local old = {id = id, seq = seq, version = version}
  if given ~= '' and tonumber(given) <= tonumber(version)
    or given == '' and ARGV[17] == 'running' and progress == 'finished' then
    old.late = true
    return old
  end
  old.version = given ~= '' and given or lib.int(math.min(tonumber(version) + 1, lib.MAX_VERSION))
  old.created = created ~= '' and created or lib.rfc3339(tonumber(createdAt))
  local again, flags = ARGV[22] == '1' or finished, lib.flags_at(user, at)
  local times = lib.times_at(user, at, flags)
  old.alert, old.flags, old.times = again and ARGV[14] or '0', again and 0 or bit.band(flags, 7), again and {} or times
  lib.take_out(user, at, seq, flags, times)
  return old
end

-- The time in six bytes, in milliseconds as text; "-" for none.
function lib.word_of(bytes) return bytes and lib.int(struct.unpack('>I6', bytes)) or '-' end

function lib.quoted(bytes) return bytes and '"' .. lib.rfc3339(struct.unpack('>I6', bytes)) .. '"' or 'null' end

-- Makes room where that takes more than to let the oldest fall out. `updated`: the time that this one receives. Sets `stamp` and `more_words` of the
-- user if they are not as the caller knows them; returns what is kept of the one that it replaces.
function lib.make_room(user, updated)
  user.lifetime = lib.lifetime(tonumber(ARGV[7]))
  local old = ARGV[21] ~= '-' and lib.replace(user) or nil
  if old and old.late then return old end
  lib.trim(user, tonumber(ARGV[4]) - 1)
  local now, given_updated = tonumber(ARGV[3]), tonumber(ARGV[13])
  if not old and updated == given_updated then return nil end
  local updatedAt, expiresAt = string.match(ARGV[12], '"updatedAt":"([^"]+)","expiresAt":"([^"]+)"')
  if updated ~= given_updated then updatedAt = lib.rfc3339(updated) end
  local created, times = old and old.created or lib.rfc3339(now), old and old.times or {}
  user.stamp = ',"version":' .. (old and old.version or ARGV[16] ~= '' and ARGV[16] or '1') .. ',"createdAt":"' .. created .. '","updatedAt":"'
    .. updatedAt .. '","expiresAt":"' .. expiresAt .. '","seenAt":' .. lib.quoted(times.seen) .. ',"readAt":' .. lib.quoted(times.read)
    .. ',"archivedAt":' .. lib.quoted(times.archived)
  user.more_words = ' ' .. created .. ' ' .. lib.int(updated)
  if next(times) then
    user.more_words = user.more_words .. ' ' .. lib.word_of(times.seen) .. ' ' .. lib.word_of(times.read) .. ' ' .. lib.word_of(times.archived)
  end
  return old
end

-- Writes the times that a replacement keeps to its place, which is the last.
function lib.keep_times(user, at, times)
  for state, bytes in pairs(times) do lib.write(user, state, at, bytes) end
end

-- Writes the flags of a new one, and what they stand for: its tag, and its end if that comes before one in front of it. `place`: counted from `origin`;
-- `ordinal`: as it is.
function lib.write_flags(base, place, flags, ends, seq, ordinal)
  local lifetime = lib.lifetime(tonumber(ARGV[7]))
  if redis.call('SETRANGE', base .. ':flags', place, string.char(flags)) == place + 1 then redis.call('PEXPIRE', base .. ':flags', lifetime, 'NX') end
  if flags >= lib.FLAG.tagged and redis.call('HSET', base .. ':tags', ARGV[21], seq .. ' ' .. lib.int(ordinal)) == 1 then
    redis.call('PEXPIRE', base .. ':tags', lifetime, 'NX')
  end
  if ends then
    redis.call('ZADD', base .. ':ends', ends, seq)
    redis.call('PEXPIRE', base .. ':ends', lifetime, 'NX')
  end
end

-- Gives a list that is new a lifetime.
function lib.expire_list(base)
  for _, name in ipairs({'notifications', 'index'}) do redis.call('PEXPIRE', base .. ':' .. name, lib.lifetime(tonumber(ARGV[7])), 'NX') end
end

-- Forgets what the list had, which has expired or was evicted.
function lib.forget_list(base)
  local user = lib.load(base)
  lib.start_over(user)
  lib.save(user)
end

-- Writes anew what has many holes.
function lib.tidy_all(base)
  local user = lib.load(base)
  user.lifetime = lib.lifetime(tonumber(ARGV[7]))
  lib.tidy(user)
  lib.save(user)
end

-- What an earlier call under an idempotency key came to.
function lib.repeated(known, fingerprint, connections)
  local words = lib.words_of(known)
  if words[1] ~= fingerprint then return {2} end
  return {
    1, tonumber(words[2]), words[3], words[4], connections, lib.run_id_of_store(), words[5], tonumber(words[6]), tonumber(words[7])
  }
end
