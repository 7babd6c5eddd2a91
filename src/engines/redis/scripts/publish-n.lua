--[[
  Stores one publication that is no notification, gives it the next seq, and announces it; an ephemeral one is only passed on.
  Content is never decoded: seq and epoch are spliced into finished text, integers by %d.

  KEYS[1] base, see log.lua

  ARGV[1..8]            the envelope, as in log.lua
  ARGV[9] opening       "<event> <id> <createdAt> <expiresAt> <except>\n" and the packet, up to seq
  ARGV[10] tail         the packet after epoch
  ARGV[11] kind         of the log: "room" or "user"; "none" for an ephemeral one
  ARGV[12] key          for idempotency, or ""
  ARGV[13] fingerprint  of the body
  ARGV[14] remember     the key for this many seconds

  Returns {0 stored | 1 replayed | 2 conflict, seq, epoch, id, {process, connections, ...}, run id of the store if replayed}
]]
local lib = library()
local how, base = lib.envelope(), KEYS[1]
local opening, tail, kind = ARGV[9], ARGV[10], ARGV[11]
local key = ARGV[12] ~= '' and base .. ':idempotency:' .. ARGV[12]
local connections = redis.call('HGETALL', base .. ':connections')

local known = key and redis.call('GET', key)
if known then
  local fingerprint, seq, epoch, id = string.match(known, '^(%S+) (%d+) (%S*) (%S+)$')
  if fingerprint ~= ARGV[13] then return {2} end
  return {1, tonumber(seq), epoch, id, connections, lib.run_id_of_store()}
end

local number, epoch = '0', ''
if kind == 'none' then
  redis.call(how.command, base .. how.topic, '0  ' .. opening .. tail)
elseif kind == 'user' then
  local user = lib.open_to_write(base, how)
  number = lib.append_event(user, how, opening, tail)
  epoch = user.epoch
  lib.close(user)
else
  local message
  number, epoch, message = lib.append_to_room(lib.room(base), how, function(seq, epoch)
    return seq .. ' ' .. epoch .. ' ' .. opening .. ',"seq":' .. seq .. ',"epoch":"' .. epoch .. '"' .. tail
  end)
  redis.call(how.command, base .. how.topic, message)
end
if key then redis.call('SET', key, ARGV[13] .. ' ' .. number .. ' ' .. epoch .. ' ' .. how.id, 'EX', ARGV[14]) end
return {0, tonumber(number), epoch, how.id, connections}
