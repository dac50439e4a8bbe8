-- What Argo CD shows for the kinds of leadflow.dev: one check for all of them, since all have the same conditions.
-- Suspended   somebody has paused the object, and all else is well
-- Degraded    time won't mend it (Stalled)
-- Progressing not looked at yet, or not ready yet
-- Healthy     Ready
local health = {status = "Progressing", message = "waiting for the operator to look at it"}

local status = obj.status
if status == nil or status.observedGeneration == nil or status.conditions == nil then
  return health
end
if status.observedGeneration ~= obj.metadata.generation then
  health.message = "waiting for the operator to look at generation " .. tostring(obj.metadata.generation)
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end

local function is(kind, value)
  return conditions[kind] ~= nil and conditions[kind].status == value
end

local function say(state, kind)
  health.status = state
  health.message = conditions[kind].reason .. ": " .. (conditions[kind].message or "")
  return health
end

if is("Stalled", "True") then
  return say("Degraded", "Stalled")
end
if is("Ready", "True") then
  local spec = obj.spec or {}
  if spec.paused == true or spec.circuit == "Paused" then
    health.status = "Suspended"
    health.message = "paused"
    return health
  end
  return say("Healthy", "Ready")
end
if conditions["Ready"] ~= nil then
  return say("Progressing", "Ready")
end
return health
