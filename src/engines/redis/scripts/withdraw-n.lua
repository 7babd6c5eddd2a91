--[[
  Removes one notification from the inbox and the log, and announces it.
  KEYS[1] base, see log.lua
  ARGV[1..8]            the envelope, as in log.lua
  ARGV[9] opening       "<event> <id> <createdAt> <expiresAt> <except>\n"
  ARGV[10] id
  ARGV[11] tag          the same as a word
  Returns {id, 1 if it has a webhook}, or {} if there is none
]]
local lib = library()
local how = lib.envelope()
local user = lib.open(KEYS[1], how)
if not user then return {} end
local at, entry = lib.find(user, ARGV[10], ARGV[11])
local result = {}
if at then
  local words = lib.words_of(entry)
  lib.drop(user, at, words)
  lib.tidy(user)
  lib.append_event(user, how, ARGV[9] .. '["notification:removed",{"ids":["' .. words[lib.WORD.ID] .. '"]', lib.counts_tail(user))
  result = {words[lib.WORD.ID], words[lib.WORD.WEBHOOK] == '-' and 0 or 1}
end
lib.close(user)
return result
