--[[
  Keeps a notification until its time.
  KEYS[1] idempotency   string; "" if the caller gave no key (then ARGV[3] is "")
  KEYS[2] scheduled     hash: id -> JSON
  ARGV[1] id
  ARGV[2] scheduled     JSON
  ARGV[3] fingerprint   of the body, without spaces; or ""
  ARGV[4] remember      the idempotency key for this many seconds
  Returns {0 kept | 1 kept before | 2 conflict, id}
]]
if ARGV[3] ~= '' then
  local known = redis.call('GET', KEYS[1])
  if known then
    local fingerprint, _, _, id = string.match(known, '^(%S+) (%S+) (%S+) (%S+)')
    if fingerprint ~= ARGV[3] then return {2} end
    return {1, id}
  end
  redis.call('SET', KEYS[1], ARGV[3] .. ' 0 - ' .. ARGV[1] .. ' 0 0 0', 'EX', ARGV[4])
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return {0, ARGV[1]}
