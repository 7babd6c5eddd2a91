--[[
  States the number of connections of some users in a process, and returns for each what a connection needs that comes.

  KEYS[1]   identity      of the store
  KEYS[2]+  of each user: base, see log.lua; then those that a Cluster wants to know of, the same number for each

  ARGV[1] process
  ARGV[2] now             milliseconds
  ARGV[3] keep count      for this many seconds, unless it is stated again
  ARGV[4] keep seen       the time at which a user was last seen, for this many milliseconds
  ARGV[5] fresh           the identity of a store that has none
  ARGV[6] connections     of each user, separated by spaces

  Returns {identity, {seq, epoch, revoked, memberships}, ...}: of a log that was not yet written a seq of 0 and an empty epoch; the time up to
  which tokens are refused, or ""; and the rooms, each followed by 1 if the user may speak there, else by 0.
]]
local counts = {}
for count in string.gmatch(ARGV[6], '%d+') do counts[#counts + 1] = count end
local keys_each = (#KEYS - 1) / #counts
local answer = {redis.call('SET', KEYS[1], ARGV[5], 'NX', 'GET') or ARGV[5]}
local lib
for index, count in ipairs(counts) do
  local base = KEYS[2 + (index - 1) * keys_each]
  local connections = base .. ':connections'
  redis.call('HSET', connections, ARGV[1], count)
  redis.call('EXPIRE', connections, ARGV[3])
  redis.call('SET', base .. ':last-seen', ARGV[2], 'PX', ARGV[4])
  local head = redis.call('HMGET', base .. ':head', 'epoch', 'numbers')
  local epoch, seq = head[1], head[1] and struct.unpack('>I6', head[2]) or 0
  if not epoch and redis.call('TYPE', base .. ':meta').ok == 'hash' then
    lib = lib or library()
    local old = lib.adopt(base, tonumber(ARGV[4]))
    if old then seq, epoch = old.seq, old.epoch end
  end
  answer[index + 1] = {
    seq, epoch or '', redis.call('GET', base .. ':revoked') or '', redis.call('HGETALL', base .. ':memberships')
  }
end
return answer
