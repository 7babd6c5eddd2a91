--[[
  The functions that all scripts on an inbox share; put behind log.lua, in front of each of them.

  Of a notification the inbox keeps a line of words ("-" for none; a text that a backend chooses is "=" and the text, escaped as in URLs) and its
  content, each in a hash by id; its seq in a sorted set; the id of each tag in a hash; and its end in a sorted set. The hash of the lines also
  has `#unread` and `#unseen`, which are so lost only together with the lines that they count; `#first`, before which nothing ends; and `#renew`,
  the time from which the lifetime of the keys is to be renewed: no id and no tag has a `#`. Times are RFC 3339 in UTC, always of the same length,
  so that they can be compared as text.
]]
local SEQ, VERSION, PROGRESS_STATE, CREATED, UPDATED, EXPIRES, SEEN, READ, ARCHIVED, DELIVERED = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
local TYPE, TAG, CATEGORY, WAITER, WITH_WEBHOOK = 12, 13, 14, 15, 16

-- The keys of an inbox, from KEYS[first] on.
local function inbox_keys(first)
  return {lines = KEYS[first], contents = KEYS[first + 1], order = KEYS[first + 2], tags = KEYS[first + 3], ends = KEYS[first + 4]}
end

-- The keys of the log in front of them.
local function log_keys()
  return {log = KEYS[1], meta = KEYS[2], topic = KEYS[3]}
end

local function words_of(line)
  local words = {}
  for word in string.gmatch(line, '%S+') do words[#words + 1] = word end
  return words
end

-- The text of a word; nil for none.
local function text_of(word)
  if word == '-' then return nil end
  return (string.gsub(string.sub(word, 2), '%%(%x%x)', function(code) return string.char(tonumber(code, 16)) end))
end

-- 1 if a notification counts as unread, 1 if it counts as unseen.
local function weight(words)
  if words[READ] ~= '-' or words[ARCHIVED] ~= '-' then return 0, 0 end
  return 1, words[SEEN] == '-' and 1 or 0
end

-- A time that never comes.
local NEVER = 9007199254740991

-- The counts and times beside the lines.
local function counts_of(inbox)
  local known = redis.call('HMGET', inbox.lines, '#unread', '#unseen', '#first', '#renew')
  return {
    unread = tonumber(known[1] or 0), unseen = tonumber(known[2] or 0),
    first = tonumber(known[3] or NEVER), renew = tonumber(known[4] or 0)
  }
end

local function add(counts, words, sign)
  local unread, unseen = weight(words)
  counts.unread = counts.unread + sign * unread
  counts.unseen = counts.unseen + sign * unseen
end

local function keep_counts(inbox, counts)
  redis.call('HSET', inbox.lines, '#unread', counts.unread, '#unseen', counts.unseen)
end

local function counts_text(counts)
  return string.format(',"unread":%d,"unseen":%d', counts.unread, counts.unseen)
end

-- Removes a notification from the inbox.
local function drop(inbox, counts, id, words)
  redis.call('HDEL', inbox.lines, id)
  redis.call('HDEL', inbox.contents, id)
  redis.call('ZREM', inbox.order, id)
  redis.call('ZREM', inbox.ends, id)
  local tag = text_of(words[TAG])
  if tag then redis.call('HDEL', inbox.tags, tag) end
  add(counts, words, -1)
end

-- Removes the oldest notifications, as many as there are too many.
local function trim_inbox(inbox, counts, surplus)
  for _, id in ipairs(redis.call('ZRANGE', inbox.order, 0, surplus - 1)) do
    local line = redis.call('HGET', inbox.lines, id)
    if line then drop(inbox, counts, id, words_of(line)) else redis.call('ZREM', inbox.order, id) end
  end
end

-- Renews the lifetime of an inbox's keys, for longer than anything in it, and of its log's meta, which has the numbers, at least as long.
local function keep_inbox_alive(inbox, meta, now, max_age)
  redis.call('HSET', inbox.lines, '#renew', string.format('%d', now + renewal(max_age)))
  for _, key in pairs(inbox) do redis.call('PEXPIRE', key, lifetime(max_age)) end
  redis.call('PEXPIRE', meta, lifetime(max_age))
end

-- Appends an event of the server's own to the log, with the counts after it, and announces it. `log`: the names of the keys; `how`: the envelope.
local function append_event(log, how, opening, counts)
  local number, epoch = next_number(log.log, log.meta, redis.call('HGET', log.meta, 'epoch'), how.run_id, how.incarnation)
  local message = number .. ' ' .. epoch .. ' ' .. opening .. ',"seq":' .. number .. ',"epoch":"' .. epoch .. '"'
    .. counts_text(counts) .. '}]'
  append(log.log, log.meta, number, message, how.max)
  keep_alive_when_due(log.log, log.meta, how.now, how.max_age)
  redis.call(how.command, log.topic, message)
end

-- The most ended notifications in one event.
local AT_ONCE = 100

-- Removes what has ended, from the log too, and announces it; returns true if there was something.
local function expire(log, inbox, counts, how)
  if how.now < counts.first then return false end
  local expired, ended = false, nil
  repeat
    ended = redis.call('ZRANGEBYSCORE', inbox.ends, '-inf', how.now, 'LIMIT', 0, AT_ONCE)
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
    if #ids > 0 then
      local line = 'removed ' .. how.id .. ' ' .. string.format('%d', how.now) .. ' 0 '
      append_event(log, how, line .. '\n["notification:removed",{"ids":[' .. table.concat(ids, ',') .. ']', counts)
      expired = true
    end
  until #ended < AT_ONCE
  counts.first = tonumber(redis.call('ZRANGE', inbox.ends, 0, 0, 'WITHSCORES')[2] or NEVER)
  redis.call('HSET', inbox.lines, '#unread', counts.unread, '#unseen', counts.unseen, '#first', string.format('%d', counts.first))
  return expired
end
