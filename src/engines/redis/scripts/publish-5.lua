--[[
  Stores one publication, gives it the next seq, and carries it to the subscribers; or only carries it.
  Content is never decoded: seq and epoch are spliced into finished text, integers by %d.

  KEYS[1] log           stream; an entry's id is its seq
  KEYS[2] meta          hash: seq, floor, epoch, epochs, due
  KEYS[3] connections   hash: process -> connections
  KEYS[4] idempotency   string; "" if the caller gave no key (then ARGV[6] is "")
  KEYS[5] topic          Pub/Sub channel

  ARGV[1] run_id          of this store, as the caller knows it; "" to ask the store itself
  ARGV[2] incarnation         for a log that does not exist yet
  ARGV[3] opening       "<event> <id> <createdAt> <expiresAt> <except>\n" and the packet, up to seq
  ARGV[4] tail          the packet after epoch
  ARGV[5] stored        "1", or "0" to carry only
  ARGV[6] fingerprint   of the body, or ""
  ARGV[7] id
  ARGV[8] now           milliseconds
  ARGV[9] max count     of entries
  ARGV[10] max age      of entries, milliseconds
  ARGV[11] command      PUBLISH or SPUBLISH
  ARGV[12] remember     the idempotency key for this many seconds

  Returns {0 stored | 1 replayed | 2 conflict, seq, epoch, id, {process, connections, ...}, run_id of the store if replayed}
]]
local connections = redis.call('HGETALL', KEYS[3])

if ARGV[6] ~= '' then
  local known = redis.call('GET', KEYS[4])
  if known then
    local fingerprint, seq, epoch, id = string.match(known, '^(%S+) (%d+) (%S*) (%S+)$')
    if fingerprint ~= ARGV[6] then return {2} end
    return {1, tonumber(seq), epoch, id, connections, run_id_of_store()}
  end
end

local seq, epoch, message = 0, '', nil
if ARGV[5] == '0' then
  message = '0  ' .. ARGV[3] .. ARGV[4]
else
  local meta = redis.call('HMGET', KEYS[2], 'epoch', 'due')
  local number
  number, epoch = next_number(KEYS[1], KEYS[2], meta[1], ARGV[1], ARGV[2])
  seq = tonumber(number)
  message = number .. ' ' .. epoch .. ' ' .. ARGV[3] .. ',"seq":' .. number .. ',"epoch":"' .. epoch .. '"' .. ARGV[4]
  append(KEYS[1], KEYS[2], number, message, tonumber(ARGV[9]))
  local now = tonumber(ARGV[8])
  if now >= tonumber(meta[2] or 0) then keep_alive(KEYS[1], KEYS[2], now, tonumber(ARGV[10])) end
end

if ARGV[6] ~= '' then
  redis.call('SET', KEYS[4], ARGV[6] .. ' ' .. string.format('%d', seq) .. ' ' .. epoch .. ' ' .. ARGV[7], 'EX', ARGV[12])
end
redis.call(ARGV[11], KEYS[5], message)
return {0, seq, epoch, ARGV[7], connections}
