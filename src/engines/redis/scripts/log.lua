--[[
  The functions that all scripts on a log share; put in front of each of them.

  A log's epochs are kept as text, "<epoch> <first seq> <epoch> <first seq> ...", oldest first. An epoch is "<incarnation>.<run id>". The
  incarnation has eight characters and changes only when the log is founded anew; the run id has sixteen. A run id that comes back has its first
  seq behind it, "<incarnation>.<run id>.<first seq>", so that no two epochs have the same name.
]]

-- The run id of this store: its process and its replication history. Read only when an epoch may begin, since it takes a while.
local function run_id_of_store()
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local replication = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  return string.sub(run, 1, 8) .. string.sub(replication, 1, 8)
end

-- The run id in which an epoch was begun.
local function run_id_of(epoch)
  return string.sub(epoch, 10, 25)
end

-- Notes that from `seq` on, entries are written in this run; `before` is the last epoch, or the incarnation of a new log. Forgets the epochs that
-- ended below the floor.
local function begin_epoch(meta, before, run_id, seq)
  local known = redis.call('HMGET', meta, 'epochs', 'floor')
  local floor = tonumber(known[2] or 0)
  local kept, previous = {}, nil
  for name, first in string.gmatch(known[1] or '', '(%S+) (%d+)') do
    if previous and tonumber(first) > floor then kept[#kept + 1] = previous end
    previous = name .. ' ' .. first
  end
  if previous and seq > floor then kept[#kept + 1] = previous end
  local begun = string.sub(before, 1, 8) .. '.' .. run_id
  -- A slot of a Cluster can come back to a node where it has been before.
  if string.find(known[1] or '', begun .. ' ', 1, true) then begun = begun .. '.' .. string.format('%d', seq) end
  kept[#kept + 1] = begun .. ' ' .. string.format('%d', seq)
  redis.call('HSET', meta, 'epoch', begun, 'epochs', table.concat(kept, ' '))
  return begun
end

-- The lifetime of the meta of a log that was never written, in milliseconds: a day after its last use. It has only a position that tabs know,
-- which must outlast their absence; and every caller that may read a log can found one.
local UNWRITTEN = 86400000

-- The epoch of a log, which is founded if it does not exist yet.
local function found(log, meta, incarnation)
  local epoch = redis.call('HGET', meta, 'epoch')
  if epoch then return epoch end
  -- Entries whose meta was evicted have no number to go on from.
  redis.call('DEL', log)
  epoch = begin_epoch(meta, incarnation, run_id_of_store(), 1)
  redis.call('PEXPIRE', meta, UNWRITTEN)
  return epoch
end

-- Notes that retention has removed everything up to this entry.
local function raise_floor(meta, entry)
  redis.call('HSET', meta, 'floor', string.match(entry, '^%d+'))
end

-- Removes the entries that are older than max_age (milliseconds).
local function trim_by_age(log, meta, now, max_age)
  if redis.call('EXISTS', log) == 0 then
    -- The whole log has expired, or was evicted; one that was only emptied keeps its key.
    local seq = tonumber(redis.call('HGET', meta, 'seq') or 0)
    if seq > 0 then raise_floor(meta, string.format('%d', seq)) end
    return
  end
  local last = nil
  while true do
    local entries = redis.call('XRANGE', log, last and ('(' .. last) or '-', '+', 'COUNT', 20)
    for _, entry in ipairs(entries) do
      local created = string.match(entry[2][2], '^%S+ %S+ %S+ %S+ (%d+)')
      if not created then
        -- Not a publication, so nobody can miss it.
        redis.call('XDEL', log, entry[1])
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
    redis.call('XTRIM', log, 'MINID', string.format('%d', tonumber(string.match(last, '^%d+')) + 1) .. '-0')
    raise_floor(meta, last)
  end
end

-- The time after which the lifetime of keys in use is renewed, in milliseconds.
local function renewal(max_age)
  return math.min(math.floor(max_age / 8), 3600000)
end

-- The lifetime of the meta of a log after its last use, in milliseconds.
local function lifetime(max_age)
  return max_age * 2 + 60000
end

-- Renews the lifetime of a log's keys; done now and then, not with every call.
local function keep_alive(log, meta, now, max_age)
  if redis.call('HEXISTS', meta, 'seq') == 0 then
    -- `due` is set with its first entry.
    redis.call('PEXPIRE', meta, UNWRITTEN, 'GT')
    return
  end
  trim_by_age(log, meta, now, max_age)
  redis.call('HSET', meta, 'due', string.format('%d', now + renewal(max_age)))
  redis.call('PEXPIRE', log, max_age + renewal(max_age) * 2)
  redis.call('PEXPIRE', meta, lifetime(max_age))
end

local function keep_alive_when_due(log, meta, now, max_age)
  if now >= tonumber(redis.call('HGET', meta, 'due') or 0) then keep_alive(log, meta, now, max_age) end
end

-- The envelope: the first arguments of every script that writes to a log.
--   ARGV[1] run id        of this store, as the caller knows it; "" to ask the store itself
--   ARGV[2] incarnation   for a log that does not exist yet
--   ARGV[3] now           milliseconds
--   ARGV[4] max count     of entries, and of notifications
--   ARGV[5] command       PUBLISH or SPUBLISH
--   ARGV[6] id            of the publication, or of an event of the store's own if something has ended meanwhile
--   ARGV[7] max age       of entries, milliseconds
local function envelope()
  return {
    run_id = ARGV[1], incarnation = ARGV[2], now = tonumber(ARGV[3]), max = tonumber(ARGV[4]), command = ARGV[5], id = ARGV[6],
    max_age = tonumber(ARGV[7])
  }
end

-- Gives the log its next number, in the present run of the store; returns the number as text, and its epoch.
local function next_number(log, meta, epoch, run_id, incarnation)
  epoch = epoch or found(log, meta, incarnation)
  local seq = redis.call('HINCRBY', meta, 'seq', 1)
  if run_id_of(epoch) ~= run_id then
    -- The caller's run id may be out of date: a store's replication history can change under an open connection.
    local now = run_id_of_store()
    if run_id_of(epoch) ~= now then epoch = begin_epoch(meta, epoch, now, seq) end
  end
  return string.format('%d', seq), epoch
end

-- Appends an entry to the log, and removes the oldest above the number that is kept.
local function append(log, meta, number, message, max)
  if not redis.call('XADD', log, 'NOMKSTREAM', number .. '-0', 'm', message) then
    -- The log before this entry has expired or was evicted, which could not be noticed once there is an entry.
    if number ~= '1' then raise_floor(meta, string.format('%d', tonumber(number) - 1)) end
    redis.call('XADD', log, number .. '-0', 'm', message)
  end
  local surplus = redis.call('XLEN', log) - max
  if surplus > 0 then
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', surplus)
    redis.call('XTRIM', log, 'MAXLEN', max)
    raise_floor(meta, oldest[#oldest][1])
  end
end
