-- What happens when a notification replaces the one with its tag. Behind inbox-log.lua.

local call, int, band = redis.call, lib.int, bit.band

-- The highest version: the highest integer that every reader of JSON keeps exactly (RFC 8259 §6).
local MAX_VERSION = 9007199254740991
local NONE = '\0\0\0\0\0\0'
local STATES = {'seen', 'read', 'archived'}

-- The times of the states of a place, six bytes each.
local function times_at(user, at, flags)
  local times, offset = {}, (user.front - user.origin + at) * 6
  for _, state in ipairs(STATES) do
    if band(flags, lib.FLAG[state]) ~= 0 then times[state] = call('GETRANGE', user.base .. ':' .. state, offset, offset + 5) end
  end
  return times
end

-- Takes the notification at a place out, for one that comes behind the last. Its place is used again if it is the last itself, so that a
-- progress leaves no holes.
local function take_out(user, at, words, flags)
  local size = user.items + user.holes
  if at < size - 1 or size == 1 then
    lib.drop(user, at, words)
    return
  end
  lib.count(user, flags, -1)
  user.items, user.rows = user.items - 1, nil
  call('RPOP', user.list)
  if band(flags, lib.APART) ~= 0 then call('ZREM', user.base .. ':ends', words[1]) end
  for state in pairs(times_at(user, at, flags)) do lib.write(user, state, at, NONE) end
  local offset = (user.front - user.origin + at) * 6
  if call('GETRANGE', user.base .. ':delivered', offset, offset + 5) ~= '' then lib.write(user, 'delivered', at, NONE) end
end

-- Removes the notification that is to be replaced. `wanted`: the tag as a word, version, progress and renotify of the one that comes. Returns nil
-- if there is none; {late = true, ...} if that one is newer, which is left; else what is kept of it: id, version, created, `again` if the new one
-- counts as new, and the flags and times of its states.
function lib.replace(user, wanted)
  local at, words = lib.find(user, '', wanted.tag)
  if not at then return nil end
  local version, given = words[lib.VERSION], wanted.version
  local was_finished, is_finished = words[lib.PROGRESS] == 'finished', wanted.progress == 'finished'
  local old = {id = words[lib.ID], seq = tonumber(words[1]), version = version}
  if given ~= '' and tonumber(given) <= tonumber(version) or given == '' and wanted.progress == 'running' and was_finished then
    old.late = true
    return old
  end
  old.version = given ~= '' and given or int(math.min(tonumber(version) + 1, MAX_VERSION))
  local created = words[lib.CREATED]
  old.created = tonumber(created and created ~= '-' and created or words[lib.CREATED_AT])
  old.again = wanted.renotify or is_finished and not was_finished
  local flags = lib.flags_at(user, at)
  old.flags = old.again and 0 or band(flags, lib.FLAG.seen + lib.FLAG.read + lib.FLAG.archived)
  old.times = times_at(user, at, old.flags)
  take_out(user, at, words, flags)
  return old
end

-- Writes the times that a replacement keeps to its place, which is the last.
function lib.keep_times(user, at, times)
  for state, bytes in pairs(times) do lib.write(user, state, at, bytes) end
end

-- The time in six bytes, in milliseconds as text; "-" for none.
local function word_of(bytes) return bytes and int(struct.unpack('>I6', bytes)) or '-' end

-- The words of an entry that are left out if they are as usual.
function lib.more_words(created, updated, times)
  return table.concat({'', int(created), int(updated), word_of(times.seen), word_of(times.read), word_of(times.archived)}, ' ')
end

local function quoted(bytes) return bytes and '"' .. lib.rfc3339(struct.unpack('>I6', bytes)) .. '"' or 'null' end

-- The fields of the store in a frame, with a comma before each.
function lib.stamp(version, created, updated, ends, times)
  return ',"version":' .. version .. ',"createdAt":"' .. lib.rfc3339(created) .. '","updatedAt":"' .. lib.rfc3339(updated)
    .. '","expiresAt":"' .. lib.rfc3339(ends) .. '","seenAt":' .. quoted(times.seen) .. ',"readAt":' .. quoted(times.read)
    .. ',"archivedAt":' .. quoted(times.archived)
end
