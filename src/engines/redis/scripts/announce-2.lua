--[[
  States how many connections of a channel a process has, and tells where the log stands. Founds the log if it does not exist yet, so
  that the position holds from then on.

  KEYS[1] meta
  KEYS[2] connections

  ARGV[1] life
  ARGV[2] birth
  ARGV[3] process
  ARGV[4] connections  0 withdraws the process
  ARGV[5] now          milliseconds
  ARGV[6] keep meta    for so many milliseconds
  ARGV[7] keep count   for so many seconds, unless it is stated again

  Returns {seq, epoch}
]]
local epoch = found(KEYS[1], ARGV[2], ARGV[1])
if ARGV[4] == '0' then
  redis.call('HDEL', KEYS[2], ARGV[3])
else
  redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
  redis.call('EXPIRE', KEYS[2], ARGV[7])
end
redis.call('HSET', KEYS[1], 'seen', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return {tonumber(redis.call('HGET', KEYS[1], 'seq') or 0), epoch}
