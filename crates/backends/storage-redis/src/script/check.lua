-- Looks at some entries for those that the index does not name: says where to go
-- on, and the keys found.
local entries, index = KEYS[1], KEYS[2]
local step = redis.call('HSCAN', entries, ARGV[1], 'COUNT', 16)
local found = { step[1] }
for place = 1, #step[2], 2 do
  local key = step[2][place]
  if not redis.call('ZSCORE', index, key) then
    found[#found + 1] = key
  end
end
return found
