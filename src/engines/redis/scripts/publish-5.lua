--[[
  Stores one publication, gives it the next seq, and announces it; an ephemeral one is only passed on.
  Content is never decoded: seq and epoch are spliced into finished text, integers by %d.

  KEYS[1] log           stream; an entry's id is its seq
  KEYS[2] meta          hash: seq, floor, epoch, epochs, due
  KEYS[3] connections   hash: process -> connections
  KEYS[4] idempotency   string; "" if the caller gave no key (then ARGV[11] is "")
  KEYS[5] topic         Pub/Sub channel

  ARGV[1..7]            the envelope, as in log.lua
  ARGV[8] opening       "<event> <id> <createdAt> <expiresAt> <except>\n" and the packet, up to seq
  ARGV[9] tail          the packet after epoch
  ARGV[10] stored       "1", or "0" for an ephemeral one
  ARGV[11] fingerprint  of the body, or ""
  ARGV[12] remember     the idempotency key for this many seconds

  Returns {0 stored | 1 replayed | 2 conflict, seq, epoch, id, {process, connections, ...}, run id of the store if replayed}
]]
local how = envelope()
local opening, tail, fingerprint = ARGV[8], ARGV[9], ARGV[11]
local connections = redis.call('HGETALL', KEYS[3])

if fingerprint ~= '' then
  local known = redis.call('GET', KEYS[4])
  if known then
    local known_fingerprint, seq, epoch, id = string.match(known, '^(%S+) (%d+) (%S*) (%S+)$')
    if known_fingerprint ~= fingerprint then return {2} end
    return {1, tonumber(seq), epoch, id, connections, run_id_of_store()}
  end
end

local seq, epoch, message = 0, '', nil
if ARGV[10] == '0' then
  message = '0  ' .. opening .. tail
else
  local meta = redis.call('HMGET', KEYS[2], 'epoch', 'due')
  local number
  number, epoch = next_number(KEYS[1], KEYS[2], meta[1], how.run_id, how.incarnation)
  seq = tonumber(number)
  message = number .. ' ' .. epoch .. ' ' .. opening .. ',"seq":' .. number .. ',"epoch":"' .. epoch .. '"' .. tail
  append(KEYS[1], KEYS[2], number, message, how.max)
  if how.now >= tonumber(meta[2] or 0) then keep_alive(KEYS[1], KEYS[2], how.now, how.max_age) end
end

if fingerprint ~= '' then
  redis.call('SET', KEYS[4], fingerprint .. ' ' .. string.format('%d', seq) .. ' ' .. epoch .. ' ' .. how.id, 'EX', ARGV[12])
end
redis.call(how.command, KEYS[5], message)
return {0, seq, epoch, how.id, connections}
