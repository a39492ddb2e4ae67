-- Judges and applies a group of commits, in order. What it answers it also notes
-- under the name of the session, with the number of its attempt.
--
-- No write fails once one has succeeded, but for rights that were taken away:
-- Redis looks for memory and disk before the first write of a script only, and
-- what other applications have damaged is found before. So that no number is
-- given twice even then, the last one is noted with the first write.
local entries, index, meta, notes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local call = redis.call
local session, attempt, store, ranges_max = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[6])
local now_high, now_low = unpack_numbers('>I4I4', ARGV[5])
local members = tonumber(ARGV[7])
local at = 8

local header = call('HMGET', meta, 'store', 'last')
if header[1] ~= store then
  return redis.error_reply('STORAGE the store is not there any more')
end
local missing = part_missing(entries, index)
if missing then
  return missing
end
if not tonumber(header[2]) then
  return redis.error_reply('STORAGE the header of the store is damaged')
end
local notes_type = call('TYPE', notes).ok
if notes_type ~= 'hash' and notes_type ~= 'none' then
  return redis.error_reply('STORAGE another application has written to the keys of the store')
end
-- After a failover, or with what a copy reserves, the server may lag behind.
local last = math.max(tonumber(header[2]), tonumber(ARGV[4]))
local first = last + 1
local is_noted = false
local refused = {}

local function number_bytes(number)
  return struct.pack('>I4I4', math.floor(number / 4294967296), number % 4294967296)
end

-- What tells the values of a commit from all others of their keys. Its number
-- alone does not: a server that has lost its last commits gives it again.
local function version_bytes(number)
  local digest = redis.sha1hex(string.format('%s %.0f', session, number))
  return struct.pack('>I4I4', tonumber(digest:sub(1, 8), 16), tonumber(digest:sub(9, 16), 16))
end

-- Notes all numbers of the group. A put does so first, since Redis looks for
-- memory then; a delete is to be done on a server that is full, and notes behind
-- its own first write, which cannot fail.
local function note_numbers()
  if not is_noted then
    is_noted = true
    call('HSET', meta, 'last', string.format('%.0f', first + members - 1))
  end
end

-- Whether a guard holds; nothing if the value is damaged.
local function holds(kind, key, version)
  local value = call('HGET', entries, key)
  if value and not is_whole(value) then
    return nil
  end
  local is_there = value and is_live(value, now_high, now_low)
  if kind == 'a' then
    return not is_there
  end
  return is_there and (kind == 'p' or value:sub(2, 9) == version)
end

-- While a slot is on its way to another node, a key of it that is gone is looked
-- for there, and the script fails in the middle. So neither entries nor index may
-- be gone before the script is done: an entry of no key keeps the place of the
-- last one.
local is_kept = false
local function keep_keys()
  if is_kept or call('HLEN', entries) ~= 1 then
    return
  end
  is_kept = true
  -- Deletes nothing, but is a write for which Redis does not look for memory, and
  -- so does not for those that follow.
  call('HDEL', entries, '')
  note_numbers()
  call('HSET', entries, '', '')
  call('ZADD', index, 0, '')
end

local function put(key, value)
  note_numbers()
  if call('HSET', entries, key, value) == 1 then
    call('ZADD', index, 0, key)
  end
end

local function delete(key)
  keep_keys()
  local deleted = call('HDEL', entries, key)
  note_numbers()
  if deleted == 1 then
    call('ZREM', index, key)
  end
end

local function delete_range(from, to)
  local at_once = 4000
  repeat
    local keys = call('ZRANGEBYLEX', index, from, to, 'LIMIT', 0, at_once)
    if #keys > 0 then
      call('HDEL', entries, unpack(keys))
      note_numbers()
      call('ZREM', index, unpack(keys))
    end
  until #keys < at_once
end

-- The arguments of each kind of mutation, its letter among them.
local lengths = { P = 3, E = 4, D = 2, S = 4, T = 5, R = 3 }

-- How many entries the ranges of a member hold.
local function in_ranges(from, to)
  local count = 0
  while from < to do
    if ARGV[from] == 'R' then
      count = count + call('ZLEXCOUNT', index, ARGV[from + 1], ARGV[from + 2])
    end
    from = from + lengths[ARGV[from]]
  end
  return count
end

local function apply(from, to, number)
  local version, sequence = version_bytes(number), number_bytes(number)
  while from < to do
    local kind, one, two, three, four = ARGV[from], ARGV[from + 1], ARGV[from + 2], ARGV[from + 3], ARGV[from + 4]
    if kind == 'P' then
      put(one, '\1' .. version .. two)
    elseif kind == 'E' then
      put(one, '\2' .. version .. two .. three)
    elseif kind == 'D' then
      delete(one)
    elseif kind == 'S' then
      put(one .. sequence .. two, '\1' .. version .. three)
    elseif kind == 'T' then
      put(one .. sequence .. two, '\2' .. version .. three .. four)
    else
      delete_range(one, two)
    end
    from = from + lengths[kind]
  end
end

for member = 0, members - 1 do
  last = last + 1
  local guards, ranges, length = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  at = at + 3
  -- What kept it from being applied: a guard, a D and the guard whose value is
  -- damaged, or one more than how many entries its ranges hold, negative.
  local reason = nil
  for guard = 0, guards - 1 do
    if not reason then
      local does_hold = holds(ARGV[at], ARGV[at + 1], ARGV[at + 2])
      if does_hold == nil then
        reason = 'D' .. guard
      elseif not does_hold then
        reason = tostring(guard)
      end
    end
    at = at + 3
  end
  if not reason and ranges > 0 then
    local count = in_ranges(at, at + length)
    if count > ranges_max then
      reason = string.format('%.0f', -1 - count)
    end
  end
  if reason then
    refused[#refused + 1] = ' ' .. member .. ' ' .. reason
  else
    apply(at, at + length, last)
  end
  at = at + length
end

local answer = string.format('%s %s %.0f', attempt, call('TIME')[1], first) .. table.concat(refused)
note_numbers()
call('HSET', notes, session, answer)
if is_kept then
  call('HDEL', entries, '')
  call('ZREM', index, '')
end
return answer
