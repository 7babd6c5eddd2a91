--[[
  States the number of connections of a channel in a process, and returns the end of the log.

  KEYS[1] base, see log.lua
  KEYS[2] identity      of the store

  ARGV[1] process
  ARGV[2] connections   0 withdraws the process
  ARGV[3] now           milliseconds
  ARGV[4] keep count    for this many seconds, unless it is stated again
  ARGV[5] keep seen     the time at which a user was last seen, for this many milliseconds; "" for a room, of which it is not kept
  ARGV[6] fresh         the identity of a store that has none

  Returns {seq, epoch, identity}; of a log that was not yet written {0, "", identity}
]]
local base, seen = KEYS[1], ARGV[5]
local connections = base .. ':connections'
if ARGV[2] == '0' then
  redis.call('HDEL', connections, ARGV[1])
else
  redis.call('HSET', connections, ARGV[1], ARGV[2])
  redis.call('EXPIRE', connections, ARGV[4])
end
if seen ~= '' then redis.call('SET', base .. ':last-seen', ARGV[3], 'PX', seen) end
local head = seen == '' and redis.call('HMGET', base .. ':meta', 'epoch', 'seq') or redis.call('HMGET', base .. ':head', 'epoch', 'numbers')
if head[1] then return {seen == '' and tonumber(head[2] or 0) or struct.unpack('>I6', head[2]), head[1], ''} end
local lib = library()
local old = seen ~= '' and lib.adopt(base, tonumber(seen))
if old then return {old.seq, old.epoch, ''} end
return {0, '', lib.identity(KEYS[2], ARGV[6])}
