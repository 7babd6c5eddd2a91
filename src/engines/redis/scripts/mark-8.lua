--[[
  Gives notifications a state, or takes it away, and announces it if something changed.
  KEYS[1] log   KEYS[2] meta   KEYS[3] topic
  KEYS[4..8]            the inbox: lines, contents, order, tags, ends
  ARGV[1..7]            the envelope, as in log.lua
  ARGV[8] opening       "<event> <id> <createdAt> <expiresAt> <except>\n" and the packet, up to seq
  ARGV[9] word          of the state: 7 seen, 8 read, 9 archived
  ARGV[10] value        RFC 3339, or "-" to take it away
  ARGV[11] before       with all: only those that were not updated after this time; or ""
  ARGV[12..]            ids; none for all
  Returns {1 if something changed, unread, unseen, id of each that changed and has a webhook, ...}
]]
local inbox = inbox_keys(4)
local log, how = log_keys(), envelope()
local counts = counts_of(inbox)
expire(log, inbox, counts, how)
local ids, named, before = {}, {}, ARGV[11]
for index = 12, #ARGV do
  -- An id that is named twice counts once.
  if not named[ARGV[index]] then ids[#ids + 1] = ARGV[index] end
  named[ARGV[index]] = true
end
if #ids == 0 then ids = redis.call('ZRANGE', inbox.order, 0, -1) end
local state, value, changed, with_webhook = tonumber(ARGV[9]), ARGV[10], {}, {}
for first = 1, #ids, 1000 do
  local last = math.min(first + 999, #ids)
  local lines = redis.call('HMGET', inbox.lines, unpack(ids, first, last))
  for index = first, last do
    local line = lines[index - first + 1]
    local words = line and words_of(line)
    if words and (words[state] == '-') ~= (value == '-') and (before == '' or words[UPDATED] <= before) then
      add(counts, words, -1)
      words[state] = value
      add(counts, words, 1)
      changed[#changed + 1] = ids[index]
      changed[#changed + 1] = table.concat(words, ' ')
      if words[WITH_WEBHOOK] ~= '-' then with_webhook[#with_webhook + 1] = ids[index] end
    end
  end
end
if #changed == 0 then return {0, counts.unread, counts.unseen} end
for first = 1, #changed, 1000 do
  redis.call('HSET', inbox.lines, unpack(changed, first, math.min(first + 999, #changed)))
end
keep_counts(inbox, counts)
append_event(log, how, ARGV[8], counts)
local result = {1, counts.unread, counts.unseen}
for _, id in ipairs(with_webhook) do result[#result + 1] = id end
return result
