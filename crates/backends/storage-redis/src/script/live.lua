local unpack_numbers = struct.unpack

-- Refuses a store of which a part is missing, or is somebody else's: the first
-- and the last entry come and go together with the index. Says what to answer
-- then.
local function part_missing(entries, index)
  local hash, set = redis.call('TYPE', entries).ok, redis.call('TYPE', index).ok
  if hash == 'hash' and set == 'zset' or hash == 'none' and set == 'none' then
    return nil
  end
  if hash == 'none' or set == 'none' then
    local missing = hash == 'none' and entries or index
    return redis.error_reply('STORAGE ' .. missing .. ' is missing, as if the server had evicted it, '
      .. 'and not the rest of the store; delete all keys of the store if it is a cache, or restore it')
  end
  return redis.error_reply('STORAGE another application has written to the keys of the store')
end

-- Whether a stored value has all of its header.
local function is_whole(value)
  local kind = value:byte(1)
  return (kind == 1 and #value >= 9) or (kind == 2 and #value >= 17)
end

-- Whether a stored value has not expired. Its first byte says whether it can; an
-- expiry has eight bytes, behind those of the version.
local function is_live(value, now_high, now_low)
  -- One that is damaged is there, too: who reads it says so.
  if value:byte(1) ~= 2 or #value < 17 then
    return true
  end
  local high, low = unpack_numbers('>I4I4', value, 10)
  return high > now_high or (high == now_high and low > now_low)
end

