--[[
  The functions that all scripts on a log share. With the files behind it, it is the body of the function `library`, which a script calls when it
  needs them: to define them takes longer than most scripts do.

  The first key of a script on a log is its base, "<prefix>:{<channel>}". It is no key itself: the names of all keys of the channel begin with it,
  so that they share its hash tag, and a script derives them. On a Cluster all of them follow on it, or on the keys that a script explains: a
  node that hands their slot over must know of each whether it has it still.

  Of every log there is a hash with the facts about it, the head. When there is more than the first epoch, they are kept as text, "<epoch>
  <first seq> <epoch> <first seq> ...", oldest first. An epoch is "<incarnation>.<run id>". The incarnation has eight characters and changes only
  when the log is founded anew; the run id has sixteen. A run id that comes back has its first seq behind it, "<incarnation>.<run id>.<first seq>",
  so that no two epochs have the same name. A log that was not yet written has no head, and an empty epoch.
]]
local lib = {}

lib.DAY = 86400000

-- Text of an integer: tostring writes large ones with an exponent.
function lib.int(number) return string.format('%d', number) end

-- The run id of this store: its process and its replication history. Read only when an epoch may begin, since it takes a while.
function lib.run_id_of_store()
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local replication = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  return string.sub(run, 1, 8) .. string.sub(replication, 1, 8)
end

-- The epochs of a log, by the fields of its head.
function lib.epochs_of(epochs, epoch) return epochs or epoch and epoch .. ' 1' or '' end

-- Notes that from `seq` on, entries are written in this run; `before` is the last epoch, or the incarnation of a new log. Forgets the epochs that
-- ended below the floor.
function lib.begin_epoch(head, before, run_id, seq, floor)
  local facts = redis.call('HMGET', head, 'epochs', 'epoch')
  local known = lib.epochs_of(facts[1], facts[2])
  local kept, previous = {}, nil
  for name, first in string.gmatch(known, '(%S+) (%d+)') do
    if previous and tonumber(first) > floor then kept[#kept + 1] = previous end
    previous = name .. ' ' .. first
  end
  if previous and seq > floor then kept[#kept + 1] = previous end
  local begun = string.sub(before, 1, 8) .. '.' .. run_id
  -- A slot of a Cluster can come back to a node where it has been before.
  if string.find(known, begun .. ' ', 1, true) then begun = begun .. '.' .. lib.int(seq) end
  kept[#kept + 1] = begun .. ' ' .. lib.int(seq)
  redis.call('HSET', head, 'epoch', begun)
  if seq > 1 then redis.call('HSET', head, 'epochs', table.concat(kept, ' ')) end
  return begun
end

-- The epoch of a log that is written now for the first time.
function lib.first_epoch(head, incarnation)
  return lib.begin_epoch(head, incarnation, lib.run_id_of_store(), 1, 0)
end

-- The epoch in which `seq` is written: another one begins if the present run of the store is not that of the last one. `run_id`: as the caller
-- knows it, which may be out of date: a store's replication history can change under an open connection.
function lib.epoch_at(head, epoch, run_id, seq, floor)
  local last = string.sub(epoch, 10, 25)
  if last == run_id then return epoch end
  local now = lib.run_id_of_store()
  return last == now and epoch or lib.begin_epoch(head, epoch, now, seq, floor)
end

-- The identity of the store, which a store without one receives now.
function lib.identity(key, fresh)
  return redis.call('SET', key, fresh, 'NX', 'GET') or fresh
end

-- The time after which the lifetime of keys in use is renewed, in milliseconds.
function lib.renewal(max_age)
  return math.min(math.floor(max_age / 8), 3600000)
end

-- The lifetime of the keys of a log after their last use, in milliseconds: longer than anything in it, and than positions hold.
function lib.lifetime(max_age)
  return math.max(max_age, lib.DAY) * 2 + 60000
end

-- The envelope: the first arguments of every script that writes to a log.
--   ARGV[1] run id        of this store, as the caller knows it; "" to ask the store itself
--   ARGV[2] incarnation   for a log that is founded now
--   ARGV[3] now           milliseconds
--   ARGV[4] max           number of entries of each kind
--   ARGV[5] command       PUBLISH or SPUBLISH
--   ARGV[6] topic         what follows on the base in the name of the Pub/Sub channel
--   ARGV[7] max age       of entries, milliseconds
--   ARGV[8] id            of an event of the store's own, if something has ended meanwhile
function lib.envelope()
  return {
    run_id = ARGV[1], incarnation = ARGV[2], now = tonumber(ARGV[3]), max = tonumber(ARGV[4]), command = ARGV[5], topic = ARGV[6],
    max_age = tonumber(ARGV[7]), id = ARGV[8]
  }
end
