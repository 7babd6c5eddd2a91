--[[
  Lists notifications, newest first, or finds one.
  KEYS[1] log   KEYS[2] meta   KEYS[3] topic
  KEYS[4..8]            the inbox: lines, contents, order, tags, ends
  ARGV[1..7]            the envelope, as in log.lua
  ARGV[8] limit
  ARGV[9] before        only below this seq; or ""
  ARGV[10] status       active, unread, unseen, read, archived; or ""
  ARGV[11] category     as a word, or ""
  ARGV[12] type         as a word, or ""
  ARGV[13] id or tag    only this one; or ""
  Returns {seq, epoch, unread, unseen, 1 if nothing older is left, id, line, content, id, line, content, ...}
]]
local inbox = inbox_keys(4)
local log, how = log_keys(), envelope()
local epoch = found(KEYS[1], KEYS[2], how.incarnation)
local counts = counts_of(inbox)
expire(log, inbox, counts, how)
local status, category, type, wanted = ARGV[10], ARGV[11], ARGV[12], ARGV[13]

local function has_status(words)
  local unread, unseen = weight(words)
  if status == '' then return true end
  if status == 'unread' then return unread == 1 end
  if status == 'unseen' then return unseen == 1 end
  if status == 'archived' then return words[ARCHIVED] ~= '-' end
  return words[ARCHIVED] == '-' and (status == 'active' or words[READ] ~= '-')
end

local head = redis.call('HMGET', KEYS[2], 'seq', 'epoch')
local result = {tonumber(head[1] or 0), head[2] or epoch, counts.unread, counts.unseen, 1}
local left, edge, offered = tonumber(ARGV[8]), ARGV[9] == '' and '+inf' or '(' .. ARGV[9], nil
if wanted ~= '' then offered = {redis.call('HGET', inbox.tags, wanted) or wanted} end
while true do
  local ids = offered or redis.call('ZREVRANGEBYSCORE', inbox.order, edge, '-inf', 'LIMIT', 0, 100)
  if #ids == 0 then return result end
  local lines = redis.call('HMGET', inbox.lines, unpack(ids))
  for index, id in ipairs(ids) do
    local words = lines[index] and words_of(lines[index])
    if words then
      edge = '(' .. words[SEQ]
      if has_status(words) and (category == '' or words[CATEGORY] == category) and (type == '' or words[TYPE] == type) then
        if left == 0 then
          result[5] = 0
          return result
        end
        left = left - 1
        result[#result + 1] = id
        result[#result + 1] = lines[index]
        result[#result + 1] = redis.call('HGET', inbox.contents, id)
      end
    end
  end
  if offered then return result end
end
