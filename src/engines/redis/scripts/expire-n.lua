--[[
  Removes from one inbox what has ended, and announces it.
  KEYS[1] base, see log.lua
  ARGV[1..8]            the envelope, as in log.lua
  Returns the end of the next one, in milliseconds as text; "" for never
]]
local lib = library()
local how = lib.envelope()
local user = lib.open(KEYS[1], how)
if not user then return '' end
lib.close(user)
return user.first >= lib.NEVER and '' or lib.int(user.first)
