--[[
  What every script on an inbox shares; it is put behind log.lua, in front of each of them.

  Of a notification the inbox keeps a line of words ("-" for none) and its content, each in a hash by id; its seq in a sorted set; the id of
  each tag in a hash; and the time at which it ends, if the backend named one, in a sorted set. Times are RFC 3339 in UTC, always of the
  same length, so that they can be compared as text.
]]
local SEQ, VERSION, COURSE, CREATED, UPDATED, EXPIRES, SEEN, READ, ARCHIVED, DELIVERED = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
local TYPE, TAG, CATEGORY, WAITER, WATCHED = 12, 13, 14, 15, 16

-- The keys of an inbox, from KEYS[first] on.
local function inbox_keys(first)
  return {lines = KEYS[first], contents = KEYS[first + 1], order = KEYS[first + 2], tags = KEYS[first + 3], ends = KEYS[first + 4]}
end

local function words_of(line)
  local words = {}
  for word in string.gmatch(line, '%S+') do words[#words + 1] = word end
  return words
end

-- 1 if a notification counts as unread, 1 if it counts as unseen.
local function weight(words)
  if words[READ] ~= '-' or words[ARCHIVED] ~= '-' then return 0, 0 end
  return 1, words[SEEN] == '-' and 1 or 0
end

-- The counts as the log's hash has them.
local function counts_of(meta)
  local known = redis.call('HMGET', meta, 'unread', 'unseen')
  return {unread = tonumber(known[1] or 0), unseen = tonumber(known[2] or 0)}
end

local function add(counts, words, sign)
  local unread, unseen = weight(words)
  counts.unread = counts.unread + sign * unread
  counts.unseen = counts.unseen + sign * unseen
end

local function keep_counts(meta, counts)
  redis.call('HSET', meta, 'unread', counts.unread, 'unseen', counts.unseen)
end

local function counts_text(counts)
  return string.format(',"unread":%d,"unseen":%d', counts.unread, counts.unseen)
end

-- Takes a notification out of the inbox.
local function drop(inbox, counts, id, words)
  redis.call('HDEL', inbox.lines, id)
  redis.call('HDEL', inbox.contents, id)
  redis.call('ZREM', inbox.order, id)
  redis.call('ZREM', inbox.ends, id)
  if words[TAG] ~= '-' then redis.call('HDEL', inbox.tags, words[TAG]) end
  add(counts, words, -1)
end

-- Takes the oldest out: those beyond the number that is kept, and those that were not touched since `oldest`.
local function trim_inbox(inbox, counts, max, oldest)
  local surplus = redis.call('ZCARD', inbox.order) - max
  while true do
    local id = redis.call('ZRANGE', inbox.order, 0, 0)[1]
    if not id then return end
    local line = redis.call('HGET', inbox.lines, id)
    if not line then
      redis.call('ZREM', inbox.order, id)
    else
      local words = words_of(line)
      if surplus <= 0 and words[UPDATED] >= oldest then return end
      drop(inbox, counts, id, words)
    end
    surplus = surplus - 1
  end
end

-- Lets the keys of an inbox that is used live on.
local function keep_inbox_alive(inbox, max_age)
  for _, key in pairs(inbox) do redis.call('PEXPIRE', key, max_age * 2 + 60000) end
end

-- Puts an event of the server's own on the log, with the counts after it. `log` has the names of the keys, `how` what the caller said.
local function tell(log, how, opening, counts)
  local number, epoch = next_number(log.log, log.meta, redis.call('HGET', log.meta, 'epoch'), how.life, how.birth)
  local message = number .. ' ' .. epoch .. ' ' .. opening .. ',"seq":' .. number .. ',"epoch":"' .. epoch .. '"'
    .. counts_text(counts) .. '}]'
  append(log.log, log.meta, number, message, how.max)
  redis.call(how.command, log.bell, message)
end

-- Takes out what has ended, from the log too, and tells of it; answers whether there was something.
local function expire(log, inbox, counts, how)
  local ended = redis.call('ZRANGEBYSCORE', inbox.ends, '-inf', how.now, 'LIMIT', 0, 100)
  local ids = {}
  for _, id in ipairs(ended) do
    local line = redis.call('HGET', inbox.lines, id)
    if line then
      local words = words_of(line)
      redis.call('XDEL', log.log, words[SEQ] .. '-0')
      drop(inbox, counts, id, words)
      ids[#ids + 1] = '"' .. id .. '"'
    else
      redis.call('ZREM', inbox.ends, id)
    end
  end
  if #ids == 0 then return false end
  keep_counts(log.meta, counts)
  tell(log, how, 'removed ' .. how.id .. ' ' .. string.format('%d', how.now) .. ' 0 \n["notification:removed",{"ids":[' .. table.concat(ids, ',') .. ']', counts)
  return true
end
