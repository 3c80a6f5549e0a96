-- Written by ironpost: changes made here are undone by its next run.
--
-- App passwords for Dovecot (passdb lua). A passwd-file holds one hash an account; this looks through several, each for
-- one service, from some networks, until some day. What fits none of them is not refused here: NEXT hands it on to the
-- passwd-file, where main passwords are; with an empty word, without which Dovecot 2.3 takes NEXT for a failure of its
-- own. The file is read at each login, so that a revoked row is gone at once.

local TABLE = '/etc/dovecot/app-passwords'

-- An address as a string of bits; nil for what is none. An IPv4 address inside IPv6 is the IPv4 address.
local function number_bits(number, count)
  local bits = {}
  for at = count, 1, -1 do
    bits[at] = tostring(math.floor(number % 2))
    number = math.floor(number / 2)
  end
  return table.concat(bits)
end

local function ipv4_bits(address)
  local parts = {address:match('^(%d+)%.(%d+)%.(%d+)%.(%d+)$')}
  if #parts ~= 4 then return nil end
  for at, part in ipairs(parts) do
    parts[at] = number_bits(tonumber(part), 8)
  end
  return table.concat(parts)
end

local function groups_of(text)
  local groups = {}
  for group in text:gmatch('[^:]+') do
    groups[#groups + 1] = number_bits(tonumber(group, 16) or 0, 16)
  end
  return groups
end

local function bits_of(address)
  local inner = address:match('^::[fF][fF][fF][fF]:(%d+%.%d+%.%d+%.%d+)$')
  if inner or not address:find(':', 1, true) then return ipv4_bits(inner or address) end
  local left, right = address:match('^(.-)::(.*)$')
  local first, last = groups_of(left or address), groups_of(right or '')
  while left and #first + #last < 8 do
    first[#first + 1] = number_bits(0, 16)
  end
  for _, group in ipairs(last) do
    first[#first + 1] = group
  end
  return #first == 8 and table.concat(first) or nil
end

-- No network is named: from anywhere. Otherwise an address that is not known is in none of them.
local function comes_from(address, networks)
  if networks == '*' then return true end
  local bits = address and bits_of(address)
  if not bits then return false end
  for network, length in networks:gmatch('([^,/]+)/(%d+)') do
    local wanted = bits_of(network)
    if wanted and #wanted == #bits and wanted:sub(1, length) == bits:sub(1, length) then return true end
  end
  return false
end

-- Rows: address, service, networks, last day, name, hash; between them tabs.
local function rows_for(user, service, address)
  local rows = {}
  local file = io.open(TABLE)
  if not file then
    dovecot.i_error('ironpost: ' .. TABLE .. ' cannot be read; app passwords open nothing')
    return rows
  end
  local today = os.date('!%Y-%m-%d')
  for line in file:lines() do
    local owner, kind, networks, last, name, hash = line:match('^([^#\t]+)\t(%S+)\t(%S+)\t(%S+)\t([^\t]+)\t(%S+)$')
    if owner == user and kind == service and (last == '*' or today <= last) and comes_from(address, networks) then
      rows[#rows + 1] = {name = name, hash = hash}
    end
  end
  file:close()
  return rows
end

function auth_password_verify(request, password)
  -- Dovecot 2.3 says service and rip, 2.4 protocol and remote_ip.
  local service = request.protocol or request.service or ''
  local address = request.remote_ip or request.rip
  local visit = request.user .. ' for ' .. service .. ' from ' .. (address or 'nowhere')
  for _, row in ipairs(rows_for(request.user, service, address)) do
    if request:password_verify(row.hash, password) == 1 then
      dovecot.i_info('ironpost: app password "' .. row.name .. '" of ' .. visit)
      return dovecot.auth.PASSDB_RESULT_OK, {}
    end
  end
  dovecot.i_info('ironpost: main password of ' .. visit)
  return dovecot.auth.PASSDB_RESULT_NEXT, ''
end

-- Only whole passwords are judged here; there is nothing to look up in advance.
function auth_passdb_lookup(request)
  return dovecot.auth.PASSDB_RESULT_NEXT, ''
end

function script_init()
  return 0
end

function script_deinit()
end
