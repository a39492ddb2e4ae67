-- Reads a page of a scan: up to which key it has looked, or nothing if there is
-- no more, and then keys and values in turn.
local entries, index = KEYS[1], KEYS[2]
local call = redis.call
local from, to, command = ARGV[1], ARGV[2], 'ZRANGEBYLEX'
if ARGV[3] == 'reverse' then
  command = 'ZREVRANGEBYLEX'
end
local is_keys = ARGV[4] == 'keys'
local now_high, now_low = unpack_numbers('>I4I4', ARGV[5])
local entries_max, bytes_max, examined_max = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local missing = part_missing(entries, index)
if missing then
  return missing
end

-- Of values, scripts can only have the whole. This is how much of them one look
-- takes, and a page, if that is not what the page may hold: those of expired
-- entries and of scans of keys are not answered.
local look_max, read_max = 4 * 1048576, math.max(bytes_max, 64 * 1048576)

-- The first of these keys, as many as have values of no more than so many bytes
-- together, but one at least.
local function fitting(keys, bytes)
  local some = {}
  for place, key in ipairs(keys) do
    bytes = bytes - call('HSTRLEN', entries, key)
    if bytes < 0 and place > 1 then
      break
    end
    some[place] = key
  end
  return some
end

local page, count, bytes, examined, read = { '' }, 0, 0, 0, 0
-- Values may be large, so the first look is at a few.
local at_once = 4
while true do
  local wanted = math.min(at_once, entries_max - count, examined_max - examined)
  local keys = call(command, index, from, to, 'LIMIT', 0, wanted)
  if #keys == 0 then
    page[1] = ''
    return page
  end
  local is_last = #keys < wanted
  local left = look_max
  if not is_keys then
    left = math.min(left, bytes_max - bytes)
  end
  local found = #keys
  keys = fitting(keys, left)
  is_last = is_last and #keys == found
  local values = call('HMGET', entries, unpack(keys))
  local seen = 0
  for place, key in ipairs(keys) do
    local value = values[place]
    if not value then
      return redis.error_reply('STORAGE the index names an entry that is not there')
    end
    seen = seen + #value
    if is_live(value, now_high, now_low) then
      local header = value:byte(1) == 2 and 17 or 9
      if is_keys then
        value = value:sub(1, header)
      end
      -- Without the byte of the space, and the header.
      local size = #key - 1 + #value - header
      if count > 0 and bytes + size > bytes_max then
        return page
      end
      page[#page + 1], page[#page + 2] = key, value
      count, bytes = count + 1, bytes + size
    end
    examined, from, page[1] = examined + 1, '(' .. key, key
    if count >= entries_max or examined >= examined_max then
      return page
    end
  end
  read = read + seen
  if is_last then
    page[1] = ''
    return page
  end
  if read >= read_max then
    return page
  end
  -- As many as are likely to fit.
  local likely = math.ceil(left * #keys / (seen + 1))
  at_once = math.max(4, math.min(at_once * 4, likely, 4000))
end
