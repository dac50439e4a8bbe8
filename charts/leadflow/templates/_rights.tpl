{{/* What the operator may do in a namespace. In the whole cluster it is the same: who watches less is granted less. */}}
{{- define "leadflow.operator.rights" -}}
# The rules, and what became of them.
- apiGroups: [leadflow.dev]
  resources: [exchanges, leadsources, agents, buyers, leadendpoints, routingpolicies]
  verbs: [get, list, watch]
- apiGroups: [leadflow.dev]
  resources:
    - exchanges/status
    - leadsources/status
    - agents/status
    - buyers/status
    - leadendpoints/status
    - routingpolicies/status
  verbs: [patch]
# What an Exchange consists of.
- apiGroups: [""]
  resources: [services, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments, statefulsets, controllerrevisions]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [ingresses, networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [get, list, watch, create, patch, delete]
# Whether the Secrets that rules name are there: each is listed and watched by its name. Granted, by name.
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch]
# Which rules the pods run (list, watch), and who leads. The rest is granted.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, watch, create, patch, update, delete]
# Granted to routers, too.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* Whether the kinds are served, and since which release. Definitions belong to no namespace: these six can be read by name, and no others. */}}
{{- define "leadflow.operator.definitions" -}}
# Whether the kinds are served.
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  resourceNames:
    - exchanges.leadflow.dev
    - leadsources.leadflow.dev
    - agents.leadflow.dev
    - buyers.leadflow.dev
    - leadendpoints.leadflow.dev
    - routingpolicies.leadflow.dev
  verbs: [get]
{{- end }}
