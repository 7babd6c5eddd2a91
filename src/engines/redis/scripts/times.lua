-- Times: the store keeps milliseconds since the epoch, and frames have RFC 3339 in UTC. Behind log.lua.


-- Days before the first of January 1970 in the proleptic Gregorian calendar, counted from the first of March of the year 0, where leap days end years.
lib.EPOCH, lib.ERA = 719468, 146097

-- A time as RFC 3339.
function lib.rfc3339(time)
  local floor = math.floor
  local day = floor(time / lib.DAY)
  local rest, from = time - day * lib.DAY, day + lib.EPOCH
  local era = floor(from / lib.ERA)
  local of_era = from - era * lib.ERA
  local year = floor((of_era - floor(of_era / 1460) + floor(of_era / 36524) - floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + floor(year / 4) - floor(year / 100))
  local march = floor((5 * of_year + 2) / 153)
  local month = march < 10 and march + 3 or march - 9
  return string.format(
    '%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year + era * 400 + (month <= 2 and 1 or 0), month,
    of_year - floor((153 * march + 2) / 5) + 1, floor(rest / 3600000), floor(rest / 60000) % 60, floor(rest / 1000) % 60, rest % 1000
  )
end

-- The milliseconds of a time that the store has written as RFC 3339.
function lib.milliseconds(text)
  local floor = math.floor
  local year, month, day, hour, minute, second, rest =
    string.match(text, '^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)%.(%d+)Z$')
  local march = (month + 9) % 12
  if month + 0 <= 2 then year = year - 1 end
  local era = floor(year / 400)
  local of_era = year - era * 400
  local of_year = floor((153 * march + 2) / 5) + day - 1
  local days = era * lib.ERA + of_era * 365 + floor(of_era / 4) - floor(of_era / 100) + of_year - lib.EPOCH
  return days * lib.DAY + hour * 3600000 + minute * 60000 + second * 1000 + rest
end
