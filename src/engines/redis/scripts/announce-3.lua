--[[
  States the number of connections of a channel in a process, and returns the end of the log. Founds the log if it does not exist yet, so
  that the position holds from then on.

  KEYS[1] log
  KEYS[2] meta
  KEYS[3] connections

  ARGV[1] incarnation  for a log that does not exist yet
  ARGV[2] process
  ARGV[3] connections  0 withdraws the process
  ARGV[4] now          milliseconds
  ARGV[5] keep meta    for this many milliseconds, if the log was written or says when a user was last seen
  ARGV[6] keep count   for this many seconds, unless it is stated again
  ARGV[7] user         "1" if the channel is a user's, else "0"

  Returns {seq, epoch}
]]
local epoch = found(KEYS[1], KEYS[2], ARGV[1])
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[3], ARGV[2])
else
  redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
  redis.call('EXPIRE', KEYS[3], ARGV[6])
end
redis.call('HSET', KEYS[2], 'seen', ARGV[4])
local seq = redis.call('HGET', KEYS[2], 'seq')
redis.call('PEXPIRE', KEYS[2], (seq or ARGV[7] == '1') and ARGV[5] or UNWRITTEN)
return {tonumber(seq or 0), epoch}
