--[[
  Gives notifications a state, or takes it away, and announces it if something changed.
  KEYS[1] base, see log.lua
  ARGV[1..8]            the envelope, as in log.lua
  ARGV[9] opening       "<event> <id> <createdAt> <expiresAt> <except>\n" and the packet, up to seq
  ARGV[10] state        seen, read or archived
  ARGV[11] at           milliseconds; "" to take it away
  ARGV[12] before       with all: only those that were not updated after this time, milliseconds; or ""
  ARGV[13..]            ids; none for all
  Returns {1 if something changed, unread, unseen, id of each that changed and has a webhook, ...}
]]
local lib = library()
local how = lib.envelope()
local user = lib.open(KEYS[1], how)
if not user then return {0, 0, 0} end
local state, flag, gives = ARGV[10], lib.FLAG[ARGV[10]], ARGV[11] ~= ''
local none = '\0\0\0\0\0\0'
local bytes = gives and struct.pack('>I6', tonumber(ARGV[11])) or none
local with_webhook, changed = {}, false

local function note_webhook(entry)
  local words = lib.words_of(entry)
  if words[lib.WORD.WEBHOOK] ~= '-' then with_webhook[#with_webhook + 1] = words[lib.WORD.ID] end
end

-- The flags with the state, or without it.
local function marked(flags)
  if (bit.band(flags, flag) ~= 0) == gives or bit.band(flags, lib.FLAG.gone) ~= 0 then return flags end
  return gives and flags + flag or flags - flag
end

-- Marks those with the ids from this argument on.
local function mark_some(first)
  local known, done = lib.string_of(user, 'flags'), {}
  for index = first, #ARGV do
    local at, entry = lib.find(user, ARGV[index])
    local before = at and (done[at] or string.byte(known, at + 1) or 0)
    if at and marked(before) ~= before then
      changed, done[at] = true, marked(before)
      lib.count(user, before, -1)
      lib.count(user, marked(before), 1)
      if bit.band(before, lib.FLAG.waits) ~= 0 then note_webhook(entry) end
    end
  end
  local from = user.front - user.origin
  for at, flags in pairs(done) do
    redis.call('SETRANGE', user.base .. ':flags', from + at, string.char(flags))
    redis.call('SETRANGE', user.base .. ':' .. state, (from + at) * lib.TIME, bytes)
  end
  for _, name in ipairs({'flags', state}) do redis.call('PEXPIRE', user.base .. ':' .. name, user.lifetime, 'NX') end
end

local function mark_all()
  local size = user.items + user.holes
  if ARGV[12] ~= '' then size = lib.first_above(user, tonumber(ARGV[12]), 7) end
  if size == 0 then return end
  local known = string.sub(lib.string_of(user, 'flags'), 1, size)
  known = known .. string.rep('\0', size - #known)
  -- How many there are of each, and what becomes of it: mostly there are only a few different ones.
  local amounts, becomes = {}, {}
  local flags = string.gsub(known, '.', setmetatable({}, {
    __index = function(replacements, byte)
      local before = string.byte(byte)
      amounts[before] = select(2, string.gsub(known, lib.escaped(byte), ''))
      becomes[before] = marked(before)
      replacements[byte] = string.char(marked(before))
      return replacements[byte]
    end
  }))
  for before, after in pairs(becomes) do
    local unread, unseen = lib.weight(before)
    local unread_after, unseen_after = lib.weight(after)
    user.unread = user.unread + amounts[before] * (unread_after - unread)
    user.unseen = user.unseen + amounts[before] * (unseen_after - unseen)
    changed = changed or before ~= after
  end
  if not changed then return end
  lib.write(user, 'flags', 0, flags)
  local times = string.sub(lib.string_of(user, state), 1, size * 6)
  if gives then
    -- A state that is there keeps its time.
    times = string.gsub(times .. string.rep('\0', size * 6 - #times), '......', {[none] = bytes})
  else
    times = string.rep('\0', #times)
  end
  if times ~= '' then lib.write(user, state, 0, times) end
  -- Only the flags above the states and the gone say that somebody waits.
  for place in string.gmatch(known, '()[^%z\1-\15]') do
    local before = string.byte(known, place)
    if bit.band(before, lib.FLAG.waits) ~= 0 and marked(before) ~= before then
      note_webhook(redis.call('LINDEX', user.list, place - 1))
    end
  end
end

if #ARGV < 13 then mark_all() else mark_some(13) end
if changed then lib.append_event(user, how, ARGV[9], lib.counts_tail(user)) end
lib.close(user)
return {changed and 1 or 0, user.unread, user.unseen, unpack(with_webhook)}
